//! Limits on input from outside, each with the reason for its value.

use crate::shown;
use crate::time::{FLICKS_PER_SECOND, Instant, Span};
use std::fmt;

/// Minimum side of a frame, pixels: below this, joints cannot be distinguished.
pub const LEAST_FRAME_SIDE: u32 = 16;

/// Maximum side of a frame, pixels: 16K video. A header with larger sides is damaged, or an attempt
/// to exhaust memory.
pub const GREATEST_FRAME_SIDE: u32 = 16_384;

/// Shortest clip that gets a soundtrack: one 4/4 bar at 120 beats per minute.
pub const LEAST_CLIP: Span = Span::from_seconds(2.0);

/// The coarsest rounding of times in files: lengths that differ by less count as equal.
const ROUNDING: Span = Span::from_seconds(1e-3);

/// Whether a clip is shorter than [`LEAST_CLIP`]. Also true if its length is not a number.
pub fn is_too_short(length: Span) -> bool {
    falls_short(length, LEAST_CLIP)
}

/// Whether a person is seen for less than [`LEAST_PERSON`], apart from the time in which they were
/// there and not yet found.
pub fn is_too_brief(seen: Span) -> bool {
    falls_short(seen + FOUND_AFTER, LEAST_PERSON)
}

fn falls_short(length: Span, least: Span) -> bool {
    length.seconds().is_nan() || length + ROUNDING < least
}

/// Largest file, in bytes, that is read through on opening if it does not announce its length; this
/// takes a fraction of a second. The length of a larger one is known once it has been read for
/// analysis, which can be cancelled.
pub const COUNTED_AT_OPENING: u64 = 64 << 20;

/// Tempi that can be requested, and that MIDI files use, beats per minute: slower beats are heard
/// as single events, faster ones as subdivisions of others.
pub const ASKED_TEMPI: Allowed<f64> = Allowed::new(40.0, 240.0, " beats a minute");

/// How far the requested end may lie beyond the media's: announced lengths are rounded, and so are
/// times that users type.
pub const END_SLACK: Span = Span::from_seconds(0.1);

/// Shortest time for which a person must be seen; the reason is that of [`LEAST_CLIP`].
pub const LEAST_PERSON: Span = Span::from_seconds(2.0);

/// Time between two looks for people while nobody is followed: whoever enters the picture is found
/// up to so much later.
pub const FOUND_AFTER: Span = Span::from_seconds(0.1);

/// Longest gap in a joint's track that is interpolated; in a longer one the joint is marked as
/// missing.
pub const LONGEST_BRIDGE: Span = Span::from_seconds(0.3);

/// Largest file saved between stages that is read, bytes: some hours of poses.
pub const LARGEST_SAVED_FILE: u64 = 1 << 30;

/// Largest SoundFont that is loaded, bytes: it is held in memory, and those of 1 GB are the largest
/// in use.
pub const LARGEST_SOUND_FONT: u64 = 2 << 30;

/// Longest clip, and longest score: a day. Greater times are damaged or not in seconds. A greater
/// announced length is ignored, and the length is found by reading.
pub const LONGEST_CLIP: Span = Span::from_seconds(86_400.0);

/// Latest start on the media: about eleven days, since a day may be played at a tenth of its speed.
pub const LATEST_START: Instant = Instant::from_seconds(1e6);

/// Pixel aspect ratio of pushed frames: beyond that of any video format, it is a mistake.
pub const PIXEL_ASPECTS: Allowed<f64> = Allowed::new(0.1, 10.0, "");

// Limits of saved stages. What a program writes lies well within them; a file that exceeds them was
// damaged or edited by mistake.

/// Longest stretch of a clip without a pose, a beat or a value, and longest part after the last
/// one. A still frame of a video with a variable frame rate lasts no longer than this. It keeps the
/// memory used in proportion to what a file contains, not to what it announces.
pub const LONGEST_GAP: Span = Span::from_seconds(60.0);

/// Time from one pose to the next, seconds: times are saved in microseconds, and two poses must not
/// get the same one.
pub const POSE_GAPS: Allowed<f64> = Allowed::new(2e-6, LONGEST_GAP.seconds(), " s");

/// How far before a clip's start or after its end a time may lie: beats are fitted to a grid, and
/// users round.
pub const EDGE: Span = Span::from_seconds(1.0);

/// Times within a clip whose length is not known.
pub const TIMES: Allowed<f64> = Allowed::new(-EDGE.seconds(), LONGEST_CLIP.seconds() + EDGE.seconds(), " s");

/// Length of a saved clip, seconds. The minimum is [`LEAST_CLIP`] minus the rounding of lengths.
pub const CLIP_LENGTHS: Allowed<f64> =
    Allowed::new(LEAST_CLIP.seconds() - END_SLACK.seconds(), LONGEST_CLIP.seconds(), " s");

/// Start of a clip on its media, seconds.
pub const CLIP_STARTS: Allowed<f64> = Allowed::new(0.0, LATEST_START.seconds(), " s");

