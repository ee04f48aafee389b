//! Drum kits: their numbers and the kit that suits a style.

/// Bank of drum kits, as in the SoundFont specification (2.04, 7.2: "bank 128 is percussion").
pub const DRUM_BANK: u16 = 128;

/// Kits by the names of [`KITS`](crate::settings::KITS), with their program numbers in General MIDI
/// level 2 (from 0).
const PROGRAMS: &[(&str, u8)] = &[
    ("standard", 0),
    ("room", 8),
    ("power", 16),
    ("electronic", 24),
    ("tr808", 25),
    ("jazz", 32),
    ("brush", 40),
];

/// Program number of a kit, from 0; `None` for a name that is not a kit.
pub fn kit_program(kit: &str) -> Option<u8> {
    PROGRAMS
        .iter()
        .find(|(name, _)| *name == kit)
        .map(|(_, program)| *program)
}

/// The kit that suits a playing style of [`STYLES`](crate::settings::STYLES); the standard kit for
/// any other name.
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

/// Volume of a kit in a mix with melodic parts, dB. Kits differ by up to 10 dB in loudness, which
/// matters only if something else plays; this volume makes all kits equally loud.
///
/// Measured with each kit playing the tests' groove alone at General MIDI's default volume, with
/// the bundled SoundFont: standard −30.3 LUFS, room −28.1, power −26.9, electronic −27.4,
/// TR-808 −20.6, jazz −28.1, brush −28.4.
pub(super) fn kit_volume(program: u8) -> f32 {
    match program {
        8 | 32 => -0.9,
        16 => -2.1,
        24 => -1.6,
        25 => -9.8,
        40 => -0.1,
        _ => 1.3,
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
