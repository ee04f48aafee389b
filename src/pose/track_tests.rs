//! The tracker on a stage with people on it, seen through fake networks.

use super::*;
use crate::pose::landmarks::{Point, region};

/// A stage with people on it, seen through fake networks.
#[derive(Default)]
struct Stage {
    /// Hips of each person, and the height, in this frame.
    people: Vec<(f64, f64, f64)>,
    /// Height from which the finder sees somebody at 256 pixels.
    coarse_from: f64,
    searches: Vec<usize>,
    looks: usize,
    /// Height from which the finder sees somebody in the whole picture, at 512 pixels.
    fine_from: f64,
    /// Height from which the landmarks are sure, and how often parts were searched.
    sure_from: f64,
    parts: usize,
}

fn body(person: (f64, f64, f64), score: f64) -> Body {
    let (x, y, height) = person;
    let mut points = [Point::default(); landmarks_count()];
    for (index, point) in points.iter_mut().enumerate() {
        let share = index as f64 / points_span();
        *point = Point {
            x: x + height * 0.1 * (index as f64).sin(),
            y: y + height * (share - 0.5),
            visibility: 0.9,
        };
    }
    Body {
        points,
        score,
        region: region((x, y), (x, y - height / 2.0)),
    }
}

const fn landmarks_count() -> usize {
    crate::pose::landmarks::POINTS
}

fn points_span() -> f64 {
    landmarks_count() as f64 - 1.0
}

fn candidate(person: &(f64, f64, f64)) -> Candidate {
    let mut points = coco(&body(*person, 1.0));
    let (x, y, height) = *person;
    for (index, up) in [(5, 0.25), (6, 0.25), (11, 0.0), (12, 0.0)] {
        points[index] = (x, y - up * height);
    }
    Candidate {
        points,
        scores: [0.9; finder::POINTS],
        score: 0.8,
    }
}

impl Look for Stage {
    fn find(&mut self, _: &Picture, side: usize, _: f64) -> Result<Vec<Candidate>> {
        self.searches.push(side);
        let least = if side == FINE { self.fine_from } else { self.coarse_from };
        Ok(self.people.iter().filter(|p| p.2 >= least).map(candidate).collect())
    }

    fn find_in(&mut self, _: &Picture, rectangle: Rectangle, _: usize, _: f64) -> Result<Vec<Candidate>> {
        self.parts += 1;
        let inside = |p: &&(f64, f64, f64)| {
            let (x, y) = (p.0 as usize, p.1 as usize);
            let (right, bottom) = (rectangle.left + rectangle.width, rectangle.top + rectangle.height);
            (rectangle.left..right).contains(&x) && (rectangle.top..bottom).contains(&y)
        };
        Ok(self.people.iter().filter(inside).map(candidate).collect())
    }

    fn look(&mut self, _: &Picture, region: Region) -> Result<Option<Body>> {
        self.looks += 1;
        let near = |p: &&(f64, f64, f64)| (p.0 - region.x).hypot(p.1 - region.y) < 0.3 * region.size;
        let sure = |p: &(f64, f64, f64)| if p.2 < self.sure_from { 0.1 } else { 0.9 };
        let found = self.people.iter().find(near).map(|p| body(*p, sure(p)));
        Ok(Some(found.unwrap_or_else(|| {
            body((region.x, region.y, region.size / 1.25), 0.1)
        })))
    }
}

fn picture(level: u8) -> Picture {
    Picture {
        width: 640,
        height: 360,
        rgb: vec![level; 3 * 640 * 360],
    }
}

fn run(stage: &mut Stage, frames: usize, mut each: impl FnMut(usize, &mut Stage) -> u8) -> Tracked {
    let mut tracker = Tracker::default();
    for index in 0..frames {
        let level = each(index, stage);
        let frame = Frame {
            time: Instant::from_seconds(index as f64 / 30.0),
            picture: picture(level),
            scale: 2.0,
        };
        tracker.step(stage, &frame).unwrap();
    }
    tracker.finish()
}