/// Start or end of a cut on its media.
pub const CUTS: Allowed<i64> = Allowed::new(0, LATEST_START.seconds() as i64 * FLICKS_PER_SECOND, " flicks");

/// Side of a saved clip's picture, pixels.
pub const FRAME_SIDES: Allowed<u32> = Allowed::new(LEAST_FRAME_SIDE, GREATEST_FRAME_SIDE, " pixels");

/// Mean frames per second; 0 if unknown.
pub const FRAME_RATES: Allowed<f64> = Allowed::new(0.0, 1e6, "");

/// Number of people followed in a clip.
pub const PEOPLE: Allowed<usize> = Allowed::new(0, 10_000, "");

/// Position of a joint, pixels from the picture's edge: joints are also found a little outside the
/// picture.
pub const JOINT_PLACES: Allowed<f64> = Allowed::new(-1e6, 1e6, " pixels");

/// Confidences, probabilities and shares.
pub const SHARES: Allowed<f64> = Allowed::new(0.0, 1.0, "");

/// Strengths of accents, and velocities of hits and notes: none is 0, since a silent one does not
/// exist.
pub const STRENGTHS: Allowed<f64> = Allowed::above(0.0, 1.0, "");

/// How far from its step a hit or a note is played, steps. Half a step late is excluded: it is half
/// a step before the next.
pub const OFFSETS: Allowed<f64> = Allowed::under(-0.5, 0.5, " steps");

/// Tempi, beats per minute: from a quarter of the slowest that can be requested to two and a half
/// times the fastest.
pub const TEMPI: Allowed<f64> = Allowed::new(10.0, 600.0, " beats a minute");

/// Time from one beat to the next, seconds: that of [`TEMPI`], widened by a thousandth for
/// rounding.
pub const BEAT_SPANS: Allowed<f64> = Allowed::new(0.0999, 6.006, " s");

/// Beats in a bar of a rhythm.
pub const BEATS_PER_BAR: Allowed<u8> = Allowed::new(3, 4, "");

/// Values per second of a curve.
pub const CURVE_RATES: Allowed<f64> = Allowed::new(1.0, 1000.0, " Hz");

/// How strongly a body moves, torso lengths per second summed over the joints.
pub const MOVEMENTS: Allowed<f64> = Allowed::new(0.0, 1e9, " torso lengths a second");

/// Steps of a grid whose beats are not known: as many as [`LONGEST_CLIP`] has at the fastest of
/// [`TEMPI`].
pub const STEPS: Allowed<i32> = Allowed::new(-3_456_000, 3_456_000, "");

/// Pitch classes: 0 is C, 11 is B.
pub const PITCH_CLASSES: Allowed<u8> = Allowed::new(0, 11, "");

/// Length of a note on the grid, thirty-second notes.
pub const NOTE_LENGTHS: Allowed<u8> = Allowed::new(1, 64, " thirty-second notes");

/// MIDI's pitches, programs and other seven-bit values.
pub const SEVEN_BITS: Allowed<u8> = Allowed::new(0, 127, "");

/// Velocities of a score's notes. MIDI reads 0 as the end of a note.
pub const MIDI_VELOCITIES: Allowed<u8> = Allowed::new(1, 127, "");

/// MIDI's channels, counted from 0.
pub const CHANNELS: Allowed<u8> = Allowed::new(0, 15, "");

/// Banks of a SoundFont: 128 holds the drum kits.
pub const BANKS: Allowed<u16> = Allowed::new(0, 128, "");

/// Stereo position of a part: -1 is left, 1 is right.
pub const PANS: Allowed<f64> = Allowed::new(-1.0, 1.0, "");

/// Quarter notes in a bar of a score. A pick-up bar has fewer than a whole bar.
pub const BAR_LENGTHS: Allowed<u8> = Allowed::new(1, 16, " beats");

/// Tempi between two points of a score's tempo map, beats a minute: those that MIDI's whole
/// microseconds a beat can hold.
pub const MAP_TEMPI: Allowed<f64> = Allowed::new(1.0, 6e7, " beats a minute");

/// Latest tick of a score: that of [`LONGEST_CLIP`] at the fastest of [`TEMPI`], played four times
/// as fast.
pub const TICKS: Allowed<u32> = Allowed::new(0, 1_658_880_000, "");

// Limits of marks, which people write, or an editor's markers.

/// Time of a mark on its media, seconds.
pub const MARK_TIMES: Allowed<f64> = CLIP_STARTS;

/// Number of marks of each kind: more than anybody makes, and few enough to be compared with each
/// other.
pub const MOST_MARKS: Allowed<usize> = Allowed::new(0, 10_000, "");

/// Largest file of marks that is read, bytes: one with [`MOST_MARKS`] of each kind has four million.
pub const LARGEST_MARKS_FILE: u64 = 16 << 20;

/// Time from one fixed beat to the next, seconds: nearer ones would be faster than [`TEMPI`].
pub const BEAT_GAPS: Allowed<f64> = Allowed::new(0.1, MARK_TIMES.most(), " s");

