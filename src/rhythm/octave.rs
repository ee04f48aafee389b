//! Which octave of a tempo the music should have.
//!
//! Neither the network nor the lock distinguishes a tempo from its double with any certainty: a
//! movement that repeats every beat also repeats every two. A viewer perceives whether the grid is
//! as fine as the movement. Where the body stops more often than there are beats, at a tempo slower
//! than people tap, the beats are too slow; where it stops only every third beat, at a tempo faster
//! than people tap, they are too fast.

use super::accents::{Accent, AccentKind};
use super::holds::Hold;
use crate::settings::RhythmSettings;
use crate::time::{Span, Tempo};

/// Tempi below which the beats may be too slow, and above which they may be too fast, beats a
/// minute: the tempi that people tap lie between (see
/// [`tapping_preference`](super::lock::tapping_preference)).
const SLOW: f64 = 75.0;
const FAST: f64 = 160.0;

/// Impacts a beat while the body moves, above which slow beats are too slow and below which fast
/// ones are too fast.
const MANY: f64 = 1.2;
const FEW: f64 = 0.35;

/// With fewer impacts, the octave cannot be judged.
const LEAST_IMPACTS: usize = 4;

/// How far from the exact octave a tempo found there may lie, as a share.
const NEAR: f64 = 0.06;

/// Impacts a second while the body moves; `None` where there are too few.
pub(super) fn density(accents: &[Accent], holds: &[Hold], duration: Span) -> Option<f64> {
    let impacts = accents
        .iter()
        .filter(|accent| accent.kind == AccentKind::Impact)
        .count();
    let held: f64 = holds.iter().map(|hold| (hold.to - hold.from).seconds()).sum();
    let moving = duration.seconds() - held;
    (impacts >= LEAST_IMPACTS && moving > 0.0).then(|| impacts as f64 / moving)
}

/// The settings for a second search when the beats are in the wrong octave: only the tempi near the
/// right one. `None` where the octave is right, or the user allows no other.
pub(super) fn other(found: Tempo, density: f64, settings: &RhythmSettings) -> Option<RhythmSettings> {
    let a_beat = density * found.beat_span().seconds();
    let factor = match found.bpm() {
        bpm if bpm < SLOW && a_beat > MANY => 2.0,
        bpm if bpm > FAST && a_beat < FEW => 0.5,
        _ => return None,
    };
    let octave = found.bpm() * factor;
    let (slowest, fastest) = (octave * (1.0 - NEAR), octave * (1.0 + NEAR));
    let allowed = slowest >= settings.slowest.bpm() && fastest <= settings.fastest.bpm();
    (allowed && settings.tempo.is_none()).then(|| RhythmSettings {
        slowest: Tempo::from_bpm(slowest),
        fastest: Tempo::from_bpm(fastest),
        ..settings.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::BodyPart;
    use crate::settings::Settings;
    use crate::time::Instant;

    #[test]
    fn impacts_are_counted_while_the_body_moves() {
        let accent = |seconds: f64, kind| Accent {
            time: Instant::from_seconds(seconds),
            strength: 0.5,
            kind,
            part: BodyPart::Feet,
            impact: None,
        };
        let mut accents: Vec<Accent> = (0..8).map(|i| accent(0.5 * f64::from(i), AccentKind::Impact)).collect();
        accents.push(accent(0.2, AccentKind::Style));
        let hold = Hold {
            from: Instant::from_seconds(4.0),
            to: Instant::from_seconds(6.0),
        };
        assert_eq!(density(&accents, &[hold], Span::from_seconds(10.0)), Some(1.0));
        assert_eq!(density(&accents[..3], &[], Span::from_seconds(2.0)), None);
    }

    #[test]
    fn a_dance_is_not_scored_at_half_its_tempo_and_a_slow_one_keeps_its_own() {
        let settings = Settings::default().rhythm().clone();
        let range = |bpm: f64, density: f64| {
            other(Tempo::from_bpm(bpm), density, &settings).map(|s| (s.slowest.bpm().round(), s.fastest.bpm().round()))
        };
        assert_eq!(range(60.0, 1.6), Some((113.0, 127.0)));
        assert_eq!(range(60.0, 1.0), None, "an impact a beat");
        assert_eq!(range(100.0, 3.0), None);
        assert_eq!(range(170.0, 0.9), Some((80.0, 90.0)));
        assert_eq!(range(170.0, 1.5), None);
        let narrow = RhythmSettings {
            fastest: Tempo::from_bpm(90.0),
            ..settings.clone()
        };
        assert_eq!(other(Tempo::from_bpm(60.0), 1.6, &narrow), None);
    }
}
