//! Tests of binding, by hand-made numbers.

use super::super::beats::Source;
use super::super::{Accent, AccentKind, BodyPart, Curve};
use super::*;
use crate::marks::MovedAccent;
use crate::time::{Rate, Tempo};

const LENGTH: f64 = 8.25;

/// Beats in fours at 0.2 s, 0.7 s … up to 7.7 s; the second is a downbeat. Accents at each second.
fn found() -> Rhythm {
    let curve = |rate| Curve {
        rate: Rate::from_hz(rate),
        values: vec![],
    };
    Rhythm {
        beats: (0_u8..16)
            .map(|index| Beat {
                time: at(0.2 + 0.5 * f64::from(index)),
                number: (index + 3) % 4 + 1,
            })
            .collect(),
        beats_per_bar: 4,
        tempo: Tempo::from_bpm(120.0),
        confidence: 0.5,
        accents: (1..8)
            .map(|second| Accent {
                time: at(f64::from(second)),
                strength: 0.5,
                kind: AccentKind::Impact,
                part: BodyPart::Feet,
                impact: None,
            })
            .collect(),
        movement: curve(60.0),
        activation: curve(100.0),
        source: Source::Motion,
        cuts: vec![],
        unmoved: None,
    }
}

fn at(seconds: f64) -> Instant {
    Instant::from_seconds(seconds)
}

fn marks(beats: &[(f64, Option<u8>)], tempo_factor: TempoFactor) -> Marks {
    let beats = beats.iter().map(|(time, number)| BeatMark {
        time: at(*time),
        number: *number,
    });
    Marks {
        beats: beats.collect(),
        tempo_factor,
        ..Marks::default()
    }
}

/// A rhythm with marks.
fn marked(rhythm: Rhythm, marks: &Marks) -> Rhythm {
    let duration = Span::from_seconds(LENGTH);
    bound(corrected(rhythm, marks, duration), &marks.beats, duration)
}

/// The bound beats: times in milliseconds, and numbers.
fn beats(beats: &[(f64, Option<u8>)], factor: TempoFactor) -> Vec<(i64, u8)> {
    let rhythm = marked(found(), &marks(beats, factor));
    let in_ms = |beat: &Beat| ((beat.time.seconds() * 1000.0).round() as i64, beat.number);
    rhythm.beats.iter().map(in_ms).collect()
}

fn every(from: i64, step: i64, to: i64, first: u8) -> Vec<(i64, u8)> {
    let times = (0..).map(|index| from + index * step).take_while(|time| *time <= to);
    let numbers = (0_u8..4).cycle().skip(usize::from(first) - 1).map(|number| number + 1);
    times.zip(numbers).collect()
}

#[test]
fn a_found_beat_that_is_fixed_changes_nothing() {
    let as_found = every(200, 500, 7_700, 4);
    assert_eq!(beats(&[(2.2, None)], TempoFactor::One), as_found);
    assert_eq!(beats(&[(0.7, Some(1)), (6.2, None)], TempoFactor::One), as_found);
    let without = marked(found(), &Marks::default());
    assert_eq!(without, found());
}

#[test]
fn a_single_beat_moves_all_by_the_same_share_of_a_beat() {
    assert_eq!(beats(&[(2.3, None)], TempoFactor::One), every(300, 500, 8_200, 4));
    assert_eq!(beats(&[(2.1, None)], TempoFactor::One), every(100, 500, 8_200, 4));
    assert_eq!(beats(&[(2.05, None)], TempoFactor::One), every(50, 500, 8_200, 4));
}

#[test]
fn the_beats_between_two_fixed_ones_have_the_tempo_nearest_to_the_found_one() {
    // 2.0 s to 4.2 s: four beats of 550 ms, and the same pace outside.
    let expected = every(350, 550, 8_200, 1);
    assert_eq!(beats(&[(2.0, None), (4.2, None)], TempoFactor::One), expected);
    // 2.0 s to 3.0 s and 3.9 s: two beats each; their mean pace, 475 ms, outside.
    let bent = beats(&[(2.0, None), (3.0, None), (3.9, None)], TempoFactor::One);
    let times: Vec<i64> = bent.iter().map(|(time, _)| *time).collect();
    assert_eq!(
        times,
        [
            100, 575, 1050, 1525, 2000, 2500, 3000, 3450, 3900, 4375, 4850, 5325, 5800, 6275, 6750, 7225, 7700, 8175
        ]
    );
}

#[test]
fn fixed_beats_are_met_exactly_and_spans_stay_allowed_wherever_they_are() {
    let odd = [
        (0.01, None),
        (0.13, None),
        (0.71, None),
        (3.333, None),
        (3.5, None),
        (8.1, None),
    ];
    for factor in [TempoFactor::Half, TempoFactor::One, TempoFactor::Double] {
        let rhythm = marked(found(), &marks(&odd, factor));
        for (time, _) in odd {
            assert!(rhythm.beats.iter().any(|beat| beat.time == at(time)), "{time}");
        }
        for pair in rhythm.beats.windows(2) {
            assert!(BEAT_SPANS.holds((pair[1].time - pair[0].time).seconds()), "{pair:?}");
            assert_eq!(pair[1].number, pair[0].number % 4 + 1);
        }
    }
}

