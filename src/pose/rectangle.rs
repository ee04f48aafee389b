//! Rectangles of a picture that are examined separately, larger than they are in the whole picture.

use super::crop::Region;
use super::finder::Candidate;
use crate::video::Picture;

/// Size of a tile's sides as a share of the picture's; two tiles side by side overlap by a quarter,
/// more than the width or height of somebody who is found only in a tile.
const TILE: f64 = 0.625;

/// A rectangle of a picture, in pixels; within the picture, and not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// From the picture's left edge.
    pub left: usize,
    /// From its top edge.
    pub top: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

impl Rectangle {
    /// Four rectangles, one in each corner, that cover a picture and overlap in its middle.
    pub fn tiles(picture: &Picture) -> [Self; 4] {
        let side = |length: usize| ((length as f64 * TILE).ceil() as usize).clamp(1, length.max(1));
        let (width, height) = (side(picture.width), side(picture.height));
        let (right, bottom) = (picture.width - width, picture.height - height);
        [(0, 0), (right, 0), (0, bottom), (right, bottom)].map(|(left, top)| Self {
            left,
            top,
            width,
            height,
        })
    }

    /// The square around a region, `reach` times as long, moved into the picture where it would lie
    /// outside.
    pub fn around(picture: &Picture, region: Region, reach: f64) -> Self {
        let longest = picture.width.min(picture.height);
        let side = ((region.size * reach) as usize).clamp(1, longest.max(1));
        let place = |centre: f64, length: usize| {
            let first = (centre - side as f64 * 0.5).max(0.0) as usize;
            first.min(length - side)
        };
        Self {
            left: place(region.x, picture.width),
            top: place(region.y, picture.height),
            width: side,
            height: side,
        }
    }

    /// Copies what is in it of a picture.
    pub fn cut(self, picture: &Picture) -> Picture {
        let mut rgb = Vec::with_capacity(3 * self.width * self.height);
        for row in self.top..self.top + self.height {
            let start = 3 * (row * picture.width + self.left);
            rgb.extend_from_slice(&picture.rgb[start..start + 3 * self.width]);
        }
        Picture {
            width: self.width,
            height: self.height,
            rgb,
        }
    }

    /// Somebody found in it, in coordinates of the whole picture.
    pub fn place(self, mut candidate: Candidate) -> Candidate {
        for (x, y) in &mut candidate.points {
            *x += self.left as f64;
            *y += self.top as f64;
        }
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red = x, green = y.
    fn ramp(width: usize, height: usize) -> Picture {
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 0]))
            .collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn tiles_cover_the_picture_and_overlap() {
        for (width, height) in [(160, 90), (17, 231), (1, 1), (2, 3)] {
            let picture = ramp(width, height);
            let tiles = Rectangle::tiles(&picture);
            for y in 0..height {
                for x in 0..width {
                    let holds = |t: &&Rectangle| {
                        (t.left..t.left + t.width).contains(&x) && (t.top..t.top + t.height).contains(&y)
                    };
                    assert!(tiles.iter().any(|t| holds(&t)), "{width}×{height}: {x}, {y}");
                }
            }
            for tile in tiles {
                let cut = tile.cut(&picture);
                assert_eq!((cut.width, cut.height), (tile.width, tile.height));
                assert_eq!(cut.rgb[..2], [tile.left as u8, tile.top as u8]);
                assert_eq!(cut.rgb.len(), 3 * tile.width * tile.height);
            }
        }
        let [first, _, _, last] = Rectangle::tiles(&ramp(160, 90));
        assert_eq!((first.width, last.left, last.top), (100, 60, 33));
    }

    #[test]
    fn what_lies_around_a_region_is_within_the_picture() {
        let picture = ramp(160, 90);
        let around = |x, y, size| {
            let region = Region {
                x,
                y,
                size,
                rotation: 0.3,
            };
            Rectangle::around(&picture, region, 3.0)
        };
        let square = |left, top, side| Rectangle {
            left,
            top,
            width: side,
            height: side,
        };
        assert_eq!(around(80.0, 45.0, 10.0), square(65, 30, 30));
        assert_eq!(around(-20.0, 95.0, 10.0), square(0, 60, 30));
        assert_eq!(around(80.0, 45.0, 200.0), square(35, 0, 90));
        assert_eq!(around(f64::NAN, 45.0, f64::NAN), square(0, 44, 1));
        assert_eq!(around(159.0, 45.0, 10.0).cut(&picture).rgb[..2], [130, 30]);
    }
}
