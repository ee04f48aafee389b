//! Scores as standard MIDI files (SMF 1.0, format 1).

mod clock;

use super::atomic::atomically;
use super::provenance::{Provenance, SourceType};
use crate::drums::DrumClass;
use crate::error::{Error, Result};
use crate::score::kits::DRUM_BANK;
use crate::score::{Part, Score};
use crate::settings::{MidiDrums, MidiSettings};
use crate::time::{Instant, TICKS_PER_BEAT, Tick};
use clock::{Beat, Clock, QUARTER};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Timing, TrackEvent, TrackEventKind};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Bank select, coarse and fine.
const BANK_SELECT: [u8; 2] = [0x00, 0x20];

/// Channel volume and pan.
const VOLUME: u8 = 0x07;
const PAN: u8 = 0x0a;

/// Coarse bank number of percussion in General MIDI level 2.
const PERCUSSION_BANK: u8 = 0x78;

/// Release velocity if no better value is known (MIDI 1.0).
const RELEASE_VELOCITY: u8 = 64;

/// Name of the first track if the piece has no name that can be written.
const NAMELESS: &str = "Kinescore";

/// Longest name of a track, bytes.
const LONGEST_NAME: usize = 64;

/// Greatest distance from the clip's start of a beat that counts as at the start, seconds.
const AT_THE_START: f64 = 0.001;

/// Writes a score as a MIDI file: one track of tempo and time signatures with the piece's name,
/// then one for each part. What made the piece, if given, is in text events of the first track.
/// Tick 0 is the clip's start, and all tracks end with the clip.
///
/// Every note lies on the tick nearest to its time by the file's own tempi, at most 0.8 ms away. Of
/// two notes of one pitch that begin on one tick, the louder one is written; a note that would
/// still sound when the next of its pitch begins ends there.
///
/// # Errors
/// [`Error::Music`] when the score is [invalid](Score::check), or is longer than a MIDI file can
/// be; [`Error::Output`] when the file cannot be written.
pub fn write_midi(
    score: &Score,
    name: &str,
    provenance: Option<&Provenance>,
    settings: MidiSettings,
    path: &Path,
) -> Result<()> {
    score.check()?;
    let most = u28::max_value().as_int();
    let too_long = |ticks: u32| Error::Music {
        reason: format!("a score of {ticks} ticks; a MIDI file holds {most}"),
    };
    if score.end().0 > most {
        return Err(too_long(score.end().0));
    }
    let clock = Clock::new(&beats(score), score.duration, settings.tempo);
    let end = clock.tick(Instant::ZERO + score.duration).max(1);
    if end > most {
        return Err(too_long(end));
    }
    let title = title(name);
    let scribe = Scribe { score, clock, end };
    let made = provenance.map(|made| made.text(SourceType::Music)).unwrap_or_default();
    let mut tracks = vec![scribe.track(scribe.conductor(&title, &made))];
    let lanes = score.parts.iter().flat_map(|part| lanes(part, settings.drums));
    let lanes: Vec<Lane<'_>> = lanes.collect();
    tracks.extend(lanes.iter().map(|lane| scribe.track(scribe.events(lane))));
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(QUARTER as u16)));
    atomically(path, |temporary| {
        let write = || -> std::io::Result<()> {
            let mut file = BufWriter::new(File::create(temporary)?);
            midly::write_std(&header, &tracks, &mut file)?;
            file.flush()
        };
        write().map_err(Error::output(temporary))
    })
}

/// A name in writable form: printable ASCII, since programs differ in how they read other letters.
fn title(name: &str) -> String {
    let ascii = |letter: char| match letter {
        ' '..='~' => letter,
        _ => '_',
    };
    let title: String = name.trim().chars().map(ascii).take(LONGEST_NAME).collect();
    if title.contains(|letter: char| letter.is_ascii_alphanumeric()) {
        title
    } else {
        NAMELESS.to_owned()
    }
}

