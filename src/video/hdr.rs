//! Converts pictures with a high dynamic range (ITU-R BT.2100: PQ and HLG) to the form that the
//! networks were trained on: BT.709 primaries, encoded for a display of standard range.
//! Unconverted, they look grey and dim, and the networks find other people in them.

use ffmpeg::format::Pixel;
use ffmpeg::util::color;
use ffmpeg_next as ffmpeg;

/// The format that pictures are scaled to before they are mapped: without a conversion of colours.
pub(super) const FORMAT: Pixel = Pixel::YUV444P16LE;

/// Luminance of the white of a standard-range picture within a high-range one, cd/m² (ITU-R
/// BT.2408): the brightest that remains after mapping.
const WHITE: f32 = 203.0;

/// Luminance that pictures are assumed to be made for, cd/m²: that of the reference display for
/// HLG, and of the usual mastering display for PQ.
const PEAK: f32 = 1000.0;

/// Gamma of the system at that luminance (BT.2100, table 5, note 5f).
const SYSTEM_GAMMA: f32 = 1.2;

/// Gamma of a display of standard range (ITU-R BT.1886).
const DISPLAY_GAMMA: f32 = 2.4;

/// Steps of the tables: finer than the eight bits of the result.
const STEPS: usize = 4096;

/// Share of red, green and blue in luminance, BT.2100.
const LUMINANCE: [f32; 3] = [0.2627, 0.6780, 0.0593];

/// Converts linear light from BT.2020 primaries to those of BT.709: the inverse of the matrix in
/// ITU-R BT.2087.
const TO_BT709: [[f32; 3]; 3] = [
    [1.6605, -0.5876, -0.0728],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1187],
];

/// How a picture of high range encodes light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    Pq,
    Hlg,
}

impl Transfer {
    /// The encoding of a decoded picture; `None` for standard range, or if it is unknown.
    pub(super) fn of(picture: &ffmpeg::frame::Video) -> Option<Self> {
        match picture.color_transfer_characteristic() {
            color::TransferCharacteristic::SMPTE2084 => Some(Self::Pq),
            color::TransferCharacteristic::ARIB_STD_B67 => Some(Self::Hlg),
            _ => None,
        }
    }
}

/// How the numbers of a scaled picture represent colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coding {
    /// Black, and the distance from black to white.
    luma: (f32, f32),
    /// Distance from the least to the greatest colour difference.
    chroma: f32,
    /// Weights of red and blue in luma.
    weights: (f32, f32),
}

impl Coding {
    /// The coding of a decoded picture, once it is scaled to [`FORMAT`].
    pub(super) fn of(picture: &ffmpeg::frame::Video) -> Self {
        // FFmpeg's scaler converts red, green and blue to luma and chroma with BT.601's weights.
        let from_rgb = picture.color_space() == color::Space::RGB;
        let full = picture.color_range() == color::Range::JPEG && !from_rgb;
        let weights = if from_rgb {
            (0.299, 0.114)
        } else {
            (LUMINANCE[0], LUMINANCE[2])
        };
        if full {
            Self {
                luma: (0.0, 65535.0),
                chroma: 65535.0,
                weights,
            }
        } else {
            // BT.2100, table 9, in 16 bits.
            Self {
                luma: (16.0 * 256.0, 219.0 * 256.0),
                chroma: 224.0 * 256.0,
                weights,
            }
        }
    }

    /// Red, green and blue as encoded, 0 to 1.
    fn rgb(&self, luma: u16, blue: u16, red: u16) -> [f32; 3] {
        let (of_red, of_blue) = self.weights;
        let y = (f32::from(luma) - self.luma.0) / self.luma.1;
        let difference = |value: u16| (f32::from(value) - 32768.0) / self.chroma;
        let r = y + 2.0 * (1.0 - of_red) * difference(red);
        let b = y + 2.0 * (1.0 - of_blue) * difference(blue);
        let g = (y - of_red * r - of_blue * b) / (1.0 - of_red - of_blue);
        [r, g, b].map(|value| value.clamp(0.0, 1.0))
    }
}

