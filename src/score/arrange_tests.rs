use super::*;
use crate::drums::{DrumClass, Hit};
use crate::music::ChordAt;
use crate::score::Note;
use crate::theory::{Chord, Instrument, Key, Mode, Quality};
use proptest::prelude::*;

fn hit(step: i32, class: DrumClass) -> Hit {
    Hit {
        step,
        class,
        velocity: 0.7,
        offset: 0.0,
    }
}

fn grid(first: f64, bpm: f64, beats: usize, first_beat: u8, hits: Vec<Hit>) -> DrumGrid {
    DrumGrid {
        beats: (0..beats)
            .map(|b| Instant::from_seconds(first + b as f64 * 60.0 / bpm))
            .collect(),
        first_beat,
        beats_per_bar: 4,
        style: "rock".to_owned(),
        hits,
    }
}

fn score(grid: &DrumGrid, seconds: f64) -> Score {
    from_drums(grid, Span::from_seconds(seconds), None).expect("a score")
}

fn bar_lines(score: &Score) -> Vec<f64> {
    let mut lines = vec![];
    for (index, signature) in score.signatures.iter().enumerate() {
        let until = score.signatures.get(index + 1).map_or(Tick(100_000), |s| s.tick);
        let mut tick = signature.tick;
        while tick < until {
            lines.push(score.tempo_map.instant(tick).seconds());
            tick = Tick(tick.0 + u32::from(signature.beats) * TICKS_PER_BEAT);
        }
    }
    lines
}

#[test]
fn a_clip_that_begins_on_a_downbeat_has_no_pick_up() {
    let score = score(&grid(0.0, 120.0, 16, 1, vec![hit(0, DrumClass::Kick)]), 8.0);
    assert_eq!(
        score.signatures,
        [TimeSignature {
            tick: Tick(0),
            beats: 4
        }]
    );
    assert_eq!(score.tempo_map.points().len(), 16);
    assert_eq!(score.parts[0].notes[0].onset, Tick(0));
    assert_eq!(score.parts[0].program, 8, "a rock style is played on the room kit");
}

#[test]
fn bar_lines_fall_on_downbeats_wherever_the_clip_begins() {
    for first in [0.0, 0.0004, 0.01, 0.13, 0.27, 0.5, 0.7, 0.9, 1.3, 2.6, 3.99] {
        for first_beat in 1..=4_u8 {
            let grid = grid(first, 120.0, 40, first_beat, vec![hit(0, DrumClass::Kick)]);
            let score = score(&grid, 22.0);
            let lines = bar_lines(&score);
            let downbeat = first + f64::from((5 - first_beat) % 4) * 0.5;
            assert!(
                lines.iter().any(|line| (line - downbeat).abs() < 6e-4),
                "first beat {first} is number {first_beat}: {lines:?}"
            );
            assert!(score.tempo_map.instant(Tick(0)) == Instant::ZERO);
            assert!(score.signatures[0].beats <= 4);
        }
    }
}

#[test]
fn onsets_are_within_half_a_tick_of_the_grid() {
    let mut hits: Vec<Hit> = (-4..60).map(|step| hit(step, DrumClass::Snare)).collect();
    for (index, hit) in hits.iter_mut().enumerate() {
        hit.offset = (index % 9) as f32 / 10.0 - 0.4;
    }
    let mut grid = grid(0.8, 97.3, 20, 1, hits.clone());
    for (index, beat) in grid.beats.iter_mut().enumerate() {
        *beat += Span::from_seconds(0.02 * (index as f64).sin());
    }
    let beats = BeatGrid::new(grid.beats.clone()).expect("beats");
    let score = score(&grid, 13.0);
    let ending = score.parts[0].notes.last().expect("notes").onset;
    for hit in &hits {
        let onset = beats.instant(f64::from(hit.step) + f64::from(hit.offset));
        if score.tempo_map.tick(onset) >= Tick(ending.0 - 60) {
            continue;
        }
        let nearest = score.parts[0]
            .notes
            .iter()
            .map(|note| (score.tempo_map.instant(note.onset) - onset).seconds().abs())
            .fold(f64::MAX, f64::min);
        assert!(nearest < 0.0009, "{onset:?}: {nearest}");
    }
}

