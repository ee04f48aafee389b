//! A pose track as movement: velocities of the joints at a uniform rate, in torso lengths a second.
//!
//! **Differentiator.** A difference of successive frames multiplies the pose detector's jitter by
//! the frame rate. Instead, position and velocity come from a straight line fitted by least squares
//! to the samples around each instant, weighted with a Gaussian of [`SMOOTHING`] and with the
//! joint's confidence (local linear regression, Cleveland 1979). It works on frames at any spacing,
//! has no lag, gives the same result at 24 or 60 frames a second, and amplifies noise of the
//! positions by about 9 a second at 30 frames a second, where the plain difference has 42. Movement
//! at 2 Hz keeps 88 % of its speed, at 4 Hz 60 %.
//!
//! **Camera and shift.** A panning camera, or a body carried along evenly, moves all joints alike.
//! The slow part of the trunk's velocity is subtracted from all joints in the shots where this
//! makes the feet stand stiller; a bounce or a step is far faster than that part. With a still
//! camera a walker's standing foot stands still in the picture, and nothing is subtracted.
//!
//! Missing joints have weight 0 and are never treated as zero velocity; no line is fitted across a
//! cut or a gap.
//!
//! **Position.** The value of the same line at the instant, fitted in pixels, relative to the
//! trunk's centre. The beat network reads it in addition to the velocity. The signs of a beat use
//! velocities only.

use super::{leaps, signal};
use crate::limits::LONGEST_BRIDGE;
use crate::pose::{JOINTS, Joint, JointPoint, PoseTrack};
use crate::time::{Instant, Rate, Span};

/// Movement below which there is no beat: median speed, torso lengths a second summed over the 17
/// joints, smoothed (see [`Error::NoBeat`]). A pose detector's jitter on a person who stands still
/// is below 1.
pub const LEAST_MOVEMENT: f64 = 1.5;

/// Rate of the movement signals: that of RhythmicNet's published network.
pub(crate) const RATE: Rate = Rate::from_hz(60.0);

/// Standard deviation of the differentiator's Gaussian. A limb stops within 50 to 100 ms, which
/// this still resolves.
pub(crate) const SMOOTHING: Span = Span::from_seconds(0.040);

/// Confidence up to which a joint counts as missing, and from which it has full weight. In between
/// it fades in, so that a joint at the edge of being seen does not switch the sums on and off.
const CONFIDENCE: (f32, f32) = (0.2, 0.5);

/// Like [`CONFIDENCE`], for accents, which a single joint can make. Guessed joints, for example a foot below
/// the picture's edge or an arm behind the trunk, have up to 0.58 on the four clips of
/// `tests/fixtures/accents`; seen joints have 0.64 and more nearly all of the time.
const SURE: (f32, f32) = (0.5, 0.7);

/// Half width, in seconds, of the window in which the body's size is measured, long compared with
/// one bend of the body.
const SIZE_WINDOW: f64 = 2.0;

/// Standard deviation of the slow part of the trunk's velocity: a bounce at 60 a minute keeps 96 %
/// after it is removed.
const PAN_SMOOTHING: f64 = 0.4;

/// A joint that leaps this many torso lengths away for one frame and is back in the next was
/// another limb.
const LEAP: f64 = 0.5;

/// Sum of joint weights below which a frame does not describe the whole body.
const LEAST_JOINTS: f64 = 4.0;

/// Sum of the weights of the trunk's joints below which the trunk has no centre.
const LEAST_TRUNK: f64 = 2.0;

const TRUNK: [Joint; 6] = [
    Joint::Neck,
    Joint::MidHip,
    Joint::RightShoulder,
    Joint::LeftShoulder,
    Joint::RightHip,
    Joint::LeftHip,
];

