//! Motion impact: the moments at which the body, or a limb, is stopped or thrown back sharply — landings, stamps, hits.
//!
//! The impact at an instant is the sum over the joints of how fast each loses speed. A limb that reverses loses its last
//! speed at the turning point, a limb that is stopped loses it at the stop: both are where an eye sees the hit.

use super::motion::{Motion, RATE};
use super::signal;
use super::style::{self, Style};
use super::{Accent, AccentKind, LEAST_MOVEMENT};
use crate::pose::{JOINTS, Joint};
use crate::time::{Instant, Span};

/// How much each joint counts. A trunk has six joints that move as one, an arm or a leg has two or three: so that a hand
/// can be heard beside a trunk, the trunk's joints share the weight of two limbs.
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

/// Two accents nearer than this are heard as one: a sixteenth note at 125 beats a minute.
const REFRACTORY: Span = Span::from_seconds(0.120);

/// Accents a second at most, over the clip: a quarter of the sixteenth notes at 120 beats a minute. A body in lively
/// movement has a small deceleration somewhere all the time; the music answers the ones that stand out.
const MOST_ACCENTS: f64 = 2.0;

/// Least impact of an accent, weighted torso lengths a second per second.
const LEAST_IMPACT: f64 = 10.0;

/// Least strength of an accent beside the clip's others.
const LEAST_STRENGTH: f32 = 0.15;

/// An accent needs as much movement as a beat does ([`LEAST_MOVEMENT`]) within so many seconds.
const MOVING: f64 = 0.25;

/// Share of the neighbourhood's mean impact (± [`NEIGHBOURHOOD`]) that an accent must rise above it.
const PROMINENCE: f64 = 0.5;

/// Standard deviation in seconds of the neighbourhood's Gaussian.
const NEIGHBOURHOOD: f64 = 1.0;

/// Impact at every frame of the movement: Σ_j weight · max(0, −d|v_j|/dt), weighted torso lengths a second per second.
pub(crate) fn impact(motion: &Motion) -> Vec<f64> {
    (0..motion.len())
        .map(|i| {
            if i == 0 || i + 1 >= motion.len() || motion.shot[i - 1] != motion.shot[i + 1] {
                return 0.0;
            }
            (0..JOINTS)
                .map(|joint| {
                    let seen = motion.weight[i - 1][joint].min(motion.weight[i + 1][joint]);
                    let lost = (motion.speed(i - 1, joint) - motion.speed(i + 1, joint)) * RATE.hz() / 2.0;
                    JOINT_WEIGHTS[joint] * seen * lost.max(0.0)
                })
                .sum()
        })
        .collect()
}

/// The accents of a movement: impacts that stand out, and the paper's style peaks.
///
/// Where two are nearer than the refractory time, the stronger stays, an impact before a style peak of the same strength.
/// Strengths are heights over the clip's 90th percentile of its kind, at most 1.
pub(crate) fn accents(impact: &[f64], style: &Style, lively: &[f64], duration: Span) -> Vec<Accent> {
    // Jitter has sharp changes of speed, but no way to go.
    let reach = (MOVING * RATE.hz()) as usize;
    let moving = |index: usize| {
        let from = index.saturating_sub(reach).min(lively.len());
        let to = (index + reach + 1).min(lively.len());
        lively[from..to].iter().any(|m| *m >= LEAST_MOVEMENT)
    };
    let around = signal::smooth(impact, NEIGHBOURHOOD * RATE.hz());
    let smoothed = signal::smooth(impact, 1.0);
    let hits: Vec<signal::Peak> = signal::peaks(&smoothed)
        .into_iter()
        .filter(|p| p.height > LEAST_IMPACT && moving(p.index) && p.height > (1.0 + PROMINENCE) * around[p.index])
        .collect();
    // A style peak on a body that hardly moves is the top tenth of nothing.
    let changes: Vec<signal::Peak> = style::changes(style)
        .into_iter()
        .filter(|p| moving(p.index) && around[p.index] * (1.0 + PROMINENCE) > LEAST_IMPACT)
        .collect();

    let graded = |peaks: Vec<signal::Peak>, kind: AccentKind| {
        let top = signal::quantile(&peaks.iter().map(|p| p.height).collect::<Vec<_>>(), 0.9);
        peaks.into_iter().map(move |p| Accent {
            time: RATE.instant_at(p.position),
            strength: if top > 0.0 {
                (p.height / top).min(1.0) as f32
            } else {
                1.0
            },
            kind,
        })
    };
    let mut found: Vec<Accent> = graded(hits, AccentKind::Impact)
        .chain(graded(changes, AccentKind::Style))
        .filter(|a| a.strength >= LEAST_STRENGTH)
        .collect();
    found.sort_by(|a, b| {
        let impact_first = |a: &Accent| u8::from(a.kind == AccentKind::Style);
        (b.strength.total_cmp(&a.strength))
            .then(impact_first(a).cmp(&impact_first(b)))
            .then(a.time.seconds().total_cmp(&b.time.seconds()))
    });
    let most = (duration.seconds() * MOST_ACCENTS).ceil().max(0.0) as usize;
    let mut kept: Vec<Accent> = Vec::new();
    for accent in found {
        let free = kept
            .iter()
            .all(|k| (k.time - accent.time).seconds().abs() >= REFRACTORY.seconds());
        if free && kept.len() < most {
            kept.push(accent);
        }
    }
    kept.retain(|a| a.time >= Instant::ZERO && a.time <= Instant::ZERO + duration);
    kept.sort_by(|a, b| a.time.seconds().total_cmp(&b.time.seconds()));
    kept
}
