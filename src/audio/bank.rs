//! The structure of a SoundFont file: presets, instruments, zones and sample headers, checked.
//!
//! Written from the SoundFont Technical Specification 2.04. Files are untrusted, so every size and
//! every index is checked here before the synthesiser, which does not check indices, uses them.
//! Zones whose sample or instrument cannot be used are left out, so that they are silent and the
//! rest of the font plays. Modulators are not read, because the synthesiser does not support them.
//! An .sf3 file has the same structure with three differences: samples are Ogg Vorbis streams, a
//! compressed sample's start and end are bytes and its loop points are counted from its own start,
//! and chunks of odd size are not always padded.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};

/// Generators that are evaluated here (SoundFont 2.04, 8.1.2).
pub(super) mod generator {
    pub const START_OFFSET: u16 = 0;
    pub const END_OFFSET: u16 = 1;
    pub const START_LOOP_OFFSET: u16 = 2;
    pub const END_LOOP_OFFSET: u16 = 3;
    pub const START_COARSE_OFFSET: u16 = 4;
    pub const END_COARSE_OFFSET: u16 = 12;
    pub const FILTER_CUTOFF: u16 = 8;
    pub const CHORUS_SEND: u16 = 15;
    pub const REVERB_SEND: u16 = 16;
    pub const PAN: u16 = 17;
    pub const DELAY_MODULATION_ENVELOPE: u16 = 25;
    pub const DELAY_VOLUME_ENVELOPE: u16 = 33;
    pub const INSTRUMENT: u16 = 41;
    pub const KEY_RANGE: u16 = 43;
    pub const VELOCITY_RANGE: u16 = 44;
    pub const START_LOOP_COARSE_OFFSET: u16 = 45;
    pub const INITIAL_ATTENUATION: u16 = 48;
    pub const END_LOOP_COARSE_OFFSET: u16 = 50;
    pub const FINE_TUNE: u16 = 52;
    pub const SAMPLE_ID: u16 = 53;
    pub const SAMPLE_MODES: u16 = 54;
    pub const EXCLUSIVE_CLASS: u16 = 57;
    /// First undefined number.
    pub const END: u16 = 61;
}

/// Bit of a sample's type that marks it as compressed (.sf3).
const COMPRESSED: u16 = 0x10;

/// Bit of a sample's type that places it in a sound card's ROM.
const IN_ROM: u16 = 0x8000;

/// Accepted sample rates, hertz: the specification's minimum, and twice the highest in use.
const RATES: std::ops::RangeInclusive<u32> = 400..=192_000;

/// The contents of a SoundFont, apart from the sample data itself.
#[derive(Debug)]
pub(super) struct Bank {
    pub presets: Vec<Preset>,
    pub instruments: Vec<Vec<Zone>>,
    pub samples: Vec<Sample>,
    /// Where the sample data begins in the file, and its length in bytes.
    pub data: (u64, u64),
    /// The zones that were left out.
    pub left_out: LeftOut,
    /// Samples that extended beyond the data and now end with it.
    pub cut: usize,
}

/// Zones that were left out because their target cannot be played.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Number of these zones.
    pub zones: usize,
    /// The fault of the first of them.
    pub reason: String,
}

impl LeftOut {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        if self.zones == 0 {
            self.reason = reason();
        }
        self.zones += 1;
    }
}

/// A preset: one or several layered instruments, under a bank and program number.
#[derive(Debug)]
pub(super) struct Preset {
    pub bank: u16,
    pub program: u16,
    /// Each zone's target is an index into [`Bank::instruments`].
    pub zones: Vec<Zone>,
}

/// A region of keys and velocities with its parameters; those of the global zone are already
/// included.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    /// Instrument or sample that is played.
    pub target: usize,
    /// Other parameters by generator number, each number once.
    pub generators: Vec<(u16, i16)>,
}

