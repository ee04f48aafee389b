//! From notes to sound, with a SoundFont: one span of one part.

use super::SoundFont;
use super::plan::{Event, SpanPlan};
use super::sf2::CHOKE_BANK;
use super::strip::PartKind;
use super::variants::VARIANT_BANK;
use crate::error::{Error, Result};
use crate::foreign;
use crate::score::Part;
use crate::score::kits::DRUM_BANK;
use crate::time::{Rate, Span};
use rustysynth::{Synthesizer, SynthesizerSettings};
use std::sync::Arc;

/// Maximum number of simultaneous voices. Drums ring for seconds, and each hit is a voice.
const POLYPHONY: usize = 256;

/// Samples in a block of the synthesiser, at whose start it begins notes. Notes are placed at the
/// nearest block, so they are off by half a block at most: 4 samples are 0.083 ms at 48 kHz, the
/// time that sound takes for 3 cm.
const DRUM_BLOCK: usize = 8;

/// Samples in a block for melodic parts. Their attacks are softer than those of drums, and 0.33 ms
/// is the time that sound takes for 11 cm; their many voices take half the time in longer blocks.
const MELODIC_BLOCK: usize = 32;

/// Samples rendered between two calls of the monitor: well under a tenth of a second of work.
const CHUNK: usize = 4096;

/// Anything softer counts as silence if it lasts: −110 dBFS, before the mix is adjusted to its
/// loudness.
const SILENT: f32 = 3e-6;

/// How long silence lasts before a span has rung out, seconds: longer than the period of the lowest
/// note, and than the delay of the chorus.
const QUIET: f64 = 0.1;

/// How long the sample of a new note may be silent at first, seconds.
const PATIENCE: f64 = 1.0;

/// Longest time that a span rings, seconds after its last note has ended: sound that a SoundFont
/// would hold for longer is faded out over the last [`CHUNK`].
const RING_OUT: f64 = 30.0;

/// Velocity of notes that only [cut off](CHOKE_BANK) others.
const CHOKE_VELOCITY: i32 = 1;

/// A period of the synthesiser's chorus, whose frequency is 0.4 Hz.
const CHORUS: Span = Span::from_seconds(2.5);

/// Frames in a span at a rate: a period of the chorus, which begins with the synthesiser, so that
/// it continues from span to span as in a single synthesiser; rounded to the nearest block, so that
/// blocks do too. Shorter spans would spend their time on ringing out, and longer ones would be
/// rendered again for smaller changes.
pub(super) fn span_frames(rate: Rate) -> usize {
    let blocks = (rate.count(CHORUS) / MELODIC_BLOCK as f64).round() as usize;
    blocks.max(1) * MELODIC_BLOCK
}

/// MIDI controllers.
const BANK_SELECT: i32 = 0x00;
const VOLUME: i32 = 0x07;
const PAN: i32 = 0x0a;
const REVERB: i32 = 0x5b;

const CONTROL_CHANGE: i32 = 0xb0;
const PROGRAM_CHANGE: i32 = 0xc0;

/// Channel volume, General MIDI's default.
const VOLUME_DEFAULT: i32 = 100;

/// Melodic notes are on one channel for each octave, so that keys can be spread from left to right.
const OCTAVE: u8 = 12;
const OCTAVES: u8 = 9;

/// How far the keys of a piano and of other wide instruments are spread, from the middle of the
/// keyboard to two octaves above it, in MIDI pan; and the key that is at the part's position.
const KEYS_SPREAD: f32 = 24.0;
const PAD_SPREAD: f32 = 16.0;
const MIDDLE_KEY: f32 = 64.0;

/// The stereo position of the drums of a kit, seen from the front, and their loudness relative to
/// each other. Each group plays on its own channel of the synthesiser; drums that cut each other off
/// (the hi-hats) must share one.
///
/// Kits of mono fonts have no stereo positions; for kits that have them, these are not used. In
/// General MIDI kits the kick is strong and the hi-hats lie 12 to 16 dB below the snare, which is
/// lost on a phone: the volumes lower the kick by 1.8 dB and raise the snare by 2 dB and the
/// hi-hats by 2 dB (MIDI volume is squared).
struct DrumPlace {
    /// General MIDI pitches.
    pitches: &'static [u8],
    /// MIDI pan, 64 in the middle.
    pan: i32,
    /// MIDI volume.
    volume: i32,
}

const MIDDLE: i32 = 64;

