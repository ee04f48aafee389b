//! Limits on what is taken from outside, each with the reason for its value.

use crate::time::Span;

/// Least side of a frame, pixels: under this no joint can be told from another.
pub const LEAST_FRAME_SIDE: u32 = 16;

/// Greatest side of a frame, pixels: 16K video. Larger headers are damage or an attempt to exhaust
/// memory.
pub const GREATEST_FRAME_SIDE: u32 = 16_384;

/// Shortest clip that music is made for: one 4/4 bar at 120 beats a minute.
pub const LEAST_CLIP: Span = Span::from_seconds(2.0);

/// What times in files are rounded to, at the coarsest: lengths that differ by less are the same.
const ROUNDING: Span = Span::from_seconds(1e-3);

/// Whether a clip is shorter than [`LEAST_CLIP`]; so is one whose length is not a number.
pub fn is_too_short(length: Span) -> bool {
    falls_short(length, LEAST_CLIP)
}

/// Whether a person is seen for less than [`LEAST_PERSON`].
pub fn is_too_brief(seen: Span) -> bool {
    falls_short(seen, LEAST_PERSON)
}

fn falls_short(length: Span, least: Span) -> bool {
    length.seconds().is_nan() || length + ROUNDING < least
}

/// Longest media whose announced length is believed: a day. More is damage, and the length is then
/// found by reading.
pub const LONGEST_MEDIA: Span = Span::from_seconds(86_400.0);

/// Largest file without an announced length that is read through to find it when it is opened,
/// bytes: a fraction of a second. The length of larger ones is known once they have been read for
/// analysis, which can be cancelled.
pub const COUNTED_AT_OPENING: u64 = 64 << 20;

/// How far the end asked for may lie behind the media's: announced lengths are rounded, and users
/// round too.
pub const END_SLACK: Span = Span::from_seconds(0.1);

/// Shortest time that a person must be seen, for the same reason.
pub const LEAST_PERSON: Span = Span::from_seconds(2.0);

/// Longest gap in a joint's track that is bridged; beyond, the joint is marked as missing.
pub const LONGEST_BRIDGE: Span = Span::from_seconds(0.3);

/// Largest file saved between stages that is read, bytes: some hours of poses.
pub const LARGEST_SAVED_FILE: u64 = 1 << 30;

/// Largest SoundFont that is loaded, bytes: it is held in memory, and those of 1 GB are the largest
/// in use.
pub const LARGEST_SOUND_FONT: u64 = 2 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_is_rounded_is_not_too_short() {
        for (seconds, short) in [
            (2.0, false),
            (1.999_999_999, false),
            (1.9995, false),
            (1.99, true),
            (f64::NAN, true),
        ] {
            assert_eq!(is_too_short(Span::from_seconds(seconds)), short, "{seconds}");
            assert_eq!(is_too_brief(Span::from_seconds(seconds)), short, "{seconds}");
        }
    }
}