/// Movement of one person at [`RATE`], the first frame at the clip's start.
#[derive(Debug, Clone)]
pub(crate) struct Motion {
    /// Velocity (x to the right, y downwards) of each joint, torso lengths a second; 0 where the
    /// weight is 0.
    pub velocity: Vec<[[f64; 2]; JOINTS]>,
    /// Position of each joint relative to the trunk's centre, torso lengths (x to the right, y
    /// downwards); 0 where the weight is 0, and everywhere while too little of the trunk is seen to
    /// have a centre.
    pub position: Vec<[[f64; 2]; JOINTS]>,
    /// The camera's velocity that was subtracted from all joints, torso lengths a second; 0 where
    /// nothing was subtracted.
    pub pan: Vec<[f64; 2]>,
    /// How far each joint can be trusted, 0 (missing) to 1.
    pub weight: Vec<[f64; JOINTS]>,
    /// How far an accent of each joint can be trusted, 0 (its place is a guess) to 1.
    pub sure: Vec<[f64; JOINTS]>,
    /// Number of the shot that each frame belongs to.
    pub shot: Vec<usize>,
}

/// A sample of one joint.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Seconds.
    time: f64,
    /// Where the joint is, torso lengths from the start of its run.
    at: [f64; 2],
    /// Where the joint is in the picture, pixels.
    pixel: [f64; 2],
    /// Torso length, pixels.
    size: f64,
    weight: f64,
    sure: f64,
}

/// Where a joint is in the picture, pixels, and the torso length there.
#[derive(Debug, Clone, Copy, Default)]
struct JointAt {
    pixel: [f64; 2],
    size: f64,
}

impl Motion {
    /// The movement of a track over a clip of `duration`. Poses outside the clip or out of order,
    /// and joints that are not numbers, are skipped.
    pub fn new(track: &PoseTrack, duration: Span) -> Self {
        let frames = frames_in(duration);
        let mut times: Vec<f64> = Vec::with_capacity(track.poses.len());
        let mut poses: Vec<&[JointPoint; JOINTS]> = Vec::with_capacity(track.poses.len());
        for pose in &track.poses {
            let time = pose.time.seconds();
            if time.is_finite() && times.last().is_none_or(|last| time > *last) {
                times.push(time);
                poses.push(&pose.joints);
            }
        }
        let mut cuts: Vec<f64> = track
            .cuts
            .iter()
            .chain(&track.handovers)
            .map(|c| c.seconds())
            .filter(|c| c.is_finite())
            .collect();
        // The pose stage does not find every cut.
        cuts.extend(leaps::cuts(&times, &poses));
        cuts.sort_by(f64::total_cmp);
        let shot_of = |seconds: f64| cuts.partition_point(|cut| *cut <= seconds);
        let shots: Vec<usize> = times.iter().map(|t| shot_of(*t)).collect();
        let sizes = sizes(&times, &shots, &poses);
        let spacing = signal::median(&times.windows(2).map(|t| t[1] - t[0]).collect::<Vec<_>>());

        let mut motion = Self {
            velocity: vec![[[0.0; 2]; JOINTS]; frames],
            position: vec![[[0.0; 2]; JOINTS]; frames],
            pan: vec![[0.0; 2]; frames],
            weight: vec![[0.0; JOINTS]; frames],
            sure: vec![[0.0; JOINTS]; frames],
            shot: (0..frames).map(|i| shot_of(RATE.instant(i).seconds())).collect(),
        };
        let mut places = vec![[JointAt::default(); JOINTS]; frames];
        for joint in 0..JOINTS {
            for run in runs(joint, &times, &shots, &poses, &sizes) {
                motion.fit(joint, &run, spacing, &mut places);
            }
        }
        motion.centre(&places);
        motion.take_away_pan();
        motion
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.velocity.len()
    }

    /// Speed of a joint, torso lengths a second; 0 where it is missing.
    pub fn speed(&self, frame: usize, joint: usize) -> f64 {
        let [x, y] = self.velocity[frame][joint];
        x.hypot(y)
    }

    /// 1 where enough of the body is seen to determine how it moves, 0 elsewhere.
    pub fn seen(&self) -> Vec<f64> {
        self.weight
            .iter()
            .map(|w| f64::from(u8::from(w.iter().sum::<f64>() >= LEAST_JOINTS)))
            .collect()
    }

