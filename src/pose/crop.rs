//! Cuts a square region, rotated and scaled, out of a picture. Runs for every person in every
//! frame.
//!
//! Coordinates are in pixels from the picture's left and top *edges*: the centre of the first pixel
//! is (0.5, 0.5).

use crate::video::Picture;

/// A square region of a picture, rotated so that the person in it is upright.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Centre, pixels from the left edge.
    pub x: f64,
    /// Centre, pixels from the top edge.
    pub y: f64,
    /// Length of a side, pixels.
    pub size: f64,
    /// Clockwise rotation of the region (as seen, with y downwards), radians, −π to below π.
    pub rotation: f64,
}

impl Region {
    /// Where a point of the region lies in the picture; (0, 0) is the region's upper left corner,
    /// (1, 1) its lower right.
    pub fn to_picture(self, x: f64, y: f64) -> (f64, f64) {
        let (sin, cos) = self.rotation.sin_cos();
        let (x, y) = ((x - 0.5) * self.size, (y - 0.5) * self.size);
        (self.x + cos * x - sin * y, self.y + sin * x + cos * y)
    }

    /// Whether it is a square of sensible size somewhere near a picture.
    pub fn is_usable(self, picture: &Picture) -> bool {
        let longest = picture.width.max(picture.height) as f64;
        let near = |at: f64, side: usize| (-longest..=side as f64 + longest).contains(&at);
        (8.0..=8.0 * longest).contains(&self.size)
            && near(self.x, picture.width)
            && near(self.y, picture.height)
            && self.rotation.is_finite()
    }
}

/// Fills `out`, `side` × `side` RGB pixels in 0 to 1, with the region: bilinear; outside the
/// picture, its border is repeated.
///
/// Where the region is at least twice as large as `out`, the picture is first shrunk by a whole
/// factor, so that every pixel contributes.
pub fn crop(picture: &Picture, region: Region, side: usize, out: &mut [f32]) {
    debug_assert_eq!(out.len(), 3 * side * side);
    let factor = (region.size / side as f64) as usize;
    if factor >= 2 {
        let (shrunk, left, top) = shrink(picture, region, factor);
        let scale = factor as f64;
        let region = Region {
            x: (region.x - left as f64) / scale,
            y: (region.y - top as f64) / scale,
            size: region.size / scale,
            rotation: region.rotation,
        };
        sample(&shrunk, region, side, out);
    } else {
        sample(picture, region, side, out);
    }
}

