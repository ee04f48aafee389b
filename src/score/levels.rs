//! The level of a line relative to the drums, computed from its notes, so that a strummed guitar is
//! not much louder than a picked one.
//!
//! Loudness is estimated with the gating of BS.1770: the power of the notes in blocks of 400 ms,
//! and the mean of those blocks that are not 10 dB below the mean. A note's power is proportional
//! to the fourth power of its velocity, since MIDI's amplitude is proportional to the square, and
//! decays while the note is held. Everything is computed over the whole line and all drums, so that
//! the levels do not change with the cut.

use super::mixing::VOLUMES;
use crate::drums::DrumGrid;
use crate::music::{GridNote, Line};
use crate::time::STEPS_PER_BEAT;

/// How a program of the bundled SoundFont renders notes.
///
/// Fitted to the loudness of 21 one-minute pieces written by Kinescore, each part played alone at
/// General MIDI's default volume by every program of its family. The estimates differ from the
/// measured loudness by 0.4 to 0.7 LU (standard deviation); without them, the pieces would differ
/// by 1.6 to 2.4 LU. The programs from the slapped bass on were fitted to four notes each, of a
/// quarter of a second to two seconds and an octave to either side of `middle`, beside the grand
/// piano; the same notes give the older rows within 1.3 LU, except for the grand piano's own.
struct Sound {
    /// Time constant with which a held note fades, seconds.
    ring: f64,
    /// Increase in loudness per octave, dB, and the pitch to which it is relative.
    tilt: f64,
    middle: f64,
    /// Loudness of power 1, LUFS.
    level: f64,
}

impl Sound {
    fn of(program: u8) -> Self {
        let (ring, tilt, middle, level) = match program {
            0 => (0.13, -1.1, 64.0, -23.9),   // grand piano
            4 => (0.66, 0.2, 64.0, -23.2),    // electric piano
            24 => (0.26, -3.5, 58.0, -23.65), // guitars: nylon
            25 => (0.17, -1.6, 58.0, -25.2),  // steel
            27 => (0.35, -3.9, 58.0, -20.3),  // clean
            29 => (1.15, -0.5, 58.0, -25.3),  // overdriven
            32 => (0.38, -0.3, 40.0, -22.0),  // basses: acoustic
            33 => (0.60, -3.7, 40.0, -22.85), // fingered
            34 => (0.76, -1.7, 40.0, -23.25), // picked
            36 => (0.80, -0.4, 40.0, -27.28), // slapped
            38 => (0.14, 1.1, 40.0, -22.13),  // synth 1
            39 => (0.92, 0.9, 40.0, -17.09),  // synth 2
            43 => (8.00, 0.6, 40.0, -25.91),  // contrabass
            5 => (0.70, 0.4, 64.0, -26.85),   // FM electric piano
            7 => (0.42, -0.5, 64.0, -26.53),  // clavinet
            11 => (0.31, -5.0, 71.0, -25.45), // vibraphone
            18 => (8.00, 0.4, 64.0, -25.78),  // organ
            48 => (8.00, 2.1, 67.0, -25.57),  // strings
            50 => (0.91, 0.6, 67.0, -17.86),  // synth strings
            52 => (8.00, 1.5, 64.0, -25.14),  // choir
            56 => (8.00, 2.3, 71.0, -21.99),  // trumpet
            60 => (1.95, 1.5, 67.0, -22.88),  // horns
            61 => (8.00, 1.6, 67.0, -21.60),  // brass section
            66 => (2.42, -0.3, 67.0, -23.22), // saxophone
            73 => (8.00, 2.1, 76.0, -21.42),  // flute
            80 => (8.00, 0.4, 71.0, -18.66),  // square lead
            81 => (4.46, 1.2, 71.0, -18.90),  // saw lead
            _ => (1.23, 1.7, 64.0, -19.70),   // sweep pad
        };
        Self {
            ring,
            tilt,
            middle,
            level,
        }
    }
}