/// Maps pictures of one [`Transfer`].
pub(super) struct ToneMap {
    pub(super) transfer: Transfer,
    /// Linear light of an encoded value: cd/m² on the display for PQ, 0 to 1 in the scene for HLG.
    linear: Vec<f32>,
    /// Light on the display for that of the scene, by the square root of luminance; for HLG only.
    system: Vec<f32>,
    /// Factor on light, by the square root of the strongest channel's share of [`PEAK`].
    mapped: Vec<f32>,
    /// Bytes, by the square root of light in shares of [`WHITE`].
    encoded: Vec<u8>,
}

impl ToneMap {
    pub(super) fn new(transfer: Transfer) -> Self {
        let table = |value: &dyn Fn(f32) -> f32| -> Vec<f32> {
            (0..=STEPS).map(|step| value(step as f32 / STEPS as f32)).collect()
        };
        let linear = match transfer {
            Transfer::Pq => table(&pq_to_light),
            Transfer::Hlg => table(&hlg_to_scene),
        };
        let system = |root: f32| PEAK * (root * root).max(1e-6).powf(SYSTEM_GAMMA - 1.0);
        let mapped = |root: f32| {
            let light = (root * root * PEAK).max(1e-3);
            mapped(light) / light
        };
        let encoded = |root: f32| (root * root).powf(1.0 / DISPLAY_GAMMA) * 255.0;
        Self {
            transfer,
            linear,
            system: table(&system),
            mapped: table(&mapped),
            encoded: table(&encoded).into_iter().map(|value| value.round() as u8).collect(),
        }
    }

    /// The picture as bytes of red, green and blue without padding. `planes` are those of
    /// [`FORMAT`], `strides` their row lengths in bytes. `None` if they are too short for its size.
    pub(super) fn apply(
        &self,
        planes: [&[u8]; 3],
        strides: [usize; 3],
        (width, height): (usize, usize),
        coding: Coding,
    ) -> Option<Vec<u8>> {
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            let row = |plane: usize| {
                let start = y * strides[plane];
                Some(planes[plane].get(start..start + 2 * width)?.as_chunks::<2>().0)
            };
            let rows = row(0)?.iter().zip(row(1)?).zip(row(2)?);
            for ((luma, blue), red) in rows {
                let value = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes);
                rgb.extend(self.pixel(coding.rgb(value(luma), value(blue), value(red))));
            }
        }
        Some(rgb)
    }

    /// One pixel, from encoded red, green and blue.
    fn pixel(&self, encoded: [f32; 3]) -> [u8; 3] {
        let mut light = encoded.map(|value| at(&self.linear, value));
        if self.transfer == Transfer::Hlg {
            let luminance: f32 = light.iter().zip(LUMINANCE).map(|(value, share)| value * share).sum();
            let system = at(&self.system, luminance.sqrt());
            light = light.map(|value| value * system);
        }
        // The strongest channel determines the factor for all three, so that colours keep their
        // hue.
        let strongest = light.iter().fold(0.0_f32, |a, b| a.max(*b));
        let share = at(&self.mapped, (strongest / PEAK).sqrt()) / WHITE;
        let light = light.map(|value| value.min(PEAK) * share);
        TO_BT709.map(|row| {
            let value: f32 = row.iter().zip(light).map(|(weight, value)| weight * value).sum();
            at(&self.encoded, value.max(0.0).sqrt())
        })
    }
}

/// The table's entry for a value of 0 to 1; values beyond the ends get that of the end.
fn at<T: Copy + Default>(table: &[T], value: f32) -> T {
    let step = (value * STEPS as f32 + 0.5) as usize;
    table.get(step).or(table.last()).copied().unwrap_or_default()
}

/// PQ's electro-optical transfer function (BT.2100, table 4): cd/m² for an encoded value of 0 to
/// 1.
fn pq_to_light(encoded: f32) -> f32 {
    let power = encoded.powf(1.0 / PQ_M2);
    let ratio = (power - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * power);
    10_000.0 * ratio.powf(1.0 / PQ_M1)
}

/// The inverse of that function.
fn light_to_pq(light: f32) -> f32 {
    let power = (light / 10_000.0).max(0.0).powf(PQ_M1);
    ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
}

const PQ_M1: f32 = 2610.0 / 16384.0;
const PQ_M2: f32 = 2523.0 / 4096.0 * 128.0;
const PQ_C1: f32 = 3424.0 / 4096.0;
const PQ_C2: f32 = 2413.0 / 4096.0 * 32.0;
const PQ_C3: f32 = 2392.0 / 4096.0 * 32.0;

