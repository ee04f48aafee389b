//! Numbers made by hand: eight bars at 120 beats a minute, where a step is 125 ms.

use super::*;
use crate::drums::{DrumClass, Hit};
use crate::music::{ChordAt, GridNote, Line};
use crate::rhythm::{Accent, AccentKind, Beat, BodyPart, Curve, Source};
use crate::theory::{Chord, Instrument, Key, Mode, Quality};
use crate::time::{Instant, Rate, Tempo};

const STEP: f64 = 0.125;

fn accent(seconds: f64, strength: f32, part: BodyPart) -> Accent {
    Accent {
        time: Instant::from_seconds(seconds),
        strength,
        kind: AccentKind::Impact,
        part,
        impact: None,
    }
}

/// A movement with the given accents that is still in the given stretches.
fn rhythm(accents: &[Accent], still: &[(f64, f64)]) -> Rhythm {
    let speed = |t: f64| match still.iter().any(|(from, to)| (*from..*to).contains(&t)) {
        true => 1.0,
        false => 20.0,
    };
    Rhythm {
        beats: (0..32_u8)
            .map(|beat| Beat {
                time: Instant::from_seconds(0.5 * f64::from(beat)),
                number: beat % 4 + 1,
            })
            .collect(),
        beats_per_bar: 4,
        tempo: Tempo::from_bpm(120.0),
        confidence: 1.0,
        accents: accents.to_vec(),
        movement: Curve {
            rate: Rate::from_hz(60.0),
            values: (0..960).map(|i| speed(f64::from(i) / 60.0) as f32).collect(),
        },
        activation: Curve {
            rate: Rate::from_hz(100.0),
            values: vec![],
        },
        source: Source::Motion,
        cuts: vec![],
        unmoved: None,
    }
}

fn hit(step: i32, class: DrumClass, velocity: f32, offset: f32) -> Hit {
    Hit {
        step,
        class,
        velocity,
        offset,
    }
}

/// Kick on one and three, snare on two and four, hats on the eighths.
fn groove() -> DrumGrid {
    let mut hits: Vec<Hit> = (0..128)
        .flat_map(|step| {
            let drum = match step % 16 {
                0 | 8 => Some(DrumClass::Kick),
                4 | 12 => Some(DrumClass::Snare),
                _ => None,
            };
            let hat = (step % 2 == 0).then_some(DrumClass::ClosedHat);
            let played = drum.into_iter().chain(hat);
            played.map(move |class| hit(step, class, 0.5, 0.0)).collect::<Vec<_>>()
        })
        .collect();
    hits.sort_by_key(|hit| (hit.step, hit.class as usize));
    DrumGrid {
        beats: rhythm(&[], &[]).beats.iter().map(|beat| beat.time).collect(),
        first_beat: 1,
        beats_per_bar: 4,
        style: "rock".to_owned(),
        hits,
    }
}

fn drums(accents: &[Accent], still: &[(f64, f64)], follow: f64) -> Vec<Hit> {
    answer(&groove(), None, &rhythm(accents, still), follow).drums.hits
}

fn on(hits: &[Hit], step: i32) -> Vec<(DrumClass, f32, f32)> {
    let there = hits.iter().filter(|hit| hit.step == step);
    there.map(|hit| (hit.class, hit.velocity, hit.offset)).collect()
}

fn near(a: f32, b: f64) -> bool {
    (f64::from(a) - b).abs() < 1e-5
}

#[test]
fn without_depth_everything_stays_as_it_was_written() {
    let strong = rhythm(&[accent(1.03, 1.0, BodyPart::Whole)], &[(4.0, 6.0)]);
    assert_eq!(answer(&groove(), None, &strong, 0.0), Answer::none(&groove(), None));
}

