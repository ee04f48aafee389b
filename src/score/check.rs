//! Checks scores, which are also read from files with arbitrary content.

use super::kits::DRUM_BANK;
use super::{Note, Part, Score, VOLUMES};
use crate::error::{Error, Result};
use crate::limits::{
    BANKS, BAR_LENGTHS, CHANNELS, CLIP_STARTS, LONGEST_CLIP, MAP_TEMPI, MIDI_VELOCITIES, PANS, SEVEN_BITS, TICKS,
};
use crate::shown;
use crate::time::{Instant, Span, Tempo, Tick};

type Checked<T = ()> = std::result::Result<T, String>;

impl Score {
    /// Checks that the score can be written and played: its tempo map begins at the clip's start
    /// and has only tempi that MIDI can represent, signatures are in ascending order from tick 0,
    /// part names are unique and valid file names, volumes and pans are in range, and every note
    /// lies in MIDI's ranges and inside the clip, in order.
    ///
    /// # Errors
    /// [`Error::Music`] with the field, the value met and the value allowed.
    pub fn check(&self) -> Result<()> {
        self.fault().map_err(|reason| Error::Music {
            reason: format!("score.{reason}"),
        })
    }

    /// The tick at which the clip ends.
    pub fn end(&self) -> Tick {
        self.tempo_map.tick(Instant::ZERO + self.duration)
    }

    /// Like [`check`](Self::check); the message begins with the field within the score.
    pub(crate) fn fault(&self) -> Checked {
        if !(self.duration > Span::ZERO && self.duration <= LONGEST_CLIP) {
            return Err(format!(
                "duration is {} s; expected above 0 to {} s",
                shown::number(self.duration.seconds()),
                LONGEST_CLIP.seconds()
            ));
        }
        CLIP_STARTS.check("start", self.start.seconds())?;
        self.tempo_fault()?;
        if self.signatures.first().is_none_or(|first| first.tick != Tick(0)) {
            return Err("signatures must begin with one at tick 0".to_owned());
        }
        for (index, signature) in self.signatures.iter().enumerate() {
            BAR_LENGTHS.check(format_args!("signatures[{index}].beats"), signature.beats)?;
            TICKS.check(format_args!("signatures[{index}].tick"), signature.tick.0)?;
        }
        if let Some(index) = self.signatures.windows(2).position(|pair| pair[0].tick >= pair[1].tick) {
            return Err(format!(
                "signatures[{}].tick is {}; it must be above that of the previous signature, {}",
                index + 1,
                self.signatures[index + 1].tick.0,
                self.signatures[index].tick.0
            ));
        }
        for (index, part) in self.parts.iter().enumerate() {
            if self.parts.iter().take(index).any(|other| other.name == part.name) {
                return Err(format!(
                    "parts[{index}].name is '{}', like that of another part; names must be unique",
                    shown::text(&part.name)
                ));
            }
            part_fault(part, self.end()).map_err(|fault| format!("parts[{index}].{fault}"))?;
        }
        Ok(())
    }

    fn tempo_fault(&self) -> Checked {
        let points = self.tempo_map.points();
        if let Some(first) = points.first().filter(|first| first.time != Instant::ZERO) {
            return Err(format!(
                "tempo_map.points[0].time is {} s; it must be 0",
                shown::number(first.time.seconds())
            ));
        }
        for (index, pair) in points.windows(2).enumerate() {
            let span = pair[1].time - pair[0].time;
            let tempo = Tempo::from_beat_span(span * (1.0 / pair[0].tick.beats_until(pair[1].tick)));
            MAP_TEMPI.check(
                format_args!("tempo_map.points[{}]: the tempo up to it", index + 1),
                tempo.bpm(),
            )?;
            TICKS.check(format_args!("tempo_map.points[{}].tick", index + 1), pair[1].tick.0)?;
        }
        TICKS.check("tempo_map: the tick at the clip's end", self.end().0)
    }
}

fn part_fault(part: &Part, end: Tick) -> Checked {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if part.name.is_empty() || part.name.len() > 64 || !part.name.chars().all(fit) {
        return Err(format!(
            "name is '{}'; expected 1 to 64 letters, digits and '-'",
            shown::text(&part.name)
        ));
    }
    CHANNELS.check("channel", part.channel)?;
    BANKS.check("bank", part.bank)?;
    SEVEN_BITS.check("program", part.program)?;
    if !VOLUMES.contains(&part.volume) {
        return Err(format!(
            "volume is {} dB; expected {} to {} dB",
            shown::number(part.volume),
            VOLUMES.start(),
            VOLUMES.end()
        ));
    }
    PANS.check("pan", f64::from(part.pan))?;
    if part.bank == DRUM_BANK && part.pan != 0.0 {
        return Err(format!(
            "pan is {}; expected 0, since the drums of a kit have their own pan",
            shown::number(part.pan)
        ));
    }
    let in_order = |pair: &[Note]| (pair[0].onset, pair[0].pitch) <= (pair[1].onset, pair[1].pitch);
    if let Some(index) = part.notes.windows(2).position(|pair| !in_order(pair)) {
        return Err(format!(
            "notes[{}].onset is {} and follows {}; notes must be sorted by onset, then pitch",
            index + 1,
            part.notes[index + 1].onset.0,
            part.notes[index].onset.0
        ));
    }
    for (index, note) in part.notes.iter().enumerate() {
        note_fault(note, end).map_err(|fault| format!("notes[{index}].{fault}"))?;
    }
    Ok(())
}