#[test]
fn music_is_written_for_the_beats_before_a_few_of_them_were_moved() {
    let fixed = |beats: &[(f64, Option<u8>)]| marked(found(), &marks(beats, TempoFactor::One));
    let ends = [(0.2, None), (7.7, None)];
    let one = |number| [ends[0], (2.7, None), (3.3, number), (3.7, None), ends[1]];
    let moved = fixed(&one(None));
    assert_eq!(moved.beats[6].time, at(3.3));
    assert_eq!(*moved.for_composing(), found());
    let numbers = |rhythm: &Rhythm| rhythm.beats.iter().map(|beat| beat.number).collect::<Vec<_>>();
    assert_eq!(numbers(&moved), numbers(&found()));
    // Other bars, another number of beats, and a grid that lies elsewhere need other music.
    for other in [
        &one(Some(1))[..],
        &[ends[0], (2.2, None), (2.5, None), (2.7, None), ends[1]],
        &[(2.3, None)],
    ] {
        let rhythm = fixed(other);
        assert_ne!(rhythm.beats, found().beats);
        assert_eq!(rhythm.unmoved, None, "{other:?}");
    }
    // A beat that is fixed beyond them is added.
    assert_eq!(fixed(&[ends[0], ends[1], (8.2, None)]).unmoved, None);
    // All of them by less than can be heard.
    assert_eq!(*fixed(&[(2.21, None)]).for_composing(), found());
    // What was halved or doubled before is not composed for what was found.
    let doubled = marked(found(), &marks(&one(None), TempoFactor::Double));
    assert_eq!(
        doubled.unmoved.map(|unmoved| unmoved.times.len()),
        Some(doubled.beats.len())
    );
    assert!(doubled.beats.len() > 30);
}

#[test]
fn a_downbeat_fixes_the_bars() {
    assert_eq!(beats(&[(2.2, Some(1))], TempoFactor::One), every(200, 500, 8_200, 1));
    assert_eq!(beats(&[(2.2, Some(3))], TempoFactor::One), every(200, 500, 8_200, 3));
    // From a downbeat to a third beat 2.4 s later: six beats of 400 ms rather than five.
    let expected = every(200, 400, 8_200, 4);
    assert_eq!(
        beats(&[(1.0, Some(2)), (3.4, Some(4))], TempoFactor::One)[2..8],
        expected[2..8]
    );
    assert_eq!(beats(&[(1.0, Some(2)), (3.4, Some(4))], TempoFactor::One)[2], (1000, 2));
    // Two downbeats 0.3 s apart do not fit: the second is a beat, not a downbeat.
    let torn = beats(&[(2.2, Some(1)), (2.5, Some(1))], TempoFactor::One);
    assert!(torn.contains(&(2200, 1)) && torn.contains(&(2500, 2)), "{torn:?}");
}

#[test]
fn twice_and_half_keep_downbeats_and_what_is_fixed() {
    assert_eq!(beats(&[], TempoFactor::Double), every(200, 250, 8_200, 3));
    assert_eq!(beats(&[], TempoFactor::Half), every(700, 1000, 8_200, 1));
    let fixed = [(2.1, Some(2)), (4.3, None)];
    let doubled = beats(&fixed, TempoFactor::Double);
    // 2.2 s: nine beats of 244 ms.
    assert!(doubled.contains(&(2100, 2)) && doubled.contains(&(2344, 3)) && doubled.contains(&(4300, 3)));
    let halved = beats(&fixed, TempoFactor::Half);
    assert!(halved.contains(&(2100, 2)) && halved.contains(&(3200, 3)) && halved.contains(&(4300, 4)));
    let tempo = marked(found(), &marks(&[], TempoFactor::Double)).tempo;
    assert!((tempo.bpm() - 240.0).abs() < 1e-6, "{}", tempo.bpm());
}

#[test]
fn a_clip_keeps_two_beats() {
    let mut slow = found();
    slow.beats = vec![
        Beat {
            time: at(0.5),
            number: 1,
        },
        Beat {
            time: at(1.9),
            number: 2,
        },
    ];
    let halved = corrected(slow.clone(), &marks(&[], TempoFactor::Half), Span::from_seconds(2.0));
    assert_eq!(halved, slow);
}

#[test]
fn accents_are_removed_and_moved_by_their_times() {
    let marks = Marks {
        accents: AccentMarks {
            removed: vec![at(2.03), at(3.5)],
            moved: vec![
                MovedAccent {
                    from: at(5.99),
                    to: at(2.5),
                },
                // Outside of the clip: these stay.
                MovedAccent {
                    from: at(4.0),
                    to: at(-0.5),
                },
                MovedAccent {
                    from: at(5.0),
                    to: at(1000.0),
                },
            ],
        },
        ..Marks::default()
    };
    let rhythm = marked(found(), &marks);
    let times: Vec<f64> = rhythm.accents.iter().map(|accent| accent.time.seconds()).collect();
    // None is near 3.5 s.
    assert_eq!(times, [1.0, 2.5, 3.0, 4.0, 5.0, 7.0]);
    assert_eq!(rhythm.beats, found().beats);
}

#[test]
fn numbers_decide_how_long_a_bar_is_and_two_beats_a_tempo() {
    let fixed = marks(&[(1.0, Some(2)), (2.2, Some(4)), (2.8, None)], TempoFactor::One).beats;
    assert_eq!(
        (bar(&fixed), beyond(&fixed, 3), beyond(&fixed, 4)),
        (Some(4), Some((1, 4)), None)
    );
    assert_eq!(bar(&fixed[..1]), None);
    let seconds = |fixed: &[BeatMark]| span(fixed).map(|span| (span.seconds() * 1000.0).round());
    assert_eq!(seconds(&fixed), Some(600.0));
    assert_eq!(seconds(&fixed[..2]), Some(600.0), "1.2 s is two beats");
    assert_eq!(seconds(&fixed[..1]), None);
}