#[test]
fn strokes_move_half_way_and_all_the_way_to_their_accent() {
    let at = |follow, seconds| on(&drums(&[accent(seconds, 0.5, BodyPart::Feet)], &[], follow), 8);
    for (follow, seconds, expected) in [
        (2.0, 1.03, 0.015),
        (2.0, 0.97, -0.015),
        (2.0, 1.06, 0.040), // no farther than 20 ms from it
        (4.0, 1.03, 0.030),
        (4.0, 1.06, 0.060),
        (4.0, 1.062, 0.060), // no farther than 60 ms
    ] {
        let strokes = at(follow, seconds);
        assert!(!strokes.is_empty());
        for (class, _, offset) in strokes {
            assert!(
                near(offset, expected / STEP),
                "{class:?} at {seconds}, {follow}: {offset}"
            );
        }
    }
}

#[test]
fn strokes_right_beside_an_answer_would_be_a_flam_and_are_removed() {
    let mut grid = groove();
    // 40 ms before the answer of the accent on step 8, and 60 ms before it.
    grid.hits.push(hit(7, DrumClass::Snare, 0.5, 0.499));
    grid.hits.push(hit(7, DrumClass::HighTom, 0.5, 0.2));
    let moved = rhythm(&[accent(0.96, 0.5, BodyPart::Feet)], &[]);
    let hits = answer(&grid, None, &moved, 2.0).drums.hits;
    // The answer is 20 ms before step 8: 0.98 s; the snare at 0.937 s, the tom at 0.9 s.
    let classes: Vec<DrumClass> = on(&hits, 7).iter().map(|(class, ..)| *class).collect();
    assert_eq!(classes, [DrumClass::HighTom]);
}

#[test]
fn strokes_are_as_loud_as_the_accent_is_strong_and_the_others_step_back() {
    let hits = drums(&[accent(1.0, 0.4, BodyPart::Feet)], &[], 2.0);
    let velocity = |step, class| {
        let stroke = on(&hits, step).into_iter().find(|(c, ..)| *c == class);
        stroke.map(|(_, velocity, _)| velocity).expect("a stroke")
    };
    assert!(near(velocity(8, DrumClass::Kick), 0.73));
    assert!(
        near(velocity(8, DrumClass::ClosedHat), 0.5 * 0.85),
        "what keeps time stays with the groove"
    );
    assert!(near(velocity(2, DrumClass::ClosedHat), 0.5 * 0.85));
    assert!(
        near(velocity(24, DrumClass::Kick), 0.5 * 0.85),
        "the three is not the backbone"
    );
    assert!(near(velocity(16, DrumClass::Kick), 0.5) && near(velocity(12, DrumClass::Snare), 0.5));
    let all = drums(&[accent(1.0, 1.0, BodyPart::Feet)], &[], 4.0);
    assert!(near(on(&all, 16)[0].1, 0.5 * 0.77) && near(on(&all, 2)[0].1, 0.5 * 0.72));
    assert_eq!(on(&all, 8)[0], (DrumClass::Kick, 1.0, 0.0));
}

#[test]
fn each_part_of_the_body_has_its_drums() {
    use DrumClass::{Crash, Kick, MidTom, Snare};
    let added = |part, strength| -> Vec<DrumClass> {
        // Step 9 has no stroke yet.
        let hits = drums(&[accent(9.0 * STEP, strength, part)], &[], 2.0);
        on(&hits, 9).iter().map(|(class, ..)| *class).collect()
    };
    assert_eq!(added(BodyPart::Feet, 0.9), [Kick]);
    assert_eq!(added(BodyPart::Hands, 0.9), [Snare]);
    assert_eq!(added(BodyPart::Hands, 0.3), [MidTom]);
    assert_eq!(added(BodyPart::Trunk, 0.9), [Kick, Snare]);
    assert_eq!(added(BodyPart::Trunk, 0.4), [Kick]);
    assert_eq!(added(BodyPart::Head, 0.9), [Snare]);
    assert_eq!(added(BodyPart::Whole, 0.9), [Kick, Snare, Crash]);
    assert_eq!(added(BodyPart::Whole, 0.7), [Kick, Snare]);
}

