//! Notes to sound, with a SoundFont.

use super::{AudioBuffer, SoundFont};
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::score::Part;
use crate::score::kits::DRUM_BANK;
use crate::time::{Rate, TempoMap, Tick};
use rustysynth::{Synthesizer, SynthesizerSettings};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Voices at once. Drums ring for seconds, and each struck drum is a voice.
const POLYPHONY: usize = 256;

/// Samples in a block of the synthesiser, in which it begins notes. Notes are placed at the nearest block, so that they
/// are off by half a block at most: 4 samples are 0.083 ms at 48 kHz, the time that sound takes for 3 cm.
const DRUM_BLOCK: usize = 8;

/// Samples in a block for melodic parts. Their attacks are softer than those of drums, and 0.33 ms are the time that sound
/// takes for 11 cm; their many voices take half the time in blocks that are longer.
const MELODIC_BLOCK: usize = 32;

/// Samples rendered between two looks at the monitor: well under a tenth of a second of work.
const CHUNK: usize = 4096;

/// MIDI controllers.
const BANK_SELECT: i32 = 0x00;
const VOLUME: i32 = 0x07;
const PAN: i32 = 0x0a;
const REVERB: i32 = 0x5b;

const CONTROL_CHANGE: i32 = 0xb0;
const PROGRAM_CHANGE: i32 = 0xc0;

/// Channel volume, General MIDI's default.
const VOLUME_DEFAULT: i32 = 100;

/// Reverb send of melodic parts, General MIDI's default, and of the basses among them (programs 32 to 39), whose low end
/// it would blur.
const MELODIC_REVERB: i32 = 40;
const BASS_REVERB: i32 = 8;
const BASSES: std::ops::Range<u8> = 32..40;

/// Where the drums of a kit stand, seen from in front of it, how much of the room is heard with them, and how loud they
/// are beside each other. Each group plays on a channel of the synthesiser; drums that cut each other off (the hi-hats)
/// must share one.
///
/// Kits of mono fonts have no places of their own; for kits that have, these are not used. In General MIDI kits the kick
/// is strong and the hi-hats lie 12 to 16 dB under the snare, which is lost on a phone: the volumes bring the kick down
/// by 1.8 dB and the snare up by 2 dB, the hi-hats by 4 dB (MIDI volume is squared).
struct Place {
    /// General MIDI pitches.
    pitches: &'static [u8],
    /// MIDI pan, 64 in the middle.
    pan: i32,
    /// MIDI reverb send.
    reverb: i32,
    /// MIDI volume.
    volume: i32,
}

const MIDDLE: i32 = 64;

const KIT: &[Place] = &[
    // Everything not named below.
    Place {
        pitches: &[],
        pan: MIDDLE,
        reverb: 30,
        volume: VOLUME_DEFAULT,
    },
    // Kick: dry, or the low end turns to mud.
    Place {
        pitches: &[35, 36],
        pan: MIDDLE,
        reverb: 8,
        volume: 90,
    },
    // Snare and clap.
    Place {
        pitches: &[37, 38, 39, 40],
        pan: 67,
        reverb: 36,
        volume: 112,
    },
    // Hi-hat.
    Place {
        pitches: &[42, 44, 46],
        pan: 84,
        reverb: 18,
        volume: 127,
    },
    // Toms, from high to low.
    Place {
        pitches: &[48, 50],
        pan: 78,
        reverb: 40,
        volume: 100,
    },
    Place {
        pitches: &[45, 47],
        pan: 58,
        reverb: 40,
        volume: 100,
    },
    Place {
        pitches: &[41, 43],
        pan: 42,
        reverb: 40,
        volume: 100,
    },
    // Crash and splash to the right, ride and second crash to the left.
    Place {
        pitches: &[49, 55],
        pan: 80,
        reverb: 30,
        volume: 96,
    },
    Place {
        pitches: &[51, 52, 53, 57, 59],
        pan: 44,
        reverb: 24,
        volume: 112,
    },
];

/// The TR-808's hi-hats are as loud as its snare already.
const TR808: u8 = 25;
const TR808_HAT_VOLUME: i32 = 92;

fn block(part: &Part) -> usize {
    if part.bank == DRUM_BANK {
        DRUM_BLOCK
    } else {
        MELODIC_BLOCK
    }
}

/// The synthesiser's channel for a note of a part, and how that channel is set.
fn channel(bank: u16, pitch: u8) -> usize {
    if bank == DRUM_BANK {
        KIT.iter().position(|place| place.pitches.contains(&pitch)).unwrap_or(0)
    } else {
        0
    }
}

/// What the synthesiser is told, in the order in which things at one place are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Off { channel: i32, key: i32 },
    On { channel: i32, key: i32, velocity: i32 },
}

