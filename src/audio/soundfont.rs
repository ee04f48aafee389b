//! SoundFonts: .sf2, and .sf3 whose samples are Ogg Vorbis.
//!
//! Loading only reads and checks the structure. When a part is played, the presets, zones and
//! samples that its notes need are assembled as a small .sf2 in memory for the synthesiser: from a
//! font of hundreds of megabytes, only the few drums that are hit are read and decoded. The small
//! .sf2 contains only what has been checked, and nothing that the synthesiser cannot handle
//! (unknown chunks, missing padding, instruments without zones).

use super::bank::{self, Bank, Sample, Zone, generator};
use super::decoded::Decoded;
use super::sf2::Sf2Writer;
use super::sf3;
use super::variants::{self, MOST_ZONES, VARIANT_BANK};
use super::zones::{Layers, NO_DELAY, at_once, within_sample};
use crate::error::{Error, Result};
use crate::foreign;
use crate::limits::LARGEST_SOUND_FONT;
use crate::regular;
use crate::score::Note;
use crate::time::Span;
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Pan from which a zone is audibly off-centre, in tenths of a percent.
const AUDIBLY_ASIDE: u16 = 100;

/// Share of a sound that is sent to the chorus from which it is heard, in tenths of a percent.
const AUDIBLE_CHORUS: i16 = 100;

/// A SoundFont whose structure has been checked. Can be shared by threads.
#[derive(Debug)]
pub struct SoundFont {
    path: PathBuf,
    file: Mutex<File>,
    bank: Bank,
    /// Hash that identifies this version of the file, as opposed to other files or a later file at
    /// its path.
    identity: [u8; 32],
    /// Its compressed samples that have been requested so far.
    decoded: Decoded,
    /// The presets assembled for the synthesiser, the latest last.
    playable: Mutex<Vec<Playable>>,
    /// The font that plays what this one lacks.
    fallback: Option<Arc<SoundFont>>,
    /// Replacements that have already been logged.
    reported: Mutex<BTreeSet<String>>,
}

/// Most assembled presets that are kept, in bytes of samples: the size of the kit and the
/// instruments of a few styles.
const PLAYABLE_LIMIT: usize = 128 << 20;

/// An assembled preset.
#[derive(Debug)]
struct Playable {
    bank: u16,
    program: u8,
    played: BTreeSet<(u8, u8)>,
    bytes: usize,
    font: Arc<rustysynth::SoundFont>,
}

/// Which notes of a preset cut each other off.
#[derive(Debug)]
pub(super) struct Chokes<'a> {
    zones: Vec<(&'a Zone, &'a Zone, i16)>,
}

impl Chokes<'_> {
    /// Exclusive classes of a note, each once. It cuts off any note on its channel that has one of
    /// them.
    pub fn classes(&self, key: u8, velocity: u8) -> BTreeSet<i16> {
        let of_note = |zone: &Zone| zone.contains(key, velocity);
        let zones = self.zones.iter().filter(|(p, i, _)| of_note(p) && of_note(i));
        zones.map(|(_, _, class)| *class).collect()
    }
}

fn invalid(path: &Path, reason: String) -> Error {
    Error::SoundFontInvalid {
        path: path.to_owned(),
        reason,
    }
}

/// Opens the file of a SoundFont.
fn open(path: &Path) -> Result<(File, Metadata)> {
    let fault = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => Error::SoundFontMissing { path: path.to_owned() },
        _ => invalid(path, source.to_string()),
    };
    let about = fs::metadata(path).map_err(fault)?;
    if let Some(reason) = regular::why_not(&about) {
        return Err(invalid(path, reason));
    }
    Ok((File::open(path).map_err(fault)?, about))
}

impl SoundFont {
    /// Checks that a SoundFont is there and can be opened, without reading it.
    ///
    /// # Errors
    /// [`Error::SoundFontMissing`] and [`Error::SoundFontInvalid`].
    pub fn check_file(path: &Path) -> Result<()> {
        open(path).map(drop)
    }