/// The inverse of HLG's opto-electronic transfer function (BT.2100, table 5): light in the scene, 0
/// to 1.
fn hlg_to_scene(encoded: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 1.0 - 4.0 * A;
    let c = 0.5 - A * (4.0 * A).ln();
    if encoded <= 0.5 {
        encoded * encoded / 3.0
    } else {
        (((encoded - c) / A).exp() + B) / 12.0
    }
}

/// Maps light on a display of [`PEAK`] to one of [`WHITE`]: unchanged below a knee, along a Hermite
/// spline above it (ITU-R BT.2390, section 5.4.1), on the scale of PQ; cd/m².
fn mapped(light: f32) -> f32 {
    let peak = light_to_pq(PEAK);
    let most = light_to_pq(WHITE) / peak;
    let knee = 1.5 * most - 0.5;
    let from = (light_to_pq(light) / peak).min(1.0);
    let to = if from < knee {
        from
    } else {
        let t = (from - knee) / (1.0 - knee);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (-2.0 * t3 + 3.0 * t2) * most
    };
    pq_to_light(to * peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of BT.2408, table 1 (HLG at 1000 cd/m²), and of the ends of BT.2100's curves.
    #[test]
    fn the_curves_are_those_of_the_standard() {
        for (encoded, light) in [
            (0.0, 0.0),
            (0.38, 26.0),
            (0.58, 203.0),
            (0.751_8, 1000.0),
            (1.0, 10_000.0),
        ] {
            let found = pq_to_light(encoded);
            assert!((found - light).abs() <= 0.02 * light, "{encoded}: {found}");
            assert!((light_to_pq(found) - encoded).abs() < 1e-3, "{encoded}");
        }
        for (encoded, light) in [(0.0, 0.0), (0.38, 26.0), (0.75, 203.0), (1.0, 1000.0)] {
            let found = hlg_to_scene(encoded).powf(SYSTEM_GAMMA) * PEAK;
            assert!((found - light).abs() <= 0.02 * light.max(1.0), "{encoded}: {found}");
        }
    }

    #[test]
    fn dark_light_stays_and_bright_light_is_compressed_below_white() {
        for light in [0.1, 1.0, 10.0, 60.0] {
            assert!((mapped(light) - light).abs() < 0.01 * light, "{light}");
        }
        let bright: Vec<f32> = [100.0, 203.0, 400.0, 1000.0].map(mapped).to_vec();
        assert!(
            bright.is_sorted() && bright[0] > 80.0 && bright[1] > 130.0,
            "{bright:?}"
        );
        assert!((bright[3] - WHITE).abs() < 0.5 && (mapped(4000.0) - WHITE).abs() < 0.5);
    }

    /// Grey of a given luminance is the same grey, however it was encoded.
    #[test]
    fn both_transfers_give_one_picture() {
        let limited = Coding {
            luma: (4096.0, 56064.0),
            chroma: 57344.0,
            weights: (LUMINANCE[0], LUMINANCE[2]),
        };
        let grey = |transfer, encoded: f32| {
            let luma = ((4096.0 + encoded * 56064.0) as u16).to_le_bytes();
            let middle = 32768_u16.to_le_bytes();
            let planes: [&[u8]; 3] = [&luma, &middle, &middle];
            ToneMap::new(transfer)
                .apply(planes, [2; 3], (1, 1), limited)
                .expect("a pixel")
        };
        for (pq, hlg, light) in [
            (0.0, 0.0, 0.0),
            (0.38, 0.38, 26.0),
            (0.58, 0.75, 203.0),
            (0.7518, 1.0, 1000.0),
        ] {
            let right = (mapped(light) / WHITE).powf(1.0 / DISPLAY_GAMMA) * 255.0;
            for found in [grey(Transfer::Pq, pq), grey(Transfer::Hlg, hlg)] {
                let least = found.iter().min().copied().unwrap_or(0);
                let most = found.iter().max().copied().unwrap_or(255);
                assert!(most - least <= 1, "{light}: {found:?}");
                assert!(
                    (f32::from(least) - right).abs() <= 3.0,
                    "{light}: {found:?}, not {right}"
                );
            }
        }
        let map = ToneMap::new(Transfer::Pq);
        assert!(
            map.apply([&[0; 2], &[0; 2], &[0; 1]], [2; 3], (1, 1), limited)
                .is_none()
        );
    }
}