/// Time from one hit to the next, seconds: nearer ones are heard as one.
pub const HIT_GAPS: Allowed<f64> = Allowed::new(0.05, MARK_TIMES.most(), " s");

/// Length of a silence, seconds: a shorter one is not heard.
pub const SILENCES: Allowed<f64> = Allowed::new(0.05, MARK_TIMES.most(), " s");

/// Characters of a label.
pub const LONGEST_LABEL: usize = 80;

/// The values that a number may have, and its unit, as given in messages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowed<T> {
    least: T,
    most: T,
    ends: Ends,
    unit: &'static str,
}

/// Which ends of a range belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    NotLeast,
    NotMost,
}

impl<T: Copy> Allowed<T> {
    /// From `least` to `most`, both included. `unit` is appended to values verbatim and includes
    /// the leading space.
    pub const fn new(least: T, most: T, unit: &'static str) -> Self {
        Self {
            least,
            most,
            ends: Ends::Both,
            unit,
        }
    }

    /// Above `least`, up to and including `most`.
    pub const fn above(least: T, most: T, unit: &'static str) -> Self {
        Self {
            ends: Ends::NotLeast,
            ..Self::new(least, most, unit)
        }
    }

    /// From `least`, included, to below `most`.
    pub const fn under(least: T, most: T, unit: &'static str) -> Self {
        Self {
            ends: Ends::NotMost,
            ..Self::new(least, most, unit)
        }
    }

    /// The lower end.
    pub const fn least(&self) -> T {
        self.least
    }

    /// The upper end.
    pub const fn most(&self) -> T {
        self.most
    }
}

impl<T: Copy + PartialOrd + fmt::Display + fmt::LowerExp> Allowed<T> {
    /// Whether a value is allowed; NaN never is.
    pub fn holds(&self, value: T) -> bool {
        match self.ends {
            Ends::Both => value >= self.least && value <= self.most,
            Ends::NotLeast => value > self.least && value <= self.most,
            Ends::NotMost => value >= self.least && value < self.most,
        }
    }

    /// Refuses a value that is not allowed, with a sentence that gives the field's name, the value
    /// and the range.
    ///
    /// # Errors
    /// The sentence of [`check`](Self::check).
    pub fn check(&self, field: impl fmt::Display, value: T) -> Result<(), String> {
        if self.holds(value) {
            return Ok(());
        }
        Err(format!(
            "{field} is {}{}; expected {self}",
            shown::number(value),
            self.unit
        ))
    }
}

/// In words: `0 to 15`, `above 0 to 1`, `-0.5 to below 0.5 steps`.
impl<T: fmt::Display> fmt::Display for Allowed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most, unit) = (&self.least, &self.most, self.unit);
        match self.ends {
            Ends::Both => write!(f, "{least} to {most}{unit}"),
            Ends::NotLeast => write!(f, "above {least} to {most}{unit}"),
            Ends::NotMost => write!(f, "{least} to below {most}{unit}"),
        }
    }
}

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
            let seen = Span::from_seconds(seconds) - FOUND_AFTER;
            assert_eq!(is_too_brief(seen), short, "{seconds}");
        }
    }

    #[test]
    fn a_range_includes_its_ends_as_declared() {
        let (both, above, under) = (
            Allowed::new(0.0, 1.0, " s"),
            Allowed::above(0.0, 1.0, ""),
            Allowed::under(0.0, 1.0, ""),
        );
        assert!(both.holds(0.0) && both.holds(1.0) && !both.holds(1.1) && !both.holds(-0.1));
        assert!(!above.holds(0.0) && above.holds(1.0));
        assert!(under.holds(0.0) && !under.holds(1.0));
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(
                !both.holds(wrong) && !above.holds(wrong) && !under.holds(wrong),
                "{wrong}"
            );
        }
        assert_eq!(
            both.check("clip.start", 1.5),
            Err("clip.start is 1.5 s; expected 0 to 1 s".to_owned())
        );
        assert_eq!(
            both.check("clip.start", 1e300),
            Err("clip.start is 1e300 s; expected 0 to 1 s".to_owned())
        );
        assert_eq!(above.to_string(), "above 0 to 1");
        assert_eq!(under.to_string(), "0 to below 1");
        assert_eq!(SEVEN_BITS.check("pitch", 127), Ok(()));
    }

    #[test]
    fn limits_that_follow_from_others_agree_with_them() {
        let fastest = 60.0 / TEMPI.most();
        assert!((BEAT_SPANS.least() - fastest).abs() < 0.002 * fastest && BEAT_SPANS.least() < fastest);
        let slowest = 60.0 / TEMPI.least();
        assert!((BEAT_SPANS.most() - slowest).abs() < 0.002 * slowest && BEAT_SPANS.most() > slowest);
        let beats = LONGEST_CLIP.seconds() / 60.0 * TEMPI.most();
        assert_eq!(f64::from(STEPS.most()), 4.0 * beats);
        assert_eq!(f64::from(TICKS.most()), 4.0 * 480.0 * beats);
    }
}
