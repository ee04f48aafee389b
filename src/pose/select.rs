//! Decides who is who over time, and who is followed. Pure.

use super::joints::{JOINTS, JointPoint};
use super::poses::{Pose, PoseTrack};
use super::smooth::{Sample, smooth};
use super::track::Tracked;
use crate::limits::{LONGEST_BRIDGE, is_too_brief};
use crate::time::{Instant, Span};

/// A lost person and a new one are taken to be the same person within this time,
const LONGEST_LINK: Span = Span::from_seconds(3.0);
/// within this distance in body lengths at once, and this much more for each second,
const LINK_DISTANCE: f64 = 0.5;
const LINK_SPEED: f64 = 1.0;
/// but never farther than this,
const LINK_FURTHEST: f64 = 1.6;
/// and with a size that differs by at most this factor.
const LINK_SIZE: f64 = 1.67;

/// People seen for less than this are mistakes.
const LEAST_SEEN: Span = Span::from_seconds(0.5);

/// Somebody else is followed once the previous person has been gone for this long: long enough that
/// nobody takes the two for one jump, and less than a bar.
const HAND_OVER: Span = Span::from_seconds(1.0);

/// Weight of a person who stands still, relative to one who moves by one body length a second.
const STILL: f64 = 0.2;

/// Movement is measured over this time, so that jitter does not count.
const STRIDE: f64 = 0.2;

/// Confidence from which a joint counts for movement.
const SURE: f32 = 0.5;

/// Confidence of a bridged joint, as a share of that at the ends of the bridge.
const BRIDGED: f32 = 0.5;

/// A person in one shot.
#[derive(Debug, Clone, PartialEq)]
struct Person {
    samples: Vec<Sample>,
    /// Time seen, with the gaps that are bridged.
    seen: Span,
    /// Priority for being followed: body area over time, weighted by movement.
    weight: f64,
}

/// People who are followed one after the other under one number, the one with the greatest weight
/// first: no two of them are seen at once.
type Role = Vec<Person>;

/// The people of a clip: for each shot, the roles in it, the one to follow first.
#[derive(Debug, Clone, PartialEq)]
pub struct People {
    shots: Vec<Vec<Role>>,
    /// Which role in each shot a person's number stands for.
    numbers: Vec<usize>,
    longest: Span,
    times: Vec<Instant>,
    cuts: Vec<usize>,
}

