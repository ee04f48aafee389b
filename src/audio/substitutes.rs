//! Substitutes for presets that a SoundFont lacks.
//!
//! A font need not have every preset of a piece. Drums use the requested kit, or else the standard
//! kit (bank 128, program 0), or else any kit, or else those of the
//! [fallback](SoundFont::with_fallback); the same holds for each drum that a kit lacks. A melodic
//! part uses its program, or else the nearest of its family of eight in General MIDI, or else the
//! fallback.

use super::SoundFont;
use crate::error::Result;
use crate::score::kits::DRUM_BANK;
use crate::score::{Note, Part};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Programs of a family in General MIDI: 0 to 7 are pianos, 24 to 31 guitars, 32 to 39 basses.
const FAMILY: u16 = 8;

/// Bank of General MIDI's programs.
const MELODIC_BANK: u16 = 0;

/// The states of the hi-hat cut each other off, so one kit must play them all.
const HI_HAT: &[u8] = &[42, 44, 46];

/// A part, or those of its notes that one preset plays.
#[derive(Debug, Clone)]
pub(super) struct Assigned<'a> {
    pub font: &'a SoundFont,
    /// The notes, with the bank and program of the preset in `font`.
    pub part: Cow<'a, Part>,
}

/// A preset of one of the fonts.
#[derive(Clone, Copy)]
struct Preset<'a> {
    font: &'a SoundFont,
    bank: u16,
    program: u16,
}

impl Preset<'_> {
    fn plays(&self, note: &Note) -> bool {
        self.font.plays(self.bank, self.program, note.pitch, note.velocity)
    }

    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.font, other.font) && (self.bank, self.program) == (other.bank, other.program)
    }
}

impl SoundFont {
    /// The presets that play parts, of this font and its fallback. Warns once of each replacement.
    /// Parts without notes are left out.
    ///
    /// # Errors
    /// [`Error::PresetMissing`](crate::Error::PresetMissing) when there is no substitute for a
    /// part's preset.
    pub(super) fn assign<'a>(&'a self, parts: &'a [Part]) -> Result<Vec<Assigned<'a>>> {
        let mut assigned = Vec::with_capacity(parts.len());
        let mut replaced = Vec::new();
        for part in parts.iter().filter(|part| !part.notes.is_empty()) {
            let presets = self.presets_for(part);
            if presets.is_empty() {
                self.require(part.bank, part.program)?;
            }
            let asked = Preset {
                font: self,
                bank: part.bank,
                program: part.program.into(),
            };
            let groups = groups(part, &presets);
            let whole = groups.len() == 1;
            for (preset, notes) in groups {
                if !preset.is(&asked) {
                    replaced.push(self.replacement(part, preset, (!whole).then_some(notes.as_slice())));
                }
                let same = whole && (preset.bank, preset.program) == (asked.bank, asked.program);
                let part = if same {
                    Cow::Borrowed(part)
                } else {
                    Cow::Owned(Part {
                        bank: preset.bank,
                        program: preset.program as u8,
                        notes,
                        ..part.clone()
                    })
                };
                let font = preset.font;
                assigned.push(Assigned { font, part });
            }
        }
        self.warn_of_damage();
        let news = self.news(replaced);
        if !news.is_empty() {
            let path = self.path().display();
            log::warn!(
                "{path}: this SoundFont does not have everything that is played: {}",
                news.join("; ")
            );
        }
        Ok(assigned)
    }

    /// Presets that may play a part, the best first.
    fn presets_for<'a>(&'a self, part: &Part) -> Vec<Preset<'a>> {
        let asked = (part.bank, u16::from(part.program));
        let fonts = std::iter::once(self).chain(self.fallback());
        fonts
            .flat_map(|font| {
                let mut numbers: Vec<(u16, u16)> = font.presets();
                numbers.retain(|number| {
                    *number == asked
                        || match part.bank {
                            DRUM_BANK => number.0 == DRUM_BANK,
                            _ => number.0 == MELODIC_BANK && number.1 / FAMILY == asked.1 / FAMILY,
                        }
                });
                let rank = |(bank, program): (u16, u16)| match bank {
                    _ if (bank, program) == asked => (0, 0),
                    DRUM_BANK => (1, program),
                    _ => (1, program.abs_diff(asked.1)),
                };
                numbers.sort_by_key(|number| rank(*number));
                let preset = move |(bank, program)| Preset { font, bank, program };
                // Programs above 127 cannot be selected.
                numbers.into_iter().filter(|(_, program)| *program < 128).map(preset)
            })
            .collect()
    }

    /// Describes a replacement.
    fn replacement(&self, part: &Part, by: Preset<'_>, notes: Option<&[Note]>) -> String {
        let word = if part.bank == DRUM_BANK { "kit" } else { "program" };
        let mut text = format!("{} ({word} {})", part.name, part.program);
        if let Some(notes) = notes {
            let mut pitches: Vec<u8> = notes.iter().map(|note| note.pitch).collect();
            pitches.sort_unstable();
            pitches.dedup();
            let pitches: Vec<String> = pitches.iter().map(u8::to_string).collect();
            text += &format!(", notes {},", pitches.join(" "));
        }
        text += &format!(" by {word} {}", by.program);
        if !std::ptr::eq(by.font, self) {
            let name = by.font.path().file_name().unwrap_or_default();
            text += &format!(" of {}", name.to_string_lossy());
        }
        text
    }
}

/// The notes of a part by the presets that play them. Each note is in one group, and no group is
/// empty.
fn groups<'a>(part: &Part, presets: &[Preset<'a>]) -> Vec<(Preset<'a>, Vec<Note>)> {
    let mut groups: Vec<(Preset<'a>, Vec<Note>)> = Vec::new();
    let mut add = |preset: Preset<'a>, note: Note| match groups.iter_mut().find(|(other, _)| other.is(&preset)) {
        Some((_, notes)) => notes.push(note),
        None => groups.push((preset, vec![note])),
    };
    // If no preset plays a note, the best preset gets it, and is silent.
    if part.bank != DRUM_BANK {
        let playing = presets
            .iter()
            .find(|preset| part.notes.iter().any(|note| preset.plays(note)));
        if let Some(preset) = playing.or(presets.first()) {
            part.notes.iter().for_each(|note| add(*preset, *note));
        }
        return groups;
    }
    let drum = |pitch: u8| if HI_HAT.contains(&pitch) { HI_HAT[0] } else { pitch };
    let mut chosen: BTreeMap<u8, Preset<'a>> = BTreeMap::new();
    for note in &part.notes {
        let own = drum(note.pitch);
        let preset = match chosen.entry(own) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let struck = || part.notes.iter().filter(|other| drum(other.pitch) == own);
                let all = presets.iter().find(|preset| struck().all(|note| preset.plays(note)));
                let some = || presets.iter().find(|preset| struck().any(|note| preset.plays(note)));
                let Some(preset) = all.or_else(some).or(presets.first()) else {
                    break;
                };
                *entry.insert(*preset)
            }
        };
        add(preset, *note);
    }
    groups
}

#[cfg(test)]
#[path = "substitutes_tests.rs"]
mod tests;
