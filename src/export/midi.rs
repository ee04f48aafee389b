//! Scores as standard MIDI files (SMF 1.0, format 1).

use super::atomic::atomically;
use crate::error::{Error, Result};
use crate::score::kits::DRUM_BANK;
use crate::score::{Part, Score};
use crate::time::{Instant, TICKS_PER_BEAT, Tick};
use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Timing, TrackEvent, TrackEventKind};
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

/// Velocity of a note's end, where nothing better is known (MIDI 1.0).
const RELEASE_VELOCITY: u8 = 64;

/// Writes a score as a MIDI file: one track of tempo and time signatures, then one for each part. The file ends with the
/// clip.
///
/// A tempo stands at every beat. Tempi are whole microseconds a beat; each is chosen so that the next beat falls right by
/// the file's own reckoning, so their rounding does not add up.
///
/// # Errors
/// [`Error::Sound`] when the score is [none](Score::check); [`Error::Output`] when the file cannot be written.
pub fn write_midi(score: &Score, path: &Path) -> Result<()> {
    score.check()?;
    if score.end().0 > u28::max_value().as_int() {
        return Err(Error::Sound {
            reason: format!(
                "a score of {} ticks; a MIDI file holds {}",
                score.end().0,
                u28::max_value()
            ),
        });
    }
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_BEAT as u16)));
    let end = score.end();
    let mut tracks = vec![track(conductor(score), end)];
    tracks.extend(score.parts.iter().map(|part| track(events(part), end)));
    atomically(path, |temporary| {
        let write = || -> std::io::Result<()> {
            let mut file = BufWriter::new(File::create(temporary)?);
            midly::write_std(&header, &tracks, &mut file)?;
            file.flush()
        };
        write().map_err(Error::output(temporary))
    })
}

type Event<'a> = (Tick, TrackEventKind<'a>);