impl People {
    /// Joins the tracklets of each person and orders the people of each shot by weight.
    pub fn new(tracked: Tracked) -> Self {
        let Tracked { times, tracklets, cuts } = tracked;
        let mut shots: Vec<Vec<Vec<Sample>>> = vec![Vec::new(); cuts.len() + 1];
        for tracklet in tracklets {
            let Some(first) = tracklet.samples.first() else {
                continue;
            };
            let shot = cuts.partition_point(|cut| *cut <= first.frame);
            let people = &mut shots[shot];
            let best = people
                .iter()
                .enumerate()
                .filter_map(|(index, person)| Some((index, link_cost(person.last()?, first, &times)?)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            match best {
                Some((index, _)) => people[index].extend(tracklet.samples),
                None => people.push(tracklet.samples),
            }
        }
        let mut longest = Span::ZERO;
        let shots = shots
            .into_iter()
            .map(|people| {
                let mut people: Vec<Person> = people.into_iter().map(|samples| weigh(samples, &times)).collect();
                longest = people
                    .iter()
                    .map(|p| p.seen)
                    .fold(longest, |a, b| if b > a { b } else { a });
                people.sort_by(|a, b| b.weight.total_cmp(&a.weight));
                people.retain(|p| p.seen >= LEAST_SEEN);
                roles(people, &times)
            })
            .collect();
        let mut people = Self {
            shots,
            numbers: Vec::new(),
            longest,
            times,
            cuts,
        };
        // Whoever is seen too briefly has no number: a passer-by must not take that of the person
        // who stays.
        for role in 0..people.shots.iter().map(Vec::len).max().unwrap_or(0) {
            let seen = people
                .in_role(role)
                .flatten()
                .fold(Span::ZERO, |sum, person| sum + person.seen);
            if !is_too_brief(seen) {
                people.numbers.push(role);
            }
            if seen > people.longest {
                people.longest = seen;
            }
        }
        people
    }

    /// How many people can be followed: the most that are in one shot side by side, each seen for
    /// long enough.
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Longest time that one person is seen.
    pub fn longest(&self) -> Span {
        self.longest
    }

    /// The person with this number (from 1) in each shot that has one.
    fn chosen(&self, number: usize) -> impl Iterator<Item = &Role> {
        let role = number.checked_sub(1).and_then(|index| self.numbers.get(index));
        role.into_iter().flat_map(|role| self.in_role(*role))
    }

    fn in_role(&self, role: usize) -> impl Iterator<Item = &Role> {
        self.shots.iter().filter_map(move |roles| roles.get(role))
    }

    /// The joints of person `number` (from 1), smoothed, with short gaps bridged: one pose for
    /// every frame.
    pub fn track(&self, number: usize) -> PoseTrack {
        let empty = [JointPoint::default(); JOINTS];
        let mut poses: Vec<Pose> = self
            .times
            .iter()
            .map(|time| Pose {
                time: *time,
                joints: empty,
            })
            .collect();
        for person in self.chosen(number).flatten() {
            for run in runs(&person.samples, &self.times) {
                let mut run = run.to_vec();
                let times: Vec<f64> = run.iter().map(|s| self.times[s.frame].seconds()).collect();
                smooth(&mut run, &times);
                for pair in run.windows(2) {
                    bridge(&mut poses, &pair[0], &pair[1]);
                }
                for sample in &run {
                    poses[sample.frame].joints = sample.joints;
                }
            }
        }
        // Where another person takes over, movement does not continue from the pose before to the
        // pose after, as at a cut.
        let handed_over = self.chosen(number).flat_map(|role| {
            let mut starts: Vec<usize> = role.iter().filter_map(|p| Some(p.samples.first()?.frame)).collect();
            starts.sort_unstable();
            starts.into_iter().skip(1)
        });
        let mut handovers: Vec<usize> = handed_over.filter(|frame| !self.cuts.contains(frame)).collect();
        handovers.sort_unstable();
        handovers.dedup();
        let instants = |frames: &[usize]| frames.iter().map(|frame| self.times[*frame]).collect();
        PoseTrack {
            poses,
            cuts: instants(&self.cuts),
            handovers: instants(&handovers),
            people: self.count(),
            others: Vec::new(),
        }
    }
}

/// Gives each person, the one with the greatest weight first, the first role in which nobody is
/// seen at the same time or shortly before or after.
fn roles(people: Vec<Person>, times: &[Instant]) -> Vec<Role> {
    let span = |person: &Person| {
        let time = |sample: Option<&Sample>| sample.map(|s| times[s.frame]);
        Some((time(person.samples.first())?, time(person.samples.last())?))
    };
    let apart = |a: &Person, b: &Person| {
        let (Some(a), Some(b)) = (span(a), span(b)) else {
            return false;
        };
        b.0 - a.1 >= HAND_OVER || a.0 - b.1 >= HAND_OVER
    };
    // A cut within one view that the picture does not show: somebody of the same size is elsewhere
    // from one frame to the next.
    let leaps = |a: &Person, b: &Person| match (a.samples.last(), b.samples.first()) {
        (Some(last), Some(first)) => first.frame == last.frame + 1 && size_ratio(last, first) <= LINK_SIZE,
        _ => false,
    };
    let mut roles: Vec<Role> = Vec::new();
    for person in people {
        match roles.iter_mut().find(|role| {
            role.iter()
                .all(|o| apart(o, &person) || leaps(o, &person) || leaps(&person, o))
        }) {
            Some(role) => role.push(person),
            None => roles.push(vec![person]),
        }
    }
    roles
}

/// Samples without a gap that is too long to be bridged.
fn runs<'a>(samples: &'a [Sample], times: &'a [Instant]) -> impl Iterator<Item = &'a [Sample]> {
    // A frame longer than a bridge is not a gap: nobody was lost in it.
    samples.chunk_by(|a, b| b.frame == a.frame + 1 || times[b.frame] - times[a.frame] <= LONGEST_BRIDGE)
}

/// Fills the frames between two samples.
fn bridge(poses: &mut [Pose], from: &Sample, to: &Sample) {
    let (start, end) = (poses[from.frame].time, poses[to.frame].time);
    for pose in &mut poses[from.frame + 1..to.frame] {
        let share = ((pose.time - start).seconds() / (end - start).seconds()) as f32;
        for (joint, (a, b)) in pose.joints.iter_mut().zip(from.joints.iter().zip(&to.joints)) {
            *joint = JointPoint {
                x: a.x + (b.x - a.x) * share,
                y: a.y + (b.y - a.y) * share,
                confidence: BRIDGED * a.confidence.min(b.confidence),
            };
        }
    }
}

fn centre(sample: &Sample) -> (f64, f64) {
    let hips = sample.joints[super::Joint::MidHip as usize];
    (f64::from(hips.x), f64::from(hips.y))
}

/// Ratio of the larger size to the smaller.
fn size_ratio(a: &Sample, b: &Sample) -> f64 {
    f64::from(a.size.max(b.size) / a.size.min(b.size).max(1.0))
}

/// How unlikely it is that somebody lost at `last` is found again at `first`; `None` where it is
/// impossible.
fn link_cost(last: &Sample, first: &Sample, times: &[Instant]) -> Option<f64> {
    if first.frame <= last.frame {
        return None;
    }
    let gap = times[first.frame] - times[last.frame];
    let (a, b) = (centre(last), centre(first));
    let size = f64::from(last.size.max(first.size)).max(1.0);
    let distance = (a.0 - b.0).hypot(a.1 - b.1) / size;
    let near = distance <= (LINK_DISTANCE + LINK_SPEED * gap.seconds()).min(LINK_FURTHEST);
    (gap <= LONGEST_LINK && near && size_ratio(last, first) <= LINK_SIZE).then(|| distance + 0.2 * gap.seconds())
}

fn weigh(samples: Vec<Sample>, times: &[Instant]) -> Person {
    let mut seen = 0.0;
    let mut area = 0.0;
    let (mut path, mut travelled) = (0.0, 0.0);
    let mut from = 0;
    for (index, sample) in samples.iter().enumerate() {
        if let Some(next) = samples.get(index + 1)
            && next.frame > sample.frame + 1
            && times[next.frame] - times[sample.frame] <= LONGEST_BRIDGE
        {
            seen += (times[next.frame] - times[sample.frame + 1]).seconds();
        }
        // The frame's own length; that of the last frame is the one before.
        let step = match times.get(sample.frame + 1) {
            Some(next) => (*next - times[sample.frame]).seconds(),
            None if sample.frame > 0 => (times[sample.frame] - times[sample.frame - 1]).seconds(),
            None => 0.0,
        };
        seen += step;
        area += f64::from(sample.size).powi(2) * step;
        let time = (times[sample.frame] - times[samples[from].frame]).seconds();
        if time >= STRIDE {
            if time < 2.0 * STRIDE {
                path += distance(&samples[from], sample);
                travelled += time;
            }
            from = index;
        }
    }
    let movement = if travelled > 0.0 { path / travelled } else { 0.0 };
    Person {
        samples,
        seen: Span::from_seconds(seen),
        weight: area * (STILL + movement),
    }
}

/// Mean distance travelled by the sure joints, body lengths.
fn distance(a: &Sample, b: &Sample) -> f64 {
    let sure = a
        .joints
        .iter()
        .zip(&b.joints)
        .filter(|(a, b)| a.confidence.min(b.confidence) >= SURE);
    let (mut sum, mut count) = (0.0, 0);
    for (a, b) in sure {
        sum += f64::from((a.x - b.x).hypot(a.y - b.y));
        count += 1;
    }
    let size = f64::from(a.size + b.size).max(2.0) * 0.5;
    if count == 0 { 0.0 } else { sum / f64::from(count) / size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pose::track::Tracklet;

    const FPS: f64 = 30.0;

    fn sample(frame: usize, x: f32, size: f32) -> Sample {
        Sample {
            frame,
            size,
            joints: std::array::from_fn(|j| JointPoint {
                x,
                y: 100.0 + j as f32,
                confidence: 0.9,
            }),
        }
    }

    fn tracklet(frames: std::ops::Range<usize>, size: f32, x: impl Fn(usize) -> f32) -> Tracklet {
        Tracklet {
            samples: frames.map(|f| sample(f, x(f), size)).collect(),
        }
    }

    fn people(frames: usize, tracklets: Vec<Tracklet>, cuts: Vec<usize>) -> People {
        let times = (0..frames).map(|i| Instant::from_seconds(i as f64 / FPS)).collect();
        People::new(Tracked { times, tracklets, cuts })
    }

    fn missing(track: &PoseTrack) -> Vec<usize> {
        let gone = |p: &Pose| p.joints.iter().all(|j| j.confidence == 0.0);
        track
            .poses
            .iter()
            .enumerate()
            .filter(|(_, p)| gone(p))
            .map(|(i, _)| i)
            .collect()
    }

    #[test]
    fn moving_people_come_before_standing_ones_and_near_before_far() {
        let to_and_fro = |f: usize| 300.0 + 100.0 * (f as f32 * 0.3).sin();
        let people = people(
            90,
            vec![
                tracklet(0..90, 200.0, |_| 100.0),
                tracklet(0..90, 180.0, to_and_fro),
                tracklet(0..90, 40.0, |f| 600.0 + to_and_fro(f) / 3.0),
                tracklet(40..45, 900.0, to_and_fro),
            ],
            vec![],
        );
        assert_eq!(people.count(), 3, "a moment is not a person");
        let x = |number| people.track(number).poses[42].joints[0].x;
        assert!((200.0..=400.0).contains(&x(1)) && (x(2) - 100.0).abs() < 0.01 && x(3) > 600.0);
        assert_eq!(people.track(1).people, 3);
        assert!((people.longest().seconds() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn whoever_is_seen_too_briefly_is_not_counted_and_takes_nobodys_number() {
        let dance = |f: usize| 300.0 + 60.0 * (f as f32 * 0.3).sin();
        let all = vec![
            tracklet(0..45, 400.0, |f| 900.0 + 2.0 * dance(f)),
            tracklet(0..90, 100.0, dance),
        ];
        let two = people(90, all.clone(), vec![]);
        assert_eq!(two.count(), 1, "1.5 s are too brief");
        assert!(two.track(1).poses[30].joints[0].x < 400.0);
        let nobody = people(90, all[..1].to_vec(), vec![]);
        assert_eq!(nobody.count(), 0);
        assert!((nobody.longest().seconds() - 1.5).abs() < 1e-9);
        // The same role in two shots is one person, seen for the sum.
        let shots = vec![tracklet(0..40, 200.0, dance), tracklet(40..90, 200.0, dance)];
        assert_eq!(people(90, shots, vec![40]).count(), 1);
    }

    #[test]
    fn gaps_that_are_bridged_count_as_seen() {
        let walk = |f: usize| 100.0 + f as f32;
        let seen = |gap: usize| {
            let pieces = (0..4).map(|i| tracklet(i * (15 + gap)..i * (15 + gap) + 15, 200.0, walk));
            people(160, pieces.collect(), vec![]).longest().seconds()
        };
        assert!((seen(6) - (60.0 + 3.0 * 6.0) / 30.0).abs() < 1e-9, "{}", seen(6));
        assert!((seen(15) - 2.0).abs() < 1e-9, "{}", seen(15));
    }

    #[test]
    fn a_short_gap_is_bridged_and_a_long_one_marked() {
        let walk = |f: usize| 100.0 + f as f32;
        let people = people(
            120,
            vec![
                tracklet(0..30, 200.0, walk),
                tracklet(36..60, 200.0, walk),
                tracklet(80..120, 200.0, walk),
            ],
            vec![],
        );
        assert_eq!(people.count(), 1, "the same person each time");
        let track = people.track(1);
        assert_eq!(track.poses.len(), 120);
        assert_eq!(missing(&track), (60..80).collect::<Vec<_>>());
        let bridged = track.poses[33].joints[2];
        assert!((bridged.x - 133.0).abs() < 1.5, "{bridged:?}");
        assert!((bridged.confidence - 0.45).abs() < 0.01, "{bridged:?}");
        assert!((track.poses[29].joints[2].confidence - 0.9).abs() < 0.01);
    }

    #[test]
    fn somebody_else_far_away_is_not_taken_for_the_one_who_was_lost() {
        for (x, size) in [(900.0, 200.0), (100.0, 90.0)] {
            let people = people(
                156,
                vec![tracklet(0..90, 200.0, |_| 100.0), tracklet(96..156, size, |_| x)],
                vec![],
            );
            assert_eq!(people.count(), 2);
            assert_eq!(missing(&people.track(1)), (90..156).collect::<Vec<_>>());
        }
    }

    #[test]
    fn when_somebody_has_left_the_next_is_followed_and_it_counts_as_a_cut() {
        let dance = |f: usize| 300.0 + 60.0 * (f as f32 * 0.3).sin();
        let people = people(
            300,
            vec![
                tracklet(0..90, 200.0, dance),
                tracklet(60..170, 100.0, |f| 900.0 + dance(f)),
                tracklet(150..240, 150.0, |f| 600.0 + dance(f)),
                tracklet(255..290, 150.0, |_| 50.0),
            ],
            vec![],
        );
        assert_eq!(people.count(), 2);
        let track = people.track(1);
        let x = |frame: usize| track.poses[frame].joints[0].x;
        assert!(x(50) < 400.0 && x(200) > 600.0);
        assert_eq!(
            missing(&track),
            (90..150).chain(240..300).collect::<Vec<_>>(),
            "no jump to somebody who is there with the first"
        );
        assert_eq!(
            (track.cuts, track.handovers),
            (vec![], vec![Instant::from_seconds(5.0)])
        );
        assert!((people.longest().seconds() - 6.0).abs() < 1e-9);
        assert_eq!(
            missing(&people.track(2)),
            (0..60).chain(170..255).chain(290..300).collect::<Vec<_>>()
        );
    }

    #[test]
    fn somebody_who_leaps_between_two_frames_continues_as_after_a_cut() {
        let walk = |from: usize| move |f: usize| 100.0 + 8.0 * (f - from) as f32;
        let looped = (0..4).map(|i| tracklet(90 * i..90 * (i + 1), 200.0, walk(90 * i)));
        let people = people(360, looped.collect(), vec![]);
        assert_eq!(people.count(), 1);
        let track = people.track(1);
        assert!(missing(&track).is_empty());
        assert_eq!(track.handovers, [3.0, 6.0, 9.0].map(Instant::from_seconds));
        assert_eq!(track.cuts, []);
        assert!((people.longest().seconds() - 12.0).abs() < 1e-9);
    }

    #[test]
    fn people_are_numbered_in_each_shot_and_nothing_goes_across_a_cut() {
        let dance = |f: usize| 300.0 + 60.0 * (f as f32 * 0.3).sin();
        let people = people(
            120,
            vec![
                tracklet(0..60, 100.0, |_| 100.0),
                tracklet(0..60, 100.0, dance),
                tracklet(60..120, 300.0, |f| 500.0 + dance(f)),
            ],
            vec![60],
        );
        assert_eq!(people.count(), 2);
        let first = people.track(1);
        assert!(missing(&first).is_empty());
        assert!(first.poses[59].joints[0].x < 400.0 && first.poses[60].joints[0].x > 700.0);
        assert_eq!(
            (first.cuts, first.handovers),
            (vec![Instant::from_seconds(2.0)], vec![])
        );
        assert_eq!(missing(&people.track(2)), (60..120).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_is_nobody() {
        let people = people(10, vec![Tracklet::default()], vec![]);
        assert_eq!((people.count(), people.longest()), (0, Span::ZERO));
        assert_eq!(people.track(1).poses.len(), 10);
    }
}