#[test]
fn one_person_is_one_track_in_source_pixels() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = vec![(200.0 + 2.0 * i as f64, 180.0, 200.0)];
        100
    });
    assert_eq!(tracked.tracklets.len(), 1);
    let samples = &tracked.tracklets[0].samples;
    assert_eq!(
        samples.iter().map(|s| s.frame).collect::<Vec<_>>(),
        (0..60).collect::<Vec<_>>()
    );
    assert!((f64::from(samples[10].size) - 400.0).abs() < 1e-3);
    let nose = samples[10].joints[0];
    assert!(
        (nose.x - 440.0).abs() < 1e-3 && (nose.y - 160.0).abs() < 1e-3,
        "{nose:?}"
    );
    // Every half second, and no fine search for somebody so near.
    assert_eq!(stage.searches, vec![COARSE; 4]);
}

#[test]
fn far_people_are_found_in_the_fine_picture_and_an_empty_stage_costs_little() {
    let mut stage = Stage {
        coarse_from: 80.0,
        ..Stage::default()
    };
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = if i < 30 { vec![] } else { vec![(300.0, 200.0, 60.0)] };
        100
    });
    assert_eq!(tracked.tracklets.len(), 1);
    let first = tracked.tracklets[0].samples[0].frame;
    assert!((30..=36).contains(&first), "{first}");
    let before = stage.searches.iter().filter(|s| **s == COARSE).count();
    assert!(before <= 14, "{before}");
}

#[test]
fn somebody_missed_in_the_whole_picture_is_found_in_a_tile() {
    let mut stage = Stage {
        coarse_from: 80.0,
        fine_from: 50.0,
        ..Stage::default()
    };
    let tracked = run(&mut stage, 60, |_, stage| {
        stage.people = vec![(500.0, 300.0, 40.0)];
        100
    });
    assert_eq!(tracked.tracklets.len(), 1);
    assert_eq!(tracked.tracklets[0].samples.len(), 60);
    assert_eq!(stage.parts, 4, "once, since nobody is missing afterwards");

    // An empty picture is searched in tiles once a second.
    let mut stage = Stage::default();
    run(&mut stage, 90, |_, _| 100);
    assert_eq!(stage.parts, 3 * 4);
    // One where somebody is found is never searched in tiles.
    let mut stage = Stage::default();
    run(&mut stage, 90, |_, stage| {
        stage.people = vec![(300.0, 180.0, 200.0)];
        100
    });
    assert_eq!(stage.parts, 0);
}

#[test]
fn somebody_very_small_is_followed_while_the_networks_agree() {
    let walk = |height: f64, unsure: std::ops::Range<usize>| {
        let mut stage = Stage::default();
        let tracked = run(&mut stage, 60, |i, stage| {
            stage.people = vec![(300.0 + i as f64, 180.0, height)];
            stage.sure_from = if unsure.contains(&i) { 1000.0 } else { 0.0 };
            100
        });
        let lengths: Vec<usize> = tracked.tracklets.iter().map(|t| t.samples.len()).collect();
        (lengths, stage.parts)
    };
    assert_eq!(walk(50.0, 20..40), (vec![60], 20));
    assert_eq!(walk(50.0, 60..60), (vec![60], 0));
    // For somebody larger the score is enough.
    let (lengths, _) = walk(150.0, 20..40);
    assert!(lengths.len() == 2 && lengths[0] == 20, "{lengths:?}");
    // Somebody who has left is lost at once.
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = if i < 30 { vec![(300.0, 180.0, 50.0)] } else { vec![] };
        100
    });
    assert_eq!(tracked.tracklets[0].samples.len(), 30);
}

#[test]
fn somebody_very_small_is_looked_for_for_a_while_where_they_were_lost() {
    // Neither the whole picture nor its tiles show them again.
    let hidden = |height: f64, gone: std::ops::Range<usize>| {
        let mut stage = Stage::default();
        let tracked = run(&mut stage, 60, |i, stage| {
            stage.coarse_from = if i == 0 { 0.0 } else { 1000.0 };
            stage.fine_from = stage.coarse_from;
            stage.people = if gone.contains(&i) {
                vec![]
            } else {
                vec![(300.0, 180.0, height)]
            };
            100
        });
        let spans = tracked.tracklets.iter().map(|t| (t.samples[0].frame, t.samples.len()));
        spans.collect::<Vec<_>>()
    };
    assert_eq!(hidden(50.0, 20..32), [(0, 20), (32, 28)]);
    // At frame 50 a second has passed; then the tiles alone can show them.
    let late = hidden(50.0, 20..52);
    assert!(
        late[0] == (0, 20) && late[1..].iter().all(|(first, _)| *first > 52),
        "{late:?}"
    );
    // Somebody larger is found by the looks at the whole picture and its tiles only.
    let larger = hidden(150.0, 20..32);
    assert!(larger[1..].iter().all(|(first, _)| *first > 32), "{larger:?}");
}