/// The part of the picture that the region touches, with each `factor` × `factor` pixels averaged
/// to one, and where that part begins. Less than `factor` pixels are left out on the right and
/// below if the sides are not multiples of `factor`.
fn shrink(picture: &Picture, region: Region, factor: usize) -> (Picture, usize, usize) {
    let reach = region.size * 0.5 * (region.rotation.sin().abs() + region.rotation.cos().abs());
    let range = |centre: f64, length: usize| {
        let blocks = (length / factor).max(1);
        let first = (((centre - reach) / factor as f64).floor().max(0.0) as usize).min(blocks - 1);
        let last = (((centre + reach) / factor as f64).ceil().max(1.0) as usize).clamp(first + 1, blocks);
        (first, last - first)
    };
    let factor_x = factor.min(picture.width);
    let factor_y = factor.min(picture.height);
    let (left, width) = range(region.x, picture.width);
    let (top, height) = range(region.y, picture.height);
    let area = (factor_x * factor_y) as u32;
    let mut rgb = Vec::with_capacity(3 * width * height);
    let mut sums = vec![0_u32; 3 * width];
    for row in top..top + height {
        sums.fill(0);
        for y in row * factor..row * factor + factor_y {
            let start = 3 * (y * picture.width + left * factor);
            let line = &picture.rgb[start..start + 3 * ((width - 1) * factor + factor_x)];
            for (sum, block) in sums.as_chunks_mut::<3>().0.iter_mut().zip(line.chunks(3 * factor)) {
                for pixel in block.as_chunks::<3>().0 {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
            }
        }
        rgb.extend(sums.iter().map(|sum| ((sum + area / 2) / area) as u8));
    }
    (Picture { width, height, rgb }, left * factor, top * factor)
}

fn sample(picture: &Picture, region: Region, side: usize, out: &mut [f32]) {
    let (width, height) = (picture.width, picture.height);
    let step = region.size / side as f64;
    let (sin, cos) = region.rotation.sin_cos();
    let (step_x, step_y) = ((cos * step) as f32, (sin * step) as f32);
    // Highest position that still has a pixel to the right and below to blend with.
    let (last_x, last_y) = ((width - 1) as f32, (height - 1) as f32);
    for (row, line) in out.chunks_exact_mut(3 * side).enumerate() {
        // Half a pixel less: here, pixel centres are at whole numbers.
        let (x, y) = region.to_picture(0.5 / side as f64, (row as f64 + 0.5) / side as f64);
        let (x0, y0) = ((x - 0.5) as f32, (y - 0.5) as f32);
        for (column, target) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let x = (x0 + column as f32 * step_x).clamp(0.0, last_x);
            let y = (y0 + column as f32 * step_y).clamp(0.0, last_y);
            let (left, top) = (x as usize, y as usize);
            let (right, bottom) = (x - left as f32, y - top as f32);
            let above = 3 * (top * width + left);
            let below = if top + 1 < height { above + 3 * width } else { above };
            let next = if left + 1 < width { 3 } else { 0 };
            let pixel = |start: usize| -> [f32; 3] {
                match picture.rgb.get(start..start + 3) {
                    Some(&[r, g, b]) => [f32::from(r), f32::from(g), f32::from(b)],
                    _ => [0.0; 3], // cannot be: the position is inside
                }
            };
            let corners = [pixel(above), pixel(above + next), pixel(below), pixel(below + next)];
            for (channel, target) in target.iter_mut().enumerate() {
                let upper = corners[0][channel] + (corners[1][channel] - corners[0][channel]) * right;
                let lower = corners[2][channel] + (corners[3][channel] - corners[2][channel]) * right;
                *target = (upper + (lower - upper) * bottom) * (1.0 / 255.0);
            }
        }
    }
}

/// The picture scaled down by area averaging to `width` × `height`, in the upper left of a black
/// canvas of `canvas_width` × `canvas_height` pixels; as RGB bytes.
pub fn scale_onto(
    picture: &Picture,
    width: usize,
    height: usize,
    canvas_width: usize,
    canvas_height: usize,
) -> Vec<u8> {
    let across = shares(picture.width, width);
    let down = shares(picture.height, height);
    let mut canvas = vec![0; 3 * canvas_width * canvas_height];
    let mut sums = vec![0.0_f32; 3 * width];
    for ((rows, row_weights), line) in down.iter().zip(canvas.chunks_exact_mut(3 * canvas_width)) {
        sums.fill(0.0);
        for (y, row_weight) in rows.clone().zip(row_weights) {
            let source = &picture.rgb[3 * y * picture.width..3 * (y + 1) * picture.width];
            for (sum, (columns, weights)) in sums.as_chunks_mut::<3>().0.iter_mut().zip(&across) {
                let pixels = source[3 * columns.start..3 * columns.end].as_chunks::<3>().0;
                for (pixel, weight) in pixels.iter().zip(weights) {
                    let weight = weight * row_weight;
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += weight * f32::from(*value);
                    }
                }
            }
        }
        for (target, sum) in line.iter_mut().zip(&sums) {
            *target = (sum + 0.5) as u8;
        }
    }
    canvas
}

