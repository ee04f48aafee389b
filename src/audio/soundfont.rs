//! SoundFonts: .sf2, and .sf3 whose samples are Ogg Vorbis.
//!
//! Loading reads and checks the structure only. When a part is played, the presets, zones and samples that its notes
//! need are put together as a small .sf2 in memory for the synthesiser: of a font of hundreds of megabytes only the few
//! drums that are struck are ever read and decoded. The small .sf2 has nothing in it that was not checked, and none of
//! what the synthesiser stumbles over (unknown chunks, missing padding, instruments without zones).

use super::bank::{self, Bank, Sample, Zone, generator};
use super::sf3;
use crate::error::{Error, Result};
use crate::limits::LARGEST_SOUND_FONT;
use crate::score::Note;
use crate::time::Span;
use sha2::{Digest, Sha256};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Zeros after each sample, as the specification asks (2.04, 6.1): interpolation reads past the end.
const GUARD: usize = 46;

/// Pan from which a zone is audibly aside, in tenths of a percent.
const AUDIBLY_ASIDE: u16 = 100;

/// A SoundFont whose structure has been checked. Can be shared by threads.
#[derive(Debug)]
pub struct SoundFont {
    path: PathBuf,
    file: Mutex<File>,
    bank: Bank,
    /// Hash of what tells this file from others and from what may lie at its path at another time.
    identity: [u8; 32],
    /// What was put together for the synthesiser, the latest last.
    playable: Mutex<Vec<Playable>>,
}

/// Presets put together that are kept, bytes of samples: as much as the kit and the instruments of a few styles take.
const PLAYABLE_LIMIT: usize = 128 << 20;

/// What was put together of a preset.
#[derive(Debug)]
struct Playable {
    bank: u16,
    program: u8,
    played: BTreeSet<(u8, u8)>,
    bytes: usize,
    font: Arc<rustysynth::SoundFont>,
}

/// Bank of the presets that [cut off](Chokes) notes and play nothing; those of a SoundFont end at 128. The program is the
/// exclusive class.
pub(super) const CHOKE_BANK: u16 = 129;

/// Which notes of a preset cut each other off.
#[derive(Debug)]
pub(super) struct Chokes<'a> {
    zones: Vec<(&'a Zone, &'a Zone, i16)>,
}

impl Chokes<'_> {
    /// Exclusive classes of a note, each once. It cuts off a note on its channel that has one of them.
    pub fn classes(&self, key: u8, velocity: u8) -> BTreeSet<i16> {
        let of_note = |zone: &Zone| zone.contains(key, velocity);
        let zones = self.zones.iter().filter(|(p, i, _)| of_note(p) && of_note(i));
        zones.map(|(_, _, class)| *class).collect()
    }
}

