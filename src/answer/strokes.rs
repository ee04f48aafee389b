//! How the drums answer the movement.

use super::moments::{ACCENT, Moment, Moments, Rest, STRONG, loudness};
use crate::drums::{DrumClass, DrumGrid, Hit};
use crate::rhythm::BodyPart;
use crate::time::STEPS_PER_BEAT;
use std::collections::BTreeMap;

/// From the first strength the whole body gets crash, snare and kick; from the second a hand gets
/// the snare.
const WHOLE: f32 = 0.75;
const SNARE: f32 = 0.4;

/// From this strength the trunk gets the snare as well as the kick.
const BOTH: f32 = 0.5;

/// Gains of the drums that answer an accent together, the first one first, and of other strokes at
/// the same time. One drum leads: a drummer's simultaneous strokes rarely have the same loudness,
/// and if they did, their peaks would add up and the limiter would remove the excess from the
/// attack. Timekeeping strokes stay with the groove; otherwise each accent would be a splash of
/// cymbals.
const TOGETHER: [f32; 3] = [1.0, 0.5, 0.4];
const BESIDE: f32 = 0.5;

/// At most one crash is struck within this many bars.
const CRASH_BARS: i32 = 2;

/// Velocities of the hats that keep counting through a rest, by the beat of the bar.
const COUNTING: [f32; 4] = [0.38, 0.27, 0.34, 0.3];

/// Velocities of the first and the last stroke of a fill, relative to that of the accent it leads
/// to, which must stand out from it.
const FILL: (f32, f32) = (0.2, 0.45);

/// Greatest velocity of the louder strokes of the groove, so that accents are louder: a drummer who
/// always plays loud has no accents.
const ROOM: f32 = 0.52;

/// Velocity of the stroke added on an accent that hardly anybody notices: on one without strength,
/// and how much is added for each unit of strength.
const LIGHT: (f32, f32) = (0.2, 0.6);

/// Gain of what is on no accent where the body is not braked at all, and where it is braked as
/// sharply as it usually is at most: between them lie 14 dB, from a ghost note to a plain stroke.
const SWELL: (f32, f32) = (0.7, 1.6);

/// Where the body is braked less than this, beside its usual, the groove keeps to the beats: what
/// is struck off them there is left out, but for the eighths of those that keep time, which go on
/// at this velocity at most.
const IDLE: f32 = 0.25;
const GHOST: f32 = 0.34;

/// Where the body is braked more than this and nothing is struck, the timekeeper is, with this
/// velocity where it is braked as sharply as it usually is at most.
const BUSY: f32 = 0.5;
const BRAKED: f32 = 0.6;

/// Gain of a stroke right before a strong accent: at full loudness it would weaken the accent.
const BEFORE: f32 = 0.7;

/// Velocity of the stroke with which a gesture begins, relative to that of the accent that ends it.
const PICK_UP: f32 = 0.4;

/// Softest velocity written.
const SOFTEST: f32 = 0.08;

/// The strokes of each step.
type Steps = BTreeMap<i32, Vec<Hit>>;