impl Zone {
    pub fn get(&self, generator: u16) -> Option<i16> {
        self.generators.iter().find(|(g, _)| *g == generator).map(|(_, v)| *v)
    }

    pub fn set(&mut self, generator: u16, value: i16) {
        self.remove(&[generator]);
        self.generators.push((generator, value));
    }

    /// Adds to a parameter that is 0 if it is not given, as those of presets are.
    pub fn add(&mut self, generator: u16, value: i16) {
        self.set(generator, self.get(generator).unwrap_or(0).saturating_add(value));
    }

    pub fn remove(&mut self, generators: &[u16]) {
        self.generators.retain(|(g, _)| !generators.contains(g));
    }

    /// Lowest and highest key, or velocity, for which the zone sounds.
    fn range(&self, generator: u16) -> (u8, u8) {
        let [least, most] = self.get(generator).unwrap_or(0x7f00).to_le_bytes();
        (least, most)
    }

    /// Keys for which the zone sounds.
    pub fn keys(&self) -> std::ops::RangeInclusive<u8> {
        let (least, most) = self.range(generator::KEY_RANGE);
        least..=most
    }

    /// Velocities for which the zone sounds.
    pub fn velocities(&self) -> std::ops::RangeInclusive<u8> {
        let (least, most) = self.range(generator::VELOCITY_RANGE);
        least..=most
    }

    /// Whether the zone sounds for a key struck at a velocity.
    pub fn contains(&self, key: u8, velocity: u8) -> bool {
        let within = |generator, value| {
            let (least, most) = self.range(generator);
            (least..=most).contains(&value)
        };
        within(generator::KEY_RANGE, key) && within(generator::VELOCITY_RANGE, velocity)
    }

    /// Whether there is a note that both zones sound for.
    pub fn overlaps(&self, other: &Self) -> bool {
        [generator::KEY_RANGE, generator::VELOCITY_RANGE]
            .iter()
            .all(|generator| {
                let (a, b) = (self.range(*generator), other.range(*generator));
                a.0 <= b.1 && b.0 <= a.1
            })
    }
}

/// A sample header.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// First byte of the sample, from the start of the sample data.
    pub from: u64,
    /// Byte after the last one.
    pub to: u64,
    /// Loop in samples from the sample's own start; not yet known to lie within it.
    pub looped: (i64, i64),
    pub rate: u32,
    /// Whether its values are in a sound card's ROM, where nothing can be read.
    pub in_rom: bool,
    pub pitch: u8,
    pub correction: i8,
    /// Whether the bytes are an Ogg Vorbis stream rather than 16-bit numbers.
    pub compressed: bool,
}

/// Reads and checks the structure of a SoundFont of `length` bytes.
///
/// # Errors
/// A description of the fault that can follow "cannot be read as a SoundFont: ".
pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Bank, String> {
    let mut head = [0; 12];
    if length < head.len() as u64 {
        return Err(match length {
            0 => "the file is empty".to_owned(),
            _ => format!(
                "it has {length} bytes; the head of a SoundFont alone has {}",
                head.len()
            ),
        });
    }
    read_at(file, 0, &mut head, "the file's head")?;
    if &head[..4] != b"RIFF" || &head[8..] != b"sfbk" {
        return Err(another_kind(&head).to_owned());
    }
    let stated = u64::from(le32(&head, 4)) + 8;
    if stated > length {
        return Err(format!("truncated: {length} bytes of {stated}"));
    }
    let mut version = None;
    let mut data = None;
    let mut tables = Tables::default();
    for list in chunks(file, 12, stated)? {
        if &list.name != b"LIST" || list.size < 4 {
            continue;
        }
        let mut kind = [0; 4];
        read_at(file, list.body, &mut kind, "a list")?;
        for chunk in chunks(file, list.body + 4, list.body + list.size)? {
            match (&kind, &chunk.name) {
                (b"INFO", b"ifil") => version = Some(le16(&chunk.read(file)?, 0)),
                (b"sdta", b"smpl") => data = Some((chunk.body, chunk.size)),
                (b"pdta", name) => tables.put(name, chunk.read(file)?),
                _ => {}
            }
        }
    }
    let version = version.ok_or("its version (ifil) is missing")?;
    let data = data.ok_or("its sample data (smpl) is missing")?;
    tables.parse(version, data)
}