    /// Lines through the samples of one unbroken run of one joint: velocity, weight, and the place
    /// in the picture.
    fn fit(&mut self, joint: usize, run: &[Sample], spacing: f64, places: &mut [[JointAt; JOINTS]]) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return;
        };
        // Below some 15 frames a second the Gaussian would cover only one sample.
        let sigma = SMOOTHING.seconds().max(0.6 * spacing);
        let reach = 4.0 * sigma;
        let from = RATE.position(Instant::from_seconds(first.time)).ceil().max(0.0) as usize;
        let to = (RATE.position(Instant::from_seconds(last.time)).floor() + 1.0).clamp(0.0, self.len() as f64) as usize;
        let mut begin = 0;
        for (frame, places) in places.iter_mut().enumerate().take(to).skip(from) {
            let now = RATE.instant(frame).seconds();
            while begin < run.len() && run[begin].time < now - reach {
                begin += 1;
            }
            let (mut s0, mut s1, mut s2, mut p0, mut p1) = (0.0, 0.0, 0.0, [0.0; 2], [0.0; 2]);
            let (mut x0, mut x1, mut size) = ([0.0; 2], [0.0; 2], 0.0);
            let (mut trust, mut sure, mut kernel) = (0.0, 0.0, 0.0);
            for sample in run[begin..].iter().take_while(|s| s.time <= now + reach) {
                let dt = sample.time - now;
                let gauss = (-0.5 * (dt / sigma).powi(2)).exp();
                let w = gauss * sample.weight;
                kernel += gauss;
                trust += w;
                sure += gauss * sample.sure;
                s0 += w;
                s1 += w * dt;
                s2 += w * dt * dt;
                for axis in 0..2 {
                    p0[axis] += w * sample.at[axis];
                    p1[axis] += w * dt * sample.at[axis];
                    x0[axis] += w * sample.pixel[axis];
                    x1[axis] += w * dt * sample.pixel[axis];
                }
                size += w * sample.size;
            }
            let spread = s0 * s2 - s1 * s1;
            // A line needs samples at clearly different times.
            if spread > 0.36 * (s0 * sigma).powi(2) && kernel > 0.0 {
                for axis in 0..2 {
                    self.velocity[frame][joint][axis] = (s0 * p1[axis] - s1 * p0[axis]) / spread;
                    places[joint].pixel[axis] = (s2 * x0[axis] - s1 * x1[axis]) / spread;
                }
                places[joint].size = size / s0;
                // At the end of a run the samples lie on one side, and the slope is far less
                // certain: their spread is 0.36 of its value in the middle (variance of half a
                // Gaussian against that of a whole one).
                let sided = spread / (s0 * sigma).powi(2);
                let even = ((sided - 0.36) / (0.8 - 0.36)).clamp(0.0, 1.0);
                self.weight[frame][joint] = even * trust / kernel;
                self.sure[frame][joint] = even * sure / kernel;
            }
        }
    }

    /// Positions relative to the trunk's centre, which is the mean of its joints by their weights.
    /// They do not contain the camera or the person's place in the picture. Pixels become torso
    /// lengths only here, by each line's own size, since dividing the samples would turn a change
    /// of size into movement.
    fn centre(&mut self, places: &[[JointAt; JOINTS]]) {
        for ((places, weights), positions) in places.iter().zip(&self.weight).zip(&mut self.position) {
            let (mut centre, mut total) = ([0.0; 2], 0.0);
            for joint in TRUNK.map(|j| j as usize) {
                total += weights[joint];
                for (c, pixel) in centre.iter_mut().zip(places[joint].pixel) {
                    *c += weights[joint] * pixel;
                }
            }
            if total < LEAST_TRUNK {
                continue;
            }
            for ((position, place), weight) in positions.iter_mut().zip(places).zip(weights) {
                if *weight > 0.0 && place.size > 0.0 {
                    for ((p, pixel), c) in position.iter_mut().zip(place.pixel).zip(centre) {
                        *p = (pixel - c / total) / place.size;
                    }
                }
            }
        }
    }

    /// Velocity of the trunk, with weight 1 where at least two of its joints are seen.
    pub fn trunk(&self) -> (Vec<[f64; 2]>, Vec<f64>) {
        (0..self.len())
            .map(|i| {
                let (mut sum, mut total) = ([0.0; 2], 0.0);
                for joint in TRUNK {
                    let w = self.weight[i][joint as usize];
                    total += w;
                    for (axis, s) in sum.iter_mut().enumerate() {
                        *s += w * self.velocity[i][joint as usize][axis];
                    }
                }
                if total >= LEAST_TRUNK {
                    (sum.map(|s| s / total), 1.0)
                } else {
                    ([0.0; 2], 0.0)
                }
            })
            .unzip()
    }

    /// Subtracts the slow part of the trunk's velocity in each shot where the feet stand stiller
    /// without it.
    fn take_away_pan(&mut self) {
        let (trunk, seen) = self.trunk();
        let feet = [Joint::RightAnkle as usize, Joint::LeftAnkle as usize];
        let mut begin = 0;
        while begin < self.len() {
            let shot = self.shot[begin];
            let end = begin + self.shot[begin..].partition_point(|s| *s == shot);
            let sigma = RATE.count(Span::from_seconds(PAN_SMOOTHING));
            let slow: Vec<Vec<f64>> = (0..2)
                .map(|axis| {
                    let values: Vec<f64> = trunk[begin..end].iter().map(|v| v[axis]).collect();
                    signal::smooth_weighted(&values, &seen[begin..end], sigma)
                })
                .collect();
            let stiller_foot = |taken: f64| -> Vec<f64> {
                (begin..end)
                    .filter(|&i| feet.iter().all(|f| self.weight[i][*f] > 0.5))
                    .map(|i| {
                        feet.iter()
                            .map(|f| {
                                let [x, y] = self.velocity[i][*f];
                                (x - taken * slow[0][i - begin]).hypot(y - taken * slow[1][i - begin])
                            })
                            .fold(f64::INFINITY, f64::min)
                    })
                    .collect()
            };
            let (still, moving) = (stiller_foot(0.0), stiller_foot(1.0));
            // Without the feet, subtracting is the safer choice: a pan spoils every joint.
            if still.is_empty() || signal::median(&moving) < signal::median(&still) {
                for i in begin..end {
                    self.pan[i] = [slow[0][i - begin], slow[1][i - begin]];
                    for joint in 0..JOINTS {
                        if self.weight[i][joint] > 0.0 {
                            for (v, pan) in self.velocity[i][joint].iter_mut().zip(self.pan[i]) {
                                *v -= pan;
                            }
                        }
                    }
                }
            }
            begin = end;
        }
    }

    /// Sum of the joints' speeds, torso lengths a second (the movement of the lock search). Each
    /// joint is clipped at its own 99th percentile, so that a limb misplaced for a frame does not
    /// outweigh the dance; a joint that is missing for a while is given its own mean, so that a leg
    /// leaving the picture is not a stop. A joint never seen counts as the mean of the others. 0
    /// where the person is not seen.
    pub fn movement(&self) -> Vec<f64> {
        self.summed(|i, joint| self.speed(i, joint))
    }

    /// Like [`movement`](Self::movement), with the velocities smoothed further, so that the jitter
    /// of a still body hardly counts (torso lengths a second).
    pub fn lively(&self) -> Vec<f64> {
        let sigma = RATE.count(Span::from_seconds(LIVELINESS_SMOOTHING));
        let smoothed: Vec<Vec<f64>> = (0..JOINTS)
            .map(|joint| {
                let weights: Vec<f64> = self.weight.iter().map(|w| w[joint]).collect();
                let axis = |a: usize| -> Vec<f64> {
                    let values: Vec<f64> = self.velocity.iter().map(|v| v[joint][a]).collect();
                    signal::smooth_weighted(&values, &weights, sigma)
                };
                axis(0).iter().zip(axis(1)).map(|(x, y)| x.hypot(y)).collect()
            })
            .collect();
        self.summed(|i, joint| smoothed[joint][i])
    }

    /// The movement that decides whether there is a beat: the median of [`lively`](Self::lively)
    /// over the liveliest [`LIVELIEST`] of the clip.
    pub fn liveliness(&self, summed: &[f64]) -> f64 {
        let seen = self.seen();
        let window = (RATE.count(LIVELIEST) as usize).clamp(1, summed.len().max(1));
        let hop = RATE.hz() as usize;
        let mut best = 0.0_f64;
        let mut begin = 0;
        loop {
            let end = (begin + window).min(summed.len());
            let there: Vec<f64> = (begin.min(end)..end)
                .filter(|&i| seen[i] > 0.0)
                .map(|i| summed[i])
                .collect();
            // A second of a person is enough to judge movement, a glimpse is not.
            if there.len() >= hop {
                best = best.max(signal::median(&there));
            }
            if end >= summed.len() {
                return best;
            }
            begin += hop;
        }
    }

    fn summed(&self, speed: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let seen = self.seen();
        let mut sum = vec![0.0; self.len()];
        let frames_seen = seen.iter().filter(|s| **s > 0.0).count();
        let mut joints_seen = 0;
        for joint in 0..JOINTS {
            let present: Vec<f64> = (0..self.len())
                .filter(|&i| self.weight[i][joint] > 0.0)
                .map(|i| speed(i, joint))
                .collect();
            // A joint seen only now and then has no mean worth filling in.
            if present.is_empty() || present.len() * 10 < frames_seen {
                continue;
            }
            joints_seen += 1;
            let clip = signal::quantile(&present, 0.99);
            let mean = signal::mean(&present.iter().map(|s| s.min(clip)).collect::<Vec<_>>());
            for (i, total) in sum.iter_mut().enumerate() {
                let w = self.weight[i][joint];
                *total += w * speed(i, joint).min(clip) + (1.0 - w) * mean;
            }
        }
        let scale = if joints_seen == 0 {
            0.0
        } else {
            JOINTS as f64 / f64::from(joints_seen)
        };
        sum.iter().zip(seen).map(|(s, seen)| s * scale * seen).collect()
    }
}