/// The hits of a grid, by step, then by class, after they were arranged to the movement.
pub(super) fn answered(drums: &DrumGrid, moments: &Moments<'_>) -> Vec<Hit> {
    let mut steps = Steps::new();
    let room = moments.depth.towards(1.0, (ROOM / loud(&drums.hits)).min(1.0));
    for hit in &drums.hits {
        let on = moments.on(hit.step);
        let place = f64::from(hit.step) + f64::from(hit.offset);
        if on.is_none() && moments.would_flam(hit.step, hit.offset) {
            continue;
        }
        let mut hit = *hit;
        match on {
            Some(moment) => {
                hit.offset = moments.depth.towards(hit.offset, moment.offset);
                hit.velocity = lifted(&hit, moment, room, moments);
            }
            None => {
                let rest = if moments.rests(place) {
                    moments.depth.towards(1.0, 0.0)
                } else {
                    1.0
                };
                if rest <= 0.0 {
                    continue;
                }
                if let Some(faint) = moments.faint_on(hit.step) {
                    hit.offset = moments.depth.towards(hit.offset, faint.offset);
                }
                let before = moments.on(hit.step + 1).is_some_and(|next| next.strength >= STRONG);
                let before = if before {
                    moments.depth.towards(1.0, BEFORE)
                } else {
                    1.0
                };
                let aside = moments.depth.aside(is_backbone(&hit, moments));
                hit.velocity *= rest * room * before * aside;
                let Some(velocity) = with_the_body(&hit, place, moments) else {
                    continue;
                };
                hit.velocity = velocity.clamp(SOFTEST, 1.0);
            }
        }
        steps.entry(hit.step).or_default().push(hit);
    }
    let played = drums.hits.iter().map(|hit| hit.step);
    if let (Some(first), Some(last)) = (played.clone().min(), played.max()) {
        for rest in moments.rests.iter().filter(|_| moments.depth.usual() >= 1.0) {
            count_on(rest, first..=last, &mut steps, moments);
            fill(rest, &mut steps, moments);
        }
        for (step, strength) in &moments.pick_ups {
            pick_up(*step, *strength, &mut steps, moments);
        }
        for step in first..=last {
            join_in(step, &drums.hits, &mut steps, moments);
        }
        for moment in moments.faint().filter(|moment| (first..=last).contains(&moment.step)) {
            touch(moment, &mut steps, moments);
        }
        for moment in moments.iter().filter(|moment| (first..=last).contains(&moment.step)) {
            voice(moment, &mut steps, moments);
        }
        for moment in moments
            .between
            .iter()
            .filter(|moment| (first..=last).contains(&moment.step))
        {
            between(moment, &mut steps, moments);
        }
    }
    let mut hits: Vec<Hit> = steps.into_values().flatten().collect();
    hits.sort_by_key(|hit| (hit.step, hit.class as usize));
    hits
}

/// The velocity of a stroke that is on no accent, as the body moves there; `None` if it is left
/// out.
fn with_the_body(hit: &Hit, place: f64, moments: &Moments<'_>) -> Option<f32> {
    let Some(braked) = moments.braked(place).filter(|_| !is_backbone(hit, moments)) else {
        return Some(hit.velocity);
    };
    let swelled = hit.velocity * moments.depth.swell(braked, SWELL);
    if braked >= IDLE || moments.is_beat(hit.step) {
        return Some(swelled);
    }
    let is_eighth = moments.in_bar(hit.step) % 2 == 0;
    let ghost = if is_eighth && keeps_time(hit.class) {
        swelled.min(GHOST)
    } else {
        0.0
    };
    Some(moments.depth.towards(swelled, ghost)).filter(|velocity| *velocity > 0.0)
}

/// Which of the two drums that keep time does so.
fn timekeeper(hits: &[Hit]) -> DrumClass {
    let count = |class| hits.iter().filter(|hit| hit.class == class).count();
    if count(DrumClass::Ride) > count(DrumClass::ClosedHat) {
        DrumClass::Ride
    } else {
        DrumClass::ClosedHat
    }
}

/// Whether the body is braked too little for what leads to an accent to be seen: while an arm is
/// swung, the swing is heard best in silence.
fn swings(step: i32, moments: &Moments<'_>) -> bool {
    moments.braked(f64::from(step)).is_some_and(|braked| braked < IDLE)
}

/// A stroke of the timekeeper where the body is braked and nothing is struck. The written hits are
/// in rising order.
fn join_in(step: i32, written: &[Hit], steps: &mut Steps, moments: &Moments<'_>) {
    let place = f64::from(step);
    let braked = moments.braked(place).filter(|braked| *braked >= BUSY);
    let Some(braked) = braked.filter(|_| moments.depth.usual() >= 1.0 && !moments.rests(place)) else {
        return;
    };
    // As early or late as the groove was written there.
    let before = written.partition_point(|hit| hit.step <= step);
    let offset = written.get(before.saturating_sub(1)).map_or(0.0, |hit| hit.offset);
    if moments.on(step).is_some() || moments.would_flam(step, offset) {
        return;
    }
    let strokes = steps.entry(step).or_default();
    if strokes.is_empty() {
        strokes.push(Hit {
            step,
            class: timekeeper(written),
            velocity: BRAKED * braked,
            offset,
        });
    }
}

