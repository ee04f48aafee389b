//! Limits on what is taken from outside, each with the reason for its value.

use crate::time::Span;

/// Least side of a frame, pixels: under this no joint can be told from another.
pub const LEAST_FRAME_SIDE: u32 = 16;

/// Greatest side of a frame, pixels: 16K video. Larger headers are damage or an attempt to exhaust memory.
pub const GREATEST_FRAME_SIDE: u32 = 16_384;

/// Shortest clip that music is made for: one 4/4 bar at 120 beats a minute.
pub const LEAST_CLIP: Span = Span::from_seconds(2.0);

/// Tempi that can be asked for, and that MIDI files have, beats a minute: slower beats are heard
/// one by one, faster ones as halves of others.
pub const ASKED_TEMPI: std::ops::RangeInclusive<f64> = 40.0..=240.0;

/// How far the end asked for may lie behind the media's: announced lengths are rounded, and users round too.
pub const END_SLACK: Span = Span::from_seconds(0.1);

/// Shortest time that a person must be seen, for the same reason.
pub const LEAST_PERSON: Span = Span::from_seconds(2.0);

/// Longest gap in a joint's track that is bridged; beyond, the joint is marked as missing.
pub const LONGEST_BRIDGE: Span = Span::from_seconds(0.3);

/// Largest file saved between stages that is read, bytes: some hours of poses.
pub const LARGEST_SAVED_FILE: u64 = 1 << 30;

/// Largest SoundFont that is loaded, bytes: it is held in memory, and those of 1 GB are the largest in use.
pub const LARGEST_SOUND_FONT: u64 = 2 << 30;