impl SoundFont {
    /// Opens a SoundFont, .sf2 or .sf3, and checks its structure. Samples are read when they are played.
    ///
    /// # Errors
    /// [`Error::SoundFontMissing`] when the file is not there, [`Error::SoundFontInvalid`] when it is truncated, damaged,
    /// no SoundFont or larger than [`LARGEST_SOUND_FONT`], [`Error::Input`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Self> {
        let invalid = |reason: String| Error::SoundFontInvalid {
            path: path.to_owned(),
            reason,
        };
        let mut file = File::open(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => Error::SoundFontMissing { path: path.to_owned() },
            _ => Error::input(path)(source),
        })?;
        let about = file.metadata().map_err(Error::input(path))?;
        if !about.is_file() {
            return Err(invalid("it is not a file".to_owned()));
        }
        if about.len() > LARGEST_SOUND_FONT {
            return Err(invalid(format!(
                "it has {} bytes; allowed are {LARGEST_SOUND_FONT}",
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
        let mut identity = Sha256::new();
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        identity.update(format!(
            "{place:?} {} {:?} {bank:?}",
            about.len(),
            about.modified().ok()
        ));
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            bank,
            identity: identity.finalize().into(),
            playable: Mutex::default(),
        })
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

    /// Zones of a preset itself, the first preset of that number.
    fn preset_zones(&self, bank: u16, program: u16) -> impl Iterator<Item = &Zone> {
        self.bank
            .presets
            .iter()
            .find(|preset| (preset.bank, preset.program) == (bank, program))
            .into_iter()
            .flat_map(|preset| &preset.zones)
    }

    /// Zones of a preset: of the preset itself, of the instrument that it plays, and the latter's place.
    fn zones(&self, bank: u16, program: u16) -> impl Iterator<Item = (&Zone, &Zone, (usize, usize))> {
        self.preset_zones(bank, program).flat_map(|preset_zone| {
            let zones = self.bank.instruments.get(preset_zone.target).into_iter().flatten();
            zones
                .zip(0..)
                .map(move |(zone, index)| (preset_zone, zone, (preset_zone.target, index)))
        })
    }

    /// Whether the font itself places any note of these pitches, of whichever velocity, left or right.
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

    /// The longest that a note of a preset is silent before it begins, as its envelope says.
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

    /// Exclusive classes of a preset's zones that have one, by their places, [kept apart](Layers). They do not depend on
    /// which notes are played.
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

    /// Places of the zones that notes need: in the preset, and in the instrument that is played there. Zones of a preset may
    /// share an instrument, as where a soft and a loud layer differ by a filter alone.
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

    /// What the synthesiser needs to play `notes` on a preset, and perhaps others too. How a note sounds does not depend on
    /// the others.
    pub(super) fn for_notes(&self, bank: u16, program: u8, notes: &[Note]) -> Result<Arc<rustysynth::SoundFont>> {
        self.require(bank, program)?;
        let mut played = played(notes);
        {
            // Nothing between two changes that belong together can panic; the same holds below.
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
        // Everything in these bytes has been checked above; should the synthesiser still find a way to panic, a font
        // must not end the caller's process.
        let font = catch_unwind(AssertUnwindSafe(|| rustysynth::SoundFont::new(&mut bytes.as_slice())));
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

    /// The whole font with its samples decoded, as the bytes of an .sf2 file.
    ///
    /// # Errors
    /// [`Error::SoundFontInvalid`] when a sample is damaged, [`Error::Input`] when the file cannot be read.
    pub fn to_sf2(&self) -> Result<Vec<u8>> {
        self.sf2(|_, _| true, |_| true, false)
    }

    fn invalid(&self, reason: String) -> Error {
        Error::SoundFontInvalid {
            path: self.path.clone(),
            reason,
        }
    }

    /// An .sf2 of the presets and zones that are wanted, and if `chokes`, of presets that cut off their notes. Presets
    /// without any wanted zone are in it, and silent.
    fn sf2(&self, preset: impl Fn(u16, u16) -> bool, zone: impl Fn(&Zone) -> bool, chokes: bool) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        // Where two presets have one number, the first is the one that counts.
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
                        let own = self.instrument_zones(preset_zone.target, &zone, &mut writer, &classes)?;
                        writer.instrument(preset_zone.target, &own)
                    }
                };
                zones.push((number, preset_zone));
            }
            writer.preset(wanted.bank, wanted.program, &zones);
        }
        if chokes {
            writer.chokes();
        }
        writer.finish().map_err(|reason| self.invalid(reason))
    }

    fn instrument_zones(
        &self,
        instrument: usize,
        wanted: impl Fn(&Zone) -> bool,
        writer: &mut Writer,
        classes: &BTreeMap<(usize, usize), i16>,
    ) -> Result<Vec<(usize, Zone)>> {
        let zones = self.bank.instruments.get(instrument).map_or(&[][..], Vec::as_slice);
        let mut own = Vec::new();
        for (zone, index) in zones.iter().zip(0..).filter(|(z, _)| wanted(z)) {
            let Some(sample) = self.bank.samples.get(zone.target) else {
                continue; // excluded by the check on loading
            };
            if !writer.samples.contains_key(&zone.target) {
                let values = self.sample(sample).map_err(|error| match error {
                    Error::SoundFontInvalid { path, reason } => Error::SoundFontInvalid {
                        path,
                        reason: format!("sample {}: {reason}", zone.target),
                    },
                    other => other,
                })?;
                writer.sample(zone.target, sample, &values);
            }
            if let Some((number, placed)) = writer.samples.get(&zone.target) {
                let mut zone = at_once(within_sample(zone, placed));
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
        let mut bytes = vec![0; (sample.to - sample.from) as usize];
        {
            // A panic of another thread cannot have left the file in a state that matters: its place is set here.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(self.bank.data.0 + sample.from))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(Error::input(&self.path))?;
        }
        if sample.compressed {
            return sf3::decode(bytes).map_err(|reason| self.invalid(reason));
        }
        let values = bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair));
        Ok(values.collect())
    }
}