/// The velocity that a tenth of the kicks and snares exceed; the greatest possible where none are
/// struck.
fn loud(hits: &[Hit]) -> f32 {
    let drums = hits
        .iter()
        .filter(|hit| matches!(hit.class, DrumClass::Kick | DrumClass::Snare));
    let mut velocities: Vec<f32> = drums.map(|hit| hit.velocity).collect();
    velocities.sort_by(f32::total_cmp);
    velocities.get(velocities.len() * 9 / 10).copied().unwrap_or(1.0)
}

/// The velocity of a stroke on an accent; `room` is the gain of the groove.
fn lifted(hit: &Hit, moment: &Moment, room: f32, moments: &Moments<'_>) -> f32 {
    let loud = loudness(moment.strength);
    let place = drums_of(moment).iter().position(|class| *class == hit.class);
    let to = match place.and_then(|place| TOGETHER.get(place)) {
        Some(beside) => loud * beside,
        None if keeps_time(hit.class) => hit.velocity * room * moments.depth.aside(false),
        None => loud * BESIDE,
    };
    moments.depth.towards(hit.velocity, to).clamp(SOFTEST, 1.0)
}

fn keeps_time(class: DrumClass) -> bool {
    matches!(class, DrumClass::ClosedHat | DrumClass::Ride)
}

/// Kick on one, snare on the backbeats; in three, snare on the second and third beat.
fn is_backbone(hit: &Hit, moments: &Moments<'_>) -> bool {
    let beat = STEPS_PER_BEAT as i32;
    let place = moments.in_bar(hit.step);
    match hit.class {
        DrumClass::Kick => place == 0,
        DrumClass::Snare if moments.bar == 3 * beat => place == beat || place == 2 * beat,
        DrumClass::Snare => place % beat == 0 && (place / beat) % 2 == 1,
        _ => false,
    }
}

/// Adds a stroke unless its drum is already struck; then the louder of the two is played.
fn strike(steps: &mut Steps, stroke: Hit) {
    let strokes = steps.entry(stroke.step).or_default();
    match strokes.iter_mut().find(|other| other.class == stroke.class) {
        Some(other) => other.velocity = other.velocity.max(stroke.velocity),
        None => strokes.push(stroke),
    }
}

/// The drums of the part of the body that makes an accent.
fn drums_of(moment: &Moment) -> &'static [DrumClass] {
    use DrumClass::{Crash, Kick, MidTom, Snare};
    match moment.part {
        BodyPart::Feet => &[Kick],
        BodyPart::Hands if moment.strength < SNARE => &[MidTom],
        BodyPart::Hands | BodyPart::Head => &[Snare],
        BodyPart::Whole if moment.strength >= WHOLE => &[Kick, Snare, Crash],
        BodyPart::Trunk | BodyPart::Whole if moment.strength < BOTH => &[Kick],
        BodyPart::Trunk | BodyPart::Whole => &[Kick, Snare],
    }
}

/// The strokes that answer an accent.
fn strokes_of(moment: &Moment, moments: &Moments<'_>) -> impl Iterator<Item = Hit> {
    let velocity = moments.depth.towards(ACCENT.0, loudness(moment.strength));
    let (step, offset) = (moment.step, moment.offset);
    drums_of(moment).iter().zip(TOGETHER).map(move |(class, beside)| Hit {
        step,
        class: *class,
        velocity: velocity * beside,
        offset,
    })
}

