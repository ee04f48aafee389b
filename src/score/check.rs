//! Whether a score is one: scores are also read from files, which may say anything.

use super::kits::DRUM_BANK;
use super::{Note, Part, Score, VOLUMES};
use crate::error::{Error, Result};
use crate::time::{Instant, Span, TempoMap, Tick};

/// Longest score that is accepted: a day.
const LONGEST: Span = Span::from_seconds(86_400.0);

/// Latest start on the media that is accepted: some eleven days, as there may be of a day at a tenth of its speed.
const LATEST: Instant = Instant::from_seconds(1e6);

impl Score {
    /// Checks that the score can be written and played: its tempo map rises from tick 0 at the clip's start, signatures
    /// rise from tick 0, part names are fit for file names and differ, volumes and pans are in range, and every note lies
    /// in MIDI's ranges and inside the clip, in order.
    ///
    /// # Errors
    /// [`Error::Sound`] with what is wrong, the value met and the value allowed.
    pub fn check(&self) -> Result<()> {
        self.fault().map_or(Ok(()), |reason| Err(Error::Sound { reason }))
    }

    /// The tick at which the clip ends.
    pub fn end(&self) -> Tick {
        self.tempo_map.tick(Instant::ZERO + self.duration)
    }

    fn fault(&self) -> Option<String> {
        if !(self.duration > Span::ZERO && self.duration <= LONGEST) {
            return Some(format!(
                "the score is {} s long; allowed is above 0 to {} s",
                self.duration.seconds(),
                LONGEST.seconds()
            ));
        }
        if !(self.start >= Instant::ZERO && self.start <= LATEST) {
            return Some(format!(
                "the score begins at {} s of the media; allowed is 0 to {} s",
                self.start.seconds(),
                LATEST.seconds()
            ));
        }
        let points = self.tempo_map.points();
        let sound = points.iter().all(|point| point.time.seconds().is_finite())
            && points.first().is_some_and(|point| point.time == Instant::ZERO)
            && TempoMap::new(points.to_vec()).is_some();
        if !sound {
            return Some("the tempo map must have two points or more that rise from tick 0 at 0 s".to_owned());
        }
        let rising = self.signatures.windows(2).all(|pair| pair[0].tick < pair[1].tick);
        let starts = self.signatures.first().is_some_and(|first| first.tick == Tick(0));
        let countable = self.signatures.iter().all(|signature| signature.beats > 0);
        if !(rising && starts && countable) {
            return Some("time signatures must rise from tick 0 and have 1 beat or more".to_owned());
        }
        for (index, part) in self.parts.iter().enumerate() {
            if self.parts.iter().take(index).any(|other| other.name == part.name) {
                return Some(format!("two parts are called '{}'; names must differ", part.name));
            }
            if let Some(fault) = part_fault(part, self.end()) {
                return Some(format!("part '{}': {fault}", part.name));
            }
        }
        None
    }
}

fn part_fault(part: &Part, end: Tick) -> Option<String> {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if part.name.is_empty() || part.name.len() > 64 || !part.name.chars().all(fit) {
        return Some("a name is 1 to 64 letters, digits and '-'".to_owned());
    }
    if part.channel > 15 {
        return Some(format!("channel {}; allowed is 0 to 15", part.channel));
    }
    if part.bank > 128 || part.program > 127 {
        return Some(format!(
            "bank {}, program {}; allowed are 0 to 128 and 0 to 127",
            part.bank, part.program
        ));
    }
    if !VOLUMES.contains(&part.volume) {
        return Some(format!(
            "volume {} dB; allowed is {} to {}",
            part.volume,
            VOLUMES.start(),
            VOLUMES.end()
        ));
    }
    if !(-1.0..=1.0).contains(&part.pan) {
        return Some(format!("pan {}; allowed is -1 to 1", part.pan));
    }
    if part.bank == DRUM_BANK && part.pan != 0.0 {
        return Some(format!(
            "pan {}; the drums of a kit have places of their own, allowed is 0",
            part.pan
        ));
    }
    let in_order = |pair: &[Note]| (pair[0].onset, pair[0].pitch) <= (pair[1].onset, pair[1].pitch);
    if let Some(pair) = part.notes.windows(2).find(|pair| !in_order(pair)) {
        return Some(format!(
            "the note at tick {} follows one at tick {}; notes are sorted by onset, then pitch",
            pair[1].onset.0, pair[0].onset.0
        ));
    }
    part.notes.iter().find_map(|note| note_fault(note, end))
}

fn note_fault(note: &Note, end: Tick) -> Option<String> {
    let at = note.onset.0;
    if note.pitch > 127 || !(1..=127).contains(&note.velocity) {
        return Some(format!(
            "the note at tick {at} has pitch {} and velocity {}; allowed are 0 to 127 and 1 to 127",
            note.pitch, note.velocity
        ));
    }
    if note.ticks == 0 || at >= end.0 || note.ticks > end.0 - at {
        return Some(format!(
            "the note at tick {at} is {} ticks long; allowed is 1 up to the clip's end at tick {}",
            note.ticks, end.0
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::TimeSignature;
    use super::*;
    use crate::time::TempoPoint;

    fn good() -> Score {
        let point = |tick, seconds| TempoPoint {
            tick: Tick(tick),
            time: Instant::from_seconds(seconds),
        };
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
            ("long", |s| s.duration = Span::ZERO),
            ("long", |s| s.duration = Span::from_seconds(f64::NAN)),
            ("begins at -0.5 s", |s| s.start = Instant::from_seconds(-0.5)),
            ("begins at NaN s", |s| s.start = Instant::from_seconds(f64::NAN)),
            ("tempo map", |s| {
                let text = r#"{"points":[{"tick":0,"time":0.5},{"tick":480,"time":0.2}]}"#;
                s.tempo_map = serde_json::from_str(text).expect("parses");
            }),
            ("tempo map", |s| {
                s.tempo_map = serde_json::from_str(r#"{"points":[]}"#).expect("parses");
            }),
            ("signatures", |s| s.signatures.clear()),
            ("signatures", |s| s.signatures[0].beats = 0),
            ("a name is", |s| s.parts[0].name = "../drums".to_owned()),
            ("names must differ", |s| s.parts.push(s.parts[0].clone())),
            ("channel 16", |s| s.parts[0].channel = 16),
            ("bank 129", |s| s.parts[0].bank = 129),
            ("volume 4.5 dB; allowed is -48 to 4", |s| s.parts[0].volume = 4.5),
            ("volume NaN dB", |s| s.parts[0].volume = f32::NAN),
            ("pan -1.5; allowed is -1 to 1", |s| s.parts[0].pan = -1.5),
            ("pan NaN", |s| s.parts[0].pan = f32::NAN),
            ("places of their own", |s| s.parts[0].pan = 0.5),
            ("sorted", |s| s.parts[0].notes.reverse()),
            ("velocity 0", |s| s.parts[0].notes[1].velocity = 0),
            ("pitch 128", |s| s.parts[0].notes[1].pitch = 128),
            ("ticks long", |s| s.parts[0].notes[0].ticks = 0),
            ("clip's end", |s| s.parts[0].notes[2].ticks = u32::MAX),
            ("clip's end", |s| s.parts[0].notes[2].onset = Tick(1920)),
        ];
        for (word, spoil) in spoil {
            let mut score = good();
            spoil(&mut score);
            let error = score.check().expect_err(word).to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