#[test]
fn a_closed_hat_cuts_an_open_one() {
    let hits = vec![
        hit(0, DrumClass::OpenHat),
        hit(2, DrumClass::ClosedHat),
        hit(4, DrumClass::OpenHat),
        hit(4, DrumClass::ClosedHat),
        hit(40, DrumClass::Kick),
    ];
    let score = score(&grid(0.0, 120.0, 16, 1, hits), 8.0);
    let notes = &score.parts[0].notes;
    assert_eq!(
        (notes[0].pitch, notes[0].ticks),
        (46, 240),
        "held for half a beat, until the closed hat"
    );
    let together: Vec<_> = notes.iter().filter(|n| n.onset == Tick(480)).collect();
    assert_eq!(together.len(), 1, "a hi-hat is either open or closed");
}

#[test]
fn events_outside_are_left_out_and_the_very_start_is_kept() {
    let mut early = hit(0, DrumClass::Snare);
    early.offset = -0.3;
    let hits = vec![
        hit(-1, DrumClass::Kick),
        early,
        hit(4, DrumClass::Kick),
        hit(400, DrumClass::Ride),
    ];
    let score = score(&grid(0.0, 120.0, 9, 1, hits), 4.0);
    let notes = &score.parts[0].notes;
    assert_eq!((notes[0].onset, notes[0].pitch), (Tick(0), 38));
    assert!(notes.iter().all(|n| n.pitch != 51));
    assert_eq!(
        notes.iter().filter(|n| n.pitch == 36).count(),
        2,
        "beat 2 and the ending"
    );
}

#[test]
fn invalid_grids_are_refused() {
    let good = grid(0.0, 120.0, 8, 1, vec![]);
    for beats in [vec![], vec![Instant::ZERO], vec![Instant::ZERO, Instant::ZERO]] {
        let grid = DrumGrid { beats, ..good.clone() };
        assert!(from_drums(&grid, Span::from_seconds(4.0), None).is_err());
    }
    assert!(from_drums(&good, Span::ZERO, None).is_err());
    let error = from_drums(&good, Span::from_seconds(4.0), Some("spoons")).expect_err("no kit");
    assert!(error.to_string().contains("standard|room"), "{error}");
    let three = DrumGrid {
        beats_per_bar: 0,
        ..good
    };
    assert!(from_drums(&three, Span::from_seconds(4.0), None).is_err());
}

/// Four chords in A minor, repeated, one per bar, as a band would play them: chords on the piano,
/// arpeggios on the guitar, roots and fifths on the bass.
fn music(steps: i32) -> Music {
    let roots = [9, 5, 0, 7];
    let mut chords = vec![];
    let (mut piano, mut guitar, mut bass) = (vec![], vec![], vec![]);
    let note = |step, length, pitch, offset| GridNote {
        step,
        length,
        pitch,
        velocity: 0.6,
        offset,
    };
    for bar in 0..steps / 16 {
        let root = roots[bar as usize % 4];
        let quality = if root == 9 { Quality::Minor } else { Quality::Major };
        let chord = Chord { root, quality };
        chords.push(ChordAt { step: bar * 16, chord });
        let third = if quality == Quality::Minor { 3 } else { 4 };
        for beat in 0..4 {
            let step = bar * 16 + beat * 4;
            let at = beat as f32 / 20.0;
            piano.extend([0, third, 7].map(|tone| note(step, 8, 60 + (root + tone) % 12, at)));
            guitar.push(note(
                step + 2,
                9,
                64 + (root + 8 + [0, third, 7, third][beat as usize]) % 12,
                -0.1,
            ));
            bass.push(note(
                step,
                8,
                33 + (root + 3 + if beat == 3 { 7 } else { 0 }) % 12,
                0.02,
            ));
        }
    }
    let line = |instrument, mut notes: Vec<GridNote>| {
        notes.sort_by_key(|note| (note.step, note.pitch));
        Line { instrument, notes }
    };
    Music {
        palette: None,
        key: Key {
            tonic: 9,
            mode: Mode::HarmonicMinor,
        },
        chords,
        lines: vec![
            line(Instrument::Piano, piano),
            line(Instrument::Guitar, guitar),
            line(Instrument::Bass, bass),
        ],
    }
}

