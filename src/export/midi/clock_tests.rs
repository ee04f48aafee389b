use super::*;
use proptest::prelude::*;

/// Beats at these times; the first has this number in bars of four.
fn beats(times: &[f64], number: u8) -> Vec<Beat> {
    let numbers = (0..4).cycle().skip(usize::from(number - 1)).map(|place: u8| place + 1);
    let beat = |(time, number): (&f64, u8)| Beat {
        time: Instant::from_seconds(*time),
        number,
        of: 4,
    };
    times.iter().zip(numbers).map(beat).collect()
}

fn even(first: f64, bpm: f64, count: usize) -> Vec<f64> {
    (0..count).map(|beat| first + beat as f64 * 60.0 / bpm).collect()
}

fn clock(times: &[f64], number: u8, how: MidiTempo) -> Clock {
    let length = times.last().map_or(10.0, |last| *last);
    Clock::new(&beats(times, number), Span::from_seconds(length), how)
}

/// Tempi as tick and microseconds per quarter; metres as count, part of a whole note and tick.
type Written = (Vec<(u32, u32)>, Vec<(u8, u32, u32)>);

fn written(clock: &Clock) -> Written {
    let tempi = clock.tempi().map(|tempo| (tempo.tick, tempo.microseconds)).collect();
    let metres = clock.metres().iter().map(|m| (m.count, 1 << m.power, m.tick)).collect();
    (tempi, metres)
}

/// Greatest distance of the beats from the nearest tick of the grid of quarters that begins at a
/// tick, seconds.
fn off(clock: &Clock, times: &[f64], line: u32) -> f64 {
    let distance = |time: &f64| {
        let tick = i64::from(clock.tick(Instant::from_seconds(*time))) - i64::from(line);
        let beat = (tick as f64 / 960.0).round() as i64 * 960 + i64::from(line);
        (clock.instant(beat.max(0) as u32).seconds() - time).abs()
    };
    times.iter().map(distance).fold(0.0, f64::max)
}

#[test]
fn a_piece_in_one_tempo_has_one_tempo_event_and_begins_in_its_metre() {
    let times = even(0.0, 120.0, 200);
    let clock = clock(&times, 1, MidiTempo::Beats);
    assert_eq!(written(&clock), (vec![(0, 500_000)], vec![(4, 4, 0)]));
    assert_eq!(clock.tick(Instant::from_seconds(1.25)), 2_400);
    assert_eq!(clock.tick(Instant::from_seconds(-0.1)), 0);
    // Beat times have digits that whole microseconds cannot represent.
    let times = even(0.0, 97.3, 900);
    let clock = Clock::new(&beats(&times, 1), Span::from_seconds(500.0), MidiTempo::Beats);
    assert_eq!(written(&clock), (vec![(0, 616_650)], vec![(4, 4, 0)]));
    assert!(off(&clock, &times, 0) < 0.001);
}

#[test]
fn a_first_beat_just_after_the_start_does_not_squeeze_the_first_bar() {
    for (number, metres) in [
        (1, vec![(4, 4, 0)]),
        (2, vec![(3, 4, 0), (4, 4, 2_880)]),
        (4, vec![(1, 4, 0), (4, 4, 960)]),
    ] {
        let times = even(0.002, 101.35, 40);
        let clock = clock(&times, number, MidiTempo::Beats);
        assert_eq!(written(&clock), (vec![(0, 592_008)], metres), "{number}");
        assert_eq!(clock.tick(Instant::from_seconds(0.002)), 3);
    }
}

#[test]
fn the_first_bar_has_as_many_sixteenths_as_there_are() {
    for (first, number, metres) in [
        // Sixteenths of 0.125 s before the first downbeat: 2.4, 3.2, 6, 12.88, 15.6, 4 x 16 + 8.
        (0.3, 1, vec![(1, 8, 0), (4, 4, 480)]),
        (0.4, 1, vec![(3, 16, 0), (4, 4, 720)]),
        (0.25, 4, vec![(3, 8, 0), (4, 4, 1_440)]),
        (0.11, 2, vec![(13, 16, 0), (4, 4, 3_120)]),
        (1.95, 1, vec![(4, 4, 0)]),
        (9.0, 1, vec![(2, 4, 0), (4, 4, 1_920)]),
    ] {
        let times = even(first, 120.0, 40);
        let clock = clock(&times, number, MidiTempo::Beats);
        assert_eq!(written(&clock), (vec![(0, 500_000)], metres), "{first} {number}");
        let line = clock.metres().last().expect("a metre").tick;
        assert!(off(&clock, &times, line) <= 0.0626, "half a sixteenth, {first}");
    }
}

