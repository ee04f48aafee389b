//! Decodes BlazePose's tensors (Bazarevsky et al. 2020; Grishchenko et al. 2022). Pure: numbers in,
//! numbers out.

use super::crop::Region;
use super::joints::{JOINTS, Joint, JointPoint};
use ndarray::{ArrayView1, ArrayView3};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Side of the model's input picture, pixels.
pub const SIDE: usize = 256;

/// Points of the body.
pub const POINTS: usize = 33;

/// Points in the tensors: those of the body, centre and reach of the body, and four for hands that
/// are not used.
const ALL_POINTS: usize = 39;

/// Numbers a point in the landmark tensor: x, y, z, visibility, presence.
const NUMBERS: usize = 5;

/// Index of the point in the middle of the hips, the region's centre.
const CENTRE: usize = 33;

/// Index of the point that determines the region's size and rotation.
const REACH: usize = 34;

/// Size of the region relative to the circle through the reach point.
const MARGIN: f64 = 1.25;

/// Side of the window of the heat map that refines a point.
const WINDOW: usize = 7;

/// Least probability in the window for a point to be refined.
const LEAST_PEAK: f64 = 0.5;

/// One person in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Points of the body.
    pub points: [Point; POINTS],
    /// Probability that there is a person in the region.
    pub score: f64,
    /// Where to search for the person in the next picture.
    pub region: Region,
}

/// One point of the body.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Pixels from the picture's left edge.
    pub x: f64,
    /// Pixels from the picture's top edge.
    pub y: f64,
    /// Probability that it is in the picture and not hidden.
    pub visibility: f64,
}

impl Body {
    /// About the height of the body, pixels: the diameter of the circle around it.
    pub fn size(&self) -> f64 {
        self.region.size / MARGIN
    }
}

pub(super) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// The region around `centre` that extends to `reach`, rotated so that `reach` is straight above
/// the centre.
pub fn region(centre: (f64, f64), reach: (f64, f64)) -> Region {
    let (x, y) = (reach.0 - centre.0, reach.1 - centre.1);
    let rotation = FRAC_PI_2 - (-y).atan2(x);
    Region {
        x: centre.0,
        y: centre.1,
        size: 2.0 * x.hypot(y) * MARGIN,
        rotation: rotation - TAU * ((rotation + PI) / TAU).floor(),
    }
}

/// A body from the tensors of one crop.
///
/// `landmarks` has 39 × (x, y, z, visibility logit, presence logit), in crop pixels; `heatmap` has
/// the logits of each point, [row, column, point]; `crop` is the crop's region of the picture.
/// `None` when `landmarks` is too short or contains values that are not numbers.
pub fn decode(landmarks: ArrayView1<'_, f32>, score: f32, heatmap: ArrayView3<'_, f32>, crop: Region) -> Option<Body> {
    let number = |point: usize, index: usize| landmarks.get(point * NUMBERS + index).map(|v| f64::from(*v));
    if landmarks.len() < ALL_POINTS * NUMBERS {
        return None;
    }
    let place = |point: usize| -> Option<(f64, f64)> {
        let raw = (number(point, 0)? / SIDE as f64, number(point, 1)? / SIDE as f64);
        let (x, y) = refine(raw, point, &heatmap);
        Some(crop.to_picture(x, y)).filter(|(x, y)| x.is_finite() && y.is_finite())
    };
    let mut points = [Point::default(); POINTS];
    for (index, point) in points.iter_mut().enumerate() {
        let (x, y) = place(index)?;
        let visibility = sigmoid(number(index, 3)?);
        *point = Point { x, y, visibility };
    }
    Some(Body {
        points,
        score: f64::from(score),
        region: region(place(CENTRE)?, place(REACH)?),
    })
}

/// Moves a point, in 0 to 1, to the centre of mass of the heat map around it, if the map is certain
/// enough.
fn refine(point: (f64, f64), index: usize, heatmap: &ArrayView3<'_, f32>) -> (f64, f64) {
    let (height, width, channels) = heatmap.dim();
    let column = (point.0 * width as f64).floor();
    let row = (point.1 * height as f64).floor();
    let inside = (0.0..width as f64).contains(&column) && (0.0..height as f64).contains(&row);
    if !inside || index >= channels {
        return point;
    }
    let around = |centre: f64, length: usize| {
        let centre = centre as usize;
        centre.saturating_sub(WINDOW / 2)..(centre + WINDOW / 2 + 1).min(length)
    };
    let (mut sum, mut sum_x, mut sum_y, mut peak) = (0.0, 0.0, 0.0, 0.0_f64);
    for row in around(row, height) {
        for column in around(column, width) {
            let probability = sigmoid(f64::from(heatmap[(row, column, index)]));
            sum += probability;
            sum_x += probability * column as f64;
            sum_y += probability * row as f64;
            peak = peak.max(probability);
        }
    }
    if peak >= LEAST_PEAK && sum > 0.0 {
        (sum_x / sum / width as f64, sum_y / sum / height as f64)
    } else {
        point
    }
}

/// BlazePose's points that correspond to COCO's 17 key points, in COCO's order.
pub const COCO: [usize; 17] = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28];

/// The two BlazePose points that each [`Joint`] lies between (the same point twice: on it).
const BETWEEN: [(Joint, usize, usize); JOINTS] = [
    (Joint::Nose, 0, 0),
    (Joint::Neck, 11, 12),
    (Joint::RightShoulder, 12, 12),
    (Joint::RightElbow, 14, 14),
    (Joint::RightWrist, 16, 16),
    (Joint::LeftShoulder, 11, 11),
    (Joint::LeftElbow, 13, 13),
    (Joint::LeftWrist, 15, 15),
    (Joint::MidHip, 23, 24),
    (Joint::RightHip, 24, 24),
    (Joint::RightKnee, 26, 26),
    (Joint::RightAnkle, 28, 28),
    (Joint::LeftHip, 23, 23),
    (Joint::LeftKnee, 25, 25),
    (Joint::LeftAnkle, 27, 27),
    (Joint::LeftBigToe, 31, 31),
    (Joint::RightBigToe, 32, 32),
];

