//! The channel strip of a part: equaliser, width and reverberation.
//!
//! All of it is linear and does not change over time, so that the strip of a span's sound is a part
//! of the strip of the whole part's: spans are kept with it, and stems still add up to the mix.
//!
//! Width is added to the side alone (L − R), so that the sum of both channels, which a phone plays,
//! stays as it was: M. Lauridsen's pseudo-stereo (see M. Schroeder, *An Artificial Stereophonic
//! Effect Obtained from a Single Signal*, J. Audio Eng. Soc. 6(2), 1958). Low frequencies are
//! removed from the side, so that kick and bass are in the middle on every system.

use super::filter::{AllPass, Band, Biquad, Delay};
use super::gain::ratio;
use super::reverb::{HALL, ROOM, Reverb, Space};
use crate::score::Part;
use crate::score::kits::DRUM_BANK;
use crate::time::{Rate, Span};

/// Frames that are processed together: few enough to stay in a processor's cache.
const CHUNK: usize = 1024;

/// Everything softer counts as silence once the notes have ended, dBFS before the loudness is
/// adjusted: −100 dBFS.
const SILENT: f32 = 1e-5;

/// Longest time that a strip rings after its input, seconds.
const LONGEST_TAIL: f64 = 4.0;

/// Below this, nothing is in the side; below the second, the added width is not, hertz.
const SIDE: f64 = 140.0;
const WIDE: f64 = 180.0;

/// Delay of the added width, and delays of the allpass filters that make it dense, seconds.
const WIDE_DELAY: f64 = 0.0113;
const WIDE_BLUR: [f64; 2] = [0.0050, 0.0072];

/// How a kind of music is mixed. The kit decides, since it suits the style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Acoustic bands: jazz, Latin, folk.
    Acoustic,
    /// Pop, funk, soul, and everything else.
    Pop,
    Rock,
    HipHop,
    Dance,
}

impl Sort {
    /// That of a score with these parts.
    pub fn of(parts: &[Part]) -> Self {
        match parts
            .iter()
            .find(|part| part.bank == DRUM_BANK)
            .map(|drums| drums.program)
        {
            Some(8 | 16) => Self::Rock,
            Some(24) => Self::Dance,
            Some(25) => Self::HipHop,
            Some(32 | 40) => Self::Acoustic,
            _ => Self::Pop,
        }
    }
}

/// What a part is to the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Drums,
    Bass,
    Guitar,
    /// Pianos, organs, mallets: they have low notes, and are wide.
    Keys,
    /// Strings, choirs and pads: behind the others.
    Pad,
    /// Winds and leads: in front.
    Lead,
}

impl PartKind {
    /// That of a bank and a program of General MIDI, from 0.
    pub fn of(bank: u16, program: u8) -> Self {
        match program {
            _ if bank == DRUM_BANK => Self::Drums,
            24..32 => Self::Guitar,
            32..40 => Self::Bass,
            40..56 | 88..104 => Self::Pad,
            56..88 => Self::Lead,
            _ => Self::Keys,
        }
    }
}

/// What a channel strip does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChannelStrip {
    bands: Vec<Band>,
    /// Overall gain, dB.
    gain: f64,
    /// Level of the added side, relative to the middle.
    width: f64,
    /// The space and its level relative to the strip, dB.
    space: Option<(Space, f64)>,
}

const fn peak(hertz: f64, gain: f64, q: f64) -> Band {
    Band::Peak { hertz, gain, q }
}