/// Events by tick to a track that ends with the clip. Events of one tick keep their order.
fn track(mut events: Vec<Event<'_>>, end: Tick) -> Vec<TrackEvent<'_>> {
    events.sort_by_key(|(tick, _)| *tick);
    events.push((end, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
    let mut before = 0;
    events
        .into_iter()
        .map(|(tick, kind)| {
            let delta = u28::new(tick.0.saturating_sub(before));
            before = tick.0;
            TrackEvent { delta, kind }
        })
        .collect()
}

/// The track of tempo and time signatures.
fn conductor(score: &Score) -> Vec<Event<'_>> {
    let meta = |tick, message| (tick, TrackEventKind::Meta(message));
    let end = score.end();
    let mut events = vec![meta(Tick(0), MetaMessage::TrackName(b"Kinescore"))];
    // Quarter-note beats (2²); 24 MIDI clocks a click and 8 thirty-second notes a quarter are the usual values.
    events.extend(
        score
            .signatures
            .iter()
            .filter(|signature| signature.tick < end)
            .map(|s| meta(s.tick, MetaMessage::TimeSignature(s.beats, 2, 24, 8))),
    );
    events.extend(
        tempi(score)
            .into_iter()
            .map(|(tick, tempo)| meta(tick, MetaMessage::Tempo(tempo))),
    );
    events
}

/// The tempo at each beat where it changes, in microseconds a beat.
fn tempi(score: &Score) -> Vec<(Tick, u24)> {
    let end = score.end();
    let mut ticks: Vec<Tick> = score
        .tempo_map
        .points()
        .iter()
        .map(|point| point.tick)
        .filter(|tick| *tick < end)
        .collect();
    // Between points more than a beat apart, and after the last, a tempo at every beat keeps the rounding from adding up.
    let mut beats = Vec::new();
    for (index, tick) in ticks.iter().enumerate() {
        let next = ticks.get(index + 1).copied().unwrap_or(end);
        beats.extend(
            (tick.0 + TICKS_PER_BEAT..next.0)
                .step_by(TICKS_PER_BEAT as usize)
                .map(Tick),
        );
    }
    ticks.extend(beats);
    ticks.sort();
    let mut tempi: Vec<(Tick, u24)> = Vec::with_capacity(ticks.len());
    let mut reckoned = Instant::ZERO;
    for (index, tick) in ticks.iter().enumerate() {
        let next = ticks.get(index + 1).copied().unwrap_or(end);
        let beats = f64::from(next.0 - tick.0) / f64::from(TICKS_PER_BEAT);
        let microseconds = (score.tempo_map.instant(next) - reckoned).seconds() * 1e6 / beats;
        let tempo = microseconds.round().clamp(1.0, f64::from(u24::max_value().as_int()));
        reckoned += crate::time::Span::from_seconds(tempo * beats / 1e6);
        let tempo = u24::new(tempo as u32);
        if tempi.last().is_none_or(|(_, last)| *last != tempo) {
            tempi.push((*tick, tempo));
        }
    }
    tempi
}

/// The track of a part.
fn events(part: &Part) -> Vec<Event<'_>> {
    let midi = |tick, message| {
        let channel = u4::new(part.channel);
        (tick, TrackEventKind::Midi { channel, message })
    };
    let bank = if part.bank == DRUM_BANK {
        PERCUSSION_BANK
    } else {
        part.bank as u8
    };
    let mut events = vec![(
        Tick(0),
        TrackEventKind::Meta(MetaMessage::TrackName(part.name.as_bytes())),
    )];
    let control = |controller, value| {
        let (controller, value) = (u7::new(controller), u7::new(value));
        midi(Tick(0), MidiMessage::Controller { controller, value })
    };
    events.extend(BANK_SELECT.into_iter().zip([bank, 0]).map(|(c, v)| control(c, v)));
    let program = u7::new(part.program);
    events.push(midi(Tick(0), MidiMessage::ProgramChange { program }));
    // The defaults too: a player may still have another piece's values.
    events.push(control(VOLUME, part.volume_controller()));
    events.push(control(PAN, part.pan_controller()));
    // Ends before beginnings, so that a note that ends where the next of its pitch begins does not end that one.
    events.extend(part.notes.iter().map(|note| {
        let (key, vel) = (u7::new(note.pitch), u7::new(RELEASE_VELOCITY));
        midi(Tick(note.onset.0 + note.ticks), MidiMessage::NoteOff { key, vel })
    }));
    events.extend(part.notes.iter().map(|note| {
        let (key, vel) = (u7::new(note.pitch), u7::new(note.velocity));
        midi(note.onset, MidiMessage::NoteOn { key, vel })
    }));
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{DRUM_CHANNEL, Note, TimeSignature, in_turn};
    use crate::time::{Span, TempoMap, TempoPoint};
    use midly::Smf;
    use proptest::prelude::*;

    fn score(gaps: &[f64], notes: Vec<Note>) -> Score {
        let mut time = Instant::ZERO;
        let mut points = vec![TempoPoint { tick: Tick(0), time }];
        for (index, gap) in gaps.iter().enumerate() {
            time += Span::from_seconds(*gap);
            points.push(TempoPoint {
                tick: Tick((index as u32 + 1) * TICKS_PER_BEAT),
                time,
            });
        }
        Score {
            tempo_map: TempoMap::new(points).expect("rising"),
            signatures: vec![
                TimeSignature {
                    tick: Tick(0),
                    beats: 1,
                },
                TimeSignature {
                    tick: Tick(480),
                    beats: 4,
                },
            ],
            parts: vec![Part {
                name: "drums".to_owned(),
                channel: DRUM_CHANNEL,
                bank: DRUM_BANK,
                program: 8,
                volume: 0.0,
                pan: 0.0,
                notes,
            }],
            duration: time - Instant::ZERO,
            start: Instant::ZERO,
        }
    }

    fn written(score: &Score) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("score.mid");
        write_midi(score, &path).expect("written");
        std::fs::read(&path).expect("read")
    }

    /// Time of every event of a track by the file's own tempo events, seconds.
    fn times<'a>(smf: &Smf<'a>, track: usize) -> Vec<(u32, f64, TrackEventKind<'a>)> {
        let mut tempi = vec![];
        let mut tick = 0;
        for event in &smf.tracks[0] {
            tick += event.delta.as_int();
            if let TrackEventKind::Meta(MetaMessage::Tempo(tempo)) = event.kind {
                tempi.push((tick, f64::from(tempo.as_int())));
            }
        }
        let seconds = |tick: u32| {
            let mut microseconds = 0.0;
            for (index, (from, tempo)) in tempi.iter().enumerate() {
                let to = tempi.get(index + 1).map_or(u32::MAX, |next| next.0);
                microseconds += f64::from(tick.clamp(*from, to) - from) / 480.0 * tempo;
            }
            microseconds / 1e6
        };
        let mut tick = 0;
        smf.tracks[track]
            .iter()
            .map(|event| {
                tick += event.delta.as_int();
                (tick, seconds(tick), event.kind)
            })
            .collect()
    }

    #[test]
    fn tempo_rounding_does_not_add_up_over_ten_minutes() {
        // 1201 beats of 0.4996… s with a slow sway, and then no more points: the last tempo goes on.
        let gaps: Vec<f64> = (0..900)
            .map(|b| 0.4996333 + 0.02 * (f64::from(b) / 7.0).sin())
            .collect();
        let mut score = score(&gaps, vec![]);
        score.duration = Span::from_seconds(600.0);
        let bytes = written(&score);
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let (tick, end, kind) = *times(&smf, 1).last().expect("an event");
        assert_eq!(kind, TrackEventKind::Meta(MetaMessage::EndOfTrack));
        assert_eq!(Tick(tick), score.end());
        let exact = score.tempo_map.instant(score.end()).seconds();
        assert!((end - exact).abs() < 2e-6, "{end} {exact}");
        assert!((end - 600.0).abs() < 1e-3, "{end}");
    }

    #[test]
    fn tracks_are_named_and_set_up() {
        let score = score(&[0.2, 0.5, 0.5, 0.5, 0.5], vec![]);
        let bytes = written(&score);
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        assert_eq!(smf.header.format, Format::Parallel);
        assert_eq!(smf.header.timing, Timing::Metrical(u15::new(480)));
        let names: Vec<&[u8]> = smf
            .tracks
            .iter()
            .filter_map(|track| match track[0].kind {
                TrackEventKind::Meta(MetaMessage::TrackName(name)) => Some(name),
                _ => None,
            })
            .collect();
        assert_eq!(names, [&b"Kinescore"[..], b"drums"]);
        let signatures: Vec<(u32, u8)> = times(&smf, 0)
            .iter()
            .filter_map(|(tick, _, kind)| match kind {
                TrackEventKind::Meta(MetaMessage::TimeSignature(beats, 2, 24, 8)) => Some((*tick, *beats)),
                _ => None,
            })
            .collect();
        assert_eq!(signatures, [(0, 1), (480, 4)]);
        let tempi: Vec<f64> = tempi(&score).iter().map(|(_, t)| f64::from(t.as_int())).collect();
        assert_eq!(tempi, [200_000.0, 500_000.0], "only changes are written");
        let setup: Vec<_> = smf.tracks[1][1..6].iter().map(|event| event.kind).collect();
        let channel = u4::new(9);
        let controller = |controller, value| TrackEventKind::Midi {
            channel,
            message: MidiMessage::Controller {
                controller: u7::new(controller),
                value: u7::new(value),
            },
        };
        let program = MidiMessage::ProgramChange { program: u7::new(8) };
        assert_eq!(
            setup,
            [
                controller(0, 120),
                controller(32, 0),
                TrackEventKind::Midi {
                    channel,
                    message: program
                },
                controller(7, 100),
                controller(10, 64),
            ]
        );
    }

    #[test]
    fn volume_and_pan_are_general_midis_controllers() {
        let mut score = score(&[0.5, 0.5], vec![]);
        score.parts.push(Part {
            name: "piano".to_owned(),
            channel: 2,
            bank: 0,
            program: 0,
            volume: -6.0,
            pan: 0.5,
            notes: vec![],
        });
        let bytes = written(&score);
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let controllers: Vec<(u8, u8, u8)> = smf.tracks[2]
            .iter()
            .filter_map(|event| match event.kind {
                TrackEventKind::Midi {
                    channel,
                    message: MidiMessage::Controller { controller, value },
                } => Some((channel.as_int(), controller.as_int(), value.as_int())),
                _ => None,
            })
            .collect();
        assert_eq!(controllers, [(2, 0, 0), (2, 32, 0), (2, 7, 71), (2, 10, 96)]);
    }

    #[test]
    fn a_score_that_is_none_writes_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("score.mid");
        let mut bad = score(&[0.5, 0.5], vec![]);
        bad.signatures.clear();
        assert!(matches!(write_midi(&bad, &path), Err(Error::Sound { .. })));
        assert!(!path.exists());
        let good = score(&[0.5, 0.5], vec![]);
        let missing = folder.path().join("none/score.mid");
        assert!(matches!(write_midi(&good, &missing), Err(Error::Output { .. })));
    }

    proptest! {
        #[test]
        fn reading_back_gives_the_same_notes_at_the_same_times(
            gaps in prop::collection::vec(0.25..1.5_f64, 2..60),
            raw in prop::collection::vec((0..30_000_u32, 1..2000_u32, 0..128_u8, 1..128_u8), 0..100),
        ) {
            let mut score = score(&gaps, vec![]);
            let end = score.end();
            // Notes of one pitch must not overlap, or which end belongs to which beginning cannot be told in MIDI.
            let notes = raw
                .into_iter()
                .filter(|(onset, ..)| *onset + 1 < end.0)
                .map(|(onset, ticks, pitch, velocity)| {
                    Note { onset: Tick(onset), ticks: ticks.min(end.0 - onset), pitch, velocity }
                })
                .collect();
            let notes = in_turn(notes);
            score.parts[0].notes = notes.clone();

            let bytes = written(&score);
            let smf = Smf::parse(&bytes).expect("a MIDI file");
            let mut sounding = std::collections::BTreeMap::new();
            let mut read = vec![];
            for (tick, seconds, kind) in times(&smf, 1) {
                let TrackEventKind::Midi { channel, message } = kind else { continue };
                prop_assert_eq!(channel.as_int(), 9);
                match message {
                    MidiMessage::NoteOn { key, vel } => {
                        let exact = score.tempo_map.instant(Tick(tick)).seconds();
                        prop_assert!((seconds - exact).abs() < 2e-6, "{} {}", seconds, exact);
                        prop_assert!(sounding.insert(key.as_int(), (tick, vel.as_int())).is_none());
                    }
                    MidiMessage::NoteOff { key, .. } => {
                        let (onset, velocity) = sounding.remove(&key.as_int()).expect("a note that sounds");
                        read.push(Note {
                            onset: Tick(onset),
                            ticks: tick - onset,
                            pitch: key.as_int(),
                            velocity,
                        });
                    }
                    _ => {}
                }
            }
            read.sort_by_key(|n| (n.onset, n.pitch));
            prop_assert!(sounding.is_empty());
            prop_assert_eq!(read, notes);
        }
    }
}