/// The beats of a score, from its clip's start to the first at or after its end.
///
/// The first tick of a score is the clip's start, which may lie anywhere between two beats. The two
/// beats after it determine whether there is a beat near it.
fn beats(score: &Score) -> Vec<Beat> {
    let time = |beat: u32| score.tempo_map.instant(Tick(beat * TICKS_PER_BEAT));
    let count = score.end().0.div_ceil(TICKS_PER_BEAT).max(1);
    let beat = |place: u32, time| {
        let (number, of) = number(score, place);
        Beat { time, number, of }
    };
    let before = time(1) - (time(2) - time(1));
    let at_start = before.seconds().abs() <= AT_THE_START;
    let first = match at_start {
        true => Some(Instant::ZERO),
        false => Some(before).filter(|time| *time > Instant::ZERO),
    };
    let mut beats: Vec<Beat> = first.into_iter().map(|time| beat(0, time)).collect();
    beats.extend((1..=count).map(|place| beat(place, time(place))));
    beats
}

/// A beat's number in its bar, from 1, and the number of beats in that bar.
fn number(score: &Score, beat: u32) -> (u8, u8) {
    let tick = beat * TICKS_PER_BEAT;
    let index = score.signatures.partition_point(|signature| signature.tick.0 <= tick);
    let index = index.saturating_sub(1);
    let Some(own) = score.signatures.get(index) else {
        return (1, 4);
    };
    let place = (tick - own.tick.0) / TICKS_PER_BEAT % u32::from(own.beats);
    // A first bar that the next signature cuts short is the end of a whole bar.
    let whole = score
        .signatures
        .get(1)
        .filter(|next| index == 0 && next.beats > own.beats && next.tick.0 == u32::from(own.beats) * TICKS_PER_BEAT);
    match whole {
        Some(whole) => (whole.beats - own.beats + place as u8 + 1, whole.beats),
        None => (place as u8 + 1, own.beats),
    }
}

/// The content of one track: a part, or those of its notes that one drum plays.
struct Lane<'a> {
    part: &'a Part,
    name: String,
    pitch: Option<u8>,
}

fn lanes(part: &Part, drums: MidiDrums) -> Vec<Lane<'_>> {
    if part.bank != DRUM_BANK || drums == MidiDrums::OneTrack {
        let mut name = part.name.clone();
        // ASCII, by the score's check.
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        return vec![Lane {
            part,
            name,
            pitch: None,
        }];
    }
    let pitches: BTreeSet<u8> = part.notes.iter().map(|note| note.pitch).collect();
    let lane = |pitch| Lane {
        part,
        name: drum_name(pitch),
        pitch: Some(pitch),
    };
    pitches.into_iter().map(lane).collect()
}

fn drum_name(pitch: u8) -> String {
    let class = DrumClass::ALL.into_iter().find(|class| class.pitch() == pitch);
    let name = match class {
        Some(DrumClass::Kick) => "Kick",
        Some(DrumClass::Snare) => "Snare",
        Some(DrumClass::ClosedHat) => "Closed Hi-Hat",
        Some(DrumClass::OpenHat) => "Open Hi-Hat",
        Some(DrumClass::LowTom) => "Low Tom",
        Some(DrumClass::MidTom) => "Mid Tom",
        Some(DrumClass::HighTom) => "High Tom",
        Some(DrumClass::Crash) => "Crash",
        Some(DrumClass::Ride) => "Ride",
        None => return format!("Drum {pitch}"),
    };
    name.to_owned()
}

/// A note on the file's ticks.
#[derive(Debug, Clone, Copy)]
struct Written {
    on: u32,
    off: u32,
    pitch: u8,
    velocity: u8,
}

type Event<'a> = (u32, TrackEventKind<'a>);

/// Writes tracks of a score.
struct Scribe<'a> {
    score: &'a Score,
    clock: Clock,
    /// The tick at which all tracks end.
    end: u32,
}