/// The kind of a file that does not begin like a SoundFont.
fn another_kind(head: &[u8; 12]) -> &'static str {
    let (riff, kind) = (&head[..4], &head[8..]);
    match (riff, kind) {
        (b"RIFF", b"DLS ") => "it is a DLS bank; an .sf2 or .sf3 file is needed",
        (b"RIFF", b"sfpk") => "it is a compressed SoundFont (SF2Pack); unpack it to .sf2 first",
        (b"RIFF", b"WAVE") => "it is a WAV file; an .sf2 or .sf3 file is needed",
        (b"vers", _) if head == b"version http" => {
            "it is a Git LFS pointer, not the file itself; `git lfs pull` fetches the file"
        }
        ([b'P', b'K', 3, 4] | [0x1f, 0x8b, ..] | [b'7', b'z', 0xbc, 0xaf] | b"Rar!" | [0xfd, b'7', b'z', b'X'], _) => {
            "it is a compressed archive; unpack it first"
        }
        _ => "it does not begin with RIFF and sfbk",
    }
}

struct RiffChunk {
    name: [u8; 4],
    body: u64,
    size: u64,
}

impl RiffChunk {
    fn read(&self, file: &mut (impl Read + Seek)) -> Result<Vec<u8>, String> {
        // The size has been checked against the file's length.
        let mut bytes = vec![0; self.size as usize];
        read_at(file, self.body, &mut bytes, &String::from_utf8_lossy(&self.name))?;
        Ok(bytes)
    }
}

/// The chunks between two offsets of the file.
fn chunks(file: &mut (impl Read + Seek), mut at: u64, end: u64) -> Result<Vec<RiffChunk>, String> {
    let mut found = Vec::new();
    while at + 8 <= end {
        let mut head = [0; 8];
        read_at(file, at, &mut head, "a chunk's head")?;
        let mut name = [0; 4];
        name.copy_from_slice(&head[..4]);
        let size = u64::from(le32(&head, 4));
        let body = at + 8;
        if size > end - body {
            return Err(format!(
                "truncated: chunk '{}' at byte {at} has {size} bytes, {} are left",
                name.escape_ascii(),
                end - body
            ));
        }
        found.push(RiffChunk { name, body, size });
        at = body + size;
        // Names do not begin with a zero, so a zero here is the padding of an odd size.
        if size % 2 == 1 && at < end {
            let mut byte = [0];
            read_at(file, at, &mut byte, "a chunk's padding")?;
            at += u64::from(byte[0] == 0);
        }
    }
    Ok(found)
}

fn read_at(file: &mut (impl Read + Seek), at: u64, into: &mut [u8], what: &str) -> Result<(), String> {
    file.seek(SeekFrom::Start(at))
        .and_then(|_| file.read_exact(into))
        .map_err(|error| format!("{what} at byte {at}: {error}"))
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(&[a, b]) => u16::from_le_bytes([a, b]),
        _ => 0,
    }
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from(le16(bytes, at)) | u32::from(le16(bytes, at + 2)) << 16
}

/// The chunks of the pdta list ("the HYDRA") that are read and written, as bytes.
#[derive(Default)]
pub(super) struct Tables {
    pub phdr: Vec<u8>,
    pub pbag: Vec<u8>,
    pub pgen: Vec<u8>,
    pub inst: Vec<u8>,
    pub ibag: Vec<u8>,
    pub igen: Vec<u8>,
    pub shdr: Vec<u8>,
}