/// Length of the stretch whose median movement decides whether there is a beat: a person who
/// stands, then dances, counts as dancing.
const LIVELIEST: Span = Span::from_seconds(8.0);

/// Standard deviation in seconds of the smoothing before that: it removes three quarters of the
/// remaining jitter.
const LIVELINESS_SMOOTHING: f64 = 0.1;

/// Number of frames at [`RATE`] in a clip: one at each multiple of the period from its start up to
/// its end.
fn frames_in(duration: Span) -> usize {
    let seconds = duration.seconds();
    if seconds.is_finite() && seconds > 0.0 {
        RATE.position(Instant::ZERO + duration).floor() as usize + 1
    } else {
        0
    }
}

fn weight(point: JointPoint) -> f64 {
    trust(point, CONFIDENCE)
}

/// From 0 to 1 between two confidences; 0 for a joint without a place.
fn trust(point: JointPoint, (least, full): (f32, f32)) -> f64 {
    if point.x.is_finite() && point.y.is_finite() && point.confidence.is_finite() {
        f64::from(((point.confidence - least) / (full - least)).clamp(0.0, 1.0))
    } else {
        0.0
    }
}

fn distance(joints: &[JointPoint; JOINTS], a: Joint, b: Joint) -> Option<f64> {
    let (a, b) = (joints[a as usize], joints[b as usize]);
    (weight(a) > 0.0 && weight(b) > 0.0)
        .then(|| f64::from(a.x - b.x).hypot(f64::from(a.y - b.y)))
        .filter(|d| *d > 0.0)
}