#[test]
fn drums_that_answer_together_are_softer_than_the_first() {
    let hits = drums(&[accent(9.0 * STEP, 1.0, BodyPart::Whole)], &[], 2.0);
    let velocities: Vec<f32> = on(&hits, 9).iter().map(|(_, velocity, _)| *velocity).collect();
    let [kick, snare, crash] = velocities[..] else {
        panic!("{velocities:?}");
    };
    assert!(near(kick, 1.0) && near(snare, 0.5) && near(crash, 0.4));
}

#[test]
fn an_accent_that_hardly_anybody_notices_has_a_light_stroke_at_its_time() {
    let faint = |step: f64| accent(step * STEP + 0.02, 0.2, BodyPart::Feet);
    let hits = drums(&[faint(9.0), faint(8.0)], &[], 2.0);
    let [(DrumClass::Kick, light, offset)] = on(&hits, 9)[..] else {
        panic!("{:?}", on(&hits, 9));
    };
    assert!(near(light, 0.32) && near(offset, 0.01 / STEP));
    // A stroke that is there already moves with it, and is not louder.
    let (class, velocity, offset) = on(&hits, 8)[0];
    assert!(class == DrumClass::Kick && near(velocity, 0.5 * 0.85) && near(offset, 0.01 / STEP));
}

#[test]
fn a_loud_groove_makes_room_for_accents() {
    let mut grid = groove();
    grid.hits.iter_mut().for_each(|hit| hit.velocity = 0.93);
    let hits = answer(&grid, None, &rhythm(&[accent(1.0, 0.9, BodyPart::Feet)], &[]), 2.0)
        .drums
        .hits;
    let velocities = |step| -> Vec<f32> { on(&hits, step).iter().map(|(_, velocity, _)| *velocity).collect() };
    assert!(near(velocities(16)[0], 0.52), "the backbone");
    assert!(near(velocities(2)[0], 0.52 * 0.85));
    assert!(near(velocities(8)[0], 0.955));
}

#[test]
fn a_stroke_right_before_a_strong_accent_is_softer() {
    let hits = drums(&[accent(9.0 * STEP, 0.8, BodyPart::Feet)], &[], 2.0);
    let kick = on(&hits, 8).into_iter().find(|(class, ..)| *class == DrumClass::Kick);
    assert!(near(kick.expect("a kick").1, 0.5 * 0.85 * 0.7));
}

#[test]
fn in_a_slow_tempo_an_accent_is_answered_between_the_steps() {
    // Twice as slow: a step is 250 ms, and the accents are 0.10 s and 0.02 s from step 4.
    let mut slow = rhythm(
        &[accent(1.10, 0.9, BodyPart::Hands), accent(0.98, 0.8, BodyPart::Feet)],
        &[],
    );
    for (beat, number) in slow.beats.iter_mut().zip(0_u8..) {
        beat.time = Instant::from_seconds(f64::from(number));
    }
    let grid = DrumGrid {
        beats: slow.beats.iter().map(|beat| beat.time).collect(),
        hits: vec![hit(0, DrumClass::Kick, 0.6, 0.0), hit(60, DrumClass::Kick, 0.6, 0.0)],
        ..groove()
    };
    let hits = answer(&grid, None, &slow, 4.0).drums.hits;
    let there: Vec<(DrumClass, f64)> = on(&hits, 4)
        .into_iter()
        .map(|(class, _, offset)| (class, 1.0 + 0.25 * f64::from(offset)))
        .collect();
    let [(DrumClass::Kick, kick), (DrumClass::Snare, snare)] = there[..] else {
        panic!("{there:?}");
    };
    assert!(
        (kick - 0.98).abs() < 1e-6 && (snare - 1.10).abs() < 1e-3,
        "{kick} {snare}"
    );
}

#[test]
fn a_crash_is_struck_once_in_two_bars() {
    let whole = |steps: &[i32]| -> Vec<i32> {
        let accents: Vec<Accent> = steps
            .iter()
            .map(|step| accent(f64::from(*step) * STEP, 1.0, BodyPart::Whole))
            .collect();
        let hits = drums(&accents, &[], 2.0).into_iter();
        hits.filter(|hit| hit.class == DrumClass::Crash)
            .map(|hit| hit.step)
            .collect()
    };
    assert_eq!(whole(&[3, 19, 34, 35, 70]), [3, 35, 70]);
}