/// The records of a table without its terminal record, which only marks the end.
fn records<'a>(table: &'a [u8], name: &str, size: usize) -> Result<Vec<&'a [u8]>, String> {
    if table.len() < size || !table.len().is_multiple_of(size) {
        return Err(format!(
            "its {name} table has {} bytes; a multiple of {size} is needed",
            table.len()
        ));
    }
    Ok(table.chunks_exact(size).collect())
}

impl Tables {
    fn put(&mut self, name: &[u8; 4], bytes: Vec<u8>) {
        match name {
            b"phdr" => self.phdr = bytes,
            b"pbag" => self.pbag = bytes,
            b"pgen" => self.pgen = bytes,
            b"inst" => self.inst = bytes,
            b"ibag" => self.ibag = bytes,
            b"igen" => self.igen = bytes,
            b"shdr" => self.shdr = bytes,
            _ => {}
        }
    }

    fn parse(&self, version: u16, data: (u64, u64)) -> Result<Bank, String> {
        let presets = records(&self.phdr, "phdr", 38)?;
        let instruments = records(&self.inst, "inst", 22)?;
        let headers = records(&self.shdr, "shdr", 46)?;
        let preset_bags = Bags::new(&self.pbag, &self.pgen, "p")?;
        let instrument_bags = Bags::new(&self.ibag, &self.igen, "i")?;

        let mut samples: Vec<Sample> = headers[..headers.len() - 1]
            .iter()
            .map(|h| sample(h, version))
            .collect();
        let cut = cut_off(&mut samples, data.1);
        let mut left_out = LeftOut::default();
        let instruments = instruments
            .windows(2)
            .enumerate()
            .map(|(index, pair)| {
                let mut zones = instrument_bags.zones(le16(pair[0], 20), le16(pair[1], 20), generator::SAMPLE_ID)?;
                zones.retain(|zone| match fault(samples.get(zone.target), data.1) {
                    None => true,
                    Some(fault) => {
                        left_out.add(|| format!("instrument {index} plays sample {}, {fault}", zone.target));
                        false
                    }
                });
                Ok(zones)
            })
            .collect::<Result<Vec<_>, String>>()?;
        let presets = presets
            .windows(2)
            .enumerate()
            .map(|(index, pair)| {
                let mut zones = preset_bags.zones(le16(pair[0], 24), le16(pair[1], 24), generator::INSTRUMENT)?;
                zones.retain(|zone| {
                    let there = zone.target < instruments.len();
                    if !there {
                        let count = instruments.len();
                        left_out.add(|| format!("preset {index} plays instrument {} of {count}", zone.target));
                    }
                    there
                });
                Ok(Preset {
                    program: le16(pair[0], 20),
                    bank: le16(pair[0], 22),
                    zones,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        if presets.is_empty() {
            return Err("it has no presets".to_owned());
        }
        // A font for a sound card is valid, but silent here.
        let for_a_card = samples.iter().any(|sample| sample.in_rom);
        let mut targets = presets.iter().flat_map(|preset| &preset.zones);
        let silent = targets.all(|zone| instruments.get(zone.target).is_none_or(Vec::is_empty));
        if silent && !for_a_card {
            return Err(match left_out.zones {
                0 => "its presets play no samples".to_owned(),
                _ => format!("it has no sample that can be played: {}", left_out.reason),
            });
        }
        Ok(Bank {
            presets,
            instruments,
            samples,
            data,
            left_out,
            cut,
        })
    }
}

/// The zones of all presets, or of all instruments.
struct Bags<'a> {
    bags: Vec<&'a [u8]>,
    generators: Vec<&'a [u8]>,
    kind: &'static str,
}

impl<'a> Bags<'a> {
    fn new(bags: &'a [u8], generators: &'a [u8], kind: &'static str) -> Result<Self, String> {
        Ok(Self {
            bags: records(bags, &format!("{kind}bag"), 4)?,
            generators: records(generators, &format!("{kind}gen"), 4)?,
            kind,
        })
    }

    /// The zones `first..last`, with the global zone's parameters in each, without those that play
    /// nothing.
    fn zones(&self, first: u16, last: u16, target: u16) -> Result<Vec<Zone>, String> {
        let (first, last) = (usize::from(first), usize::from(last));
        if first > last || last >= self.bags.len() {
            return Err(format!(
                "its {}bag zones {first} to {last} are out of range; it has {}",
                self.kind,
                self.bags.len().saturating_sub(1)
            ));
        }
        let mut global: Vec<(u16, i16)> = Vec::new();
        let mut zones = Vec::new();
        for index in first..last {
            let (from, to) = (
                usize::from(le16(self.bags[index], 0)),
                usize::from(le16(self.bags[index + 1], 0)),
            );
            let own = self.generators.get(from..to).ok_or_else(|| {
                format!(
                    "its {}gen entries {from} to {to} are out of range; it has {}",
                    self.kind,
                    self.generators.len()
                )
            })?;
            let mut generators = if index == first { Vec::new() } else { global.clone() };
            let mut played = None;
            for entry in own {
                let (number, value) = (le16(entry, 0), le16(entry, 2));
                if number == target {
                    // Generators after the target must be ignored (8.1.2).
                    played = Some(usize::from(value));
                    break;
                }
                if number >= generator::END {
                    continue;
                }
                generators.retain(|(g, _)| *g != number);
                generators.push((number, value as i16));
            }
            match played {
                Some(target) => zones.push(Zone { target, generators }),
                // Only the first zone may be global; others without a target must be ignored (7.3,
                // 7.7).
                None if index == first => global = generators,
                None => {}
            }
        }
        Ok(zones)
    }
}

fn sample(header: &[u8], version: u16) -> Sample {
    let [start, end, loop_start, loop_end, rate] = [20, 24, 28, 32, 36].map(|at| u64::from(le32(header, at)));
    let kind = le16(header, 44);
    let compressed = version >= 3 && kind & COMPRESSED != 0;
    let (unit, base) = if compressed { (1, 0) } else { (2, start as i64) };
    Sample {
        from: start * unit,
        to: end * unit,
        looped: (loop_start as i64 - base, loop_end as i64 - base),
        rate: rate as u32,
        in_rom: kind & IN_ROM != 0,
        pitch: header.get(40).copied().unwrap_or(60),
        correction: header.get(41).copied().unwrap_or(0) as i8,
        compressed,
    }
}

/// Ends samples that extend beyond the data where the next sample begins, or else with the data;
/// returns how many. Streams stay unchanged, since they cannot be decoded without their ends.
fn cut_off(samples: &mut [Sample], data: u64) -> usize {
    let starts: BTreeSet<u64> = samples.iter().map(|sample| sample.from).collect();
    let beyond = |sample: &&mut Sample| {
        !sample.compressed && !sample.in_rom && sample.from < data && sample.from < sample.to && sample.to > data
    };
    let mut cut = 0;
    for sample in samples.iter_mut().filter(beyond) {
        let next = starts.range(sample.from + 1..).next().copied().unwrap_or(data);
        // A value has two bytes.
        sample.to = next.min(data) & !1;
        cut += usize::from(sample.from < sample.to);
    }
    cut
}

/// Why a sample cannot be played; `None` if it can.
fn fault(sample: Option<&Sample>, data: u64) -> Option<String> {
    let Some(sample) = sample else {
        return Some("which does not exist".to_owned());
    };
    if sample.in_rom {
        return Some("which is in a sound card's ROM".to_owned());
    }
    if sample.from >= sample.to {
        return Some("which is empty".to_owned());
    }
    if sample.to > data {
        return Some(format!(
            "which lies at bytes {} to {} of {data}",
            sample.from, sample.to
        ));
    }
    if !RATES.contains(&sample.rate) {
        return Some(format!(
            "whose rate is {} Hz; expected {} to {} Hz",
            sample.rate,
            RATES.start(),
            RATES.end()
        ));
    }
    None
}
