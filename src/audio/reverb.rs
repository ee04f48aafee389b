//! Reverberation of a room or a hall: a network of delays that feed each other.
//!
//! Eight delays without common divisors, mixed by a Hadamard matrix, which keeps energy, so that
//! only the filter of each delay decides how fast it decays: J.-M. Jot and A. Chaigne, *Digital
//! Delay Networks for Designing Artificial Reverberators* (AES 90th Convention, 1991). Allpass
//! filters before the network make its first echoes dense. The left and the right output add the
//! delays with signs that are orthogonal, so that they are not correlated and neither cancels the
//! other in mono.

use super::filter::{AllPass, Band, Biquad, Delay};
use crate::time::{Rate, Span};

/// Number of delays.
const LINES: usize = 8;

/// Delays of a space of size 1, seconds: a ratio of about 2 from the shortest to the longest.
const DELAYS: [f64; LINES] = [0.0297, 0.0331, 0.0373, 0.0411, 0.0437, 0.0479, 0.0533, 0.0599];

/// Delays of the allpass filters, seconds, for a space of size 1.
const DIFFUSION: [f64; 3] = [0.0047, 0.0071, 0.0107];

/// Signs with which the delays are heard on the left and on the right.
const LEFT: [f32; LINES] = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
const RIGHT: [f32; LINES] = [1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0];

/// Input that is softer than this is silence: −200 dBFS.
const NOTHING: f32 = 1e-10;

/// A space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Space {
    /// Relative length of the delays.
    pub size: f64,
    /// Time in which low frequencies decay by 60 dB, seconds.
    pub decay: f64,
    /// Decay of the highest frequencies relative to it.
    pub bright: f64,
    /// Time until the first echo, seconds.
    pub ahead: f64,
    /// Frequencies that reach the space, hertz.
    pub low: f64,
    pub high: f64,
}

/// A drum room.
pub(super) const ROOM: Space = Space {
    size: 0.31,
    decay: 0.4,
    bright: 0.6,
    ahead: 0.006,
    low: 250.0,
    high: 7_000.0,
};

/// A hall for everything with a pitch.
pub(super) const HALL: Space = Space {
    size: 1.0,
    decay: 1.3,
    bright: 0.35,
    ahead: 0.022,
    low: 220.0,
    high: 5_500.0,
};

/// The reverberation of a mono signal, with its state.
#[derive(Debug)]
pub(super) struct Reverb {
    ahead: Delay,
    bands: [Biquad; 2],
    diffusion: [AllPass; DIFFUSION.len()],
    /// What the delays hold, in a ring whose length is a power of two.
    ring: Vec<[f32; LINES]>,
    at: usize,
    lengths: [usize; LINES],
    /// Gain and pole of the filter of each delay, and its state.
    gains: [f32; LINES],
    poles: [f32; LINES],
    state: [f32; LINES],
    /// Level of the output.
    level: f32,
    /// Frames for which input and output have been silent, and the number of them after which
    /// everything has decayed.
    quiet: usize,
    decayed: usize,
}

impl Reverb {
    /// A reverb whose output has, on each side, `level` times the energy of its input.
    pub fn new(space: Space, level: f64, rate: Rate) -> Self {
        let span = |seconds: f64| Span::from_seconds(seconds * space.size);
        // Odd lengths have fewer common divisors.
        let lengths = DELAYS.map(|seconds| rate.count(span(seconds)).round() as usize | 1);
        let decades = lengths.map(|length| -3.0 * rate.span(length as f64).seconds() / space.decay);
        let gains = decades.map(|decades| 10.0_f64.powf(decades));
        // Equation 14 of the paper.
        let slope = std::f64::consts::LN_10 / 4.0 * (1.0 - 1.0 / space.bright.powi(2));
        let poles = decades.map(|decades| (slope * decades).clamp(0.0, 0.95));
        let kept = gains.iter().map(|gain| gain * gain).sum::<f64>() / LINES as f64;
        let inside = Span::from_seconds(space.ahead + DIFFUSION.iter().sum::<f64>() * 10.0 * space.size);
        let longest = lengths.iter().copied().max().unwrap_or(1);
        let decayed = longest + rate.count(inside) as usize;
        Self {
            ahead: Delay::new(Span::from_seconds(space.ahead), rate),
            bands: [Band::HighPass { hertz: space.low }, Band::LowPass { hertz: space.high }]
                .map(|band| Biquad::new(band, rate)),
            diffusion: DIFFUSION.map(|seconds| AllPass::new(span(seconds), rate)),
            ring: vec![[0.0; LINES]; (longest + 1).next_power_of_two()],
            at: 0,
            lengths,
            gains: std::array::from_fn(|line| (gains[line] * (1.0 - poles[line])) as f32),
            poles: poles.map(|pole| pole as f32),
            state: [0.0; LINES],
            // The energy of all passes through the delays is a geometric series.
            level: (level * (1.0 - kept) / kept).sqrt() as f32,
            quiet: decayed,
            decayed,
        }
    }