#[test]
fn at_depth_one_only_strong_accents_are_answered_and_by_half() {
    let hits = drums(
        &[
            accent(9.0 * STEP, 0.3, BodyPart::Feet),
            accent(1.0, 0.6, BodyPart::Feet),
        ],
        &[],
        1.0,
    );
    assert_eq!(on(&hits, 9), []);
    // The kick that was written at 0.5 is half-way to 0.82; that of the part of the body is
    // half-way from 0.55, and louder.
    assert!(near(on(&hits, 8)[0].1, 0.685));
}

#[test]
fn nothing_is_struck_while_the_body_holds_but_soft_hats_on_the_beats() {
    let hits = drums(&[accent(6.6, 0.9, BodyPart::Feet)], &[(4.0, 6.0)], 2.0);
    // Steps 32 to 47 are still. The fill begins once the body moves, at step 48.
    for step in 33..48 {
        let expected = if step % 4 == 0 {
            vec![DrumClass::ClosedHat]
        } else {
            vec![]
        };
        let there = on(&hits, step);
        assert_eq!(
            there.iter().map(|(class, ..)| *class).collect::<Vec<_>>(),
            expected,
            "{step}"
        );
        assert!(there.iter().all(|(_, velocity, _)| *velocity < 0.4));
    }
    // 6.6 s is step 52.8: the accent is answered on step 53, after four strokes that rise to it.
    let fill: Vec<f32> = (49..53)
        .flat_map(|step| on(&hits, step))
        .map(|(_, velocity, _)| velocity)
        .collect();
    assert_eq!(fill.len(), 4);
    assert!(fill.windows(2).all(|pair| pair[0] < pair[1]), "{fill:?}");
    assert!(
        on(&hits, 53)
            .iter()
            .any(|(class, velocity, _)| *class == DrumClass::Kick && *velocity > 0.9)
    );
    assert!(!on(&hits, 54).is_empty(), "the groove is back");
}

#[test]
fn a_groove_goes_on_with_the_movement_where_no_accent_comes_soon() {
    let hits = drums(&[], &[(4.0, 6.0)], 2.0);
    assert!(on(&hits, 46).is_empty() && !on(&hits, 50).is_empty());
}

#[test]
fn a_gesture_begins_with_a_light_stroke_into_its_accent() {
    let style = Accent {
        kind: AccentKind::Style,
        ..accent(9.0 * STEP, 1.0, BodyPart::Whole)
    };
    let hits = drums(&[style, accent(11.0 * STEP, 0.8, BodyPart::Hands)], &[], 2.0);
    let [(class, light, _)] = on(&hits, 9)[..] else {
        panic!("{:?}", on(&hits, 9));
    };
    assert!(class == DrumClass::Snare && light < 0.5);
    assert_eq!(on(&drums(&[style], &[], 2.0), 9), [], "it leads nowhere");
}

/// A movement that is faster and faster for the first half of every second and slower and slower
/// for the other: the body is braked on the last four of its eight steps.
fn swinging(seconds: f64) -> f64 {
    20.0 + 10.0 * (1.0 - (2.0 * (seconds % 1.0) - 1.0).abs())
}

fn moved(accents: &[Accent], speed: impl Fn(f64) -> f64) -> Rhythm {
    let mut rhythm = rhythm(accents, &[]);
    rhythm.movement.values = (0..960).map(|i| speed(f64::from(i) / 60.0) as f32).collect();
    rhythm
}