/// The joints of a body, in pixels of the source: `scale` is source pixels per picture pixel.
pub fn joints(body: &Body, scale: f64) -> [JointPoint; JOINTS] {
    let mut joints = [JointPoint::default(); JOINTS];
    for (joint, first, second) in BETWEEN {
        let (first, second) = (body.points[first], body.points[second]);
        joints[joint as usize] = JointPoint {
            x: ((first.x + second.x) * 0.5 * scale) as f32,
            y: ((first.y + second.y) * 0.5 * scale) as f32,
            confidence: first.visibility.min(second.visibility) as f32,
        };
    }
    joints
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array3};

    const CROP: Region = Region {
        x: 300.0,
        y: 200.0,
        size: 512.0,
        rotation: 0.0,
    };

    fn flat(column: f32, row: f32) -> Array1<f32> {
        let mut landmarks = Array1::zeros(ALL_POINTS * NUMBERS);
        for point in 0..ALL_POINTS {
            landmarks[point * NUMBERS] = column;
            landmarks[point * NUMBERS + 1] = row;
            landmarks[point * NUMBERS + 3] = 2.0;
        }
        landmarks
    }

    #[test]
    fn a_region_points_from_hips_to_reach() {
        let upright = region((100.0, 100.0), (100.0, 20.0));
        assert!((upright.size - 200.0).abs() < 1e-9 && upright.rotation.abs() < 1e-9);
        let right = region((0.0, 0.0), (10.0, 0.0));
        assert!((right.rotation - FRAC_PI_2).abs() < 1e-9);
        let down = region((0.0, 0.0), (0.0, 10.0));
        assert!((down.rotation + PI).abs() < 1e-9);
        // A point straight above in the region lies towards the reach in the picture.
        let (x, y) = right.to_picture(0.5, 0.1);
        assert!(x > 9.0 && y.abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn points_come_back_to_the_picture() {
        let heatmap = Array3::from_elem((64, 64, ALL_POINTS), -20.0);
        let body = decode(flat(128.0, 64.0).view(), 0.9, heatmap.view(), CROP).unwrap();
        assert!((body.points[5].x - 300.0).abs() < 1e-6 && (body.points[5].y - 72.0).abs() < 1e-6);
        assert!((body.points[5].visibility - 0.880_797).abs() < 1e-5);
        let turned = Region {
            rotation: FRAC_PI_2,
            ..CROP
        };
        let body = decode(flat(128.0, 64.0).view(), 0.9, heatmap.view(), turned).unwrap();
        assert!((body.points[5].x - 428.0).abs() < 1e-6 && (body.points[5].y - 200.0).abs() < 1e-6);
    }

    #[test]
    fn a_sure_heat_map_moves_a_point_and_an_unsure_one_does_not() {
        let mut heatmap = Array3::from_elem((64, 64, ALL_POINTS), -50.0);
        heatmap[(17, 34, 0)] = 50.0;
        heatmap[(17, 35, 0)] = 50.0;
        heatmap[(40, 40, 1)] = 50.0; // outside the window
        heatmap[(16, 32, 2)] = -0.1; // under one half
        let body = decode(flat(128.0, 64.0).view(), 0.9, heatmap.view(), CROP).unwrap();
        let expected = CROP.to_picture(34.5 / 64.0, 17.0 / 64.0);
        assert!((body.points[0].x - expected.0).abs() < 1e-6 && (body.points[0].y - expected.1).abs() < 1e-6);
        for unmoved in [1, 2] {
            assert!((body.points[unmoved].x - 300.0).abs() < 1e-6, "{unmoved}");
        }
    }

    #[test]
    fn unusable_numbers_are_not_a_body_and_points_outside_the_map_stay() {
        let heatmap = Array3::from_elem((64, 64, ALL_POINTS), 0.0);
        assert!(decode(Array1::zeros(10).view(), 0.9, heatmap.view(), CROP).is_none());
        assert!(decode(flat(f32::NAN, 0.0).view(), 0.9, heatmap.view(), CROP).is_none());
        let body = decode(flat(-30.0, 300.0).view(), 0.9, heatmap.view(), CROP).unwrap();
        assert!((body.points[0].x - (44.0 - 60.0)).abs() < 1e-6, "{:?}", body.points[0]);
    }

    #[test]
    fn joints_between_two_points_are_as_sure_as_the_less_sure() {
        let mut body = decode(
            flat(128.0, 128.0).view(),
            0.9,
            Array3::from_elem((64, 64, ALL_POINTS), -20.0).view(),
            CROP,
        )
        .unwrap();
        body.points[11] = Point {
            x: 10.0,
            y: 20.0,
            visibility: 0.9,
        };
        body.points[12] = Point {
            x: 30.0,
            y: 40.0,
            visibility: 0.2,
        };
        let joints = joints(&body, 2.0);
        let neck = joints[Joint::Neck as usize];
        assert_eq!((neck.x, neck.y), (40.0, 60.0));
        assert!((neck.confidence - 0.2).abs() < 1e-6);
        assert_eq!(joints[Joint::LeftShoulder as usize].x, 20.0);
        assert_eq!(joints[Joint::RightShoulder as usize].x, 60.0);
    }
}
