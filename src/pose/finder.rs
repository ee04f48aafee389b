//! Decodes MoveNet MultiPose's tensor, and decides whether two skeletons are one person. Pure.

use super::crop::Region;
use super::landmarks::region;
use ndarray::ArrayView2;

/// COCO's key points.
pub const POINTS: usize = 17;

/// Numbers a person: 17 × (y, x, score), the box, the person's score.
const NUMBERS: usize = 3 * POINTS + 5;

/// Index of the person's score.
const SCORE: usize = NUMBERS - 1;

/// Least score of a point for the region to include it.
const LEAST_POINT: f64 = 0.2;

/// Least reach of a region, torso lengths from the hips.
const LEAST_REACH: f64 = 1.9;

const SHOULDERS: [usize; 2] = [5, 6];
const HIPS: [usize; 2] = [11, 12];

/// A possible person.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Key points in COCO's order: pixels from the picture's left and top edges.
    pub points: [(f64, f64); POINTS],
    /// Score of each point, 0 to 1.
    pub scores: [f64; POINTS],
    /// Probability that it is a person, 0 to 1.
    pub score: f64,
}

/// Size of the model's input for a picture: scaled picture (width, height), canvas (width, height).
/// The picture's longer side becomes `side`, which must be a multiple of 32; the canvas' sides are
/// multiples of 32.
pub fn input_size(width: usize, height: usize, side: usize) -> ((usize, usize), (usize, usize)) {
    let scale = side as f64 / width.max(height) as f64;
    let scaled = |length: usize| ((length as f64 * scale).round() as usize).clamp(1, side);
    let (width, height) = (scaled(width), scaled(height));
    (
        (width, height),
        (width.next_multiple_of(32), height.next_multiple_of(32)),
    )
}

/// The people in the model's output, [person, number], in pixels of the picture. `canvas` is the
/// size of the canvas in pixels, and `scale` is the number of its pixels per pixel of the picture.
/// People with a score below `least` are left out.
pub fn decode(people: ArrayView2<'_, f32>, canvas: (usize, usize), scale: (f64, f64), least: f64) -> Vec<Candidate> {
    let mut found = Vec::new();
    for person in people.outer_iter().filter(|person| person.len() >= NUMBERS) {
        let score = f64::from(person[SCORE]);
        if score.is_nan() || score < least || person.iter().any(|v| !v.is_finite()) {
            continue;
        }
        let number = |index: usize| f64::from(person[index]);
        found.push(Candidate {
            points: std::array::from_fn(|i| {
                let x = number(3 * i + 1) * canvas.0 as f64 / scale.0;
                let y = number(3 * i) * canvas.1 as f64 / scale.1;
                (x, y)
            }),
            scores: std::array::from_fn(|i| number(3 * i + 2)),
            score,
        });
    }
    found
}

impl Candidate {
    /// The region in which to search for landmarks; `None` where the torso has no length.
    pub fn region(&self) -> Option<Region> {
        let middle = |pair: [usize; 2]| {
            let (a, b) = (self.points[pair[0]], self.points[pair[1]]);
            ((a.0 + b.0) * 0.5, (a.1 + b.1) * 0.5)
        };
        let (hips, shoulders) = (middle(HIPS), middle(SHOULDERS));
        let up = (shoulders.0 - hips.0, shoulders.1 - hips.1);
        let torso = up.0.hypot(up.1);
        if torso < 1e-3 {
            return None;
        }
        let furthest = self
            .points
            .iter()
            .zip(&self.scores)
            .filter(|(_, score)| **score > LEAST_POINT)
            .map(|((x, y), _)| (x - hips.0).hypot(y - hips.1))
            .fold(0.0, f64::max);
        let reach = furthest.max(LEAST_REACH * torso) / torso;
        Some(region(hips, (hips.0 + up.0 * reach, hips.1 + up.1 * reach)))
    }

    /// Height from the highest to the lowest point found, pixels.
    pub fn height(&self) -> f64 {
        let found = || {
            self.points
                .iter()
                .zip(&self.scores)
                .filter(|(_, s)| **s > LEAST_POINT)
                .map(|(p, _)| p.1)
        };
        (found().fold(f64::NEG_INFINITY, f64::max) - found().fold(f64::INFINITY, f64::min)).max(0.0)
    }
}