/// A light stroke on an accent that hardly anybody notices, if there is no stroke yet and the body
/// does not rest.
fn touch(moment: &Moment, steps: &mut Steps, moments: &Moments<'_>) {
    let place = f64::from(moment.step) + f64::from(moment.offset);
    if moments.rests(place) || moments.would_flam(moment.step, moment.offset) {
        return;
    }
    let strokes = steps.entry(moment.step).or_default();
    if strokes.is_empty() {
        let stroke = strokes_of(moment, moments).next();
        strokes.extend(stroke.map(|stroke| Hit {
            velocity: (LIGHT.0 + LIGHT.1 * moment.strength) * moments.depth.usual() as f32,
            ..stroke
        }));
    }
}

/// Adds the answer of an accent that lies between two steps.
fn between(moment: &Moment, steps: &mut Steps, moments: &Moments<'_>) {
    let strokes = steps.entry(moment.step).or_default();
    strokes.extend(strokes_of(moment, moments).filter(|hit| hit.class != DrumClass::Crash));
}

/// Adds the drums of the part of the body that makes the accent.
fn voice(moment: &Moment, steps: &mut Steps, moments: &Moments<'_>) {
    use DrumClass::Crash;
    let rung = moment.step - CRASH_BARS * moments.bar + 1;
    let has_rung = steps
        .range(rung..=moment.step)
        .any(|(_, strokes)| strokes.iter().any(|hit| hit.class == Crash));
    for stroke in strokes_of(moment, moments).filter(|hit| hit.class != Crash || !has_rung) {
        strike(steps, stroke);
    }
}

/// Soft hats on the beats of a rest, so that it does not seem to be a fault of the sound.
fn count_on(rest: &Rest, played: std::ops::RangeInclusive<i32>, steps: &mut Steps, moments: &Moments<'_>) {
    let beat = STEPS_PER_BEAT as i32;
    let from = (rest.from.ceil() as i32).max(*played.start());
    let until = (rest.until.ceil() as i32).min(played.end().saturating_add(1));
    for step in (from..until).filter(|step| moments.in_bar(*step) % beat == 0 && moments.on(*step).is_none()) {
        steps.insert(
            step,
            vec![Hit {
                step,
                class: DrumClass::ClosedHat,
                velocity: COUNTING[(moments.in_bar(step) / beat) as usize % COUNTING.len()],
                offset: 0.0,
            }],
        );
    }
}

/// Two to four strokes that rise to the accent that ends a rest, as many as fit in once the body
/// moves, except for those that fall where it only [swings](swings).
fn fill(rest: &Rest, steps: &mut Steps, moments: &Moments<'_>) {
    use DrumClass::{HighTom, LowTom, MidTom, Snare};
    let Some(moment) = rest.ends_on.and_then(|step| moments.on(step)) else {
        return;
    };
    let wanted = 2 + i32::from(moment.strength >= 0.5) + i32::from(moment.strength >= 0.8);
    let room = (f64::from(moment.step) - rest.moves + 1.0).floor().max(0.0) as i32;
    let count = wanted.min(room);
    let rising = [LowTom, MidTom, HighTom, Snare];
    for place in 0..count {
        let step = moment.step - count + place;
        if moments.on(step).is_some() || swings(step, moments) {
            continue;
        }
        let share = (place + 1) as f32 / count as f32;
        let velocity = loudness(moment.strength) * (FILL.0 + (FILL.1 - FILL.0) * share);
        let class = rising[(rising.len() as i32 - count + place) as usize];
        steps.insert(
            step,
            vec![Hit {
                step,
                class,
                velocity,
                offset: 0.0,
            }],
        );
    }
}

/// A light stroke where a gesture begins, if there is none yet.
fn pick_up(step: i32, strength: f32, steps: &mut Steps, moments: &Moments<'_>) {
    if moments.on(step).is_some() || moments.would_flam(step, 0.0) || swings(step, moments) {
        return;
    }
    let strokes = steps.entry(step).or_default();
    if strokes.is_empty() {
        strokes.push(Hit {
            step,
            class: DrumClass::Snare,
            velocity: loudness(strength) * PICK_UP * moments.depth.usual() as f32,
            offset: 0.0,
        });
    }
}
