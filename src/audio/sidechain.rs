//! Music and bass that make room for the kick drum, in the styles that are mixed so.
//!
//! The gain is computed from the notes of the kick rather than from its sound, so that it is the
//! same for the mix and for the stems, and does not depend on the order in which sound is made.

use super::gain::{GainCurve, STEP, ratio};
use super::strip::{PartKind, Sort};
use crate::score::Part;
use crate::score::kits::DRUM_BANK;
use crate::time::{Rate, Span, TempoMap};

/// Pitches of kick drums in General MIDI.
const KICKS: [u8; 2] = [35, 36];

/// The gain closes over this time before a kick, stays closed for the second time, and opens with
/// the third as time constant, seconds.
const AHEAD: f64 = 0.004;
const HOLD: f64 = 0.03;
const RELEASE: f64 = 0.08;

/// Time constants until it counts as open.
const OPEN: f64 = 5.0;

/// Velocity from which a kick lowers the others fully.
const FULL: f32 = 100.0;

/// The gains over time of a score's parts.
#[derive(Debug, Default)]
pub(super) struct SideChain {
    bass: Option<GainCurve>,
    music: Option<GainCurve>,
}

impl SideChain {
    /// That of a score; tick 0 is frame 0.
    pub fn of(parts: &[Part], tempo_map: &TempoMap, sort: Sort, frames: usize, rate: Rate) -> Self {
        let depths = match sort {
            Sort::Dance => (6.0, 5.0),
            Sort::HipHop => (4.0, 3.0),
            Sort::Rock | Sort::Pop => (3.0, 2.0),
            _ => return Self::default(),
        };
        let kicks: Vec<(i64, f32)> = parts
            .iter()
            .filter(|part| part.bank == DRUM_BANK)
            .flat_map(|part| &part.notes)
            .filter(|note| KICKS.contains(&note.pitch))
            .map(|note| {
                let share = (f32::from(note.velocity) / FULL).min(1.0);
                (tempo_map.instant(note.onset).nearest_sample(rate), share)
            })
            .collect();
        let curve = |depth: f64| (!kicks.is_empty()).then(|| lowered(&kicks, depth, frames, rate));
        Self {
            bass: curve(depths.0),
            music: curve(depths.1),
        }
    }

    /// The gain of a part; `None` if it is 1 throughout.
    pub fn gain(&self, bank: u16, program: u8) -> Option<&GainCurve> {
        match PartKind::of(bank, program) {
            PartKind::Drums => None,
            PartKind::Bass => self.bass.as_ref(),
            _ => self.music.as_ref(),
        }
    }
}

/// A gain that is lower by `depth` dB at each kick of full strength.
fn lowered(kicks: &[(i64, f32)], depth: f64, frames: usize, rate: Rate) -> GainCurve {
    let points = |seconds: f64| (rate.count(Span::from_seconds(seconds)) / STEP as f64).round() as usize;
    let (ahead, hold) = (points(AHEAD).max(1), points(HOLD));
    let release = rate.count(Span::from_seconds(RELEASE)) / STEP as f64;
    let length = ahead + hold + (OPEN * release) as usize;
    // How far the gain is closed, at the points from the first that a kick affects.
    let closed: Vec<f32> = (0..length)
        .map(|point| match point {
            _ if point < ahead => point as f32 / ahead as f32,
            _ if point < ahead + hold => 1.0,
            _ => (-((point - ahead - hold) as f64) / release).exp() as f32,
        })
        .collect();
    let drop = 1.0 - ratio(-depth) as f32;
    let mut gains = vec![1.0_f32; frames / STEP + 2];
    for (frame, share) in kicks {
        let first = frame.div_euclid(STEP as i64) - ahead as i64;
        let skipped = usize::try_from(-first).unwrap_or(0);
        let own = gains.get_mut(usize::try_from(first).unwrap_or(0)..).unwrap_or_default();
        for (gain, closed) in own.iter_mut().zip(closed.iter().skip(skipped)) {
            *gain = gain.min(1.0 - drop * share * closed);
        }
    }
    GainCurve {
        level: 1.0,
        points: gains,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::gain::decibels;
    use crate::score::Note;
    use crate::time::{Instant, TempoPoint, Tick};

    const RATE: Rate = Rate::from_hz(48_000.0);

    fn side_chain(sort: Sort, hits: &[(u32, u8, u8)]) -> SideChain {
        let point = |tick, seconds| TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(seconds),
        };
        let map = TempoMap::new(vec![point(0, 0.0), point(1_000, 1.0)]).expect("rising");
        let note = |(onset, pitch, velocity): &(u32, u8, u8)| Note {
            onset: Tick(*onset),
            ticks: 10,
            pitch: *pitch,
            velocity: *velocity,
        };
        let drums = Part {
            name: "drums".to_owned(),
            channel: 9,
            bank: DRUM_BANK,
            program: 24,
            volume: 0.0,
            pan: 0.0,
            notes: hits.iter().map(note).collect(),
        };
        SideChain::of(&[drums], &map, sort, 96_000, RATE)
    }

    /// Gain at a time, dB.
    fn at(curve: &GainCurve, seconds: f64) -> f64 {
        let mut one = [1.0];
        curve.apply(&mut one, 1, (seconds * RATE.hz()) as usize);
        decibels(f64::from(one[0]))
    }

    #[test]
    fn a_kick_lowers_bass_and_music_and_lets_them_up_again() {
        let chain = side_chain(Sort::Dance, &[(500, 36, 110), (1_500, 36, 50), (1_000, 38, 127)]);
        for (program, depth) in [(38, -6.0), (0, -5.0)] {
            let curve = chain.gain(0, program).expect("a curve");
            assert_eq!(at(curve, 0.49), 0.0);
            assert!((at(curve, 0.51) - depth).abs() < 0.01);
            assert!((-3.5..-0.5).contains(&at(curve, 0.61)), "{}", at(curve, 0.61));
            assert!(at(curve, 0.95) > -0.1);
            assert_eq!(at(curve, 1.05), 0.0, "a snare lowers nothing");
            // Half the velocity closes half as far in amplitude.
            let half = decibels(1.0 - 0.5 * (1.0 - ratio(depth)));
            assert!((at(curve, 1.51) - half).abs() < 0.01);
        }
        assert!(chain.gain(DRUM_BANK, 24).is_none());
    }

    #[test]
    fn only_styles_that_are_mixed_so_are_lowered() {
        let kick = [(0, 36, 100)];
        assert!(side_chain(Sort::Acoustic, &kick).gain(0, 0).is_none());
        assert!(side_chain(Sort::Dance, &[]).gain(0, 0).is_none());
        // A kick on the first frame, and one at the last.
        let chain = side_chain(Sort::HipHop, &[(0, 36, 127), (1_999, 36, 127)]);
        let curve = chain.gain(0, 33).expect("a curve");
        assert!((at(curve, 0.0) + 4.0).abs() < 0.01 && (at(curve, 1.999) + 4.0).abs() < 0.1);
    }
}
