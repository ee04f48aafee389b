//! Motion impact: the moments at which the body, or a limb, stops or turns back sharply —
//! landings, stamps, hits.
//!
//! The impact at an instant is the sum over the joints of how fast each loses speed. A limb that
//! reverses loses its last speed at the turning point, a limb that stops loses it at the stop: both
//! are where a viewer sees the hit.
//!
//! Accents are found limb by limb, since in the sum the swing of one limb hides the stop of
//! another: each limb has its stops, those at the same time are one accent, and the feet decide
//! when somebody lands. Of 42 footfalls, landings, hits and sharp ends of gestures marked by hand
//! in four clips of walking, volleyball and dance (`tests/fixtures/accents`), 39 have an accent
//! within 67 ms; peaks of the sum reached 32, with twice as many accents elsewhere.

use super::accents::{Accent, AccentKind, BodyPart, ImpactKind};
use super::ends::Ended;
use super::motion::LEAST_MOVEMENT;
use super::motion::{Motion, RATE};
use super::signal;
use super::style::{self, Style};
use crate::pose::{JOINTS, Joint};
use crate::time::{Instant, Span};

/// Weight of each joint. A trunk has six joints that move as one, an arm or a leg has two or three:
/// the trunk's joints share the weight of two limbs, so that a hand is not outweighed by it.
pub(crate) const JOINT_WEIGHTS: [f64; JOINTS] = {
    let mut weights = [0.0; JOINTS];
    weights[Joint::Nose as usize] = 0.5;
    weights[Joint::Neck as usize] = 0.35;
    weights[Joint::RightShoulder as usize] = 0.3;
    weights[Joint::LeftShoulder as usize] = 0.3;
    weights[Joint::MidHip as usize] = 0.35;
    weights[Joint::RightHip as usize] = 0.35;
    weights[Joint::LeftHip as usize] = 0.35;
    weights[Joint::RightElbow as usize] = 0.4;
    weights[Joint::LeftElbow as usize] = 0.4;
    weights[Joint::RightWrist as usize] = 0.8;
    weights[Joint::LeftWrist as usize] = 0.8;
    weights[Joint::RightKnee as usize] = 0.5;
    weights[Joint::LeftKnee as usize] = 0.5;
    weights[Joint::RightAnkle as usize] = 0.8;
    weights[Joint::LeftAnkle as usize] = 0.8;
    weights[Joint::RightBigToe as usize] = 0.2;
    weights[Joint::LeftBigToe as usize] = 0.2;
    weights
};

/// Two accents closer than this are heard as one: a sixteenth note at 125 beats a minute.
pub(super) const REFRACTORY: Span = Span::from_seconds(0.120);

/// A style peak closer than this to an impact is the start of the gesture that the impact ends: one
/// gesture, one accent.
const GESTURE: Span = Span::from_seconds(0.250);

/// Most accents a second, over the clip: viewers distinguish about four stops a second, and
/// somebody who skips rope lands 2.3 times a second.
const MOST_ACCENTS: f64 = 4.0;

/// Least force of an accent (see [`Stop`]), torso lengths a second per second: an arm that swings
/// back to rest has some 10.
const LEAST_FORCE: f64 = 7.0;

/// Least strength of an accent relative to the clip's others.
const LEAST_STRENGTH: f64 = 0.1;

/// Least force relative to the strongest stop within [`NEAR`]: next to a jump a wave of the hand
/// goes unnoticed, in a pause it is seen.
const LEAST_OF_NEAR: f64 = 0.3;
const NEAR: Span = Span::from_seconds(1.0);

/// Share of a clip's accents that have full strength.
const FULL: f64 = 0.05;

/// An accent needs as much movement within this many seconds as a beat does ([`LEAST_MOVEMENT`]).
const MOVING: f64 = 0.25;

/// A style peak needs this much impact around it (Gaussian, standard deviation in seconds),
/// weighted torso lengths a second per second.
const LEAST_AROUND: f64 = 6.7;
const AROUND: f64 = 1.0;

/// Joints that stop together.
struct Limb {
    joints: &'static [Joint],
    /// Weight of its stops relative to those of the others.
    weight: f64,
    is_foot: bool,
    part: BodyPart,
}