/// Loudness of drums of power 1 at the [volume of their kit](super::kits::kit_volume), LUFS; all
/// kits are within 0.5 LU of it.
const DRUMS: f64 = -33.9;

/// Power of typical drums, dB, used if there are no hits. One hit of velocity 1 per second has
/// power 1; power is proportional to the third power of velocity, and depends little on the drum.
/// The estimate differs from the measured loudness by 0.9 LU (standard deviation; 1.3 without it).
const USUAL_DRUMS: f64 = 4.0;

/// Length of a gating block, seconds, and the ratio to the mean below which blocks are left out.
const BLOCK: f64 = 0.4;
const GATE: f64 = 0.1;

/// Blocks with less than this share of the loudest's power are silence.
const SILENCE: f64 = 1e-7;

/// Estimates the loudness of notes on a grid.
pub(super) struct Levels {
    /// Length of a step, seconds.
    step: f64,
    /// Estimated loudness of the drums, LUFS.
    drums: f64,
}

impl Levels {
    /// Levels relative to the drums of a grid.
    pub fn of(grid: &DrumGrid) -> Self {
        let beats = &grid.beats;
        let length = match (beats.first(), beats.last()) {
            (Some(first), Some(last)) if beats.len() > 1 => (*last - *first).seconds() / (beats.len() - 1) as f64,
            _ => 0.5,
        };
        let step = length / STEPS_PER_BEAT as f64;
        let mut powers = Powers::new(grid.hits.iter().map(|hit| (hit.step, hit.step + 1)));
        for hit in &grid.hits {
            powers.add(hit.step, f64::from(hit.velocity).powi(3) / step);
        }
        Self {
            step,
            drums: DRUMS + powers.gated(step).unwrap_or(USUAL_DRUMS),
        }
    }

    /// Volume of a line's part for this program, dB relative to General MIDI's default: with it,
    /// the line has its target level below the drums, within the range of the volume.
    pub fn volume(&self, line: &Line, program: u8) -> f32 {
        let sound = Sound::of(program);
        let Some(power) = self.power(&line.notes, &sound) else {
            return 0.0;
        };
        let volume = self.drums - line.instrument.profile().under_drums - (sound.level + power);
        (volume as f32).clamp(*VOLUMES.start(), *VOLUMES.end())
    }

    /// Gated power of notes, dB; `None` if there are no notes.
    fn power(&self, notes: &[GridNote], sound: &Sound) -> Option<f64> {
        // Lengths are half steps.
        let steps = |note: &GridNote| f64::from(note.length) / 2.0;
        let mut powers = Powers::new(
            notes
                .iter()
                .map(|note| (note.step, note.step.saturating_add(steps(note).ceil() as i32))),
        );
        let fade = sound.ring / self.step;
        for note in notes {
            let tilt = sound.tilt * (f64::from(note.pitch) - sound.middle) / 12.0;
            let struck = f64::from(note.velocity).powi(4) * 10.0_f64.powf(tilt / 10.0);
            let length = steps(note);
            for step in 0..length.ceil() as i32 {
                let (from, to) = (f64::from(step), f64::from(step + 1).min(length));
                let held = fade * ((-from / fade).exp() - (-to / fade).exp());
                powers.add(note.step.saturating_add(step), struck * held);
            }
        }
        powers.gated(self.step)
    }
}

/// Power at every step, starting at the first at which something sounds.
struct Powers {
    first: i32,
    values: Vec<f64>,
}

impl Powers {
    /// Makes room for the steps from one to another.
    fn new(sounding: impl Iterator<Item = (i32, i32)>) -> Self {
        let (first, end) = sounding.fold((i32::MAX, i32::MIN), |(first, end), (from, to)| {
            (first.min(from), end.max(to))
        });
        let length = usize::try_from(i64::from(end) - i64::from(first)).unwrap_or(0);
        Self {
            first,
            values: vec![0.0; length],
        }
    }