impl ChannelStrip {
    /// Those of a part in a mix.
    ///
    /// Tuned with twelve pieces in six styles, to the figures that `docs/formats.md` states. Pieces
    /// had too much at 250 Hz, where bass, piano and snare meet, and too little at 60 Hz and 2 kHz.
    pub fn of(role: PartKind, sort: Sort) -> Self {
        // The bus: the same for all parts.
        let mut bands = match sort {
            Sort::Acoustic => vec![peak(250.0, -2.0, 0.9), peak(2_000.0, 2.0, 0.7)],
            Sort::HipHop => vec![peak(250.0, -3.0, 0.9), peak(60.0, 1.5, 0.8), peak(1_500.0, 4.0, 0.6)],
            _ => vec![peak(250.0, -3.0, 0.9), peak(60.0, 1.5, 0.8), peak(1_800.0, 2.5, 0.7)],
        };
        match (role, sort) {
            // The electronic kit's kick has its power at 100 Hz.
            (PartKind::Drums, Sort::Dance) => bands.extend([peak(58.0, 6.0, 1.0), peak(130.0, -4.0, 1.2)]),
            (PartKind::Drums, Sort::Rock) => bands.push(peak(60.0, 3.0, 1.0)),
            (PartKind::Bass, Sort::Dance) => bands.push(Band::LowShelf { hertz: 90.0, gain: 4.0 }),
            (PartKind::Bass, Sort::Rock) => bands.push(Band::LowShelf { hertz: 90.0, gain: 2.0 }),
            _ => {}
        }
        let low = match role {
            // Below that, nothing is heard, and the limiter would follow it.
            PartKind::Drums | PartKind::Bass => 30.0,
            // The lowest octaves are the bass's.
            _ => 100.0,
        };
        bands.push(Band::HighPass { hertz: low });
        // Where several instruments are wide, each is less so.
        let (keys, guitar) = match sort {
            Sort::Acoustic => (0.65, 0.75),
            Sort::Rock => (0.55, 0.35),
            Sort::Pop => (0.55, 0.65),
            Sort::HipHop | Sort::Dance => (0.7, 0.65),
        };
        let kit = match sort {
            // A strong kick and little else.
            Sort::Dance => 0.5,
            Sort::HipHop => 0.4,
            _ => 0.3,
        };
        let (gain, width, space) = match role {
            PartKind::Drums => (0.0, kit, Some((ROOM, -14.0))),
            PartKind::Bass => (if sort == Sort::Acoustic { 1.0 } else { 2.0 }, 0.0, None),
            PartKind::Guitar => (-2.0, guitar, Some((HALL, -16.0))),
            PartKind::Keys => (-0.5, keys, Some((HALL, -14.0))),
            PartKind::Pad => (-1.0, 0.4, Some((HALL, -12.0))),
            PartKind::Lead => (-0.3, 0.3, Some((HALL, -13.0))),
        };
        Self {
            bands,
            gain,
            width,
            space,
        }
    }

    /// Processes the sound of a span: interleaved stereo samples. The result is longer by the time
    /// that the strip rings.
    pub fn process(&self, dry: &[f32], rate: Rate) -> Vec<f32> {
        let mut running = Running::new(self, rate);
        let tail = 2 * rate.count(Span::from_seconds(LONGEST_TAIL)) as usize;
        let mut wet = Vec::with_capacity(dry.len() + tail / 2);
        let mut chunk = Vec::with_capacity(2 * CHUNK);
        for samples in dry.chunks(2 * CHUNK) {
            running.run(samples, &mut wet);
        }
        // Nothing can ring before anything has sounded.
        while !dry.is_empty() && wet.len() < dry.len() + tail {
            let from = wet.len();
            chunk.clear();
            chunk.resize(2 * CHUNK, 0.0);
            running.run(&chunk, &mut wet);
            if wet[from..].iter().all(|sample| sample.abs() < SILENT) {
                break;
            }
        }
        let heard = wet.iter().rposition(|sample| sample.abs() >= SILENT);
        wet.truncate(heard.map_or(0, |last| (last / 2 + 1) * 2));
        wet.shrink_to_fit();
        wet
    }
}

/// The filters of a strip, with their states.
struct Running {
    gain: f32,
    /// For the middle and the side.
    bands: [Vec<Biquad>; 2],
    low: Biquad,
    width: Option<Width>,
    reverb: Option<Reverb>,
    middle: Vec<f32>,
    side: Vec<f32>,
    /// What is sent to the width and to the space.
    sent: Vec<f32>,
    left: Vec<f32>,
    right: Vec<f32>,
}