#[test]
fn a_cut_ends_tracks_and_a_flash_is_not_a_cut() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = vec![(if i < 20 { 200.0 } else { 420.0 }, 180.0, 200.0)];
        if i < 20 { 50 } else { 150 }
    });
    assert_eq!(tracked.cuts, [20]);
    let spans: Vec<_> = tracked
        .tracklets
        .iter()
        .map(|t| (t.samples[0].frame, t.samples.len()))
        .collect();
    assert_eq!(spans, [(0, 20), (20, 40)]);

    let mut stage = Stage::default();
    let tracked = run(&mut stage, 90, |i, stage| {
        stage.people = vec![(200.0, 180.0, 200.0)];
        if [30, 31, 45].contains(&i) { 250 } else { 50 }
    });
    assert_eq!(tracked.cuts, [] as [usize; 0]);
    let frames: usize = tracked.tracklets.iter().map(|t| t.samples.len()).sum();
    assert_eq!(frames, 90, "nobody was missed");
}

#[test]
fn a_flash_at_the_start_is_not_a_cut() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = if i < 2 { vec![] } else { vec![(200.0, 180.0, 200.0)] };
        if i < 2 || i == 30 { 250 } else { 50 }
    });
    assert_eq!(tracked.cuts, [] as [usize; 0]);
    assert_eq!(tracked.tracklets.iter().map(|t| t.samples.len()).sum::<usize>(), 58);
    // A shot without anybody is one.
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = if i < 20 { vec![] } else { vec![(200.0, 180.0, 200.0)] };
        if i < 20 { 250 } else { 50 }
    });
    assert_eq!(tracked.cuts, [20]);
}

#[test]
fn somebody_who_leaves_is_lost_and_found_again() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 90, |i, stage| {
        stage.people = if (30..50).contains(&i) {
            vec![]
        } else {
            vec![(300.0, 180.0, 200.0)]
        };
        100
    });
    let spans: Vec<_> = tracked
        .tracklets
        .iter()
        .map(|t| (t.samples[0].frame, t.samples[t.samples.len() - 1].frame))
        .collect();
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[0], (0, 29));
    assert!((50..=53).contains(&spans[1].0) && spans[1].1 == 89, "{spans:?}");
}

#[test]
fn up_to_four_people_are_followed_separately() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 40, |i, stage| {
        stage.people = (0..6)
            .map(|n| (60.0 + 100.0 * f64::from(n) + i as f64 * 0.1, 180.0, 80.0))
            .collect();
        100
    });
    assert_eq!(tracked.tracklets.len(), MOST_PEOPLE);
    assert!(tracked.tracklets.iter().all(|t| t.samples.len() == 40));
    // Two that come together are one in the end.
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 40, |i, stage| {
        let gap = 200.0 - 10.0 * i.min(20) as f64;
        stage.people = vec![(200.0, 180.0, 150.0), (200.0 + gap, 180.0, 150.0)];
        100
    });
    let lasting = tracked
        .tracklets
        .iter()
        .filter(|t| t.samples.last().unwrap().frame == 39)
        .count();
    assert_eq!((tracked.tracklets.len(), lasting), (2, 1));
}

#[test]
fn a_body_outside_the_picture_is_lost() {
    let mut stage = Stage::default();
    let tracked = run(&mut stage, 60, |i, stage| {
        stage.people = vec![(300.0 + 10.0 * i as f64, 180.0, 200.0)];
        100
    });
    let last = tracked.tracklets[0].samples.last().unwrap().frame;
    assert!((30..40).contains(&last), "{last}");
}
