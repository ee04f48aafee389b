//! Marks in a score: where the piece ends because of them, and hits at their very instants.

use super::ending::ending_on;
use crate::answer::{Marked, Struck};
use crate::drums::{DrumClass, DrumGrid, Hit};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span, TempoMap, TempoPoint};

const BEAT: i32 = STEPS_PER_BEAT as i32;

/// How far from its instant the tick of a hit may be: it is exact, unless the tempo is below some
/// thirty beats a minute.
const EXACT: Span = Span::from_seconds(0.002);

/// A piece does not end earlier than this: nothing would be heard of it.
const LEAST_PIECE: Span = Span::from_seconds(0.3);

/// Where a piece ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Last {
    pub step: i32,
    /// How far from the step, steps.
    pub offset: f32,
    /// Whether a marked hit is answered there.
    is_hit: bool,
    /// Where on the grid, in steps, the last notes end at the latest.
    pub rings_until: f64,
}

/// Where a piece ends that would end on a step without marks. It ends on the last hit, if that comes
/// later or less than a beat before, and before a silence rather than in it.
pub(super) fn last(found: Option<i32>, marks: &Marked, beats: &BeatGrid, duration: Span) -> Option<Last> {
    let found = found?;
    let end = Instant::ZERO + duration;
    let time = |position: f64| beats.instant(position);
    let heard = |hit: &&Struck| (Instant::ZERO..end).contains(&beats.onset(hit.step, hit.offset));
    let hit = marks.hits.iter().rev().find(heard);
    let at = |step: i32, offset: f32, is_hit: bool| {
        let position = f64::from(step) + f64::from(offset);
        let next = marks.silences.iter().find(|silence| silence.from > position);
        Last {
            step,
            offset,
            is_hit,
            rings_until: next.map_or(f64::INFINITY, |silence| silence.from),
        }
    };
    if let Some(hit) = hit.filter(|hit| hit.position() > f64::from(found.saturating_sub(BEAT))) {
        return Some(at(hit.step, hit.offset, true));
    }
    let mut step = found;
    for silence in marks.silences.iter().rev() {
        if (silence.from..silence.until).contains(&f64::from(step)) {
            step = (silence.from.ceil() as i32 - 1).div_euclid(BEAT).saturating_mul(BEAT);
        }
    }
    match hit.filter(|hit| hit.position() > f64::from(step.saturating_sub(BEAT))) {
        Some(hit) => Some(at(hit.step, hit.offset, true)),
        None => (time(f64::from(step)) > Instant::ZERO + LEAST_PIECE || step == found).then(|| at(step, 0.0, false)),
    }
}

/// The hits of a piece that ends there.
pub(super) fn hits(last: Last, grid: &DrumGrid) -> Vec<Hit> {
    // A crash would ring through a silence.
    let rings = last.rings_until.is_infinite();
    if !last.is_hit {
        let mut hits = ending_on(last.step, grid);
        hits.retain(|hit| rings || hit.step < last.step || hit.class != DrumClass::Crash);
        return hits;
    }
    let here = |hit: &Hit| hit.step == last.step && hit.offset.to_bits() == last.offset.to_bits();
    let mut hits: Vec<Hit> = grid
        .hits
        .iter()
        .copied()
        .filter(|hit| hit.step < last.step || here(hit))
        .collect();
    // A piece ends with a crash; but only with drums if they answer the hit.
    let struck: Vec<Hit> = hits.iter().copied().filter(here).collect();
    let loudest = struck.iter().map(|hit| hit.velocity).fold(0.0, f32::max);
    if rings && loudest > 0.0 && struck.iter().all(|hit| hit.class != DrumClass::Crash) {
        hits.push(Hit {
            step: last.step,
            class: DrumClass::Crash,
            velocity: loudest,
            offset: last.offset,
        });
    }
    hits
}