fn note_fault(note: &Note, end: Tick) -> Checked {
    SEVEN_BITS.check("pitch", note.pitch)?;
    MIDI_VELOCITIES.check("velocity", note.velocity)?;
    let at = note.onset.0;
    if at >= end.0 {
        return Err(format!(
            "onset is {at}; it must lie before the clip's end at tick {}",
            end.0
        ));
    }
    if note.ticks == 0 || note.ticks > end.0 - at {
        return Err(format!(
            "ticks is {}; expected 1 to {}, up to the clip's end at tick {}",
            note.ticks,
            end.0 - at,
            end.0
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::TimeSignature;
    use super::*;
    use crate::time::{TempoMap, TempoPoint};

    fn point(tick: u32, seconds: f64) -> TempoPoint {
        TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(seconds),
        }
    }

    fn good() -> Score {
        let note = |onset, pitch| Note {
            onset: Tick(onset),
            ticks: 120,
            pitch,
            velocity: 100,
        };
        Score {
            tempo_map: TempoMap::new(vec![point(0, 0.0), point(480, 0.5)]).expect("rising"),
            signatures: vec![TimeSignature {
                tick: Tick(0),
                beats: 4,
            }],
            parts: vec![Part {
                name: "drums".to_owned(),
                channel: 9,
                bank: 128,
                program: 0,
                volume: 0.0,
                pan: 0.0,
                notes: vec![note(0, 36), note(0, 42), note(240, 42)],
            }],
            duration: Span::from_seconds(2.0),
            start: Instant::ZERO,
        }
    }

    #[test]
    fn a_good_score_passes_and_each_fault_is_found() {
        good().check().expect("good");
        assert_eq!(good().end(), Tick(1920));
        type Spoil = fn(&mut Score);
        let spoil: Vec<(&str, Spoil)> = vec![
            ("score.duration is 0 s", |s| s.duration = Span::ZERO),
            ("score.duration is NaN s", |s| s.duration = Span::from_seconds(f64::NAN)),
            ("score.start is -0.5 s; expected 0 to 1000000 s", |s| {
                s.start = Instant::from_seconds(-0.5);
            }),
            ("score.start is NaN s", |s| s.start = Instant::from_seconds(f64::NAN)),
            ("score.tempo_map.points[0].time is 0.1 s; it must be 0", |s| {
                s.tempo_map = TempoMap::new(vec![point(0, 0.1), point(480, 0.5)]).expect("rising");
            }),
            ("score.tempo_map.points[1]: the tempo up to it is 60000000000", |s| {
                s.tempo_map = TempoMap::new(vec![point(0, 0.0), point(480, 1e-9)]).expect("rising");
            }),
            ("score.tempo_map.points[1]: the tempo up to it is 0.6", |s| {
                s.tempo_map = TempoMap::new(vec![point(0, 0.0), point(480, 100.0)]).expect("rising");
            }),
            ("score.tempo_map.points[2].tick is 2000000000", |s| {
                let points = vec![point(0, 0.0), point(480, 0.5), point(2_000_000_000, 1e6)];
                s.tempo_map = TempoMap::new(points).expect("rising");
            }),
            ("the tick at the clip's end", |s| {
                s.tempo_map = TempoMap::new(vec![point(0, 0.0), point(48_000, 1e-4)]).expect("rising");
                s.duration = Span::from_seconds(86_400.0);
            }),
            ("signatures must begin", |s| s.signatures.clear()),
            ("signatures must begin", |s| s.signatures[0].tick = Tick(1)),
            ("score.signatures[0].beats is 0 beats; expected 1 to 16", |s| {
                s.signatures[0].beats = 0;
            }),
            ("score.signatures[1].tick is 0; it must be above", |s| {
                s.signatures.push(s.signatures[0]);
            }),
            ("score.parts[0].name is '../drums'", |s| {
                s.parts[0].name = "../drums".to_owned()
            }),
            ("score.parts[1].name is 'drums'", |s| s.parts.push(s.parts[0].clone())),
            ("channel is 16; expected 0 to 15", |s| s.parts[0].channel = 16),
            ("bank is 129", |s| s.parts[0].bank = 129),
            ("program is 128", |s| s.parts[0].program = 128),
            ("volume is 4.5 dB; expected -48 to 4 dB", |s| s.parts[0].volume = 4.5),
            ("volume is NaN dB", |s| s.parts[0].volume = f32::NAN),
            ("pan is -1.5; expected -1 to 1", |s| s.parts[0].pan = -1.5),
            ("pan is NaN", |s| s.parts[0].pan = f32::NAN),
            ("have their own pan", |s| s.parts[0].pan = 0.5),
            ("sorted", |s| s.parts[0].notes.reverse()),
            ("notes[1].velocity is 0; expected 1 to 127", |s| {
                s.parts[0].notes[1].velocity = 0
            }),
            ("score.parts[0].notes[1].pitch is 128", |s| {
                s.parts[0].notes[1].pitch = 128
            }),
            ("notes[0].ticks is 0; expected 1 to 1920", |s| {
                s.parts[0].notes[0].ticks = 0
            }),
            ("clip's end", |s| s.parts[0].notes[2].ticks = u32::MAX),
            ("notes[2].onset is 1920", |s| s.parts[0].notes[2].onset = Tick(1920)),
        ];
        for (word, spoil) in spoil {
            let mut score = good();
            spoil(&mut score);
            let error = score.check().expect_err(word).to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