#[test]
fn a_tempo_that_drifts_is_followed_bar_by_bar() {
    // From 118 to 120.4 beats a minute over 100 beats.
    let mut times = vec![0.3];
    for beat in 0..100 {
        let bpm = 118.0 * (1.0 + 0.02 * f64::from(beat) / 100.0);
        times.push(times[times.len() - 1] + 60.0 / bpm);
    }
    let clock = clock(&times, 1, MidiTempo::Beats);
    let (tempi, metres) = written(&clock);
    assert_eq!(metres, [(1, 8, 0), (4, 4, 480)]);
    assert!(tempi.len() > 5 && tempi.len() <= 26, "{tempi:?}");
    for (tick, tempo) in &tempi {
        assert!(*tick == 0 || (tick - 480) % 3_840 == 0, "{tick}");
        assert!((60e6 / 121.0..60e6 / 110.0).contains(&f64::from(*tempo)), "{tempo}");
    }
    assert!(off(&clock, &times[4..], 480) <= 0.0011);
}

#[test]
fn a_tempo_steady_to_a_thousandth_is_one_event() {
    // A slow sway of 0.08 %, which is 12 ms over the piece, and one of 0.3 %.
    let swaying = |share: f64| {
        let gap = |beat: usize| 0.5 * (1.0 + share * (beat as f64 / 30.0).cos());
        let times: Vec<f64> = (0..400)
            .scan(0.21, |at, beat| Some(std::mem::replace(at, *at + gap(beat))))
            .collect();
        times
    };
    let steady = swaying(0.0008);
    let clock = clock(&steady, 1, MidiTempo::Beats);
    let (tempi, metres) = written(&clock);
    assert_eq!((tempi.len(), tempi[0].0, metres), (1, 0, vec![(1, 8, 0), (4, 4, 480)]));
    assert!(tempi[0].1.abs_diff(500_000) < 50, "{tempi:?}");
    // The whole grid is offset from the beats by half a sixteenth at most, and the beats deviate by
    // the sway.
    assert!(off(&clock, &steady, 480) <= 0.0625 + 0.013);
    let drifting = self::clock(&swaying(0.003), 1, MidiTempo::Beats);
    assert!(drifting.tempi().count() > 4);
}

#[test]
fn the_pickup_of_a_piece_that_drifts_is_near_its_tempo() {
    // Steady at 90 beats a minute, and then a bar at 95.
    for (first, number) in [(0.0, 1), (0.055, 3), (0.35, 3), (0.3847, 4), (0.62, 2), (1.1, 4)] {
        let mut times = even(first, 90.0, 17);
        times.extend(even(times[16] + 60.0 / 95.0, 95.0, 4));
        let clock = clock(&times, number, MidiTempo::Beats);
        let (tempi, _) = written(&clock);
        let line = clock.metres().last().expect("a metre").tick;
        assert!(
            f64::from(tempi[0].1.abs_diff(666_667)) <= 0.033 * 666_667.0,
            "{first}: {tempi:?}"
        );
        assert!(tempi.len() <= 4, "{first}: {tempi:?}");
        // On the grid from the first bar line after a whole bar.
        let later: Vec<f64> = times
            .into_iter()
            .filter(|time| *time > first + 7.0 * 60.0 / 90.0)
            .collect();
        assert!(off(&clock, &later, line) <= 0.0011, "{first}");
    }
}

#[test]
fn steady_is_one_tempo_whatever_the_beats_do() {
    let mut times = even(0.0, 110.0, 20);
    times.extend(even(times[19] + 0.5, 120.0, 20));
    let clock = clock(&times, 1, MidiTempo::Steady);
    let (tempi, metres) = written(&clock);
    assert_eq!((tempi.len(), metres), (1, vec![(4, 4, 0)]));
    assert!(
        (60e6 / 120.0..60e6 / 110.0).contains(&f64::from(tempi[0].1)),
        "{tempi:?}"
    );
}

#[test]
fn a_beat_out_of_place_changes_the_tempo_of_its_bar_only() {
    let mut times = even(0.0, 120.0, 40);
    times[18] += 0.1;
    let clock = clock(&times, 1, MidiTempo::Beats);
    let (tempi, _) = written(&clock);
    let bpm: Vec<(u32, f64)> = tempi
        .iter()
        .map(|(tick, t)| (tick / 960, (60e6 / f64::from(*t)).round()))
        .collect();
    assert_eq!(bpm, [(0, 120.0), (17, 100.0), (18, 150.0), (19, 120.0)]);
    assert!(off(&clock, &times, 0) <= 0.001);
}

#[test]
fn tempi_stay_within_those_that_can_be_requested() {
    // A beat after 20 ms, and one after 4 s.
    let mut times = even(0.0, 120.0, 10);
    times.push(times[9] + 0.02);
    times.extend(even(times[10] + 4.0, 120.0, 10));
    let clock = clock(&times, 1, MidiTempo::Beats);
    assert!(
        clock
            .tempi()
            .all(|tempo| (250_000..=1_500_000).contains(&tempo.microseconds))
    );
    // As in a clip played at another speed: a beat is then another note value, and keeps its place.
    for (bpm, tempo, metre) in [
        (480.0, 250_000, (4, 8, 0)),
        (700.0, 342_857, (4, 16, 0)),
        (30.0, 1_000_000, (4, 2, 0)),
        (12.0, 1_250_000, (4, 1, 0)),
    ] {
        let clock = self::clock(&even(0.0, bpm, 30), 1, MidiTempo::Beats);
        assert_eq!(written(&clock), (vec![(0, tempo)], vec![metre]), "{bpm}");
    }
}