/// For each of `to` pixels, the pixels of `from` that it covers, and the weight of each (the
/// weights add up to 1).
fn shares(from: usize, to: usize) -> Vec<(std::ops::Range<usize>, Vec<f32>)> {
    let ratio = from as f64 / to as f64;
    (0..to)
        .map(|index| {
            let (begin, end) = (index as f64 * ratio, ((index + 1) as f64 * ratio).min(from as f64));
            let first = (begin as usize).min(from - 1);
            let last = (end.ceil() as usize).clamp(first + 1, from);
            let cover = |pixel: usize| (end.min((pixel + 1) as f64) - begin.max(pixel as f64)).max(0.0);
            let total: f64 = (first..last).map(cover).sum();
            let weights = (first..last).map(|pixel| (cover(pixel) / total) as f32).collect();
            (first..last, weights)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_2;

    /// Red = x, green = y, blue = 7.
    fn ramp(width: usize, height: usize) -> Picture {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7]))
            .collect();
        Picture { width, height, rgb }
    }

    fn cropped(picture: &Picture, region: Region, side: usize) -> Vec<[f32; 3]> {
        let mut out = vec![0.0; 3 * side * side];
        crop(picture, region, side, &mut out);
        out.as_chunks::<3>().0.iter().map(|p| p.map(|v| v * 255.0)).collect()
    }

    fn region(x: f64, y: f64, size: f64, rotation: f64) -> Region {
        Region { x, y, size, rotation }
    }

    #[test]
    fn on_a_ramp_every_pixel_is_where_the_region_says() {
        let picture = ramp(200, 150);
        for turned in [0.0, 0.7, -2.0, FRAC_PI_2, 3.0] {
            for size in [10.0, 32.0, 50.0, 63.0, 64.0, 90.0] {
                let region = region(100.0, 75.0, size, turned);
                for (index, pixel) in cropped(&picture, region, 32).iter().enumerate() {
                    let (column, row) = (index % 32, index / 32);
                    let (x, y) = region.to_picture((column as f64 + 0.5) / 32.0, (row as f64 + 0.5) / 32.0);
                    // Shrinking rounds to whole values.
                    let error = (f64::from(pixel[0]) - (x - 0.5))
                        .abs()
                        .max((f64::from(pixel[1]) - (y - 0.5)).abs());
                    assert!(error < 0.51, "size {size}, turned {turned}, pixel {index}: {error}");
                    assert!(
                        size >= 64.0 || error < 0.001,
                        "size {size}, turned {turned}, pixel {index}: {error}"
                    );
                }
            }
        }
    }

    #[test]
    fn outside_the_picture_its_border_is_repeated() {
        let picture = ramp(20, 10);
        let pixels = cropped(&picture, region(0.0, 0.0, 63.0, 0.0), 32);
        let close = |p: [f32; 3], q: [f32; 3]| p.iter().zip(q).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close(pixels[0], [0.0, 0.0, 7.0]) && close(pixels[31 * 32 + 31], [19.0, 9.0, 7.0]));
        for size in [30.0, 3000.0] {
            for pixel in cropped(&picture, region(-50.0, 400.0, size, 0.3), 16) {
                assert!((pixel[2] - 7.0).abs() < 1e-4);
            }
        }
        let speck = Picture {
            width: 1,
            height: 1,
            rgb: vec![10, 20, 30],
        };
        let near = |p: &[f32; 3]| (p[0] - 10.0).abs() < 1e-4 && (p[2] - 30.0).abs() < 1e-4;
        assert!(cropped(&speck, region(0.5, 0.5, 100.0, 1.0), 8).iter().all(near));
    }

    #[test]
    fn scaling_averages_areas_and_pads_with_black() {
        let picture = Picture {
            width: 3,
            height: 2,
            rgb: vec![0, 0, 0, 90, 90, 90, 180, 180, 180, 0, 0, 0, 90, 90, 90, 180, 180, 180],
        };
        let canvas = scale_onto(&picture, 2, 1, 3, 2);
        let red: Vec<u8> = canvas.iter().step_by(3).copied().collect();
        assert_eq!(red, [30, 150, 0, 0, 0, 0]);
        let enlarged = scale_onto(&picture, 6, 4, 6, 4);
        assert_eq!(
            enlarged.iter().step_by(3).take(6).copied().collect::<Vec<_>>(),
            [0, 0, 90, 90, 180, 180]
        );
    }
}