const LIMBS: [Limb; 6] = [
    Limb {
        joints: &[Joint::Nose],
        weight: 0.8,
        is_foot: false,
        part: BodyPart::Head,
    },
    Limb {
        joints: &[
            Joint::Neck,
            Joint::MidHip,
            Joint::RightShoulder,
            Joint::LeftShoulder,
            Joint::RightHip,
            Joint::LeftHip,
        ],
        weight: 1.0,
        is_foot: false,
        part: BodyPart::Trunk,
    },
    Limb {
        joints: &[Joint::RightElbow, Joint::RightWrist],
        weight: 1.0,
        is_foot: false,
        part: BodyPart::Hands,
    },
    Limb {
        joints: &[Joint::LeftElbow, Joint::LeftWrist],
        weight: 1.0,
        is_foot: false,
        part: BodyPart::Hands,
    },
    // A foot that is set down is heard.
    Limb {
        joints: &[Joint::RightAnkle, Joint::RightBigToe],
        weight: 1.2,
        is_foot: true,
        part: BodyPart::Feet,
    },
    Limb {
        joints: &[Joint::LeftAnkle, Joint::LeftBigToe],
        weight: 1.2,
        is_foot: true,
        part: BodyPart::Feet,
    },
];

/// Gravity in torso lengths a second per second: 9.81 m/s² on a torso of half a metre (0.30 of the
/// stature; Drillis & Contini 1966). In the air it slows everything that rises, which is not a hit.
const GRAVITY: f64 = 19.6;

/// In the air, both feet rise at least this fast relative to the trunk, and in torso lengths a
/// second;
const FEET_RISE: (f64, f64) = (0.3, 0.2);
/// or they are at least this many torso lengths above where each was lowest within this time.
const FEET_ABOVE: f64 = 0.15;
const JUMP: Span = Span::from_seconds(0.6);

/// Least loss of speed at which a stop is searched for, torso lengths a second per second: twice
/// the effect of jitter.
const LEAST_LOSS: f64 = 4.0;

/// How long before a stop its greatest speed is searched for, and how long after it the least, in
/// frames.
const BEFORE: usize = 15;
const AFTER: usize = 8;

/// Least number of frames in which a limb is faster than half its greatest speed. A joint that
/// leaps to another place and stays there (left mistaken for right, a limb behind another) is fast
/// for 0.09 s, the width of the differentiator's Gaussian.
const LEAST_SWING: usize = 7;

/// A foot brakes before it is set down: it stands once its speed has fallen to this share, if that
/// takes no longer than this many frames.
const STANDS: f64 = 1.0 / 3.0;
const SETTLES: usize = 6;

/// Stops within this time of each other are one: an arm and its shoulder.
const TOGETHER: Span = Span::from_seconds(0.067);

/// When somebody lands, the feet stop first, and the body up to this much later.
const LANDING: Span = Span::from_seconds(0.130);

/// Share of a stop's force that the feet need to determine its time.
const FEET_SHARE: f64 = 0.3;

/// The whole body stops when this many of its four parts do, and none has more than this share of
/// the force.
const WHOLE_PARTS: usize = 3;
const WHOLE_SHARE: f64 = 0.6;

/// Impact at every frame of the movement: Σ_j weight · max(0, −d|v_j|/dt), weighted torso
/// lengths a second per second.
pub(crate) fn impact(motion: &Motion) -> Vec<f64> {
    (0..motion.len())
        .map(|i| {
            if i == 0 || i + 1 >= motion.len() || motion.shot[i - 1] != motion.shot[i + 1] {
                return 0.0;
            }
            (0..JOINTS)
                .map(|joint| {
                    let seen = motion.weight[i - 1][joint].min(motion.weight[i + 1][joint]);
                    let lost = RATE.per_second((motion.speed(i - 1, joint) - motion.speed(i + 1, joint)) / 2.0);
                    JOINT_WEIGHTS[joint] * seen * lost.max(0.0)
                })
                .sum()
        })
        .collect()
}

/// A limb, or the body, that stops.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stop {
    /// When, in frames of the movement.
    position: f64,
    /// How hard: weight of the limb · loss of speed (torso lengths a second per second) · share
    /// of the speed that is lost. For several limbs that stop together it is the sum.
    force: f64,
    /// Index in [`LIMBS`]; of several, the one that stops hardest.
    limb: usize,
    /// The part of the body that stops.
    part: BodyPart,
    /// How its movement ends.
    kind: ImpactKind,
    /// Whether it has come down to where it is stopped.
    falls: bool,
}