const KIT: &[DrumPlace] = &[
    // All other drums.
    DrumPlace {
        pitches: &[],
        pan: MIDDLE,
        volume: VOLUME_DEFAULT,
    },
    // Kick.
    DrumPlace {
        pitches: &[35, 36],
        pan: MIDDLE,
        volume: 90,
    },
    // Snare and clap.
    DrumPlace {
        pitches: &[37, 38, 39, 40],
        pan: 67,
        volume: 112,
    },
    // Hi-hat.
    DrumPlace {
        pitches: &[42, 44, 46],
        pan: 90,
        volume: 112,
    },
    // Toms, from high to low.
    DrumPlace {
        pitches: &[48, 50],
        pan: 84,
        volume: 100,
    },
    DrumPlace {
        pitches: &[45, 47],
        pan: 56,
        volume: 100,
    },
    DrumPlace {
        pitches: &[41, 43],
        pan: 36,
        volume: 100,
    },
    // Crash and splash to the right, ride and second crash to the left.
    DrumPlace {
        pitches: &[49, 55],
        pan: 88,
        volume: 96,
    },
    DrumPlace {
        pitches: &[51, 52, 53, 57, 59],
        pan: 36,
        volume: 112,
    },
];

/// The TR-808's hi-hats are already as loud as its snare.
const TR808: u8 = 25;
const TR808_HAT_VOLUME: i32 = 84;

/// Frames of the grid on which notes of a part begin and end.
pub(super) fn block(part: &Part) -> usize {
    if part.bank == DRUM_BANK {
        DRUM_BLOCK
    } else {
        MELODIC_BLOCK
    }
}

/// The synthesiser's channel for a note of a part.
pub(super) fn channel(bank: u16, pitch: u8) -> usize {
    if bank == DRUM_BANK {
        KIT.iter().position(|place| place.pitches.contains(&pitch)).unwrap_or(0)
    } else {
        usize::from((pitch / OCTAVE).min(OCTAVES - 1))
    }
}

/// Everything that the sound of a span depends on, apart from its events.
#[derive(Debug)]
pub(super) struct Instrument {
    bank: u16,
    program: u8,
    block: usize,
    rate: Rate,
    pan: i32,
    /// Whether the SoundFont itself has stereo positions for the drums of the kit.
    placed: bool,
    /// How long its notes may be silent at first, frames.
    patience: usize,
    /// Whether its notes play variants of the preset.
    varied: bool,
    /// Whether the synthesiser's chorus is needed.
    chorus: bool,
}

impl Instrument {
    pub fn of(part: &Part, font: &SoundFont, rate: Rate) -> Self {
        let drums = part.bank == DRUM_BANK;
        let named = KIT.iter().flat_map(|place| place.pitches);
        let (least, most) = named.fold((u8::MAX, 0), |(least, most), pitch| {
            (least.min(*pitch), most.max(*pitch))
        });
        let delay = font.longest_delay(part.bank, part.program).seconds().min(RING_OUT);
        Self {
            bank: part.bank,
            program: part.program,
            block: block(part),
            rate,
            pan: i32::from(part.pan_controller()),
            placed: drums && font.is_panned(part.bank, part.program, least..=most),
            patience: rate.count(Span::from_seconds(delay + PATIENCE)) as usize,
            varied: font.is_varied(part.bank, part.program.into()),
            chorus: font.has_chorus(part.bank, part.program),
        }
    }

    /// The rate at which it plays.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Numbers that differ between any two instruments of a SoundFont that sound different.
    pub fn numbers(&self) -> [u64; 9] {
        [
            u64::from(self.bank),
            u64::from(self.program),
            self.block as u64,
            self.rate.hz().to_bits(),
            self.pan as u64,
            u64::from(self.placed),
            self.patience as u64,
            u64::from(self.varied),
            u64::from(self.chorus),
        ]
    }

    fn synthesizer(&self, playable: &Arc<rustysynth::SoundFont>) -> Result<Synthesizer> {
        let mut settings = SynthesizerSettings::new(self.rate.hz() as i32);
        settings.block_size = self.block;
        settings.maximum_polyphony = POLYPHONY;
        // The reverb is that of the channel strip.
        settings.enable_reverb_and_chorus = self.chorus;
        let mut synthesizer = Synthesizer::new(playable, &settings).map_err(|error| Error::Sound {
            reason: error.to_string(),
        })?;
        self.set_channels(&mut synthesizer);
        Ok(synthesizer)
    }