struct Width {
    level: f32,
    low: Biquad,
    delay: Delay,
    blur: [AllPass; WIDE_BLUR.len()],
}

impl Running {
    fn new(strip: &ChannelStrip, rate: Rate) -> Self {
        let bands: Vec<Biquad> = strip.bands.iter().map(|band| Biquad::new(*band, rate)).collect();
        let span = Span::from_seconds;
        Self {
            gain: ratio(strip.gain) as f32,
            bands: [bands.clone(), bands],
            low: Biquad::new(Band::HighPass { hertz: SIDE }, rate),
            width: (strip.width > 0.0).then(|| Width {
                level: strip.width as f32,
                low: Biquad::new(Band::HighPass { hertz: WIDE }, rate),
                delay: Delay::new(span(WIDE_DELAY), rate),
                blur: WIDE_BLUR.map(|seconds| AllPass::new(span(seconds), rate)),
            }),
            // The space hears both channels' mean, and is heard on both sides.
            reverb: strip
                .space
                .map(|(space, level)| Reverb::new(space, ratio(level).powi(2), rate)),
            middle: Vec::new(),
            side: Vec::new(),
            sent: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
        }
    }

    /// Adds to `wet` what comes out for interleaved stereo samples.
    fn run(&mut self, dry: &[f32], wet: &mut Vec<f32>) {
        let (frames, _) = dry.as_chunks::<2>();
        let half = 0.5 * self.gain;
        self.middle.clear();
        self.middle
            .extend(frames.iter().map(|[left, right]| half * (left + right)));
        self.side.clear();
        self.side
            .extend(frames.iter().map(|[left, right]| half * (left - right)));
        let [middle, side] = &mut self.bands;
        middle.iter_mut().for_each(|band| band.run(&mut self.middle));
        side.iter_mut().for_each(|band| band.run(&mut self.side));
        if let Some(width) = &mut self.width {
            self.sent.clone_from(&self.middle);
            width.low.run(&mut self.sent);
            width.delay.run(&mut self.sent);
            width.blur.iter_mut().for_each(|blur| blur.run(&mut self.sent));
            for (side, sent) in self.side.iter_mut().zip(&self.sent) {
                *side += width.level * sent;
            }
        }
        self.low.run(&mut self.side);
        self.left.clear();
        self.left.extend(self.middle.iter().zip(&self.side).map(|(m, s)| m + s));
        self.right.clear();
        self.right
            .extend(self.middle.iter().zip(&self.side).map(|(m, s)| m - s));
        if let Some(reverb) = &mut self.reverb {
            reverb.add(&mut self.middle, &mut self.left, &mut self.right);
        }
        wet.extend(self.left.iter().zip(&self.right).flat_map(|(l, r)| [*l, *r]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::from_hz(48_000.0);

    const KINDS: [PartKind; 6] = [
        PartKind::Drums,
        PartKind::Bass,
        PartKind::Guitar,
        PartKind::Keys,
        PartKind::Pad,
        PartKind::Lead,
    ];
    const SORTS: [Sort; 5] = [Sort::Acoustic, Sort::Pop, Sort::Rock, Sort::HipHop, Sort::Dance];

    /// Interleaved noise, the same on both sides, faded in and out.
    fn noise(frames: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let frame = |index: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let gain = (std::f32::consts::PI * index as f32 / frames as f32).sin();
            [gain * (state as f32 / u32::MAX as f32 - 0.5); 2]
        };
        (0..frames).flat_map(frame).collect()
    }

    /// Energies of the middle and of the side.
    fn energies(samples: &[f32]) -> (f64, f64) {
        let (frames, _) = samples.as_chunks::<2>();
        let energy = |sign: f32| frames.iter().map(|[l, r]| f64::from(l + sign * r).powi(2)).sum();
        (energy(1.0), energy(-1.0))
    }

    #[test]
    fn a_strip_is_linear_and_does_not_change_over_time() {
        let (one, other) = (noise(9_000), noise(7_000));
        for role in KINDS {
            let strip = ChannelStrip::of(role, Sort::Rock);
            let late = 2 * 3_333;
            let mut both = one.clone();
            both.resize(late + other.len(), 0.0);
            both[late..]
                .iter_mut()
                .zip(&other)
                .for_each(|(sum, sample)| *sum += 0.5 * sample);
            let (one, other, both) = (
                strip.process(&one, RATE),
                strip.process(&other, RATE),
                strip.process(&both, RATE),
            );
            for (index, sample) in both.iter().enumerate() {
                let own = one.get(index).copied().unwrap_or(0.0);
                let added = index.checked_sub(late).and_then(|index| other.get(index)).copied();
                let sum = own + 0.5 * added.unwrap_or(0.0);
                assert!((sample - sum).abs() < 3e-5, "{role:?} at {index}: {sample} {sum}");
            }
        }
    }

    #[test]
    fn width_is_only_in_the_side() {
        let dry = noise(48_000);
        for role in KINDS {
            for sort in SORTS {
                let strip = ChannelStrip {
                    space: None,
                    ..ChannelStrip::of(role, sort)
                };
                let narrow = ChannelStrip {
                    width: 0.0,
                    ..strip.clone()
                };
                let (wide, narrow) = (strip.process(&dry, RATE), narrow.process(&dry, RATE));
                for (wide, narrow) in wide.chunks(2).zip(narrow.chunks(2)) {
                    assert!((wide[0] + wide[1] - narrow[0] - narrow[1]).abs() < 1e-5);
                }
                let ((middle, side), (_, none)) = (energies(&wide), energies(&narrow));
                assert!(none < 1e-9 * middle);
                let width = (side / middle).sqrt();
                assert!((width - strip.width).abs() < 0.05, "{role:?} {sort:?}: {width}");
            }
        }
    }

    #[test]
    fn low_frequencies_are_in_the_middle() {
        // 60 Hz on the left alone.
        let tone = |frame: usize| (std::f32::consts::TAU * 60.0 * frame as f32 / 48_000.0).sin();
        let dry: Vec<f32> = (0..96_000).flat_map(|frame| [tone(frame), 0.0]).collect();
        for role in [PartKind::Drums, PartKind::Bass] {
            let wet = ChannelStrip::of(role, Sort::Dance).process(&dry, RATE);
            let (middle, side) = energies(&wet[96_000..190_000]);
            assert!(side < 0.05 * middle, "{role:?}: {}", side / middle);
        }
    }

    #[test]
    fn spaces_ring_and_silence_stays_silence() {
        let dry = noise(4_800);
        for role in KINDS {
            let strip = ChannelStrip::of(role, Sort::Pop);
            let seconds = (strip.process(&dry, RATE).len() - dry.len()) as f64 / 96_000.0;
            let expected = match role {
                PartKind::Bass => 0.0..0.3,
                PartKind::Drums => 0.1..0.7,
                _ => 0.5..2.5,
            };
            assert!(expected.contains(&seconds), "{role:?} rings for {seconds} s");
            assert!(strip.process(&[0.0; 9_600], RATE).is_empty());
            assert!(strip.process(&[], RATE).is_empty());
        }
    }

    #[test]
    fn every_program_has_a_role_and_kits_decide_on_the_sort() {
        assert_eq!(PartKind::of(DRUM_BANK, 24), PartKind::Drums);
        for (program, role) in [
            (0, PartKind::Keys),
            (27, PartKind::Guitar),
            (38, PartKind::Bass),
            (48, PartKind::Pad),
            (81, PartKind::Lead),
            (89, PartKind::Pad),
            (127, PartKind::Keys),
        ] {
            assert_eq!(PartKind::of(0, program), role, "{program}");
        }
        let part = |bank, program| Part {
            name: "part".to_owned(),
            channel: 0,
            bank,
            program,
            volume: 0.0,
            pan: 0.0,
            notes: vec![],
        };
        assert_eq!(Sort::of(&[part(0, 24), part(DRUM_BANK, 24)]), Sort::Dance);
        assert_eq!(Sort::of(&[part(0, 24)]), Sort::Pop);
        assert_eq!(Sort::of(&[]), Sort::Pop);
    }
}