    /// Opens a SoundFont, .sf2 or .sf3, and checks its structure. Samples are read when they are
    /// played. A sample that cannot be played (empty, outside the data, in a sound card's ROM, at
    /// an impossible rate, damaged) leaves its zones silent, with a warning; one that extends
    /// beyond the data ends where the next begins, or else with the data.
    ///
    /// # Errors
    /// [`Error::SoundFontMissing`] when the file is not there, [`Error::SoundFontInvalid`] when it
    /// is truncated, damaged, not a SoundFont, without any sample that can be played, or larger
    /// than [`LARGEST_SOUND_FONT`], or cannot be read.
    pub fn load(path: &Path) -> Result<Self> {
        let (mut file, about) = open(path)?;
        let invalid = |reason: String| invalid(path, reason);
        if about.len() > LARGEST_SOUND_FONT {
            return Err(invalid(format!(
                "it has {} bytes; expected at most {LARGEST_SOUND_FONT}",
                about.len()
            )));
        }
        let bank = bank::read(&mut file, about.len()).map_err(invalid)?;
        log::debug!(
            "{}: {} presets, {} instruments, {} samples",
            path.display(),
            bank.presets.len(),
            bank.instruments.len(),
            bank.samples.len()
        );
        let (name, reason) = (path.display(), &bank.left_out.reason);
        match bank.left_out.zones {
            0 => {}
            1 => log::warn!("{name}: a zone is silent, because its sample cannot be used ({reason})"),
            zones => log::warn!(
                "{name}: {zones} zones are silent, because their samples cannot be used (the first: {reason})"
            ),
        }
        match bank.cut {
            0 => {}
            1 => log::warn!("{name}: a sample extends beyond the font's data, and is cut off there"),
            samples => log::warn!("{name}: {samples} samples extend beyond the font's data, and are cut off there"),
        }
        let mut identity = Sha256::new();
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        identity.update(format!(
            "{place:?} {} {:?} {bank:?}",
            about.len(),
            about.modified().ok()
        ));
        let font = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            bank,
            identity: identity.finalize().into(),
            decoded: Decoded::default(),
            playable: Mutex::default(),
            fallback: None,
            reported: Mutex::default(),
        };
        font.check_streams()?;
        Ok(font)
    }

    /// Refuses a font all of whose samples are damaged streams. The shortest are tried first; the
    /// first intact one is enough.
    fn check_streams(&self) -> Result<()> {
        let length = |index: usize| self.bank.samples.get(index).map_or(0, |sample| sample.to - sample.from);
        let mut played: Vec<usize> = self.bank.instruments.iter().flatten().map(|zone| zone.target).collect();
        played.sort_by_key(|index| (length(*index), *index));
        played.dedup();
        if played.is_empty() || played.iter().any(|index| self.is_whole(*index)) {
            return Ok(());
        }
        let reason = self.decoded.news().unwrap_or_default();
        Err(self.invalid(format!("it has no sample that can be played: {reason}")))
    }

    /// Whether a sample is anything other than a damaged stream.
    fn is_whole(&self, index: usize) -> bool {
        let Some(sample) = self.bank.samples.get(index).filter(|sample| sample.compressed) else {
            return true;
        };
        self.decoded.is_whole(index, || {
            let bytes = self.bytes(sample).map_err(|error| error.to_string())?;
            sf3::decode(bytes)
        })
    }

    /// Warns of the damaged samples found since the last call.
    pub(super) fn warn_of_damage(&self) {
        if let Some(news) = self.decoded.news() {
            log::warn!("{}: {news}", self.path.display());
        }
    }

    /// Adds a font that plays what this one lacks.
    #[must_use]
    pub fn with_fallback(self, fallback: Option<Arc<SoundFont>>) -> Self {
        Self { fallback, ..self }
    }

    /// The font that plays what this one lacks.
    pub(super) fn fallback(&self) -> Option<&Self> {
        self.fallback.as_deref()
    }

    /// The texts among `texts` that no earlier call was given, so that each is reported once.
    pub(super) fn news(&self, texts: Vec<String>) -> Vec<String> {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        texts.into_iter().filter(|text| reported.insert(text.clone())).collect()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bank and program numbers of the presets, in rising order. Bank 128 holds drum kits.
    pub fn presets(&self) -> Vec<(u16, u16)> {
        let numbers: BTreeSet<_> = self.bank.presets.iter().map(|p| (p.bank, p.program)).collect();
        numbers.into_iter().collect()
    }

    /// Whether the font has a preset.
    ///
    /// # Errors
    /// [`Error::PresetMissing`], with the programs that the bank has.
    pub fn require(&self, bank: u16, program: u8) -> Result<()> {
        let presets = self.presets();
        if presets.contains(&(bank, u16::from(program))) {
            return Ok(());
        }
        let programs: Vec<String> = presets
            .iter()
            .filter(|(b, _)| *b == bank)
            .map(|(_, p)| p.to_string())
            .collect();
        Err(Error::PresetMissing {
            path: self.path.clone(),
            bank,
            program,
            available: if programs.is_empty() {
                format!("no preset in bank {bank}")
            } else {
                format!("programs {}", programs.join(", "))
            },
        })
    }

    pub(super) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    #[cfg(test)]
    pub(super) fn bank(&self) -> &Bank {
        &self.bank
    }

    /// Zones of a preset itself, for the first preset of that number.
    fn preset_zones(&self, bank: u16, program: u16) -> impl Iterator<Item = &Zone> {
        self.bank
            .presets
            .iter()
            .find(|preset| (preset.bank, preset.program) == (bank, program))
            .into_iter()
            .flat_map(|preset| &preset.zones)
    }

    /// Zones of a preset: the preset's zone, the zone of the instrument that it plays, and the
    /// position of each.
    pub(super) fn zones(&self, bank: u16, program: u16) -> impl Iterator<Item = (&Zone, &Zone, (usize, usize))> {
        self.preset_zones(bank, program).flat_map(|preset_zone| {
            let zones = self.bank.instruments.get(preset_zone.target).into_iter().flatten();
            zones
                .zip(0..)
                .map(move |(zone, index)| (preset_zone, zone, (preset_zone.target, index)))
        })
    }

    /// Whether the font itself pans any note of these pitches, at any velocity, to the left or
    /// right.
    pub(super) fn is_panned(&self, bank: u16, program: u8, pitches: RangeInclusive<u8>) -> bool {
        let aside = |zone: &Zone| zone.get(generator::PAN).unwrap_or(0).unsigned_abs() >= AUDIBLY_ASIDE;
        let played = |zone: &Zone| {
            let keys = zone.keys();
            keys.start() <= pitches.end() && pitches.start() <= keys.end()
        };
        self.zones(bank, program.into())
            .filter(|(preset, zone, _)| played(preset) && played(zone))
            .any(|(preset, zone, _)| aside(preset) || aside(zone))
    }

    /// Whether notes of a preset play its [variants].
    pub(super) fn is_varied(&self, bank: u16, program: u16) -> bool {
        self.preset_zones(bank, program).count() <= MOST_ZONES
    }

    /// Whether the chorus of a preset can be heard.
    pub(super) fn has_chorus(&self, bank: u16, program: u8) -> bool {
        let send = |zone: &Zone| zone.get(generator::CHORUS_SEND).unwrap_or(0);
        self.zones(bank, program.into())
            .any(|(preset, zone, _)| send(preset).saturating_add(send(zone)) >= AUDIBLE_CHORUS)
    }

    /// The longest delay before a note of a preset begins, according to its envelope.
    pub(super) fn longest_delay(&self, bank: u16, program: u8) -> Span {
        let timecents = |zone: &Zone| zone.get(generator::DELAY_VOLUME_ENVELOPE).map(i32::from);
        let longest = self
            .zones(bank, program.into())
            .map(|(preset, zone, _)| timecents(preset).unwrap_or(0) + timecents(zone).unwrap_or(NO_DELAY.into()))
            .max();
        Span::from_timecents(longest.unwrap_or(NO_DELAY.into()))
    }

    /// Which notes of a preset cut each other off.
    pub(super) fn chokes(&self, bank: u16, program: u8) -> Chokes<'_> {
        let classes = self.classes(bank, program.into());
        let with_class = |(preset, zone, place)| classes.get(&place).map(|class| (preset, zone, *class));
        Chokes {
            zones: self.zones(bank, program.into()).filter_map(with_class).collect(),
        }
    }

    /// Exclusive classes of those of a preset's zones that have one, by position, [kept
    /// apart](Layers). They do not depend on which notes are played.
    fn classes(&self, bank: u16, program: u16) -> BTreeMap<(usize, usize), i16> {
        let mut layers = Layers::default();
        let mut classes = BTreeMap::new();
        for (_, zone, place) in self.zones(bank, program) {
            if let Entry::Vacant(vacant) = classes.entry(place)
                && let Some(class) = layers.class(zone)
            {
                vacant.insert(class);
            }
        }
        classes
    }

    /// Whether a preset has a zone for a key struck at a velocity, with an intact sample.
    pub(super) fn plays(&self, bank: u16, program: u16, key: u8, velocity: u8) -> bool {
        let of_note = |zone: &Zone| zone.contains(key, velocity);
        self.zones(bank, program)
            .any(|(preset, zone, _)| of_note(preset) && of_note(zone) && self.is_whole(zone.target))
    }

    /// Positions of the zones that notes need: in the preset, and in the instrument that is played
    /// there. Zones of a preset may share an instrument, for example if a soft and a loud layer
    /// differ only by a filter.
    fn needed(&self, bank: u16, program: u8, played: &BTreeSet<(u8, u8)>) -> BTreeSet<(usize, usize)> {
        let instrument = |target: usize| self.bank.instruments.get(target).into_iter().flatten().enumerate();
        self.preset_zones(bank, program.into())
            .enumerate()
            .filter(|(_, zone)| contains_any(zone, played))
            .flat_map(|(place, zone)| instrument(zone.target).map(move |own| (place, own)))
            .filter(|(_, (_, zone))| contains_any(zone, played))
            .map(|(place, (own, _))| (place, own))
            .collect()
    }

    /// The font that the synthesiser needs to play `notes` on a preset; it may contain more. How a
    /// note sounds does not depend on the others.
    pub(super) fn for_notes(&self, bank: u16, program: u8, notes: &[Note]) -> Result<Arc<rustysynth::SoundFont>> {
        self.require(bank, program)?;
        let mut played = played(notes);
        {
            // Changes that belong together cannot be interrupted by a panic; the same holds below.
            let mut kept = self.playable.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = kept.iter().position(|p| (p.bank, p.program) == (bank, program)) {
                let found = kept.remove(index);
                let there = self.needed(bank, program, &found.played);
                if self.needed(bank, program, &played).is_subset(&there) {
                    let font = found.font.clone();
                    kept.push(found);
                    return Ok(font);
                }
                played.extend(found.played);
            }
        }
        let bytes = self.sf2(
            |b, p| (b, p) == (bank, u16::from(program)),
            |zone| contains_any(zone, &played),
            true,
        )?;
        self.warn_of_damage();
        // Everything in these bytes has been checked above; if the synthesiser still panics, a font
        // must not end the caller's process.
        let font = foreign::caught(|| rustysynth::SoundFont::new(&mut bytes.as_slice()));
        let font = match font {
            Ok(Ok(font)) => Arc::new(font),
            Ok(Err(error)) => return Err(self.invalid(error.to_string())),
            Err(_) => return Err(self.invalid("the synthesiser cannot use it".to_owned())),
        };
        let mut kept = self.playable.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|p| (p.bank, p.program) != (bank, program));
        kept.push(Playable {
            bank,
            program,
            played,
            bytes: bytes.len(),
            font: font.clone(),
        });
        while kept.iter().map(|p| p.bytes).sum::<usize>() > PLAYABLE_LIMIT {
            kept.remove(0);
        }
        Ok(font)
    }

    /// The whole font with its samples decoded, as the bytes of an .sf2 file. Damaged samples are
    /// left out.
    ///
    /// # Errors
    /// [`Error::SoundFontInvalid`] when it is more than an .sf2 file can hold, [`Error::Input`]
    /// when the file cannot be read.
    pub fn to_sf2(&self) -> Result<Vec<u8>> {
        self.sf2(|_, _| true, |_| true, false)
    }

    fn invalid(&self, reason: String) -> Error {
        Error::SoundFontInvalid {
            path: self.path.clone(),
            reason,
        }
    }

    /// An .sf2 of the wanted presets and zones and, if it is `playable`, of their variants and of
    /// presets that cut off their notes. Presets without any wanted zone are included, and silent.
    fn sf2(&self, preset: impl Fn(u16, u16) -> bool, zone: impl Fn(&Zone) -> bool, playable: bool) -> Result<Vec<u8>> {
        let mut writer = Sf2Writer::default();
        // If two presets have the same number, the first one counts.
        let mut done = BTreeSet::new();
        for wanted in &self.bank.presets {
            if !preset(wanted.bank, wanted.program) || !done.insert((wanted.bank, wanted.program)) {
                continue;
            }
            let mut zones = Vec::new();
            let classes = self.classes(wanted.bank, wanted.program);
            for preset_zone in wanted.zones.iter().filter(|z| zone(z)) {
                let number = match writer.instruments.get(&preset_zone.target) {
                    Some(number) => *number,
                    None => {
                        let own = self.instrument_zones(preset_zone.target, &zone, &mut writer, &classes, playable)?;
                        writer.instrument(preset_zone.target, &own)
                    }
                };
                zones.push((number, preset_zone));
            }
            if playable && self.is_varied(wanted.bank, wanted.program) {
                for variant in 0..variants::count(wanted.bank) {
                    let own = variants::zones(wanted.bank, variant, &zones);
                    let own: Vec<(usize, &Zone)> = own.iter().map(|(number, zone)| (*number, zone)).collect();
                    writer.preset(VARIANT_BANK + u16::from(variant), wanted.program, &own);
                }
            }
            writer.preset(wanted.bank, wanted.program, &zones);
        }
        if playable {
            writer.chokes();
        }
        writer.finish().map_err(|reason| self.invalid(reason))
    }

    fn instrument_zones(
        &self,
        instrument: usize,
        wanted: impl Fn(&Zone) -> bool,
        writer: &mut Sf2Writer,
        classes: &BTreeMap<(usize, usize), i16>,
        playable: bool,
    ) -> Result<Vec<(usize, Zone)>> {
        let zones = self.bank.instruments.get(instrument).map_or(&[][..], Vec::as_slice);
        let mut own = Vec::new();
        for (zone, index) in zones.iter().zip(0..).filter(|(z, _)| wanted(z)) {
            let Some(sample) = self.bank.samples.get(zone.target) else {
                continue; // excluded by the check on loading
            };
            if !self.is_whole(zone.target) {
                continue;
            }
            if !writer.samples.contains_key(&zone.target) {
                let values = match self.decoded.take(zone.target) {
                    Some(values) => values,
                    None => self.sample(sample)?,
                };
                writer.sample(zone.target, sample, &values);
            }
            if let Some((number, placed)) = writer.samples.get(&zone.target) {
                let mut zone = at_once(within_sample(zone, placed));
                if playable {
                    // The synthesiser's own reverb is not used.
                    zone.remove(&[generator::REVERB_SEND]);
                }
                if let Some(class) = classes.get(&(instrument, index)) {
                    zone.set(generator::EXCLUSIVE_CLASS, *class);
                }
                own.push((*number, zone));
            }
        }
        Ok(own)
    }

    /// The values of a sample.
    fn sample(&self, sample: &Sample) -> Result<Vec<i16>> {
        let bytes = self.bytes(sample)?;
        if sample.compressed {
            return sf3::decode(bytes).map_err(|reason| self.invalid(reason));
        }
        let values = bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair));
        Ok(values.collect())
    }

    /// The bytes of a sample as they are in the file.
    fn bytes(&self, sample: &Sample) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (sample.to - sample.from) as usize];
        // A panic of another thread cannot have left the file in a relevant state: its position is
        // set here.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.bank.data.0 + sample.from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::input(&self.path))?;
        Ok(bytes)
    }
}

/// Keys and velocities of notes.
fn played(notes: &[Note]) -> BTreeSet<(u8, u8)> {
    notes.iter().map(|note| (note.pitch, note.velocity)).collect()
}

fn contains_any(zone: &Zone, played: &BTreeSet<(u8, u8)>) -> bool {
    played.iter().any(|(key, velocity)| zone.contains(*key, *velocity))
}