    /// Renders a span until it is silent; returns stereo samples from the span's start.
    ///
    /// `played` is called often with the number of frames rendered so far; an error from it ends
    /// the work.
    ///
    /// # Errors
    /// [`Error::SoundFontInvalid`] when the SoundFont has parameters that cannot be played; those
    /// of `played`.
    pub fn play(
        &self,
        playable: &Arc<rustysynth::SoundFont>,
        span: &SpanPlan,
        font: &SoundFont,
        mut played: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let Some((last, _)) = span.events.last() else {
            return Ok(Vec::new());
        };
        let frames = |seconds: f64| self.rate.count(Span::from_seconds(seconds)) as usize;
        let begun = span
            .events
            .iter()
            .rev()
            .find(|(_, event)| matches!(event, Event::On { .. }));
        let begun = begun.map_or(0, |(at, _)| *at);
        let patient = (*last).max(begun + self.patience);
        let latest = patient + frames(RING_OUT);
        let end = |heard: usize| patient.max(heard + frames(QUIET));
        let mut synthesizer = self.synthesizer(playable)?;
        let (mut left, mut right) = (vec![0.0; CHUNK], vec![0.0; CHUNK]);
        let mut samples = Vec::with_capacity(2 * (last + frames(3.0)));
        let mut next = span.events.iter().peekable();
        // Frames up to the last audible one.
        let mut heard = 0;
        let mut at = 0;
        while at < end(heard).min(latest) {
            played(at)?;
            let from = at;
            // The synthesiser's arithmetic on parameters is unchecked; a font with impossible
            // parameters must give an error, not end the caller's process.
            foreign::caught(|| {
                let until = at + CHUNK;
                while at < until {
                    while let Some((_, event)) = next.next_if(|(sample, _)| *sample <= at) {
                        self.send(&mut synthesizer, *event);
                    }
                    let stop = next.peek().map_or(until, |(sample, _)| (*sample).min(until));
                    let (left, right) = (&mut left[at - from..stop - from], &mut right[at - from..stop - from]);
                    synthesizer.render(left, right);
                    at = stop;
                }
            })
            .map_err(|_| Error::SoundFontInvalid {
                path: font.path().to_owned(),
                reason: format!(
                    "bank {}, program {} has parameters that cannot be played",
                    self.bank, self.program
                ),
            })?;
            samples.extend(left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]));
            let loud = left
                .iter()
                .zip(&right)
                .rposition(|(l, r)| l.abs().max(r.abs()) > SILENT);
            heard = loud.map_or(heard, |place| from + place + 1);
        }
        if at < end(heard) {
            fade(&mut samples);
        } else {
            samples.truncate(2 * heard);
        }
        samples.shrink_to_fit();
        Ok(samples)
    }

    fn send(&self, synthesizer: &mut Synthesizer, event: Event) {
        match event {
            Event::On {
                channel,
                key,
                velocity,
                variant,
            } => {
                if self.varied {
                    let bank = VARIANT_BANK + u16::from(variant);
                    select(synthesizer, channel.into(), bank, self.program.into());
                }
                synthesizer.note_on(channel.into(), key.into(), velocity.into());
            }
            Event::Off { channel, key } => synthesizer.note_off(channel.into(), key.into()),
            Event::Choke { channel, class } => {
                select(synthesizer, channel.into(), CHOKE_BANK, class as u16);
                synthesizer.note_on(channel.into(), 0, CHOKE_VELOCITY);
                select(synthesizer, channel.into(), self.bank, self.program.into());
            }
        }
    }

    fn set_channels(&self, synthesizer: &mut Synthesizer) {
        let places: Vec<(i32, i32)> = if self.bank == DRUM_BANK {
            let hats_808 = |place: &DrumPlace| self.program == TR808 && place.pitches.contains(&42);
            let volume = |place| {
                if hats_808(place) {
                    TR808_HAT_VOLUME
                } else {
                    place.volume
                }
            };
            let pan = |place: &DrumPlace| if self.placed { MIDDLE } else { place.pan };
            KIT.iter().map(|place| (pan(place), volume(place))).collect()
        } else {
            (0..OCTAVES)
                .map(|octave| (self.key_pan(octave), VOLUME_DEFAULT))
                .collect()
        };
        for (channel, (pan, volume)) in (0..).zip(places) {
            let mut control = |controller, value| {
                synthesizer.process_midi_message(channel, CONTROL_CHANGE, controller, value);
            };
            control(VOLUME, volume);
            control(PAN, pan);
            control(REVERB, 0);
            select(synthesizer, channel, self.bank, self.program.into());
        }
    }

    /// MIDI pan of the keys of an octave.
    fn key_pan(&self, octave: u8) -> i32 {
        let spread = match PartKind::of(self.bank, self.program) {
            PartKind::Keys => KEYS_SPREAD,
            PartKind::Pad => PAD_SPREAD,
            _ => 0.0,
        };
        let key = f32::from(octave * OCTAVE + OCTAVE / 2);
        let aside = spread * ((key - MIDDLE_KEY) / 24.0).clamp(-1.0, 1.0);
        (self.pan + aside.round() as i32).clamp(1, 127)
    }
}

/// Selects the preset of a channel.
///
/// The synthesiser accepts bank numbers above 127 here, so that any channel can be a kit; its tenth
/// channel, which adds 128 automatically, is not used.
fn select(synthesizer: &mut Synthesizer, channel: i32, bank: u16, program: u16) {
    synthesizer.process_midi_message(channel, CONTROL_CHANGE, BANK_SELECT, bank.into());
    synthesizer.process_midi_message(channel, PROGRAM_CHANGE, program.into(), 0);
}

/// Fades out the end of sound that was cut off.
fn fade(samples: &mut [f32]) {
    let tail = samples.len().saturating_sub(2 * CHUNK);
    let frames = samples[tail..].chunks_exact_mut(2);
    let count = frames.len().max(1) as f32;
    for (number, frame) in frames.rev().enumerate() {
        frame.iter_mut().for_each(|sample| *sample *= number as f32 / count);
    }
}

#[cfg(test)]
#[path = "synth_tests.rs"]
mod tests;