impl Scribe<'_> {
    /// Events by tick to a track that ends with the clip. Events of one tick keep their order.
    fn track<'e>(&self, mut events: Vec<Event<'e>>) -> Vec<TrackEvent<'e>> {
        events.sort_by_key(|(tick, _)| *tick);
        events.push((self.end, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
        let mut before = 0;
        events
            .into_iter()
            .map(|(tick, kind)| {
                let delta = u28::new(tick.saturating_sub(before));
                before = tick;
                TrackEvent { delta, kind }
            })
            .collect()
    }

    /// The track of tempo and time signatures.
    fn conductor<'e>(&self, title: &'e str, made: &'e str) -> Vec<Event<'e>> {
        let meta = |tick, message| (tick, TrackEventKind::Meta(message));
        let mut events = vec![meta(0, MetaMessage::TrackName(title.as_bytes()))];
        events.extend(made.lines().map(|line| meta(0, MetaMessage::Text(line.as_bytes()))));
        events.extend(self.clock.metres().iter().map(|metre| {
            // One metronome click per note of the metre, in 24ths of a quarter; 8 thirty-second
            // notes per quarter, as usual.
            let click = (96_u8 >> metre.power).max(1);
            meta(
                metre.tick,
                MetaMessage::TimeSignature(metre.count, metre.power, click, 8),
            )
        }));
        events.extend(
            self.clock
                .tempi()
                .map(|tempo| meta(tempo.tick, MetaMessage::Tempo(u24::new(tempo.microseconds)))),
        );
        events
    }

    /// The track of a lane.
    fn events<'e>(&self, lane: &'e Lane<'_>) -> Vec<Event<'e>> {
        let part = lane.part;
        let midi = |tick, message| {
            let channel = u4::new(part.channel);
            (tick, TrackEventKind::Midi { channel, message })
        };
        let bank = if part.bank == DRUM_BANK {
            PERCUSSION_BANK
        } else {
            part.bank as u8
        };
        let name = MetaMessage::TrackName(lane.name.as_bytes());
        let mut events = vec![(0, TrackEventKind::Meta(name))];
        let control = |controller, value| {
            let (controller, value) = (u7::new(controller), u7::new(value));
            midi(0, MidiMessage::Controller { controller, value })
        };
        events.extend(BANK_SELECT.into_iter().zip([bank, 0]).map(|(c, v)| control(c, v)));
        let program = u7::new(part.program);
        events.push(midi(0, MidiMessage::ProgramChange { program }));
        // Also the defaults: a player may still have another piece's values.
        events.push(control(VOLUME, part.volume_controller()));
        events.push(control(PAN, part.pan_controller()));
        let notes = self.notes(lane);
        // Ends come before beginnings, so that a note that ends where the next of its pitch begins
        // does not end that one.
        events.extend(notes.iter().map(|note| {
            let (key, vel) = (u7::new(note.pitch), u7::new(RELEASE_VELOCITY));
            midi(note.off, MidiMessage::NoteOff { key, vel })
        }));
        events.extend(notes.iter().map(|note| {
            let (key, vel) = (u7::new(note.pitch), u7::new(note.velocity));
            midi(note.on, MidiMessage::NoteOn { key, vel })
        }));
        events
    }

    /// The notes of a lane by their times, without overlaps in a pitch, by onset, then pitch.
    fn notes(&self, lane: &Lane<'_>) -> Vec<Written> {
        let tick = |tick| self.clock.tick(self.score.tempo_map.instant(tick));
        let sounding = lane.part.notes.iter();
        let mut notes: Vec<Written> = sounding
            .filter(|note| lane.pitch.is_none_or(|pitch| pitch == note.pitch))
            .map(|note| {
                let on = tick(note.onset).min(self.end - 1);
                let off = tick(Tick(note.onset.0 + note.ticks));
                Written {
                    on,
                    off: off.clamp(on + 1, self.end),
                    pitch: note.pitch,
                    velocity: note.velocity,
                }
            })
            .collect();
        notes.sort_by_key(|note| (note.pitch, note.on, note.velocity));
        // Keeps the louder one, which is the later one here.
        notes.dedup_by(|later, kept| {
            let same = (later.pitch, later.on) == (kept.pitch, kept.on);
            if same {
                kept.off = kept.off.max(later.off);
                kept.velocity = later.velocity;
            }
            same
        });
        for index in 1..notes.len() {
            let next = notes[index];
            let note = &mut notes[index - 1];
            if note.pitch == next.pitch {
                note.off = note.off.min(next.on);
            }
        }
        notes.sort_by_key(|note| (note.on, note.pitch));
        notes
    }
}

#[cfg(test)]
#[path = "midi_tests.rs"]
mod tests;