/// Keys and velocities of notes.
fn played(notes: &[Note]) -> BTreeSet<(u8, u8)> {
    notes.iter().map(|note| (note.pitch, note.velocity)).collect()
}

fn contains_any(zone: &Zone, played: &BTreeSet<(u8, u8)>) -> bool {
    played.iter().any(|(key, velocity)| zone.contains(*key, *velocity))
}

/// The zone with offsets and loop that lie within its sample: offsets that lead outside are left out, and a loop that is
/// none is not looped.
fn within_sample(zone: &Zone, sample: &Placed) -> Zone {
    use generator::{
        END_COARSE_OFFSET, END_LOOP_COARSE_OFFSET, END_LOOP_OFFSET, END_OFFSET, SAMPLE_MODES, START_COARSE_OFFSET,
        START_LOOP_COARSE_OFFSET, START_LOOP_OFFSET, START_OFFSET,
    };
    let mut zone = zone.clone();
    let offset = |zone: &Zone, fine, coarse| {
        i64::from(zone.get(fine).unwrap_or(0)) + 32_768 * i64::from(zone.get(coarse).unwrap_or(0))
    };
    let length = sample.length as i64;
    let start = offset(&zone, START_OFFSET, START_COARSE_OFFSET);
    let end = length + offset(&zone, END_OFFSET, END_COARSE_OFFSET);
    if !(0 <= start && start < end && end <= length) {
        zone.remove(&[START_OFFSET, START_COARSE_OFFSET, END_OFFSET, END_COARSE_OFFSET]);
    }
    let loop_start = sample.looped.0 + offset(&zone, START_LOOP_OFFSET, START_LOOP_COARSE_OFFSET);
    let loop_end = sample.looped.1 + offset(&zone, END_LOOP_OFFSET, END_LOOP_COARSE_OFFSET);
    if !(0 <= loop_start && loop_start < loop_end && loop_end <= length) {
        zone.remove(&[
            START_LOOP_OFFSET,
            START_LOOP_COARSE_OFFSET,
            END_LOOP_OFFSET,
            END_LOOP_COARSE_OFFSET,
            SAMPLE_MODES,
        ]);
    }
    zone
}

/// Delay of an envelope where a font names none, timecents.
const NO_DELAY: i16 = -12_000;

/// The zone without the default delay of its envelopes.
///
/// Where a font names no delay, the specification gives −12000 timecents, "less than 1 ms" (2.04, 8.1.3). Synthesisers
/// that work in blocks of 64 samples round that to nothing; ours works in finer ones and would begin every note a
/// millisecond late.
fn at_once(mut zone: Zone) -> Zone {
    for delay in [generator::DELAY_VOLUME_ENVELOPE, generator::DELAY_MODULATION_ENVELOPE] {
        if zone.get(delay).unwrap_or(NO_DELAY) <= NO_DELAY {
            zone.set(delay, i16::MIN);
        }
    }
    zone
}

/// Zones of a preset that cut each other off.
///
/// Zones of one exclusive class cut off each other's notes, as a closed hi-hat does an open one. The synthesiser does so
/// even for zones of one note, so that of a hi-hat recorded in stereo only one channel would sound. So the first zones
/// of notes, the second zones and so on become classes of their own.
#[derive(Default)]
struct Layers {
    /// Zones so far, with their class and which of the zones of their notes they are.
    zones: Vec<(i16, i16, Zone)>,
}

impl Layers {
    /// Greater than any class of a font (2.04, 8.1.3: 1 to 127).
    const STRIDE: i16 = 128;

    /// The class of the next zone, if it has one.
    fn class(&mut self, zone: &Zone) -> Option<i16> {
        let class = zone.get(generator::EXCLUSIVE_CLASS).filter(|class| *class != 0)?;
        if !(1..Self::STRIDE).contains(&class) {
            return Some(class);
        }
        let layer = self
            .zones
            .iter()
            .filter(|(other, _, before)| *other == class && before.overlaps(zone))
            .map(|(_, layer, _)| layer + 1)
            .max()
            .unwrap_or(0);
        // More layers than there are classes for are more than anyone hears.
        let layer = layer.min(200);
        self.zones.push((class, layer, zone.clone()));
        Some(class + layer * Self::STRIDE)
    }
}