/// The slowest and the fastest tempo that can be requested are written as quarter notes, wherever
/// the first beat is; the tempi beyond them as other note values.
#[test]
fn the_ends_of_the_range_belong_to_it() {
    for (bpm, tempo, metre) in [
        (30.0, 1_000_000, (4, 2)),
        (39.99, 750_188, (4, 2)),
        (40.0, 1_500_000, (4, 4)),
        (40.01, 1_499_625, (4, 4)),
        (239.99, 250_010, (4, 4)),
        (240.0, 250_000, (4, 4)),
        (240.01, 499_979, (4, 8)),
        (300.0, 400_000, (4, 8)),
        (480.0, 250_000, (4, 8)),
        (480.01, 499_990, (4, 16)),
        (960.0, 250_000, (4, 16)),
    ] {
        for first in [0.0, 0.1, 1.0 / 3.0, 0.7, 123.4] {
            for count in [3, 9, 30, 1_001] {
                let clock = clock(&even(first, bpm, count), 1, MidiTempo::Beats);
                let (tempi, metres) = written(&clock);
                let last = metres.last().expect("a metre");
                let what = format!("{bpm} from {first} s, {count} beats");
                assert_eq!((tempi, (last.0, last.1)), (vec![(0, tempo)], metre), "{what}");
            }
        }
    }
}

#[test]
fn few_beats_or_none_are_written_at_a_usual_tempo() {
    assert_eq!(
        written(&clock(&[], 1, MidiTempo::Beats)),
        (vec![(0, 500_000)], vec![(4, 4, 0)])
    );
    let one = Clock::new(&beats(&[0.5], 3), Span::from_seconds(4.0), MidiTempo::Beats);
    assert_eq!(written(&one), (vec![(0, 500_000)], vec![(3, 4, 0), (4, 4, 2_880)]));
    let two = Clock::new(&beats(&[0.1, 0.7], 4), Span::from_seconds(4.0), MidiTempo::Beats);
    assert_eq!(written(&two), (vec![(0, 600_000)], vec![(5, 16, 0), (4, 4, 1_200)]));
}

#[test]
fn nothing_is_written_at_or_after_the_end() {
    let clock = Clock::new(
        &beats(&even(0.0, 120.0, 9), 2),
        Span::from_seconds(1.5),
        MidiTempo::Beats,
    );
    assert_eq!(written(&clock), (vec![(0, 500_000)], vec![(3, 4, 0)]));
}

#[test]
fn bars_may_change() {
    let mut beats = beats(&even(0.0, 120.0, 8), 1);
    beats.extend((0..6_u8).map(|beat| Beat {
        time: Instant::from_seconds(4.0 + f64::from(beat) / 2.0),
        number: beat % 3 + 1,
        of: 3,
    }));
    let clock = Clock::new(&beats, Span::from_seconds(7.0), MidiTempo::Beats);
    assert_eq!(written(&clock).1, [(4, 4, 0), (3, 4, 7_680)]);
}

proptest! {
    #[test]
    fn every_instant_lies_within_a_millisecond_of_its_tick(
        first in 0.0..3.0_f64,
        gaps in prop::collection::vec(0.1..3.0_f64, 0..60),
        number in 1..5_u8,
        at in prop::collection::vec(0.0..100.0_f64, 20),
        steady in any::<bool>(),
    ) {
        let mut times = vec![first];
        for gap in gaps {
            times.push(times[times.len() - 1] + gap);
        }
        let how = if steady { MidiTempo::Steady } else { MidiTempo::Beats };
        let clock = clock(&times, number, how);
        let mut at = at;
        at.sort_by(f64::total_cmp);
        let mut before = 0;
        for time in at {
            let tick = clock.tick(Instant::from_seconds(time));
            prop_assert!((clock.instant(tick).seconds() - time).abs() < 0.001);
            prop_assert!(tick >= before);
            before = tick;
        }
        let ticks: Vec<u32> = clock.tempi().map(|tempo| tempo.tick).collect();
        prop_assert!(ticks[0] == 0 && ticks.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", ticks);
        prop_assert!(clock.tempi().all(|tempo| (250_000..=1_500_000).contains(&tempo.microseconds)));
        let ticks: Vec<u32> = clock.metres().iter().map(|metre| metre.tick).collect();
        prop_assert!(ticks[0] == 0 && ticks.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", ticks);
    }
}