#[test]
fn between_accents_the_drums_follow_how_sharply_the_body_is_braked() {
    use DrumClass::{ClosedHat, Kick, Snare};
    let mut grid = groove();
    // Off the beats and off the eighths, where nothing brakes.
    grid.hits.push(hit(17, Kick, 0.5, 0.0));
    grid.hits.sort_by_key(|hit| (hit.step, hit.class as usize));
    let at = |follow| answer(&grid, None, &moved(&[], swinging), follow).drums.hits;
    let hits = at(2.0);
    let velocity = |hits: &[Hit], step, class| {
        let stroke = on(hits, step).into_iter().find(|(c, ..)| *c == class);
        stroke.map_or(0.0, |(_, velocity, _)| velocity)
    };
    assert!(on(&hits, 17).is_empty(), "left out");
    assert!(
        near(velocity(&hits, 18, ClosedHat), 0.5 * 0.85 * 0.7),
        "an eighth goes on softly"
    );
    assert!(near(velocity(&hits, 22, ClosedHat), 0.5 * 0.85 * 1.6), "louder");
    assert!(velocity(&hits, 24, Kick) > 0.5 * 0.85 * 1.5, "the three");
    assert!(near(velocity(&hits, 20, Snare), 0.5) && near(velocity(&hits, 16, Kick), 0.5));
    assert!(near(velocity(&hits, 21, ClosedHat), 0.6), "joins in");
    assert!(on(&hits, 19).is_empty());
    let half = at(1.0);
    let aside = 0.5 * 0.925;
    assert!(near(velocity(&half, 17, Kick), 0.5 * aside * 0.85));
    assert!(near(velocity(&half, 22, ClosedHat), aside * 1.3));
    assert!(on(&half, 21).is_empty());
}

#[test]
fn lines_swell_where_the_body_is_braked() {
    let music = Music {
        palette: None,
        key: Key {
            tonic: 0,
            mode: Mode::Major,
        },
        chords: vec![],
        lines: vec![Line {
            instrument: Instrument::Piano,
            notes: vec![note(18, 2, 60), note(22, 2, 60)],
        }],
    };
    let answered = answer(&groove(), Some(&music), &moved(&[], swinging), 2.0);
    let notes = answered.music.expect("music").lines[0].notes.clone();
    assert!(near(notes[0].velocity, 0.5 * 0.85 * 0.8) && near(notes[1].velocity, 0.5 * 0.85 * 1.2));
}

#[test]
fn a_fill_is_silent_where_the_body_swings_to_its_accent() {
    // Still from 4 s to 6 s; then it swings for 0.6 s and is stopped.
    let speed = |t: f64| match t {
        t if !(4.0..=6.6).contains(&t) => swinging(t),
        t if t < 6.0 => 1.0,
        t => 1.0 + 50.0 * (t - 6.0),
    };
    let stopped = [accent(6.6, 0.9, BodyPart::Feet)];
    let hits = answer(&groove(), None, &moved(&stopped, speed), 2.0).drums.hits;
    assert!((49..52).all(|step| on(&hits, step).is_empty()));
    assert!(on(&hits, 53).iter().any(|(class, ..)| *class == DrumClass::Kick));
}

#[test]
fn nothing_is_struck_while_nobody_is_seen_but_soft_hats_on_the_beats() {
    let speed = |t: f64| if t < 2.0 { 0.0 } else { 20.0 };
    let hits = answer(&groove(), None, &moved(&[], speed), 2.0).drums.hits;
    for step in 0..15 {
        let there = on(&hits, step);
        assert_eq!(there.len(), usize::from(step % 4 == 0), "{step}");
        // The one is counted loudest.
        let counted = [0.38, 0.27, 0.34, 0.3][step as usize / 4];
        assert!(there.iter().all(|(_, velocity, _)| near(*velocity, counted)));
    }
    assert!(on(&hits, 18).iter().any(|(_, velocity, _)| *velocity > 0.4));
}

fn note(step: i32, length: u8, pitch: u8) -> GridNote {
    GridNote {
        step,
        length,
        pitch,
        velocity: 0.5,
        offset: 0.0,
    }
}