/// A sample in the new font.
struct Placed {
    length: usize,
    looped: (i64, i64),
}

/// Puts an .sf2 together.
#[derive(Default)]
struct Writer {
    data: Vec<u8>,
    /// New number and place of a sample by its old number.
    samples: BTreeMap<usize, (usize, Placed)>,
    /// New number of an instrument by its old number.
    instruments: BTreeMap<usize, usize>,
    phdr: Vec<u8>,
    pbag: Vec<u8>,
    pgen: Vec<u8>,
    inst: Vec<u8>,
    ibag: Vec<u8>,
    igen: Vec<u8>,
    shdr: Vec<u8>,
    /// Exclusive classes, each with a sample that has it.
    classes: BTreeMap<i16, usize>,
    /// Whether a number did not fit its field.
    overflow: bool,
}

impl Writer {
    fn fit16(&mut self, number: usize) -> [u8; 2] {
        self.overflow |= number > usize::from(u16::MAX);
        (number as u16).to_le_bytes()
    }

    fn fit32(&mut self, number: usize) -> [u8; 4] {
        self.overflow |= number > i32::MAX as usize;
        (number as u32).to_le_bytes()
    }

    fn sample(&mut self, old: usize, sample: &Sample, values: &[i16]) {
        let start = self.data.len() / 2;
        let length = values.len();
        let inside = |point: i64| point.clamp(0, length as i64);
        let looped = (inside(sample.looped.0), inside(sample.looped.1));
        self.data.reserve(2 * (length + GUARD));
        self.data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.data.extend([0; 2 * GUARD]);
        let number = self.samples.len();
        let places = [0, length, looped.0 as usize, looped.1 as usize].map(|place| self.fit32(start + place));
        self.shdr.extend(name(number));
        self.shdr.extend(places.concat());
        self.shdr.extend(sample.rate.to_le_bytes());
        self.shdr.push(sample.pitch);
        self.shdr.extend(sample.correction.to_le_bytes());
        // No link; a mono sample.
        self.shdr.extend([0, 0, 1, 0]);
        self.samples.insert(old, (number, Placed { length, looped }));
    }

    fn instrument(&mut self, old: usize, zones: &[(usize, Zone)]) -> usize {
        let number = self.instruments.len();
        self.instruments.insert(old, number);
        self.instrument_head(number);
        // The first zone is an empty global one: an instrument may have no other.
        self.instrument_bag();
        for (sample, zone) in zones {
            if let Some(class) = zone.get(generator::EXCLUSIVE_CLASS).filter(|class| *class != 0) {
                self.classes.insert(class, *sample);
            }
            self.instrument_bag();
            let target = self.fit16(*sample);
            put_generators(&mut self.igen, zone, generator::SAMPLE_ID, target);
        }
        number
    }

    fn instrument_head(&mut self, number: usize) {
        let bag = self.fit16(self.ibag.len() / 4);
        self.inst.extend(name(number));
        self.inst.extend(bag);
    }

    fn instrument_bag(&mut self) {
        let first = self.fit16(self.igen.len() / 4);
        self.ibag.extend(first);
        self.ibag.extend([0, 0]);
    }

    fn preset(&mut self, bank: u16, program: u16, zones: &[(usize, &Zone)]) {
        self.preset_head(bank, program);
        self.preset_bag();
        for (instrument, zone) in zones {
            self.preset_bag();
            let target = self.fit16(*instrument);
            put_generators(&mut self.pgen, zone, generator::INSTRUMENT, target);
        }
    }

    /// Presets that cut off what has an exclusive class. Struck at the least velocity there is, their notes are softer than
    /// what the synthesiser takes to be heard, and end as they begin.
    fn chokes(&mut self) {
        let own = self.instruments.len();
        for (number, (class, sample)) in std::mem::take(&mut self.classes).into_iter().enumerate() {
            let generators = vec![(generator::EXCLUSIVE_CLASS, class)];
            // Old numbers of instruments end far below these.
            let instrument = self.instrument(usize::MAX - number, &[(sample, Zone { target: 0, generators })]);
            debug_assert_eq!(instrument, own + number);
            let everywhere = Zone {
                target: 0,
                generators: Vec::new(),
            };
            self.preset(CHOKE_BANK, class as u16, &[(instrument, &everywhere)]);
        }
    }

