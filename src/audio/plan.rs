//! The synthesiser's input for a span, by frames.

use super::store::Key;

/// An input of the synthesiser, in the order in which inputs of one frame are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    Off {
        channel: u8,
        key: u8,
    },
    On {
        channel: u8,
        key: u8,
        velocity: u8,
        /// Which of its variants the note sounds like.
        variant: u8,
    },
    /// A note of a later span cuts off the notes of an exclusive class.
    Choke {
        channel: u8,
        class: i16,
    },
}

impl Event {
    pub(super) fn numbers(self) -> [u8; 5] {
        match self {
            Self::Off { channel, key } => [0, channel, key, 0, 0],
            Self::On {
                channel,
                key,
                velocity,
                variant,
            } => [1, channel, key, velocity, variant],
            Self::Choke { channel, class } => {
                let [low, high] = class.to_le_bytes();
                [2, channel, low, high, 0]
            }
        }
    }
}

/// The notes of a part that begin in one span.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpanPlan {
    /// Number of the span on the media's timeline: it begins at this number times the length of a
    /// span.
    pub index: i64,
    /// The events, by frames from the span's start.
    pub events: Vec<(usize, Event)>,
    /// Hash that identifies the sound of the span.
    pub key: Key,
}