/// Object key point similarity (COCO): 1 for identical points, 0 for points far apart; `scale` is
/// about the square root of the person's area.
pub fn similarity(a: &[(f64, f64); POINTS], b: &[(f64, f64); POINTS], scale: f64) -> f64 {
    /// How precisely people annotate each key point (cocodataset.org, key point evaluation).
    const SPREAD: [f64; POINTS] = [
        0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089,
        0.089,
    ];
    let each = a.iter().zip(b).zip(SPREAD).map(|((a, b), spread)| {
        let squared = (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2);
        (-squared / (2.0 * scale.powi(2) * (2.0 * spread).powi(2))).exp()
    });
    each.sum::<f64>() / POINTS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn standing() -> Candidate {
        let mut points = [(50.0, 50.0); POINTS];
        for (index, y) in [
            (0, 10.0),
            (5, 25.0),
            (6, 25.0),
            (11, 50.0),
            (12, 50.0),
            (15, 95.0),
            (16, 95.0),
        ] {
            points[index] = (if index % 2 == 1 { 55.0 } else { 45.0 }, y);
        }
        Candidate {
            points,
            scores: [0.9; POINTS],
            score: 0.8,
        }
    }

    #[test]
    fn input_sizes_are_multiples_of_32() {
        assert_eq!(input_size(1920, 1080, 256), ((256, 144), (256, 160)));
        assert_eq!(input_size(1080, 1920, 512), ((288, 512), (288, 512)));
        assert_eq!(input_size(5000, 16, 256), ((256, 1), (256, 32)));
        assert_eq!(input_size(100, 100, 256), ((256, 256), (256, 256)));
    }

    #[test]
    fn people_come_back_in_pixels_of_the_picture() {
        let mut tensor = Array2::zeros((6, NUMBERS));
        tensor[(0, SCORE)] = 0.5;
        tensor[(0, 3 * 5)] = 0.25; // y of the left shoulder
        tensor[(0, 3 * 5 + 1)] = 0.5;
        tensor[(0, 3 * 5 + 2)] = 0.7;
        tensor[(1, SCORE)] = 0.15;
        tensor[(2, SCORE)] = f32::NAN;
        let people = decode(tensor.view(), (256, 160), (0.2, 0.2), 0.2);
        assert_eq!(people.len(), 1);
        let (x, y) = people[0].points[5];
        assert!((x - 640.0).abs() < 1e-6 && (y - 200.0).abs() < 1e-6);
        assert!((people[0].scores[5] - 0.7).abs() < 1e-6);
        assert!(decode(Array2::ones((6, 3)).view(), (256, 160), (0.2, 0.2), 0.2).is_empty());
    }

    #[test]
    fn the_region_reaches_the_furthest_sure_point() {
        let region = standing().region().unwrap();
        assert!((region.x - 50.0).abs() < 1e-9 && (region.y - 50.0).abs() < 1e-9);
        assert!(region.rotation.abs() < 1e-9);
        // The hips are 47.5 pixels above and 5 beside the feet's middle, less than 1.9 torsos of
        // 25.
        assert!((region.size - 2.5 * 1.9 * 25.0).abs() < 1e-9, "{}", region.size);
        let mut stretched = standing();
        stretched.points[16] = (50.0, 150.0);
        assert!((stretched.region().unwrap().size - 250.0).abs() < 1e-9);
        stretched.scores[16] = 0.1;
        assert!(stretched.region().unwrap().size < 130.0);
        let mut nothing = standing();
        nothing.points = [(1.0, 1.0); POINTS];
        assert!(nothing.region().is_none());
        assert!((standing().height() - 85.0).abs() < 1e-9);
    }

    #[test]
    fn similarity_is_one_for_the_same_and_falls_with_distance() {
        let a = standing().points;
        let moved = |by: f64| a.map(|(x, y)| (x + by, y));
        assert!((similarity(&a, &a, 40.0) - 1.0).abs() < 1e-12);
        assert!(similarity(&a, &moved(4.0), 40.0) > 0.5);
        assert!(similarity(&a, &moved(60.0), 40.0) < 0.01);
    }
}