fn hats(steps: i32) -> Vec<Hit> {
    (0..steps)
        .step_by(2)
        .map(|step| hit(step, DrumClass::ClosedHat))
        .collect()
}

fn arranged(seconds: f64) -> Score {
    let grid = grid(0.0, 120.0, 65, 1, hats(256));
    arrange(&grid, Some(&music(256)), Span::from_seconds(seconds), None).expect("a score")
}

fn named<'a>(score: &'a Score, name: &str) -> &'a [Note] {
    &score.parts.iter().find(|part| part.name == name).expect("a part").notes
}

fn at(notes: &[Note], tick: u32) -> Vec<u8> {
    notes
        .iter()
        .filter(|n| n.onset == Tick(tick))
        .map(|n| n.pitch)
        .collect()
}

#[test]
fn parts_are_in_order_with_programs_channels_and_positions() {
    let score = arranged(20.0);
    let parts: Vec<_> = score
        .parts
        .iter()
        .map(|part| (part.name.as_str(), part.channel, part.bank, part.program))
        .collect();
    assert_eq!(
        parts,
        [
            ("drums", 9, 128, 8),
            ("bass", 0, 0, 34),
            ("guitar", 1, 0, 29),
            ("piano", 2, 0, 0)
        ]
    );
    let pan: Vec<f32> = score.parts.iter().map(|part| part.pan).collect();
    assert!(
        pan[0] == 0.0 && pan[1] == 0.0 && pan[2] < -0.2 && pan[3] > 0.2,
        "{pan:?}"
    );
    // The drums are the same as in a score of the drums alone.
    let alone = from_drums(&grid(0.0, 120.0, 65, 1, hats(256)), Span::from_seconds(20.0), None).expect("a score");
    assert_eq!(alone.parts[0].notes, score.parts[0].notes);
    assert_eq!(
        (&alone.tempo_map, &alone.signatures),
        (&score.tempo_map, &score.signatures)
    );
    assert_eq!(alone.parts.len(), 1);
}

#[test]
fn notes_are_at_their_grid_positions_with_their_offsets() {
    let score = arranged(20.0);
    // 120 beats a minute: a step is 120 ticks. The piano's second beat is 0.05 steps late, the
    // guitar a tenth early.
    assert_eq!(at(named(&score, "piano"), 480 + 6), [60, 64, 69]);
    assert_eq!(at(named(&score, "guitar"), 240 - 12), [69]);
    let bass = named(&score, "bass");
    assert_eq!((bass[0].onset, bass[0].pitch, bass[0].ticks), (Tick(2), 33, 480));
    assert_eq!(bass[0].velocity, 76);
    // Chords that are half a beat too long are cut where the next begins.
    let piano = named(&score, "piano");
    assert!(piano[..3].iter().all(|note| note.ticks == 480), "{:?}", &piano[..3]);
}

#[test]
fn the_end_resolves_with_the_drums_and_rings_to_the_clips_end() {
    // 15 s at 120 beats a minute: the drums end on the downbeat at 14 s, after C and before G.
    let score = arranged(15.0);
    let last = 28 * 480;
    assert_eq!(at(named(&score, "drums"), last), [36, 49]);
    assert_eq!(at(named(&score, "bass"), last), [33], "the lowest A");
    for name in ["piano", "guitar"] {
        let pitches = at(named(&score, name), last);
        let mut classes: Vec<u8> = pitches.iter().map(|pitch| pitch % 12).collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(classes, [0, 4, 9], "{name}: A minor");
    }
    for name in ["bass", "guitar", "piano"] {
        let notes = named(&score, name);
        assert_eq!(
            notes.last().expect("notes").onset,
            Tick(last),
            "{name}: nothing follows"
        );
        for note in notes.iter().filter(|note| note.onset == Tick(last)) {
            let end = score.tempo_map.instant(Tick(note.onset.0 + note.ticks)).seconds();
            assert!((14.8..15.0).contains(&end), "{name} rings to {end} s");
        }
        for note in notes.iter().filter(|note| note.onset < Tick(last)) {
            assert!(note.onset.0 + note.ticks <= last, "{name}: {note:?}");
        }
        // The last half bar leads there: E7, except for guitar notes outside the chord.
        let lead = notes.iter().filter(|n| (last - 960 - 20..last).contains(&n.onset.0));
        for note in lead {
            assert!([4, 8, 11, 2].contains(&(note.pitch % 12)), "{name}: {note:?}");
        }
    }
}

