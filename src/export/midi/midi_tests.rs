use super::*;
use crate::score::{DRUM_CHANNEL, Note, TimeSignature, in_turn};
use crate::settings::{MidiTempo, Settings};
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
    let signature = |tick, beats| TimeSignature {
        tick: Tick(tick),
        beats,
    };
    Score {
        tempo_map: TempoMap::new(points).expect("rising"),
        signatures: vec![signature(0, 1), signature(480, 4)],
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

fn note(onset: u32, ticks: u32, pitch: u8, velocity: u8) -> Note {
    Note {
        onset: Tick(onset),
        ticks,
        pitch,
        velocity,
    }
}

fn written_as(score: &Score, settings: MidiSettings) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("score.mid");
    write_midi(score, "My clip", None, settings, &path).expect("written");
    std::fs::read(&path).expect("read")
}

fn written(score: &Score) -> Vec<u8> {
    written_as(score, Settings::default().midi())
}

/// Tick and, by the file's own tempo events, time in seconds of every event of a track.
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
            microseconds += f64::from(tick.clamp(*from, to) - from) / 960.0 * tempo;
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

/// Onset and end in seconds, pitch and velocity of a track's notes, in the order of their ends.
fn notes(smf: &Smf<'_>, track: usize) -> Vec<(f64, f64, u8, u8)> {
    let mut sounding = std::collections::BTreeMap::new();
    let mut notes = vec![];
    for (_, seconds, kind) in times(smf, track) {
        let TrackEventKind::Midi { message, .. } = kind else {
            continue;
        };
        match message {
            MidiMessage::NoteOn { key, vel } => {
                let before = sounding.insert(key.as_int(), (seconds, vel.as_int()));
                assert_eq!(before, None, "a note is struck while it sounds");
            }
            MidiMessage::NoteOff { key, .. } => {
                let (onset, velocity) = sounding.remove(&key.as_int()).expect("a note that sounds");
                assert!(onset < seconds);
                notes.push((onset, seconds, key.as_int(), velocity));
            }
            _ => {}
        }
    }
    assert!(sounding.is_empty());
    notes
}

fn names(smf: &Smf<'_>) -> Vec<String> {
    let name = |track: &Vec<TrackEvent<'_>>| match track[0].kind {
        TrackEventKind::Meta(MetaMessage::TrackName(name)) => String::from_utf8_lossy(name).into_owned(),
        other => panic!("{other:?}"),
    };
    smf.tracks.iter().map(name).collect()
}

#[test]
fn the_file_ends_with_the_clip_to_the_millisecond() {
    // 1201 beats of 0.4996… s with a slow sway, then no more points: the last tempo continues.
    let gaps: Vec<f64> = (0..900)
        .map(|b| 0.4996333 + 0.02 * (f64::from(b) / 7.0).sin())
        .collect();
    let mut score = score(&gaps, vec![]);
    score.duration = Span::from_seconds(600.0);
    let bytes = written(&score);
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    for track in 0..smf.tracks.len() {
        let (_, end, kind) = *times(&smf, track).last().expect("an event");
        assert_eq!(kind, TrackEventKind::Meta(MetaMessage::EndOfTrack));
        assert!((end - 600.0).abs() < 1e-3, "{end}");
    }
}

#[test]
fn the_clips_start_is_at_the_pieces_own_tempo() {
    // A score's first beat is squeezed into the part of it that the clip has: here 2 ms, 0.2 s and
    // 0.7 s of half a second.
    for (first, metres) in [
        (0.002, vec![(0, 4, 2)]),
        (0.2, vec![(0, 1, 3), (480, 4, 2)]),
        (0.7, vec![(0, 3, 3), (1_440, 4, 2)]),
    ] {
        let mut gaps = vec![0.5; 12];
        gaps[0] = first;
        let bytes = written(&score(&gaps, vec![note(0, 240, 36, 90), note(480, 240, 38, 90)]));
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let mut tempi = vec![];
        let mut signatures = vec![];
        for (tick, _, kind) in times(&smf, 0) {
            match kind {
                TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => tempi.push((tick, tempo.as_int())),
                TrackEventKind::Meta(MetaMessage::TimeSignature(count, power, click, 8)) => {
                    assert_eq!(u32::from(click) << power, 96);
                    signatures.push((tick, count, power));
                }
                _ => {}
            }
        }
        assert_eq!(tempi, [(0, 500_000)], "{first}");
        assert_eq!(signatures, metres, "{first}");
        let onsets: Vec<f64> = notes(&smf, 1).iter().map(|note| note.0).collect();
        assert_eq!(onsets.len(), 2);
        assert!(onsets[0].abs() < 1e-3 && (onsets[1] - first).abs() < 1e-3, "{onsets:?}");
    }
}

#[test]
fn tracks_are_named_and_set_up() {
    let score = score(&[0.2, 0.5, 0.5, 0.5, 0.5], vec![]);
    let bytes = written(&score);
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    assert_eq!(smf.header.format, Format::Parallel);
    assert_eq!(smf.header.timing, Timing::Metrical(u15::new(960)));
    assert_eq!(names(&smf), ["My clip", "Drums"]);
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
    let program = TrackEventKind::Midi {
        channel,
        message: program,
    };
    assert_eq!(
        setup,
        [
            controller(0, 120),
            controller(32, 0),
            program,
            controller(7, 100),
            controller(10, 64)
        ]
    );
}

#[test]
fn names_are_ascii() {
    assert_eq!(title(" dance 3 "), "dance 3");
    assert_eq!(title("tänzer\u{7}01"), "t_nzer_01");
    assert_eq!(title("踊り"), NAMELESS);
    assert_eq!(title(""), NAMELESS);
    assert_eq!(title(&"a".repeat(500)).len(), LONGEST_NAME);
}

