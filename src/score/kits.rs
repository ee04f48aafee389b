//! Drum kits: their numbers and the kit that suits a style.

/// Bank of drum kits, as in the SoundFont specification (2.04, 7.2: "bank 128 is percussion").
pub const DRUM_BANK: u16 = 128;

/// Kits by the names of [`KITS`](crate::settings::KITS), with their program numbers in General MIDI level 2 (from 0).
const PROGRAMS: &[(&str, u8)] = &[
    ("standard", 0),
    ("room", 8),
    ("power", 16),
    ("electronic", 24),
    ("tr808", 25),
    ("jazz", 32),
    ("brush", 40),
];

/// Program number of a kit, from 0; `None` for a name that is no kit.
pub fn kit_program(kit: &str) -> Option<u8> {
    PROGRAMS
        .iter()
        .find(|(name, _)| *name == kit)
        .map(|(_, program)| *program)
}

/// The kit that suits a playing style of [`STYLES`](crate::settings::STYLES); the standard kit for any other name.
pub fn kit_for_style(style: &str) -> &'static str {
    match style {
        "rock" => "room",
        "punk" => "power",
        "dance" => "electronic",
        "hiphop" => "tr808",
        "jazz" => "jazz",
        "neworleans" => "jazz",
        _ => "standard",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{KITS, STYLES};

    #[test]
    fn every_kit_has_a_program_and_every_style_a_kit() {
        for kit in KITS {
            assert!(kit_program(kit).is_some(), "{kit}");
        }
        assert_eq!(KITS.len(), PROGRAMS.len());
        for style in STYLES {
            assert!(KITS.contains(&kit_for_style(style)), "{style}");
        }
        assert_eq!(kit_program("kazoo"), None);
        assert_eq!(kit_for_style("polka"), "standard");
    }
}