#[test]
fn two_lengths_share_everything_before_the_ending() {
    let (short, long) = (arranged(15.0), arranged(26.3));
    let lead_in = 28 * 480 - 960;
    for name in ["drums", "bass", "guitar", "piano"] {
        let shared = |score: &Score| -> Vec<Note> {
            let ends = |note: &&Note| note.onset.0 + note.ticks <= lead_in;
            named(score, name).iter().filter(ends).copied().collect()
        };
        // A cymbal or chord that rings into the ending is cut by it, but begins at the same time.
        let begun = |score: &Score| -> Vec<(Tick, u8, u8)> {
            let before = named(score, name).iter().filter(|note| note.onset.0 < lead_in - 60);
            before.map(|note| (note.onset, note.pitch, note.velocity)).collect()
        };
        assert_eq!(shared(&short), shared(&long), "{name}");
        assert_eq!(begun(&short), begun(&long), "{name}");
        assert!(shared(&short).len() > 20);
    }
}

#[test]
fn the_music_ends_by_itself_where_no_drum_is_struck() {
    let grid = grid(0.0, 120.0, 65, 1, vec![]);
    let score = arrange(&grid, Some(&music(256)), Span::from_seconds(15.0), None).expect("a score");
    assert!(named(&score, "drums").is_empty());
    assert_eq!(at(named(&score, "bass"), 28 * 480), [33]);
    let mut silent = music(256);
    silent.lines.iter_mut().for_each(|line| line.notes.clear());
    let score = arrange(&grid, Some(&silent), Span::from_seconds(15.0), None).expect("a score");
    assert!(score.parts.len() == 4 && score.parts.iter().all(|part| part.notes.is_empty()));
}

#[test]
fn a_clip_that_begins_between_two_beats_has_its_music_on_beats() {
    // The first beat of the grid is the third of its bar, 0.7 s into the clip.
    let grid = grid(0.7, 120.0, 40, 3, hats(160));
    let mut music = music(160);
    // A note that begins before the clip is left out; one that belongs to its start is played at
    // the start.
    music.lines[0].notes.insert(
        0,
        GridNote {
            step: -6,
            length: 8,
            pitch: 50,
            velocity: 0.5,
            offset: 0.0,
        },
    );
    music.lines[0].notes.insert(
        1,
        GridNote {
            step: -5,
            length: 1,
            pitch: 52,
            velocity: 0.5,
            offset: 0.0,
        },
    );
    let score = arrange(&grid, Some(&music), Span::from_seconds(15.0), None).expect("a score");
    let piano = named(&score, "piano");
    assert_eq!(piano[0].pitch, 52);
    let onset = |index: usize| score.tempo_map.instant(piano[index].onset).seconds();
    assert!((onset(0) - 0.075).abs() < 1e-3 && (onset(1) - 0.7).abs() < 1e-3);
    let early = GridNote {
        step: 0,
        length: 4,
        pitch: 50,
        velocity: 0.5,
        offset: -0.4,
    };
    music.lines[0].notes = vec![early];
    let first = self::grid(0.0, 120.0, 40, 1, hats(160));
    let score = arrange(&first, Some(&music), Span::from_seconds(15.0), None).expect("a score");
    assert_eq!(named(&score, "piano")[0].onset, Tick(0));
}