    fn preset_head(&mut self, bank: u16, program: u16) {
        let bag = self.fit16(self.pbag.len() / 4);
        self.phdr.extend(name(self.phdr.len() / 38));
        self.phdr.extend(program.to_le_bytes());
        self.phdr.extend(bank.to_le_bytes());
        self.phdr.extend(bag);
        self.phdr.extend([0; 12]);
    }

    fn preset_bag(&mut self) {
        let first = self.fit16(self.pgen.len() / 4);
        self.pbag.extend(first);
        self.pbag.extend([0, 0]);
    }

    /// The file's bytes, or why they cannot be written.
    fn finish(mut self) -> std::result::Result<Vec<u8>, String> {
        if self.instruments.is_empty() {
            // No zone is wanted; the synthesiser still wants an instrument.
            self.instrument(0, &[]);
        }
        // Terminal records.
        self.preset_head(0, 0);
        self.preset_bag();
        self.instrument_head(0);
        self.instrument_bag();
        self.pgen.extend([0; 4]);
        self.igen.extend([0; 4]);
        self.shdr.extend([0; 46]);
        if self.samples.is_empty() {
            // Nothing is played; the synthesiser still wants a sample to hold on to.
            self.data.extend([0; 2 * GUARD]);
            self.shdr.splice(0..0, [0; 46]);
        }
        if self.overflow || self.data.len() > u32::MAX as usize / 2 {
            return Err("more than an .sf2 file can hold".to_owned());
        }
        let version = chunk(b"ifil", &[2, 0, 4, 0]);
        let mut pdta = b"pdta".to_vec();
        for (kind, table) in [
            (b"phdr", &self.phdr),
            (b"pbag", &self.pbag),
            (b"pmod", &vec![0; 10]),
            (b"pgen", &self.pgen),
            (b"inst", &self.inst),
            (b"ibag", &self.ibag),
            (b"imod", &vec![0; 10]),
            (b"igen", &self.igen),
            (b"shdr", &self.shdr),
        ] {
            pdta.extend(chunk(kind, table));
        }
        // The sample data is much the largest part: it is not copied more often than needed.
        let info = chunk(b"LIST", &[&b"INFO"[..], &version].concat());
        let pdta = chunk(b"LIST", &pdta);
        let sdta = 12 + self.data.len();
        let mut bytes = Vec::with_capacity(12 + info.len() + 8 + sdta + pdta.len());
        bytes.extend(b"RIFF");
        bytes.extend(((4 + info.len() + 8 + sdta + pdta.len()) as u32).to_le_bytes());
        bytes.extend(b"sfbk");
        bytes.extend(info);
        bytes.extend(b"LIST");
        bytes.extend((sdta as u32).to_le_bytes());
        bytes.extend(b"sdtasmpl");
        bytes.extend((self.data.len() as u32).to_le_bytes());
        bytes.append(&mut self.data);
        bytes.extend(pdta);
        Ok(bytes)
    }
}

/// A name of 20 bytes; names are for people, and this font is for the synthesiser.
fn name(number: usize) -> [u8; 20] {
    let mut bytes = [0; 20];
    let text = number.to_string();
    for (byte, letter) in bytes.iter_mut().zip(text.bytes()) {
        *byte = letter;
    }
    bytes
}

fn put_generators(table: &mut Vec<u8>, zone: &Zone, target: u16, number: [u8; 2]) {
    // Key range first, then velocity range, the target last (8.1.2).
    let order = |g: u16| match g {
        generator::KEY_RANGE => 0,
        generator::VELOCITY_RANGE => 1,
        _ => 2,
    };
    let mut generators = zone.generators.clone();
    generators.sort_by_key(|(g, _)| order(*g));
    for (g, value) in generators {
        table.extend(g.to_le_bytes());
        table.extend(value.to_le_bytes());
    }
    table.extend(target.to_le_bytes());
    table.extend(number);
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    if body.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}
