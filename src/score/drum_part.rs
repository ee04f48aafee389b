//! Converts drum hits to the drum part.

use super::kits::{DRUM_BANK, kit_for_style, kit_program};
use super::melodic::{Timeline, midi_velocity};
use super::{DRUM_CHANNEL, Note, Part};
use crate::drums::{DrumClass, Hit};
use crate::error::{Error, Result};
use crate::time::{TICKS_PER_BEAT, TICKS_PER_STEP, Tick};

/// Name of the drum part, its MIDI track and its stem.
pub const DRUM_PART: &str = "drums";

/// The drum part for a kit, or for the one that suits the style.
///
/// # Errors
/// [`Error::SettingValue`] when `kit` is not a kit.
pub(super) fn part(hits: &[Hit], style: &str, kit: Option<&str>, timeline: Timeline<'_>) -> Result<Part> {
    let kit = kit.unwrap_or_else(|| kit_for_style(style));
    let program = kit_program(kit).ok_or_else(|| Error::SettingValue {
        key: "drums.kit".to_owned(),
        value: kit.to_owned(),
        allowed: crate::settings::KITS.join("|"),
        nearest: None,
    })?;
    Ok(Part {
        name: DRUM_PART.to_owned(),
        channel: DRUM_CHANNEL,
        bank: DRUM_BANK,
        program,
        volume: 0.0,
        pan: 0.0,
        notes: notes(hits, timeline),
    })
}

/// Length of a drum note that nothing cuts. Drums ring out regardless; lengths matter for cymbals
/// and for players that read the MIDI file.
fn held(class: DrumClass) -> u32 {
    match class {
        DrumClass::OpenHat => 2 * TICKS_PER_BEAT,
        DrumClass::Crash => 4 * TICKS_PER_BEAT,
        DrumClass::Ride => TICKS_PER_BEAT,
        _ => TICKS_PER_STEP,
    }
}

fn is_hat(class: DrumClass) -> bool {
    matches!(class, DrumClass::ClosedHat | DrumClass::OpenHat)
}

/// Whether a hit of the second class ends the sound of the first: the same drum, or the other state
/// of the hi-hat.
fn cuts(sounding: DrumClass, struck: DrumClass) -> bool {
    sounding == struck || (is_hat(sounding) && is_hat(struck))
}

fn notes(hits: &[Hit], timeline: Timeline<'_>) -> Vec<Note> {
    let end = timeline.end();
    let mut struck: Vec<(Tick, DrumClass, u8)> = hits
        .iter()
        .filter(|hit| hit.velocity > 0.0)
        .filter_map(|hit| {
            let tick = timeline.onset(hit.step, hit.offset)?;
            Some((tick, hit.class, midi_velocity(hit.velocity)))
        })
        .collect();
    // If one drum, or both states of the hi-hat, would be hit at the same time, the louder hit is
    // played.
    struck.sort_by_key(|(tick, class, velocity)| (*tick, is_hat(*class), class.pitch(), std::cmp::Reverse(*velocity)));
    let mut kept: Vec<(Tick, DrumClass, u8)> = Vec::with_capacity(struck.len());
    for hit in struck {
        match kept.last_mut() {
            Some(last) if last.0 == hit.0 && cuts(last.1, hit.1) => {
                if hit.2 > last.2 {
                    *last = hit;
                }
            }
            _ => kept.push(hit),
        }
    }
    let mut notes: Vec<Note> = kept
        .iter()
        .enumerate()
        .map(|(index, (onset, class, velocity))| {
            let free = onset.0.saturating_add(held(*class)).min(end.0);
            let cut = kept[index + 1..]
                .iter()
                .take_while(|(tick, ..)| tick.0 < free)
                .find(|(_, next, _)| cuts(*class, *next))
                .map_or(free, |(tick, ..)| tick.0);
            Note {
                onset: *onset,
                ticks: (cut - onset.0).max(1),
                pitch: class.pitch(),
                velocity: *velocity,
            }
        })
        .collect();
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes
}