fn line(instrument: Instrument, notes: &[GridNote], accents: &[Accent], still: &[(f64, f64)]) -> Vec<GridNote> {
    let chord = |step, root| ChordAt {
        step,
        chord: Chord {
            root,
            quality: Quality::Major,
        },
    };
    let music = Music {
        palette: None,
        key: Key {
            tonic: 0,
            mode: Mode::Major,
        },
        chords: vec![chord(0, 0), chord(40, 5)],
        lines: vec![Line {
            instrument,
            notes: notes.to_vec(),
        }],
    };
    let answered = answer(&groove(), Some(&music), &rhythm(accents, still), 2.0);
    answered.music.expect("music").lines[0].notes.clone()
}

#[test]
fn a_bass_moves_with_accents_and_lands_on_strong_ones() {
    let written = [note(0, 32, 36), note(16, 8, 36)];
    let notes = line(
        Instrument::Bass,
        &written,
        &[
            accent(9.0 * STEP + 0.02, 0.8, BodyPart::Feet),
            accent(2.02, 0.4, BodyPart::Feet),
        ],
        &[],
    );
    assert_eq!(notes.len(), 3);
    assert_eq!(
        (notes[0].step, notes[0].length),
        (0, 18),
        "let go where the other begins"
    );
    assert!(near(notes[0].velocity, 0.5 * 0.85));
    assert_eq!((notes[1].step, notes[1].pitch, notes[1].length), (9, 36, 8));
    assert!(near(notes[1].velocity, 0.55 + 0.45 * 0.8) && near(notes[1].offset, 0.01 / STEP));
    assert!(near(notes[2].velocity, 0.55 + 0.45 * 0.4) && near(notes[2].offset, 0.01 / STEP));
}

#[test]
fn a_chord_is_struck_on_the_strongest_accents_and_follows_the_harmony() {
    let chord = |step| [60, 64, 67].map(|pitch| note(step, 8, pitch));
    let at = |seconds, strength| {
        let accents = [accent(seconds, strength, BodyPart::Whole)];
        line(Instrument::Piano, &[chord(16), chord(32)].concat(), &accents, &[])
    };
    let pitches =
        |notes: &[GridNote], step| -> Vec<u8> { notes.iter().filter(|n| n.step == step).map(|n| n.pitch).collect() };
    assert_eq!(pitches(&at(25.0 * STEP, 0.9), 25), [60, 64, 67]);
    assert_eq!(pitches(&at(42.0 * STEP, 0.9), 42), [57, 60, 65], "F major");
    assert!(pitches(&at(25.0 * STEP, 0.7), 25).is_empty());
    assert!(
        pitches(&at(3.0 * STEP, 0.9), 3).is_empty(),
        "the piano has not come in yet"
    );
}

#[test]
fn where_the_body_holds_the_bass_rests_and_the_harmony_holds() {
    let written: Vec<GridNote> = (24..64).step_by(2).map(|step| note(step, 20, 36)).collect();
    let bass = line(Instrument::Bass, &written, &[], &[(4.0, 6.0)]);
    assert!(bass.iter().all(|n| n.step <= 32 || n.step >= 47));
    let sounds_until = |n: &GridNote| f64::from(n.step) + f64::from(n.length) / 2.0;
    assert!(bass.iter().filter(|n| n.step <= 32).all(|n| sounds_until(n) <= 33.5));

    let written: Vec<GridNote> = (24..64).step_by(2).map(|step| note(step, 3, 60)).collect();
    let piano = line(Instrument::Piano, &written, &[], &[(4.0, 6.0)]);
    let held: Vec<(i32, u8)> = piano
        .iter()
        .filter(|n| n.step > 32 && n.step < 47)
        .map(|n| (n.step, n.length))
        .collect();
    // One for the chord that sounds, one for the next, each until something follows.
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(held[1].0, 40);
    assert!(held[0].1 >= 12 && held[1].1 >= 14, "{held:?}");
}

#[test]
fn strong_accents_are_where_a_piece_may_end() {
    let accents = [accent(1.0, 0.9, BodyPart::Feet), accent(2.0, 0.3, BodyPart::Feet)];
    let strong = answer(&groove(), None, &rhythm(&accents, &[]), 2.0).strong;
    assert_eq!(strong, Some(vec![8]));
}