#[test]
fn each_drum_can_have_a_track_of_its_own() {
    let mut score = score(
        &[0.5; 8],
        vec![
            note(0, 120, 36, 90),
            note(0, 120, 42, 50),
            note(240, 120, 42, 60),
            note(480, 120, 60, 70),
        ],
    );
    let piano = Part {
        name: "piano".to_owned(),
        channel: 2,
        bank: 0,
        program: 0,
        notes: vec![note(0, 120, 60, 90), note(0, 120, 64, 90)],
        ..score.parts[0].clone()
    };
    score.parts.push(piano);
    let settings = MidiSettings {
        tempo: MidiTempo::Beats,
        drums: MidiDrums::PerDrum,
    };
    let bytes = written_as(&score, settings);
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    assert_eq!(names(&smf), ["My clip", "Kick", "Closed Hi-Hat", "Drum 60", "Piano"]);
    let counts: Vec<usize> = (1..5).map(|track| notes(&smf, track).len()).collect();
    assert_eq!(counts, [1, 2, 1, 2]);
    for track in &smf.tracks[1..4] {
        let channel = |event: &TrackEvent<'_>| match event.kind {
            TrackEventKind::Midi { channel, .. } => Some(channel.as_int()),
            _ => None,
        };
        assert!(track.iter().filter_map(channel).all(|channel| channel == 9));
        let program = |event: &TrackEvent<'_>| matches!(event.kind, TrackEventKind::Midi { message: MidiMessage::ProgramChange { program }, .. } if program.as_int() == 8);
        assert!(track.iter().any(program));
    }
}

#[test]
fn notes_of_one_pitch_never_overlap() {
    // One struck again while it sounds, two at once, and two in a first beat of 2 ms, where a tick
    // of the file is 0.5 ms.
    let mut gaps = vec![0.5; 8];
    gaps[0] = 0.002;
    let score = score(
        &gaps,
        vec![
            note(0, 10, 38, 20),
            note(20, 10, 38, 90),
            note(480, 960, 36, 90),
            note(720, 240, 36, 80),
            note(960, 100, 42, 60),
            note(960, 300, 42, 50),
        ],
    );
    let bytes = written(&score);
    let smf = Smf::parse(&bytes).expect("a MIDI file");
    let mut notes = notes(&smf, 1);
    notes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let kept: Vec<(u8, u8)> = notes.iter().map(|note| (note.2, note.3)).collect();
    assert_eq!(kept, [(38, 90), (36, 90), (36, 80), (42, 60)]);
    assert!((notes[1].1 - notes[2].0).abs() < 1e-9, "ends where the next begins");
    assert!((notes[3].1 - 0.8145).abs() < 1e-3, "ends with the longer one");
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
fn an_invalid_score_writes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("score.mid");
    let settings = Settings::default().midi();
    let mut bad = score(&[0.5, 0.5], vec![]);
    bad.signatures.clear();
    assert!(matches!(
        write_midi(&bad, "a", None, settings, &path),
        Err(Error::Music { .. })
    ));
    assert!(!path.exists());
    let good = score(&[0.5, 0.5], vec![]);
    let missing = folder.path().join("none/score.mid");
    assert!(matches!(
        write_midi(&good, "a", None, settings, &missing),
        Err(Error::Output { .. })
    ));
}

proptest! {
    #[test]
    fn reading_back_gives_the_same_notes_at_the_same_times(
        gaps in prop::collection::vec(0.25..1.5_f64, 2..60),
        raw in prop::collection::vec((0..1_500_u32, 20..2000_u32, 0..128_u8, 1..128_u8), 0..100),
        steady in any::<bool>(),
    ) {
        let mut score = score(&gaps, vec![]);
        let end = score.end();
        // Notes of one pitch must not overlap, or MIDI cannot distinguish which end belongs to
        // which beginning.
        let sounding = raw
            .into_iter()
            .map(|(place, ticks, pitch, velocity)| (20 * place, ticks, pitch, velocity))
            .filter(|(onset, ..)| *onset + 20 < end.0)
            .map(|(onset, ticks, pitch, velocity)| note(onset, ticks.min(end.0 - onset), pitch, velocity))
            .collect();
        score.parts[0].notes = in_turn(sounding);
        let tempo = if steady { MidiTempo::Steady } else { MidiTempo::Beats };
        let bytes = written_as(&score, MidiSettings { tempo, drums: MidiDrums::OneTrack });
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let mut read = notes(&smf, 1);
        read.sort_by(|a, b| (a.0, a.2).partial_cmp(&(b.0, b.2)).expect("numbers"));
        let mut expected: Vec<(f64, f64, u8, u8)> = score.parts[0]
            .notes
            .iter()
            .map(|note| {
                let at = |tick| score.tempo_map.instant(Tick(tick)).seconds();
                (at(note.onset.0), at(note.onset.0 + note.ticks), note.pitch, note.velocity)
            })
            .collect();
        // Notes less than a millisecond apart may swap places.
        let by_pitch = |notes: &mut Vec<(f64, f64, u8, u8)>| {
            notes.sort_by(|a, b| (a.2, a.0).partial_cmp(&(b.2, b.0)).expect("numbers"));
        };
        by_pitch(&mut read);
        by_pitch(&mut expected);
        prop_assert_eq!(read.len(), expected.len());
        for (read, exact) in read.iter().zip(&expected) {
            prop_assert_eq!((read.2, read.3), (exact.2, exact.3));
            prop_assert!((read.0 - exact.0).abs() < 1e-3, "{:?} {:?}", read, exact);
            prop_assert!((read.1 - exact.1).abs() < 2e-3, "{:?} {:?}", read, exact);
        }
    }
}
