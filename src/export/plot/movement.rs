//! Movement, beats, accents and drum hits.

use super::row::Row;
use super::style::{BEAT, DOWNBEAT, GRID, HELD, IMPACT, LANE, LANES, LEFT, MOVEMENT, PARTS, PLOT, STYLE, strong};
use super::svg::{Anchor, Svg, Weight};
use crate::drums::DrumGrid;
use crate::rhythm::{AccentKind, BodyPart, Curve, Hold, Rhythm};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span};

pub(super) fn hit(svg: &mut Svg, at: (f64, f64), velocity: f64, colour: &str) {
    let velocity = velocity.clamp(0.0, 1.0);
    svg.circle(at, 2.6 + 5.6 * velocity.sqrt(), colour, 0.35 + 0.65 * velocity);
}

pub(super) fn peak(curve: &Curve) -> f64 {
    let peak = curve
        .values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0f32, f32::max);
    if peak > 0.0 { f64::from(peak) } else { 1.0 }
}

/// A curve as a filled area; of several values in one pixel the greatest is drawn, so that no peak
/// is lost.
pub(super) fn curve(svg: &mut Svg, curve: &Curve, row: &Row, top: f64, height: f64, peak: f64, colour: &str) {
    if curve.values.is_empty() {
        return;
    }
    let rate = curve.rate;
    let frame = |seconds: f64| rate.count(Span::from_seconds(seconds)).ceil().max(0.0) as usize;
    let last = rate.span(curve.values.len() as f64).seconds();
    let mut points = Vec::new();
    let mut x = LEFT;
    while x <= LEFT + PLOT {
        let (from, to) = (row.time(x), row.time(x + 1.0));
        if from > last {
            break;
        }
        let within = frame(from)..frame(to);
        let greatest = curve
            .values
            .get(within)
            .unwrap_or_default()
            .iter()
            .copied()
            .reduce(f32::max);
        let value = greatest.unwrap_or_else(|| curve.at(Instant::from_seconds(from)));
        let share = if value.is_finite() {
            (f64::from(value) / peak).clamp(0.0, 1.0)
        } else {
            0.0
        };
        points.push((x, top + height * (1.0 - share)));
        x += 1.0;
    }
    let (Some(first), Some(end)) = (points.first().copied(), points.last().copied()) else {
        return;
    };
    let mut area = points.clone();
    area.push((end.0, top + height));
    area.push((first.0, top + height));
    svg.polygon(&area, colour, 0.22);
    svg.polyline(&points, colour, 1.5);
}

pub(super) fn beat_lines(svg: &mut Svg, rhythm: &Rhythm, row: &Row, (top, bottom): (f64, f64), opacity: f64) {
    if top >= bottom {
        return;
    }
    // If beats are too dense, they would be a grey area: then only the downbeats are drawn.
    let dense = row.pixels_a_second() * rhythm.tempo.beat_span().seconds() < 5.0;
    for beat in rhythm.beats.iter().filter(|b| row.shows(b.time.seconds())) {
        let x = row.x(beat.time.seconds());
        match beat.number {
            1 => svg.line((x, top), (x, bottom), DOWNBEAT, 1.6, opacity),
            _ if dense => {}
            _ => svg.line((x, top), (x, bottom), BEAT, 1.0, opacity),
        }
    }
}

/// The numbers of the bars beside their downbeats, counted from the first downbeat of the clip.
pub(super) fn bar_numbers(svg: &mut Svg, rhythm: &Rhythm, row: &Row, top: f64) {
    let mut free = f64::NEG_INFINITY;
    let downbeats = rhythm.beats.iter().filter(|b| b.number == 1);
    for (bar, beat) in downbeats.enumerate() {
        let time = beat.time.seconds();
        let text = (bar + 1).to_string();
        let width = svg.text_width(&text, 12.0, Weight::SemiBold) + 8.0;
        let x = row.x(time);
        if !row.shows(time) || x < free || x + width > LEFT + PLOT {
            continue;
        }
        free = x + width + 8.0;
        svg.rect((x, top + 3.0), (width, 16.0), 3.0, DOWNBEAT, 1.0);
        svg.text(
            (x + width / 2.0, top + 15.5),
            &text,
            strong(12.0, Anchor::Middle, "#ffffff"),
        );
    }
}

pub(super) fn sixteenths(svg: &mut Svg, grid: &BeatGrid, row: &Row, top: f64, bottom: f64) {
    let (first, last) = (
        grid.nearest_step(Instant::from_seconds(row.start)),
        grid.nearest_step(Instant::from_seconds(row.end)),
    );
    let step = PLOT / (last - first).max(1) as f64;
    if step < 7.0 {
        return;
    }
    for step in first..=last {
        let time = grid.instant(step as f64).seconds();
        if row.shows(time) && step.rem_euclid(STEPS_PER_BEAT as i64) != 0 {
            svg.line((row.x(time), top), (row.x(time), bottom), GRID, 0.8, 1.0);
        }
    }
}

pub(super) fn accents(svg: &mut Svg, rhythm: &Rhythm, row: &Row, top: f64) {
    let base = top + MOVEMENT;
    for accent in rhythm.accents.iter().filter(|a| row.shows(a.time.seconds())) {
        let x = row.x(accent.time.seconds());
        let y = base - (MOVEMENT - 14.0) * f64::from(accent.strength).clamp(0.0, 1.0);
        let colour = match accent.kind {
            AccentKind::Style => STYLE,
            AccentKind::Impact => part_colour(accent.part),
        };
        svg.line((x, base), (x, y), colour, 1.6, 0.8);
        match accent.kind {
            AccentKind::Style => svg.circle((x, y), 4.5, colour, 1.0),
            AccentKind::Impact => svg.diamond((x, y), 5.5, colour),
        }
    }
}

pub(super) fn part_colour(part: BodyPart) -> &'static str {
    let found = PARTS.iter().find(|(other, ..)| *other == part);
    found.map_or(IMPACT, |(_, _, colour)| *colour)
}

/// Where the body holds still, as bands.
pub(super) fn holds(svg: &mut Svg, holds: &[Hold], row: &Row, top: f64) {
    for hold in holds {
        let (from, to) = (hold.from.seconds().max(row.start), hold.to.seconds().min(row.end));
        if from < to {
            svg.rect((row.x(from), top), (row.x(to) - row.x(from), MOVEMENT), 0.0, HELD, 0.55);
        }
    }
}

pub(super) fn hits(svg: &mut Svg, drums: &DrumGrid, row: &Row, top: f64) {
    let Some(grid) = BeatGrid::new(drums.beats.clone()) else {
        return;
    };
    for struck in &drums.hits {
        let time = grid
            .instant(f64::from(struck.step) + f64::from(struck.offset))
            .seconds();
        let lane = LANES.iter().position(|(class, _, _)| *class == struck.class);
        let Some((lane, (_, _, colour))) = lane.and_then(|l| Some((l, LANES.get(l)?))) else {
            continue;
        };
        if row.shows(time) {
            let y = top + LANE * (lane as f64 + 0.5);
            hit(svg, (row.x(time), y), f64::from(struck.velocity), colour);
        }
    }
}