/// How fast every joint loses speed, torso lengths a second per second, without the share of
/// gravity in the air.
fn losses(motion: &Motion) -> Vec<[f64; JOINTS]> {
    let (trunk, _) = motion.trunk();
    let above = feet_above(motion);
    let slope = |before: f64, after: f64| RATE.per_second((after - before) / 2.0);
    (0..motion.len())
        .map(|i| {
            let mut loss = [0.0; JOINTS];
            if i == 0 || i + 1 >= motion.len() || motion.shot[i - 1] != motion.shot[i + 1] {
                return loss;
            }
            let up = trunk[i][1].min(0.0);
            let (share, least) = FEET_RISE;
            let rise = FEET
                .iter()
                .all(|foot| motion.velocity[i][*foot as usize][1] < (share * up).min(-least));
            let braked = slope(trunk[i - 1][1], trunk[i + 1][1]).max(0.0);
            // Well off the floor, only gravity brakes a body, together with the weight of the legs
            // that are drawn up.
            let gravity = match up < 0.0 {
                true if above[i] >= FEET_ABOVE => braked,
                true if rise => braked.min(GRAVITY),
                _ => 0.0,
            };
            for (joint, loss) in loss.iter_mut().enumerate() {
                let seen = motion.sure[i - 1][joint].min(motion.sure[i + 1][joint]);
                let speed = motion.speed(i, joint);
                let rising = if speed > 0.0 {
                    (-motion.velocity[i][joint][1] / speed).max(0.0)
                } else {
                    0.0
                };
                let lost = slope(motion.speed(i + 1, joint), motion.speed(i - 1, joint)) - gravity * rising;
                *loss = seen * lost.max(0.0);
            }
            loss
        })
        .collect()
}

const FEET: [Joint; 2] = [Joint::RightAnkle, Joint::LeftAnkle];

/// How far the lower of the two feet is above where it was lowest within [`JUMP`], torso lengths.
fn feet_above(motion: &Motion) -> Vec<f64> {
    let reach = RATE.count(JUMP) as usize;
    let mut above = vec![f64::INFINITY; motion.len()];
    for foot in FEET {
        // y points downwards.
        let mut y = 0.0;
        let depth: Vec<f64> = (0..motion.len())
            .map(|i| {
                y += RATE.span(motion.velocity[i][foot as usize][1]).seconds();
                y
            })
            .collect();
        for (i, above) in above.iter_mut().enumerate() {
            let from = i.saturating_sub(reach);
            let lowest = depth[from..=i].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            *above = above.min(lowest - depth[i]);
        }
    }
    above
}

/// Every stop of every limb.
fn stops(motion: &Motion) -> Vec<Stop> {
    let losses = losses(motion);
    let mut found = Vec::new();
    for (
        limb,
        Limb {
            joints,
            weight,
            is_foot,
            part,
        },
    ) in LIMBS.iter().enumerate()
    {
        let mean =
            |of: &dyn Fn(usize) -> f64| joints.iter().map(|j| of(*j as usize)).sum::<f64>() / joints.len() as f64;
        let loss: Vec<f64> = losses.iter().map(|frame| mean(&|j| frame[j])).collect();
        let speed: Vec<f64> = (0..motion.len()).map(|i| mean(&|j| motion.speed(i, j))).collect();
        for peak in signal::peaks(&signal::smooth(&loss, 1.0)) {
            if peak.height < LEAST_LOSS {
                continue;
            }
            let from = peak.index.saturating_sub(BEFORE);
            let to = (peak.index + AFTER).min(speed.len() - 1);
            let fastest = (from..=peak.index).fold(from, |best, i| if speed[i] > speed[best] { i } else { best });
            let before = speed[fastest];
            let after = speed[peak.index..=to].iter().copied().fold(f64::INFINITY, f64::min);
            if before <= 0.0 || after >= before || swing(&speed, fastest) < LEAST_SWING {
                continue;
            }
            let ended = Ended {
                joints,
                is_foot: *is_foot,
                is_trunk: *part == BodyPart::Trunk,
                fastest,
                stopped: peak.index,
                speed: before,
                lost: (before - after) / before,
                loss: peak.height,
            };
            let position = if *is_foot {
                stands(&speed, peak.index, STANDS * before).unwrap_or(peak.position)
            } else {
                peak.position
            };
            found.push(Stop {
                position,
                force: weight * peak.height * (before - after) / before,
                limb,
                part: *part,
                kind: ended.kind(motion),
                falls: ended.falls(motion),
            });
        }
    }
    found
}

