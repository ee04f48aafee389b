//! A part's volume and pan, as MIDI controllers. The MIDI file and the sound are both made from
//! these numbers.

use super::Part;

/// Allowed volumes of a part, dB. From General MIDI's default volume of 100 to the maximum of 127
/// there are 4.15 dB.
pub const VOLUMES: std::ops::RangeInclusive<f32> = -48.0..=4.0;

/// Initial channel volume of General MIDI level 2.
const DEFAULT_VOLUME: f32 = 100.0;

/// Controller value of the centre, and its distance to either side.
const MIDDLE: f32 = 64.0;
const ASIDE: f32 = 63.0;

impl Part {
    /// The part's volume as MIDI controller 7, 1 to 127.
    ///
    /// General MIDI level 2 (and the MMA's recommended practice RP-012 before it) take a volume of
    /// `v` to be a gain of 40 log10(v / 127) dB; so `volume` dB relative to the default of 100 is
    /// 100 · 10^(volume / 40).
    pub fn volume_controller(&self) -> u8 {
        let value = DEFAULT_VOLUME * 10.0_f32.powf(self.volume / 40.0);
        value.round().clamp(1.0, 127.0) as u8
    }

    /// The part's volume relative to the default, rounded like the controller, as a ratio of
    /// amplitudes.
    pub fn volume_ratio(&self) -> f32 {
        (f32::from(self.volume_controller()) / DEFAULT_VOLUME).powi(2)
    }

    /// The part's pan as MIDI controller 10: 1 is left, 64 is the centre, 127 is right.
    pub fn pan_controller(&self) -> u8 {
        (MIDDLE + ASIDE * self.pan).round().clamp(1.0, 127.0) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(volume: f32, pan: f32) -> Part {
        Part {
            name: "piano".to_owned(),
            channel: 0,
            bank: 0,
            program: 0,
            volume,
            pan,
            notes: vec![],
        }
    }

    #[test]
    fn controllers_are_those_of_general_midi() {
        for (volume, controller) in [(0.0, 100), (4.0, 126), (-6.0, 71), (-12.0, 50), (-40.0, 10), (-48.0, 6)] {
            assert_eq!(part(volume, 0.0).volume_controller(), controller, "{volume} dB");
        }
        for (pan, controller) in [(-1.0, 1), (-0.5, 33), (0.0, 64), (0.5, 96), (1.0, 127)] {
            assert_eq!(part(0.0, pan).pan_controller(), controller, "{pan}");
        }
        // Rounding to a whole controller value costs less than half a decibel down to -30 dB.
        for tenths in -300..=40 {
            let volume = tenths as f32 / 10.0;
            let heard = 20.0 * part(volume, 0.0).volume_ratio().log10();
            assert!((heard - volume).abs() < 0.5, "{volume} dB is heard as {heard} dB");
        }
        assert_eq!(part(0.0, 0.0).volume_ratio(), 1.0);
        for odd in [f32::NAN, f32::INFINITY, -1e9] {
            let part = part(odd, odd);
            assert!(part.volume_controller() <= 127 && part.pan_controller() <= 127);
        }
    }

    #[test]
    fn scores_saved_without_levels_still_load_and_defaults_are_not_saved() {
        let text = r#"{"name":"drums","channel":9,"bank":128,"program":8,"notes":[]}"#;
        let old: Part = serde_json::from_str(text).expect("a part");
        assert_eq!((old.volume, old.pan), (0.0, 0.0));
        assert_eq!(serde_json::to_string(&old).expect("JSON"), text);
        let new = part(-3.5, 0.25);
        let text = serde_json::to_string(&new).expect("JSON");
        assert!(text.contains(r#""volume":-3.5,"pan":0.25"#), "{text}");
        assert_eq!(serde_json::from_str::<Part>(&text).expect("a part"), new);
    }
}