#[test]
fn invalid_music_is_refused_with_the_value() {
    let grid = grid(0.0, 120.0, 40, 1, hats(160));
    type Spoil = fn(&mut Music);
    let spoil: [(&str, Spoil); 7] = [
        ("pitch 128", |m| m.lines[0].notes[3].pitch = 128),
        ("length 0", |m| m.lines[1].notes[3].length = 0),
        ("velocity 0", |m| m.lines[0].notes[3].velocity = 0.0),
        ("velocity NaN", |m| m.lines[0].notes[3].velocity = f32::NAN),
        ("offset NaN", |m| m.lines[0].notes[3].offset = f32::NAN),
        ("offset 2", |m| m.lines[0].notes[3].offset = 2.0),
        ("is 'piano', like that of another part", |m| {
            m.lines.push(m.lines[0].clone())
        }),
    ];
    for (words, spoil) in spoil {
        let mut music = music(160);
        spoil(&mut music);
        let error = arrange(&grid, Some(&music), Span::from_seconds(15.0), None).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
}

fn any_grid() -> impl Strategy<Value = DrumGrid> {
    (
        0.0..3.0_f64,
        prop::collection::vec(0.26..1.4_f64, 2..40),
        1..=4_u8,
        3..=4_u8,
        prop::collection::vec((-20..200_i32, 0..9_usize, 0.001..1.0_f32, -0.5..0.5_f32), 0..200),
    )
        .prop_map(|(first, gaps, first_beat, beats_per_bar, hits)| {
            let mut time = first;
            let mut beats = vec![Instant::from_seconds(first)];
            for gap in gaps {
                time += gap;
                beats.push(Instant::from_seconds(time));
            }
            let hits = hits
                .into_iter()
                .map(|(step, class, velocity, offset)| Hit {
                    step,
                    class: DrumClass::ALL[class],
                    velocity,
                    offset,
                })
                .collect();
            DrumGrid {
                beats,
                first_beat,
                beats_per_bar,
                style: "jazz".to_owned(),
                hits,
            }
        })
}

fn any_music() -> impl Strategy<Value = Music> {
    let quality = prop::sample::select(Quality::ALL.to_vec());
    let mode = prop::sample::select(Mode::ALL.to_vec());
    let notes = || {
        let note = (-40..240_i32, 1..=64_u8, 0..128_u8, 0.001..1.0_f32, -0.5..0.5_f32);
        prop::collection::vec(note, 0..120).prop_map(|notes| {
            let note = |(step, length, pitch, velocity, offset)| GridNote {
                step,
                length,
                pitch,
                velocity,
                offset,
            };
            notes.into_iter().map(note).collect::<Vec<_>>()
        })
    };
    let chords = prop::collection::btree_map(-40..240_i32, (0..12_u8, quality), 0..20);
    let lines = prop::sample::subsequence(vec![Instrument::Guitar, Instrument::Bass, Instrument::Piano], 0..=3);
    ((0..12_u8, mode), chords, lines, [notes(), notes(), notes()]).prop_map(|((tonic, mode), chords, who, notes)| {
        Music {
            palette: None,
            key: Key { tonic, mode },
            chords: chords
                .into_iter()
                .map(|(step, (root, quality))| ChordAt {
                    step,
                    chord: Chord { root, quality },
                })
                .collect(),
            lines: who
                .into_iter()
                .zip(notes)
                .map(|(instrument, notes)| Line { instrument, notes })
                .collect(),
        }
    })
}

proptest! {
    #[test]
    fn any_grid_and_music_give_a_valid_score(
        grid in any_grid(),
        music in prop::option::of(any_music()),
        duration in 2.0..30.0_f64,
    ) {
        let score = arrange(&grid, music.as_ref(), Span::from_seconds(duration), None).expect("a score");
        prop_assert!(score.check().is_ok());
        prop_assert_eq!(score.parts.len(), 1 + music.map_or(0, |music| music.lines.len()));
        for part in &score.parts {
            for pitch in 0..128 {
                let own: Vec<_> = part.notes.iter().filter(|n| n.pitch == pitch).collect();
                prop_assert!(own.windows(2).all(|n| n[0].onset.0 + n[0].ticks <= n[1].onset.0));
            }
        }
    }
}