/// Frames around `fastest` in which the speed exceeds half of its value there.
fn swing(speed: &[f64], fastest: usize) -> usize {
    let half = 0.5 * speed[fastest];
    let before = speed[..fastest].iter().rev().take_while(|s| **s > half).count();
    let after = speed[fastest..].iter().take_while(|s| **s > half).count();
    before + after
}

/// Where the speed falls to `least` soon after `from`, in frames.
fn stands(speed: &[f64], from: usize, least: f64) -> Option<f64> {
    let at = (from..(from + SETTLES + 1).min(speed.len())).find(|i| speed[*i] <= least)?;
    if at == from {
        return Some(at as f64);
    }
    let step = speed[at - 1] - speed[at];
    Some(at as f64 - (least - speed[at]) / step)
}

/// Merges the stops of several limbs that are one event, the hardest first.
fn together(mut stops: Vec<Stop>) -> Vec<Stop> {
    stops.sort_by(|a, b| {
        (b.force.total_cmp(&a.force))
            .then(a.position.total_cmp(&b.position))
            .then(a.limb.cmp(&b.limb))
    });
    let frames = |span: Span| RATE.count(span);
    let mut events = Vec::new();
    while let Some(hardest) = stops.first().copied() {
        let is_foot = |stop: &Stop| LIMBS[stop.limb].is_foot;
        let lands = |stop: &Stop| {
            let later = match (is_foot(stop), is_foot(&hardest)) {
                (true, false) => hardest.position - stop.position,
                (false, true) => stop.position - hardest.position,
                _ => return false,
            };
            (0.0..=frames(LANDING)).contains(&later)
        };
        let belongs = |stop: &Stop| (stop.position - hardest.position).abs() <= frames(TOGETHER) || lands(stop);
        let mut members: Vec<Stop> = Vec::new();
        stops.retain(|stop| {
            let belongs = belongs(stop);
            // A limb counts once, with its hardest stop.
            if belongs && members.iter().all(|m| m.limb != stop.limb) {
                members.push(*stop);
            }
            !belongs
        });
        let force = |of: &[Stop]| of.iter().map(|s| s.force).sum::<f64>();
        let feet: Vec<Stop> = members.iter().copied().filter(is_foot).collect();
        let timed_by = if force(&feet) >= FEET_SHARE * force(&members) {
            &feet
        } else {
            &members
        };
        events.push(Stop {
            position: timed_by.iter().map(|s| s.force * s.position).sum::<f64>() / force(timed_by),
            force: force(&members),
            limb: hardest.limb,
            part: part(&members),
            kind: kind(&members, timed_by.iter().all(is_foot)).unwrap_or(hardest.kind),
            falls: members.iter().any(|s| s.falls),
        });
    }
    events
}

/// `Landing` if limbs that are stopped together are somebody's who lands: a foot does, and either
/// the accent is timed by the feet or the trunk, which is stopped harder, comes down with them.
fn kind(members: &[Stop], by_feet: bool) -> Option<ImpactKind> {
    let lands = members
        .iter()
        .any(|s| s.part == BodyPart::Feet && s.kind == ImpactKind::Landing);
    let falls = members.iter().any(|s| s.part == BodyPart::Trunk && s.falls);
    (lands && (by_feet || falls)).then_some(ImpactKind::Landing)
}

/// The part of the body that limbs stopped together make up: the part that stops hardest, or the
/// whole body where at least three parts stop and none has most of the force.
fn part(members: &[Stop]) -> BodyPart {
    let mut forces: Vec<(BodyPart, f64)> = Vec::new();
    for stop in members {
        match forces.iter_mut().find(|(part, _)| *part == stop.part) {
            Some((_, force)) => *force += stop.force,
            None => forces.push((stop.part, stop.force)),
        }
    }
    let all: f64 = forces.iter().map(|(_, force)| force).sum();
    let hardest = forces.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    match hardest {
        Some((part, force)) if forces.len() < WHOLE_PARTS || force > WHOLE_SHARE * all => part,
        _ => BodyPart::Whole,
    }
}