/// Torso length in pixels at each pose: the upper quartile of the neck–mid-hip distance over
/// [`SIZE_WINDOW`] to either side in the same shot (a bend shortens it, nothing lengthens it).
/// Where the hips are hidden it is taken from shoulder breadth and upper arms by the body's
/// proportions (shoulder joints 0.20, upper arm 0.186, neck–hip 0.30 of the stature; Drillis &
/// Contini 1966). `None` where it cannot be determined.
fn sizes(times: &[f64], shots: &[usize], poses: &[&[JointPoint; JOINTS]]) -> Vec<Option<f64>> {
    let torso: Vec<Option<f64>> = poses.iter().map(|p| distance(p, Joint::Neck, Joint::MidHip)).collect();
    let upper: Vec<Option<f64>> = poses
        .iter()
        .map(|p| {
            [
                distance(p, Joint::RightShoulder, Joint::LeftShoulder).map(|d| d * 0.30 / 0.20),
                distance(p, Joint::RightShoulder, Joint::RightElbow).map(|d| d * 0.30 / 0.186),
                distance(p, Joint::LeftShoulder, Joint::LeftElbow).map(|d| d * 0.30 / 0.186),
            ]
            .into_iter()
            .flatten()
            .reduce(f64::max)
        })
        .collect();
    let upper_quartile = |of: &[Option<f64>], from: usize, to: usize, least: usize| {
        let values: Vec<f64> = of[from..to].iter().flatten().copied().collect();
        (values.len() > least).then(|| signal::quantile(&values, 0.75))
    };
    // One value a quarter of a second is enough for a size that changes over seconds.
    let mut result: Vec<Option<f64>> = Vec::with_capacity(poses.len());
    let mut known: Option<(usize, f64, Option<f64>)> = None;
    for (i, &time) in times.iter().enumerate() {
        let value = match known {
            Some((shot, since, value)) if shot == shots[i] && time < since + 0.25 => value,
            _ => {
                let from = times.partition_point(|t| *t < time - SIZE_WINDOW);
                let to = times.partition_point(|t| *t <= time + SIZE_WINDOW);
                let from = from + shots[from..to].partition_point(|s| *s < shots[i]);
                let to = from + shots[from..to].partition_point(|s| *s <= shots[i]);
                let value = upper_quartile(&torso, from, to, (to - from) / 4)
                    .or_else(|| upper_quartile(&upper, from, to, 0))
                    .or_else(|| upper_quartile(&torso, from, to, 0));
                known = Some((shots[i], time, value));
                value
            }
        };
        result.push(value);
    }
    result
}

