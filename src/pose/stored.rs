//! The stored form of the people followed in a chunk: every number exactly as it is, so that
//! continuing from it gives the same result bit for bit.
//!
//! All values are little endian: the number of frames and their times (f64), of cuts and their
//! frames (u32), of tracklets, and for each the number of its samples and these: frame (u32), size
//! (f32), x, y and confidence (f32) of each joint. Counts are u32.

use super::joints::{JOINTS, JointPoint};
use super::smooth::Sample;
use super::track::{Tracked, Tracklet};
use crate::time::Instant;

/// Bytes per sample.
const SAMPLE: usize = 4 + 4 + 3 * 4 * JOINTS;

/// Must be raised whenever the same frames give other poses: data stored by an older version is
/// then not used.
pub const VERSION: u32 = 4;

/// Encodes the followed people as bytes.
pub fn to_bytes(tracked: &Tracked) -> Vec<u8> {
    let samples: usize = tracked.tracklets.iter().map(|t| t.samples.len()).sum();
    let mut out = Vec::with_capacity(8 * tracked.times.len() + SAMPLE * samples + 64);
    let number = |out: &mut Vec<u8>, number: usize| out.extend_from_slice(&(number as u32).to_le_bytes());
    number(&mut out, tracked.times.len());
    for time in &tracked.times {
        out.extend_from_slice(&time.seconds().to_le_bytes());
    }
    number(&mut out, tracked.cuts.len());
    for cut in &tracked.cuts {
        number(&mut out, *cut);
    }
    number(&mut out, tracked.tracklets.len());
    for tracklet in &tracked.tracklets {
        number(&mut out, tracklet.samples.len());
        for sample in &tracklet.samples {
            number(&mut out, sample.frame);
            out.extend_from_slice(&sample.size.to_le_bytes());
            for joint in &sample.joints {
                for value in [joint.x, joint.y, joint.confidence] {
                    out.extend_from_slice(&value.to_le_bytes());
                }
            }
        }
    }
    out
}

/// Decodes the followed people from bytes; `None` where these are invalid.
pub fn from_bytes(bytes: &[u8]) -> Option<Tracked> {
    let mut input = Input(bytes);
    let frames = input.count(8)?;
    let mut times: Vec<Instant> = Vec::with_capacity(frames);
    for _ in 0..frames {
        let time = Instant::from_seconds(f64::from_le_bytes(input.take()?));
        if !time.seconds().is_finite() || times.last().is_some_and(|last| *last >= time) {
            return None;
        }
        times.push(time);
    }
    let mut cuts: Vec<usize> = Vec::new();
    for _ in 0..input.count(4)? {
        cuts.push(input.frame(cuts.last().copied(), frames)?);
    }
    let mut tracklets = Vec::new();
    for _ in 0..input.count(4)? {
        let count = input.count(SAMPLE)?;
        let mut samples: Vec<Sample> = Vec::with_capacity(count);
        for _ in 0..count {
            let frame = input.frame(samples.last().map(|s| s.frame), frames)?;
            let size = input.finite()?;
            let mut joints = [JointPoint::default(); JOINTS];
            for joint in &mut joints {
                *joint = JointPoint {
                    x: input.finite()?,
                    y: input.finite()?,
                    confidence: input.finite()?,
                };
            }
            samples.push(Sample { frame, size, joints });
        }
        tracklets.push(Tracklet { samples });
    }
    input.0.is_empty().then_some(Tracked { times, tracklets, cuts })
}

/// The bytes that remain to be read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// A count of items of at least `bytes` bytes each, for which there must be room.
    fn count(&mut self, bytes: usize) -> Option<usize> {
        let count = u32::from_le_bytes(self.take()?) as usize;
        (count.checked_mul(bytes)? <= self.0.len()).then_some(count)
    }

    /// The index of a frame, which must be after the previous one.
    fn frame(&mut self, before: Option<usize>, frames: usize) -> Option<usize> {
        let frame = u32::from_le_bytes(self.take()?) as usize;
        (frame < frames && before.is_none_or(|before| before < frame)).then_some(frame)
    }

    fn finite(&mut self) -> Option<f32> {
        Some(f32::from_le_bytes(self.take()?)).filter(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked() -> Tracked {
        let sample = |frame: usize| Sample {
            frame,
            size: 1.0 / 3.0 + frame as f32,
            joints: std::array::from_fn(|j| JointPoint {
                x: (j as f32).sqrt() * 1e3,
                y: -0.0,
                confidence: f32::MIN_POSITIVE / 3.0,
            }),
        };
        Tracked {
            times: (0..40).map(|i| Instant::from_seconds(f64::from(i) / 29.97)).collect(),
            tracklets: vec![
                Tracklet {
                    samples: (0..20).map(sample).collect(),
                },
                Tracklet::default(),
                Tracklet {
                    samples: (10..40).step_by(3).map(sample).collect(),
                },
            ],
            cuts: vec![10, 20],
        }
    }

    #[test]
    fn stored_data_comes_back_bit_for_bit() {
        for tracked in [tracked(), Tracked::default()] {
            let bytes = to_bytes(&tracked);
            let back = from_bytes(&bytes).unwrap();
            assert_eq!(back, tracked);
            assert_eq!(to_bytes(&back), bytes, "zeros keep their sign");
        }
    }

    #[test]
    fn invalid_data_is_refused_and_takes_no_memory() {
        let bytes = to_bytes(&tracked());
        for length in 0..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_none(), "{length} bytes");
        }
        let changed = |at: usize, with: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + with.len()].copy_from_slice(with);
            from_bytes(&bytes)
        };
        let cuts = 4 + 8 * 40;
        let first_sample = cuts + 4 + 2 * 4 + 4 + 4;
        assert!(changed(0, &u32::MAX.to_le_bytes()).is_none());
        assert!(changed(4 + 8, &f64::NAN.to_le_bytes()).is_none());
        assert!(changed(4 + 8, &0.0_f64.to_le_bytes()).is_none(), "times must rise");
        assert!(changed(cuts + 8, &40_u32.to_le_bytes()).is_none(), "no such frame");
        assert!(
            changed(first_sample, &5_u32.to_le_bytes()).is_none(),
            "frames must rise"
        );
        assert!(changed(first_sample + 4, &f32::INFINITY.to_le_bytes()).is_none());
        assert!(from_bytes(&[&bytes[..], &[0]].concat()).is_none());
    }
}