/// Plays a part and adds it to `mix`, a stereo buffer whose first sample is the clip's start. Notes and tails that reach
/// beyond the buffer's end are cut off there.
///
/// `progress` is the share of the audio stage done before and after.
///
/// # Errors
/// [`Error::PresetMissing`]; [`Error::SoundFontInvalid`] when a sample that is needed is damaged; [`Error::Cancelled`].
pub fn render_part(
    font: &SoundFont,
    part: &Part,
    tempo_map: &TempoMap,
    mix: &mut AudioBuffer,
    monitor: &Monitor<'_>,
    progress: (f64, f64),
) -> Result<()> {
    font.require(part.bank, part.program)?;
    if part.notes.is_empty() {
        return Ok(());
    }
    let playable = font.for_notes(part.bank, part.program, &part.notes)?;
    let sound = |reason: String| Error::Sound { reason };
    if mix.channels != 2 {
        return Err(sound(format!("a mix of {} channels; 2 are needed", mix.channels)));
    }
    let mut settings = SynthesizerSettings::new(mix.rate.hz() as i32);
    settings.block_size = block(part);
    settings.maximum_polyphony = POLYPHONY;
    let mut synthesizer = Synthesizer::new(&playable, &settings).map_err(|error| sound(error.to_string()))?;
    set_channels(
        &mut synthesizer,
        part,
        font.is_panned(part.bank, part.program, &part.notes),
    );

    let events = events(part, tempo_map, mix.rate);
    // Laid on at the end and not as the channels' volume: the drums have volumes of their own beside each other, and what is
    // soft in the synthesiser it gives no reverb.
    let volume = part.volume_ratio();
    let frames = mix.frames();
    let (mut left, mut right) = (vec![0.0; CHUNK], vec![0.0; CHUNK]);
    let mut next = events.iter().peekable();
    let mut at = 0;
    while at < frames {
        monitor.progress(
            Stage::Audio,
            progress.0 + (progress.1 - progress.0) * at as f64 / frames as f64,
        )?;
        let until = (at + CHUNK).min(frames);
        // The synthesiser's arithmetic on parameters is unchecked; a font with impossible ones must give an error, not
        // end the caller's process.
        catch_unwind(AssertUnwindSafe(|| {
            while at < until {
                while let Some((_, event)) = next.next_if(|(sample, _)| *sample <= at) {
                    send(&mut synthesizer, *event);
                }
                let stop = next.peek().map_or(until, |(sample, _)| (*sample).min(until));
                let (left, right) = (&mut left[..stop - at], &mut right[..stop - at]);
                synthesizer.render(left, right);
                let place = mix.samples[2 * at..2 * stop].chunks_exact_mut(2);
                for ((frame, l), r) in place.zip(left.iter()).zip(right.iter()) {
                    frame[0] += volume * l;
                    frame[1] += volume * r;
                }
                at = stop;
            }
        }))
        .map_err(|_| Error::SoundFontInvalid {
            path: font.path().to_owned(),
            reason: format!(
                "bank {}, program {} has parameters that cannot be played",
                part.bank, part.program
            ),
        })?;
    }
    Ok(())
}

fn set_channels(synthesizer: &mut Synthesizer, part: &Part, placed: bool) {
    let melodic = [Place {
        pitches: &[],
        pan: i32::from(part.pan_controller()),
        reverb: if BASSES.contains(&part.program) {
            BASS_REVERB
        } else {
            MELODIC_REVERB
        },
        volume: VOLUME_DEFAULT,
    }];
    let drums = part.bank == DRUM_BANK;
    let places = if drums { KIT } else { &melodic[..] };
    for (channel, place) in (0..).zip(places) {
        let mut control = |controller, value| {
            synthesizer.process_midi_message(channel, CONTROL_CHANGE, controller, value);
        };
        let hats_808 = part.program == TR808 && place.pitches.contains(&42);
        // The synthesiser takes bank numbers above 127 here, so that any channel can be a kit; its tenth channel, which
        // adds 128 by itself, is not among those used.
        control(BANK_SELECT, i32::from(part.bank));
        control(VOLUME, if hats_808 { TR808_HAT_VOLUME } else { place.volume });
        control(PAN, if drums && placed { MIDDLE } else { place.pan });
        control(REVERB, place.reverb);
        synthesizer.process_midi_message(channel, PROGRAM_CHANGE, i32::from(part.program), 0);
    }
}

/// Events by sample, at the synthesiser's blocks, notes ending before others begin.
fn events(part: &Part, tempo_map: &TempoMap, rate: Rate) -> Vec<(usize, Event)> {
    let block = block(part);
    let sample = |tick| {
        let exact = tempo_map.instant(tick).to_sample(rate);
        (exact + block / 2) / block * block
    };
    let mut events = Vec::with_capacity(2 * part.notes.len());
    for note in &part.notes {
        let channel = channel(part.bank, note.pitch) as i32;
        let key = i32::from(note.pitch);
        let velocity = i32::from(note.velocity);
        let start = sample(note.onset);
        let end = sample(Tick(note.onset.0.saturating_add(note.ticks))).max(start + block);
        events.push((start, Event::On { channel, key, velocity }));
        events.push((end, Event::Off { channel, key }));
    }
    events.sort_unstable();
    events
}

fn send(synthesizer: &mut Synthesizer, event: Event) {
    match event {
        Event::On { channel, key, velocity } => synthesizer.note_on(channel, key, velocity),
        Event::Off { channel, key } => synthesizer.note_off(channel, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kit_uses_channels_that_are_not_midis_tenth() {
        assert!(KIT.len() <= Synthesizer::PERCUSSION_CHANNEL);
    }

    #[test]
    fn hats_share_a_channel() {
        assert_eq!(channel(128, 42), channel(128, 46));
        assert_eq!(channel(128, 42), channel(128, 44));
        assert_ne!(channel(128, 42), channel(128, 49));
        assert_eq!(channel(0, 42), 0);
    }
}
