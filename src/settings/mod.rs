//! The settings that users can choose. One table serves the command line, editors and saved files.
//!
//! Every [`Settings`] is valid by construction: values can only be [set](Settings::set) as text,
//! which is checked, together with the rules that involve several values.

mod kind;
mod stages;
mod table;
mod words;

pub use kind::{Kind, Syntax};
pub use stages::{
    BeatSource, Device, DrumSettings, HitsFromCuts, MidiDrums, MidiSettings, MidiTempo, Mood, MusicSettings, Networks,
    OriginalAudio, PersonChoice, PoseQuality, PoseSettings, RhythmSettings, SoundSettings,
};
pub use table::{Effect, Setting, TABLE};
pub use words::{INSTRUMENTS, KITS, PALETTES, STYLES};

use crate::error::{Error, Result};
use crate::time::{Rate, Tempo};
use kind::nearest;
use std::collections::BTreeMap;

/// Everything a user may choose, by stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    device: Device,
    networks: Networks,
    seed: Option<u64>,
    pose: PoseSettings,
    rhythm: RhythmSettings,
    hits_from_cuts: HitsFromCuts,
    drums: DrumSettings,
    music: MusicSettings,
    sound: SoundSettings,
    midi: MidiSettings,
    provenance: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            device: Device::Auto,
            networks: Networks::Gaining,
            seed: None,
            pose: PoseSettings {
                quality: PoseQuality::Normal,
                rate: Rate::from_hz(30.0),
                person: PersonChoice::Auto,
            },
            rhythm: RhythmSettings {
                source: BeatSource::Auto,
                slowest: Tempo::from_bpm(60.0),
                fastest: Tempo::from_bpm(180.0),
                tempo: None,
                beats_per_bar: None,
            },
            hits_from_cuts: HitsFromCuts::Off,
            drums: DrumSettings {
                style: None,
                temperature: 1.0,
                top_p: 0.95,
                follow: 2.0,
                kit: None,
            },
            music: MusicSettings {
                drums: true,
                instruments: None,
                palette: None,
                mood: None,
                key: None,
                chords: None,
                energy: None,
                temperature: 0.85,
                top_p: 0.92,
            },
            sound: SoundSettings {
                rate: Rate::from_hz(48_000.0),
                loudness: -16.0,
                peak: -1.0,
                original: OriginalAudio::Auto,
            },
            midi: MidiSettings {
                tempo: MidiTempo::Beats,
                drums: MidiDrums::OneTrack,
            },
            provenance: true,
        }
    }
}

impl Settings {
    /// The defaults with these settings applied, in this order.
    ///
    /// # Errors
    /// Those of [`SettingsBuilder::set`] and [`SettingsBuilder::build`].
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self> {
        let mut builder = SettingsBuilder::default();
        for (key, value) in pairs {
            builder.set(key.as_ref(), value.as_ref())?;
        }
        builder.build()
    }

    /// Sets one value from text. Use a [`SettingsBuilder`] to set several values that are valid
    /// only together.
    ///
    /// # Errors
    /// Those of [`SettingsBuilder::set`] and [`SettingsBuilder::build`]; the settings are then
    /// unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let mut builder = SettingsBuilder(self.clone());
        builder.set(key, value)?;
        *self = builder.build()?;
        Ok(())
    }

    /// The value of a setting as text that [`set`](Self::set) accepts; `None` for an unknown key.
    pub fn get(&self, key: &str) -> Option<String> {
        Setting::of(key).map(|setting| (setting.get)(self))
    }

    /// All settings as text by key, for saved files.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        TABLE.iter().map(|s| (s.key.to_owned(), (s.get)(self))).collect()
    }

    /// The device that models run on.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The device of those models that gain nothing by a graphics card.
    pub fn device_of_small_networks(&self) -> Device {
        match self.networks {
            Networks::Gaining => Device::Cpu,
            Networks::All => self.device,
        }
    }

    /// Seed of every random choice; `None`: the one that belongs to the movement.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// How poses are found.
    pub fn pose(&self) -> &PoseSettings {
        &self.pose
    }

    /// How beats are found.
    pub fn rhythm(&self) -> &RhythmSettings {
        &self.rhythm
    }

    /// Which cuts of the video are hits.
    pub fn hits_from_cuts(&self) -> HitsFromCuts {
        self.hits_from_cuts
    }

    /// How drums are played.
    pub fn drums(&self) -> &DrumSettings {
        &self.drums
    }

    /// Settings of the melodic instruments.
    pub fn music(&self) -> &MusicSettings {
        &self.music
    }

    /// Settings of the sound.
    pub fn sound(&self) -> &SoundSettings {
        &self.sound
    }

    /// How MIDI files are written.
    pub fn midi(&self) -> MidiSettings {
        self.midi
    }

    /// Whether output files state which program, seed and models made them.
    pub fn provenance(&self) -> bool {
        self.provenance
    }
}

/// Values of settings while they are being set: each value is allowed, but together they may still
/// contradict each other.
#[derive(Debug, Clone, Default)]
pub struct SettingsBuilder(Settings);

impl From<Settings> for SettingsBuilder {
    fn from(settings: Settings) -> Self {
        Self(settings)
    }
}

impl SettingsBuilder {
    /// Sets one value from text.
    ///
    /// # Errors
    /// [`Error::UnknownSetting`] and [`Error::SettingValue`], with the nearest name or word; the
    /// values are then unchanged.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let Some(setting) = Setting::of(key) else {
            let nearest = nearest(key, TABLE.iter().map(|s| s.key));
            return Err(Error::UnknownSetting {
                key: key.to_owned(),
                nearest,
            });
        };
        (setting.set)(&mut self.0, setting.given(value.trim())).map_err(|refusal| Error::SettingValue {
            key: key.to_owned(),
            value: value.to_owned(),
            allowed: refusal.allowed,
            nearest: refusal.nearest,
        })
    }

    /// The value of a setting as text; `None` for an unknown key.
    pub fn get(&self, key: &str) -> Option<String> {
        self.0.get(key)
    }

    /// The settings with these values.
    ///
    /// # Errors
    /// [`Error::SettingValue`] when `tempo.min` is above three quarters of `tempo.max`: a narrower
    /// range leaves no choice of tempo (fix one with `tempo` instead).
    pub fn build(&self) -> Result<Settings> {
        let (slowest, fastest) = (self.0.rhythm.slowest.bpm(), self.0.rhythm.fastest.bpm());
        if slowest > 0.75 * fastest {
            return Err(Error::SettingValue {
                key: "tempo.min".to_owned(),
                value: slowest.to_string(),
                allowed: format!("at most {} (three quarters of tempo.max = {fastest})", 0.75 * fastest),
                nearest: None,
            });
        }
        Ok(self.0.clone())
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