/// The map with a point at each hit whose instant lies too far from a tick.
pub(super) fn exact(map: TempoMap, marks: &Marked, beats: &BeatGrid) -> TempoMap {
    let mut points = map.points().to_vec();
    for hit in &marks.hits {
        let time = beats.onset(hit.step, hit.offset);
        let tick = map.tick(time);
        if time <= Instant::ZERO || (map.instant(tick) - time).seconds().abs() <= EXACT.seconds() {
            continue;
        }
        let after = points.partition_point(|point| point.tick < tick);
        let fits = |index: usize| {
            points
                .get(index)
                .is_none_or(|next| next.tick > tick && next.time > time)
        };
        let rises = after.checked_sub(1).is_some_and(|before| points[before].time < time);
        // After the last point, the last tempo continues: a new point would change it.
        if rises && fits(after) && after < points.len() {
            points.insert(after, TempoPoint { tick, time });
        }
    }
    TempoMap::new(points).unwrap_or(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Stretch;
    use crate::time::Tick;

    fn beats(span: f64, count: usize) -> BeatGrid {
        let times = (0..count).map(|beat| Instant::from_seconds(span * beat as f64));
        BeatGrid::new(times.collect()).expect("beats")
    }

    fn marked(hits: &[(i32, f32)], silences: &[(f64, f64)]) -> Marked {
        let hits = hits.iter().map(|(step, offset)| Struck {
            step: *step,
            offset: *offset,
        });
        let silences = silences.iter().map(|(from, until)| Stretch {
            from: *from,
            until: *until,
        });
        Marked {
            hits: hits.collect(),
            silences: silences.collect(),
        }
    }

    #[test]
    fn a_piece_ends_on_the_last_hit_if_that_is_near_its_end_or_after_it() {
        // Steps of 125 ms; the clip has 80 of them.
        let (beats, length) = (beats(0.5, 30), Span::from_seconds(10.0));
        let ends = |marks: &Marked| last(Some(72), marks, &beats, length).map(|last| (last.step, last.is_hit));
        assert_eq!(ends(&Marked::default()), Some((72, false)));
        assert_eq!(ends(&marked(&[(60, 0.2)], &[])), Some((72, false)));
        assert_eq!(ends(&marked(&[(60, 0.2), (69, 0.3)], &[])), Some((69, true)));
        assert_eq!(
            ends(&marked(&[(78, -0.4), (90, 0.0)], &[])),
            Some((78, true)),
            "90 is not heard"
        );
        assert_eq!(last(None, &marked(&[(78, 0.0)], &[]), &beats, length), None);
    }

    #[test]
    fn a_piece_ends_before_a_silence() {
        let (beats, length) = (beats(0.5, 30), Span::from_seconds(10.0));
        let ends = |marks: &Marked| last(Some(72), marks, &beats, length).map(|last| (last.step, last.rings_until));
        assert_eq!(ends(&marked(&[], &[(70.0, 90.0)])), Some((68, 70.0)));
        assert_eq!(ends(&marked(&[], &[(68.0, 90.0)])), Some((64, 68.0)));
        assert_eq!(ends(&marked(&[(66, 0.1)], &[(70.0, 90.0)])), Some((66, 70.0)));
        assert_eq!(ends(&marked(&[], &[(20.0, 30.0)])), Some((72, f64::INFINITY)));
        assert_eq!(ends(&marked(&[], &[(0.0, 90.0)])), None, "nothing is heard");
    }

    #[test]
    fn the_last_hit_keeps_its_strokes_and_gets_a_crash_that_rings_into_no_silence() {
        let hit = |step, offset, class| Hit {
            step,
            class,
            velocity: 0.9,
            offset,
        };
        let grid = DrumGrid {
            beats: beats(0.5, 8).beats().to_vec(),
            first_beat: 1,
            beats_per_bar: 4,
            style: "rock".to_owned(),
            hits: vec![
                hit(8, 0.0, DrumClass::Kick),
                hit(16, -0.3, DrumClass::Snare),
                hit(16, 0.4, DrumClass::ClosedHat),
                hit(20, 0.0, DrumClass::Kick),
            ],
        };
        let last = |rings_until| Last {
            step: 16,
            offset: -0.3,
            is_hit: true,
            rings_until,
        };
        let classes = |last| hits(last, &grid).iter().map(|hit| hit.class).collect::<Vec<_>>();
        use DrumClass::{Crash, Kick, Snare};
        assert_eq!(classes(last(f64::INFINITY)), [Kick, Snare, Crash]);
        assert_eq!(classes(last(18.0)), [Kick, Snare]);
    }

    #[test]
    fn a_hit_between_the_ticks_of_a_slow_beat_gets_its_own_point() {
        // Beats of 6 s have ticks of 12.5 ms.
        let beats = beats(6.0, 4);
        let points = (0..4_u32).map(|beat| TempoPoint {
            tick: Tick(480 * beat),
            time: Instant::from_seconds(6.0 * f64::from(beat)),
        });
        let map = TempoMap::new(points.collect()).expect("a map");
        let time = |hit: &Struck| beats.instant(hit.position());
        let marks = marked(&[(1, 0.004), (5, 0.25), (9, -0.3337)], &[]);
        let sharp = exact(map.clone(), &marks, &beats);
        for hit in &marks.hits {
            let found = sharp.instant(sharp.tick(time(hit)));
            assert!((found - time(hit)).seconds().abs() < 2e-3, "{hit:?}");
        }
        assert!(sharp.points().len() > map.points().len());
        // At usual tempi the map stays as it is.
        let usual = marked(&[(1, 0.004), (5, 0.251)], &[]);
        let quick = TempoMap::new(vec![
            TempoPoint {
                tick: Tick(0),
                time: Instant::ZERO,
            },
            TempoPoint {
                tick: Tick(4800),
                time: Instant::from_seconds(5.0),
            },
        ])
        .expect("a map");
        assert_eq!(exact(quick.clone(), &usual, &super::tests::beats(0.5, 11)), quick);
    }
}