/// The accents of a movement: the stops that stand out, and the paper's style peaks where no stop
/// is nearby.
///
/// See [`grade`] for their strengths.
pub(crate) fn accents(motion: &Motion, impact: &[f64], style: &Style, lively: &[f64], duration: Span) -> Vec<Accent> {
    // Jitter has sharp changes of speed, but covers no distance.
    let reach = (RATE.count(Span::from_seconds(MOVING))) as usize;
    let moving = |position: f64| {
        let index = position.max(0.0) as usize;
        let from = index.saturating_sub(reach).min(lively.len());
        let to = (index + reach + 1).min(lively.len());
        lively[from..to].iter().any(|m| *m >= LEAST_MOVEMENT)
    };
    let events: Vec<Stop> = together(stops(motion))
        .into_iter()
        .filter(|s| s.force >= LEAST_FORCE && moving(s.position))
        .collect();
    let top = signal::quantile(&events.iter().map(|s| s.force).collect::<Vec<_>>(), 0.9);
    let near = RATE.count(NEAR);
    let stands_out = |stop: &Stop| {
        let around = events.iter().filter(|s| (s.position - stop.position).abs() <= near);
        let hardest = around.map(|s| s.force).fold(0.0, f64::max);
        stop.force >= LEAST_STRENGTH * top && stop.force >= LEAST_OF_NEAR * hardest
    };
    let hits = events
        .iter()
        .filter(|s| stands_out(s))
        .map(|s| (s.position, s.force, top, s.part, Some(s.kind)));

    // A style peak on a body that hardly moves is the top tenth of nothing.
    let around = signal::smooth(impact, RATE.count(Span::from_seconds(AROUND)));
    let changes: Vec<signal::Peak> = style::changes(style)
        .into_iter()
        .filter(|p| moving(p.position) && around[p.index] > LEAST_AROUND)
        .collect();
    let top = signal::quantile(&changes.iter().map(|p| p.height).collect::<Vec<_>>(), 0.9);
    let changes = changes
        .iter()
        .map(|p| (p.position, p.height, top, BodyPart::default(), None));

    type Height = (f64, f64, f64, BodyPart, Option<ImpactKind>);
    let graded = |(position, height, top, part, impact): Height, kind: AccentKind| Accent {
        time: RATE.instant_at(position),
        strength: if top > 0.0 { (height / top) as f32 } else { 1.0 },
        kind,
        part,
        impact,
    };
    let most = (duration.seconds() * MOST_ACCENTS).ceil().max(0.0) as usize;
    let mut kept: Vec<Accent> = Vec::new();
    let mut keep = |mut found: Vec<Accent>, least_apart: &dyn Fn(AccentKind) -> Span| {
        found.retain(|a| {
            f64::from(a.strength) >= LEAST_STRENGTH && a.time >= Instant::ZERO && a.time <= Instant::ZERO + duration
        });
        found.sort_by(|a, b| (b.strength.total_cmp(&a.strength)).then(a.time.seconds().total_cmp(&b.time.seconds())));
        for accent in found {
            let free = kept
                .iter()
                .all(|k| (k.time - accent.time).seconds().abs() >= least_apart(k.kind).seconds());
            if free && kept.len() < most {
                kept.push(accent);
            }
        }
    };
    keep(hits.map(|h| graded(h, AccentKind::Impact)).collect(), &|_| REFRACTORY);
    keep(
        changes.map(|c| graded(c, AccentKind::Style)).collect(),
        &|kind| match kind {
            AccentKind::Impact => GESTURE,
            AccentKind::Style => REFRACTORY,
        },
    );
    kept.sort_by(|a, b| a.time.seconds().total_cmp(&b.time.seconds()));
    grade(&mut kept);
    kept
}

/// Turns the heights of accents into strengths, above 0, at most 1: for impacts half by rank and
/// half by height, so that any clip has strong and weak ones and equal ones stay equal; the top
/// [`FULL`] get 1. For style changes, the height, at most 1.
fn grade(accents: &mut [Accent]) {
    let mut heights: Vec<f64> = accents
        .iter()
        .filter(|accent| accent.kind == AccentKind::Impact)
        .map(|accent| f64::from(accent.strength))
        .collect();
    heights.sort_by(f64::total_cmp);
    let full = signal::quantile_sorted(&heights, 1.0 - FULL);
    for accent in accents {
        let height = f64::from(accent.strength);
        let strength = match accent.kind {
            AccentKind::Style => height,
            AccentKind::Impact => {
                let rank = heights.partition_point(|other| *other <= height) as f64 / heights.len().max(1) as f64;
                0.5 * (rank / (1.0 - FULL)).min(1.0) + 0.5 * (height / full).min(1.0)
            }
        };
        accent.strength = strength.min(1.0) as f32;
    }
}

#[cfg(test)]
#[path = "impact_tests.rs"]
mod tests;