    fn add(&mut self, step: i32, power: f64) {
        let place = usize::try_from(i64::from(step) - i64::from(self.first)).ok();
        if let Some(value) = place.and_then(|place| self.values.get_mut(place)) {
            *value += power;
        }
    }

    /// Mean over the blocks that count, dB; `None` if everything is silent. `step` is in seconds.
    fn gated(&self, step: f64) -> Option<f64> {
        let width = ((BLOCK / step).round() as usize).clamp(1, self.values.len().max(1));
        let blocks: Vec<f64> = self
            .values
            .windows(width)
            .map(|block| block.iter().sum::<f64>() / width as f64)
            .collect();
        let loudest = blocks.iter().copied().fold(0.0, f64::max);
        let mean = |least: f64| {
            let (mut sum, mut count) = (0.0, 0_usize);
            for block in blocks.iter().filter(|block| **block >= least) {
                sum += block;
                count += 1;
            }
            sum / count as f64
        };
        (loudest > 0.0).then(|| 10.0 * mean(GATE * mean(SILENCE * loudest)).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drums::{DrumClass, Hit};
    use crate::theory::Instrument;
    use crate::time::Instant;

    fn grid(velocity: f32) -> DrumGrid {
        let hit = |step: i32| Hit {
            step,
            class: DrumClass::Snare,
            velocity,
            offset: 0.0,
        };
        DrumGrid {
            beats: (0..64)
                .map(|beat| Instant::from_seconds(0.5 * f64::from(beat)))
                .collect(),
            first_beat: 1,
            beats_per_bar: 4,
            style: "pop".to_owned(),
            hits: (0..256).step_by(4).map(hit).collect(),
        }
    }

    /// Notes at a regular distance in steps, each held until the next.
    fn line(every: u8, velocity: f32) -> Line {
        let note = |step: i32| GridNote {
            step,
            length: 2 * every,
            pitch: 60,
            velocity,
            offset: 0.0,
        };
        Line {
            instrument: Instrument::Piano,
            notes: (0..256).step_by(usize::from(every)).map(note).collect(),
        }
    }

    fn volume(grid: &DrumGrid, line: &Line) -> f64 {
        f64::from(Levels::of(grid).volume(line, 0))
    }

    #[test]
    fn louder_or_busier_lines_are_turned_down() {
        let drums = grid(0.7);
        let plain = volume(&drums, &line(4, 0.8));
        // Amplitude is velocity squared: twice the velocity is 12 dB.
        assert!((plain - volume(&drums, &line(4, 0.4)) + 12.04).abs() < 0.01 || volume(&drums, &line(4, 0.4)) == 4.0);
        assert!((volume(&drums, &line(4, 0.8)) - volume(&drums, &line(2, 0.8)) - 3.0).abs() < 0.7);
        // Louder drums raise everything: 30 log10 of the velocities.
        let louder = volume(&grid(0.9), &line(4, 0.8)) - plain;
        assert!((louder - 30.0 * (0.9_f64 / 0.7).log10()).abs() < 0.01, "{louder}");
    }

    #[test]
    fn rests_do_not_turn_a_line_up() {
        let whole = line(4, 0.8);
        let mut half = whole.clone();
        half.notes.retain(|note| (note.step / 32) % 2 == 0);
        let apart = volume(&grid(0.7), &half) - volume(&grid(0.7), &whole);
        assert!(apart.abs() < 0.4, "{apart}");
    }

    #[test]
    fn volumes_stay_in_their_range_for_any_notes() {
        let silent = DrumGrid {
            hits: vec![],
            ..grid(0.7)
        };
        for drums in [grid(0.001), grid(1.0), silent] {
            for line in [
                line(1, 1.0),
                line(32, 0.01),
                Line {
                    notes: vec![],
                    ..line(4, 0.5)
                },
            ] {
                for program in 0..=127 {
                    let volume = Levels::of(&drums).volume(&line, program);
                    assert!(VOLUMES.contains(&volume), "{volume}");
                }
            }
        }
    }
}
