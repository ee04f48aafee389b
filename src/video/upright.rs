//! Turns decoded pictures upright.

use super::Picture;

/// How a decoded picture must be turned to be upright: one of the eight ways that keep its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    /// Rows become columns.
    pub(super) swap: bool,
    /// Then left and right are swapped.
    pub(super) mirror: bool,
    /// Then top and bottom are swapped.
    pub(super) flip: bool,
}

impl Orientation {
    /// From a display matrix as ISO/IEC 14496-12 defines it for track headers: nine 32-bit
    /// fixed-point numbers in the machine's byte order, (a b u, c d v, x y w); x' = a·x + c·y, y'
    /// = b·x + d·y. The nearest quarter turn is used. Anything that is not a matrix leaves the
    /// picture unchanged.
    pub(super) fn from_display_matrix(bytes: &[u8]) -> Self {
        let number = |index: usize| -> Option<f64> {
            let bytes = bytes.get(4 * index..4 * index + 4)?.try_into().ok()?;
            Some(f64::from(i32::from_ne_bytes(bytes)))
        };
        let (Some(a), Some(b), Some(c), Some(d)) = (number(0), number(1), number(3), number(4)) else {
            return Self::default();
        };
        let swap = b.abs() + c.abs() > a.abs() + d.abs();
        let (across, down) = if swap { (c, b) } else { (a, d) };
        Self {
            swap,
            mirror: across < 0.0,
            flip: down < 0.0,
        }
    }

    /// Width and height after turning.
    pub(super) fn size<T>(self, width: T, height: T) -> (T, T) {
        if self.swap { (height, width) } else { (width, height) }
    }

    /// The upright picture of `width` × `height` RGB pixels whose rows lie `stride` bytes apart.
    /// `None` if `data` is too short for that.
    pub(super) fn apply(self, data: &[u8], stride: usize, width: usize, height: usize) -> Option<Picture> {
        let row_bytes = 3 * width;
        if width == 0 || height == 0 || stride < row_bytes || data.len() < (height - 1) * stride + row_bytes {
            return None;
        }
        let (out_width, out_height) = self.size(width, height);
        let mut rgb = Vec::with_capacity(3 * width * height);
        let turned = |index: usize, count: usize, turn: bool| if turn { count - 1 - index } else { index };
        for y in 0..out_height {
            let y = turned(y, out_height, self.flip);
            if self.swap {
                let column = 3 * y;
                for x in 0..out_width {
                    let start = turned(x, out_width, self.mirror) * stride + column;
                    rgb.extend_from_slice(&data[start..start + 3]);
                }
            } else {
                let row = &data[y * stride..y * stride + row_bytes];
                if self.mirror {
                    rgb.extend(row.as_chunks::<3>().0.iter().rev().flatten());
                } else {
                    rgb.extend_from_slice(row);
                }
            }
        }
        Some(Picture {
            width: out_width,
            height: out_height,
            rgb,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        let one = 1 << 16;
        [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
            .iter()
            .flat_map(|n: &i32| n.to_ne_bytes())
            .collect()
    }

    /// Red channel of the upright picture of `1 2 3 / 4 5 6`, row by row.
    fn shown(orientation: Orientation) -> Vec<Vec<u8>> {
        let stride = 12;
        let mut data = vec![99; 2 * stride];
        for (index, value) in [1, 2, 3, 4, 5, 6].into_iter().enumerate() {
            data[(index / 3) * stride + (index % 3) * 3] = value;
        }
        let picture = orientation.apply(&data, stride, 3, 2).unwrap();
        let red: Vec<u8> = picture.rgb.iter().step_by(3).copied().collect();
        red.chunks(picture.width).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn each_matrix_turns_the_picture_as_it_says() {
        for (numbers, expected) in [
            ((1, 0, 0, 1), vec![vec![1, 2, 3], vec![4, 5, 6]]),
            ((-1, 0, 0, 1), vec![vec![3, 2, 1], vec![6, 5, 4]]),
            ((1, 0, 0, -1), vec![vec![4, 5, 6], vec![1, 2, 3]]),
            ((-1, 0, 0, -1), vec![vec![6, 5, 4], vec![3, 2, 1]]),
            // Quarter turn clockwise: x' = −y, y' = x.
            ((0, 1, -1, 0), vec![vec![4, 1], vec![5, 2], vec![6, 3]]),
            // Quarter turn counter-clockwise: x' = y, y' = −x.
            ((0, -1, 1, 0), vec![vec![3, 6], vec![2, 5], vec![1, 4]]),
            ((0, 1, 1, 0), vec![vec![1, 4], vec![2, 5], vec![3, 6]]),
            ((0, -1, -1, 0), vec![vec![6, 3], vec![5, 2], vec![4, 1]]),
        ] {
            let (a, b, c, d) = numbers;
            assert_eq!(
                shown(Orientation::from_display_matrix(&matrix(a, b, c, d))),
                expected,
                "{numbers:?}"
            );
        }
    }

    #[test]
    fn no_matrix_and_short_data_are_harmless() {
        assert_eq!(Orientation::from_display_matrix(&[1, 2, 3]), Orientation::default());
        assert_eq!(Orientation::from_display_matrix(&[0; 36]), Orientation::default());
        assert!(Orientation::default().apply(&[0; 10], 9, 3, 2).is_none());
        assert!(Orientation::default().apply(&[], 0, 0, 0).is_none());
    }
}