/// The unbroken runs of one joint in torso lengths: without a cut, and without a gap longer than
/// [`LONGEST_BRIDGE`], within a run.
fn runs(
    joint: usize,
    times: &[f64],
    shots: &[usize],
    poses: &[&[JointPoint; JOINTS]],
    sizes: &[Option<f64>],
) -> Vec<Vec<Sample>> {
    let mut runs: Vec<Vec<Sample>> = Vec::new();
    let mut last: Option<(f64, usize)> = None;
    // Each step of the path is divided by the size at its own time: dividing the positions
    // themselves would turn a change of size into movement.
    let mut path = ([0.0; 2], [0.0; 2]);
    for i in 0..times.len() {
        let point = poses[i][joint];
        let (w, Some(size)) = (weight(point), sizes[i]) else {
            continue;
        };
        if w <= 0.0 {
            continue;
        }
        let pixel = [f64::from(point.x), f64::from(point.y)];
        let joined = last.is_some_and(|(time, shot)| shot == shots[i] && times[i] - time <= LONGEST_BRIDGE.seconds());
        if joined {
            let (previous, at) = path;
            path = (
                pixel,
                [
                    at[0] + (pixel[0] - previous[0]) / size,
                    at[1] + (pixel[1] - previous[1]) / size,
                ],
            );
        } else {
            runs.push(Vec::new());
            path = (pixel, [0.0; 2]);
        }
        last = Some((times[i], shots[i]));
        if let Some(run) = runs.last_mut() {
            run.push(Sample {
                time: times[i],
                at: path.1,
                pixel,
                size,
                weight: w,
                sure: trust(point, SURE),
            });
        }
    }
    for run in &mut runs {
        drop_leaps(run);
    }
    runs
}

/// Removes samples that are [`LEAP`] away from where both neighbours agree the joint is.
fn drop_leaps(run: &mut Vec<Sample>) {
    let apart = |a: &Sample, b: &Sample| (a.at[0] - b.at[0]).hypot(a.at[1] - b.at[1]);
    let kept: Vec<Sample> = run
        .iter()
        .enumerate()
        .filter(|(i, sample)| {
            let (Some(before), Some(after)) = (i.checked_sub(1).and_then(|k| run.get(k)), run.get(i + 1)) else {
                return true;
            };
            apart(before, sample).min(apart(after, sample)) < LEAP || apart(before, after) > 0.5 * LEAP
        })
        .map(|(_, sample)| *sample)
        .collect();
    *run = kept;
}