    /// Replaces `input` by what enters the space, and adds what is heard of it to both sides.
    pub fn add(&mut self, input: &mut [f32], left: &mut [f32], right: &mut [f32]) {
        let heard = |samples: &[f32]| samples.iter().any(|sample| sample.abs() > NOTHING);
        if heard(input) {
            self.quiet = 0;
        } else if self.quiet >= self.decayed {
            return;
        }
        self.ahead.run(input);
        self.bands.iter_mut().for_each(|band| band.run(input));
        self.diffusion.iter_mut().for_each(|blur| blur.run(input));
        let mask = self.ring.len() - 1;
        let mut loudest = 0.0_f32;
        let enter = 1.0 / (LINES as f32).sqrt();
        for ((sample, left), right) in input.iter().zip(left).zip(right) {
            let mut lines: [f32; LINES] = std::array::from_fn(|line| {
                let old = self.ring[self.at.wrapping_sub(self.lengths[line]) & mask][line];
                self.gains[line] * old + self.poles[line] * self.state[line]
            });
            self.state = lines;
            let (mut l, mut r) = (0.0, 0.0);
            for (value, (left, right)) in lines.iter().zip(LEFT.iter().zip(&RIGHT)) {
                l += left * value;
                r += right * value;
            }
            *left += self.level * l;
            *right += self.level * r;
            loudest = loudest.max(l.abs()).max(r.abs());
            hadamard(&mut lines);
            for value in &mut lines {
                *value = enter * (*value + sample);
            }
            self.ring[self.at & mask] = lines;
            self.at = self.at.wrapping_add(1);
        }
        self.quiet = if loudest < NOTHING { self.quiet + input.len() } else { 0 };
        if self.quiet >= self.decayed {
            self.ring.fill([0.0; LINES]);
            self.state = [0.0; LINES];
        }
    }
}

/// Multiplies by a Hadamard matrix, apart from the factor that keeps energy.
fn hadamard(lines: &mut [f32; LINES]) {
    for stride in [1, 2, 4] {
        for first in 0..LINES {
            if first & stride == 0 {
                let (a, b) = (lines[first], lines[first + stride]);
                lines[first] = a + b;
                lines[first + stride] = a - b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::from_hz(48_000.0);
    const BLOCK: usize = 480;

    /// Left and right after a click, in blocks of 10 ms.
    fn click(space: Space, seconds: f64, block: usize) -> [Vec<f32>; 2] {
        let mut reverb = Reverb::new(space, 1.0, RATE);
        let frames = (seconds * RATE.hz()) as usize;
        let (mut input, mut left, mut right) = (vec![0.0; frames], vec![0.0; frames], vec![0.0; frames]);
        input[0] = 1.0;
        let sides = left.chunks_mut(block).zip(right.chunks_mut(block));
        for (input, (left, right)) in input.chunks_mut(block).zip(sides) {
            reverb.add(input, left, right);
        }
        [left, right]
    }

    fn energy(samples: &[f32]) -> f64 {
        samples.iter().map(|s| f64::from(*s).powi(2)).sum()
    }

    #[test]
    fn it_decays_in_its_time() {
        for space in [ROOM, HALL] {
            let [left, _] = click(space, 3.0, BLOCK);
            let rest = |seconds: f64| 10.0 * energy(&left[(seconds * RATE.hz()) as usize..]).log10();
            // From 5 to 25 dB under the whole, as T20 is measured (ISO 3382-2).
            let at = |under: f64| {
                let whole = rest(0.0);
                let blocks = 0..left.len() / BLOCK;
                blocks
                    .map(|b| b as f64 * 0.01)
                    .find(|s| rest(*s) < whole - under)
                    .expect("a decay")
            };
            let decay = 3.0 * (at(25.0) - at(5.0));
            // Bright sound decays faster than the low frequencies that the space is named after.
            assert!((0.5..1.1).contains(&(decay / space.decay)), "{space:?}: {decay:.2} s");
            let first = left.iter().position(|s| s.abs() > 1e-4).expect("an echo") as f64 / RATE.hz();
            assert!(first > space.ahead && first < space.ahead + 0.07, "{first} s");
        }
    }

    #[test]
    fn both_sides_are_equally_loud_and_not_correlated() {
        for space in [ROOM, HALL] {
            let [left, right] = click(space, 2.0, BLOCK);
            let product: f64 = left.iter().zip(&right).map(|(l, r)| f64::from(l * r)).sum();
            let both = (energy(&left) * energy(&right)).sqrt();
            assert!((product / both).abs() < 0.2, "{space:?}: {}", product / both);
            assert!((0.8..1.25).contains(&(energy(&left) / energy(&right))));
            // Less than the click's energy, since not all frequencies reach the space.
            assert!((0.1..0.6).contains(&both), "{both}");
        }
    }

    #[test]
    fn blocks_do_not_matter_and_it_falls_silent() {
        let (short, long) = (click(ROOM, 1.0, 64), click(ROOM, 1.0, 1_000));
        let apart = short[0].iter().zip(&long[0]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-8);
        let mut reverb = Reverb::new(ROOM, 1.0, RATE);
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut input = [0.5; BLOCK];
        for _ in 0..400 {
            reverb.add(&mut input, &mut left, &mut right);
            input = [0.0; BLOCK];
        }
        assert!(reverb.quiet >= reverb.decayed && reverb.state == [0.0; LINES]);
    }
}
