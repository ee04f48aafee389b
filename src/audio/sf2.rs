//! Builds small .sf2 files in memory for the synthesiser.

use super::bank::{Sample, Tables, Zone, generator};
use std::collections::BTreeMap;

/// Zeros after each sample, as the specification requires (2.04, 6.1): interpolation reads past the
/// end.
const GUARD: usize = 46;

/// Bank of the presets that [cut off](Sf2Writer::chokes) notes and play nothing; those of a
/// SoundFont end at 128. The program is the exclusive class.
pub(super) const CHOKE_BANK: u16 = 129;

/// A sample in the new font.
pub(super) struct PlacedSample {
    pub length: usize,
    pub looped: (i64, i64),
}

/// Assembles an .sf2 file.
#[derive(Default)]
pub(super) struct Sf2Writer {
    data: Vec<u8>,
    /// New number and place of a sample by its old number.
    pub samples: BTreeMap<usize, (usize, PlacedSample)>,
    /// New number of an instrument by its old number.
    pub instruments: BTreeMap<usize, usize>,
    tables: Tables,
    /// Exclusive classes, each with a sample that has it.
    classes: BTreeMap<i16, usize>,
    /// Whether a number did not fit its field.
    overflow: bool,
}

impl Sf2Writer {
    fn fit16(&mut self, number: usize) -> [u8; 2] {
        self.overflow |= number > usize::from(u16::MAX);
        (number as u16).to_le_bytes()
    }

    fn fit32(&mut self, number: usize) -> [u8; 4] {
        self.overflow |= number > i32::MAX as usize;
        (number as u32).to_le_bytes()
    }

    pub fn sample(&mut self, old: usize, sample: &Sample, values: &[i16]) {
        let start = self.data.len() / 2;
        let length = values.len();
        let inside = |point: i64| point.clamp(0, length as i64);
        let looped = (inside(sample.looped.0), inside(sample.looped.1));
        self.data.reserve(2 * (length + GUARD));
        self.data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.data.extend([0; 2 * GUARD]);
        let number = self.samples.len();
        let places = [0, length, looped.0 as usize, looped.1 as usize].map(|place| self.fit32(start + place));
        self.tables.shdr.extend(name(number));
        self.tables.shdr.extend(places.concat());
        self.tables.shdr.extend(sample.rate.to_le_bytes());
        self.tables.shdr.push(sample.pitch);
        self.tables.shdr.extend(sample.correction.to_le_bytes());
        // No link; a mono sample.
        self.tables.shdr.extend([0, 0, 1, 0]);
        self.samples.insert(old, (number, PlacedSample { length, looped }));
    }

    pub fn instrument(&mut self, old: usize, zones: &[(usize, Zone)]) -> usize {
        let number = self.instruments.len();
        self.instruments.insert(old, number);
        self.instrument_head(number);
        // The first zone is an empty global one, since an instrument must not have another global
        // zone.
        self.instrument_bag();
        for (sample, zone) in zones {
            if let Some(class) = zone.get(generator::EXCLUSIVE_CLASS).filter(|class| *class != 0) {
                self.classes.insert(class, *sample);
            }
            self.instrument_bag();
            let target = self.fit16(*sample);
            put_generators(&mut self.tables.igen, zone, generator::SAMPLE_ID, target);
        }
        number
    }

    fn instrument_head(&mut self, number: usize) {
        let bag = self.fit16(self.tables.ibag.len() / 4);
        self.tables.inst.extend(name(number));
        self.tables.inst.extend(bag);
    }

    fn instrument_bag(&mut self) {
        let first = self.fit16(self.tables.igen.len() / 4);
        self.tables.ibag.extend(first);
        self.tables.ibag.extend([0, 0]);
    }

    pub fn preset(&mut self, bank: u16, program: u16, zones: &[(usize, &Zone)]) {
        self.preset_head(bank, program);
        self.preset_bag();
        for (instrument, zone) in zones {
            self.preset_bag();
            let target = self.fit16(*instrument);
            put_generators(&mut self.tables.pgen, zone, generator::INSTRUMENT, target);
        }
    }

    /// Presets that cut off the notes of an exclusive class. Struck at the least velocity, their
    /// own notes are softer than the synthesiser's threshold of silence, and end at once.
    pub fn chokes(&mut self) {
        let own = self.instruments.len();
        for (number, (class, sample)) in std::mem::take(&mut self.classes).into_iter().enumerate() {
            let generators = vec![(generator::EXCLUSIVE_CLASS, class)];
            // Old numbers of instruments are far below these.
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
        let bag = self.fit16(self.tables.pbag.len() / 4);
        self.tables.phdr.extend(name(self.tables.phdr.len() / 38));
        self.tables.phdr.extend(program.to_le_bytes());
        self.tables.phdr.extend(bank.to_le_bytes());
        self.tables.phdr.extend(bag);
        self.tables.phdr.extend([0; 12]);
    }

    fn preset_bag(&mut self) {
        let first = self.fit16(self.tables.pgen.len() / 4);
        self.tables.pbag.extend(first);
        self.tables.pbag.extend([0, 0]);
    }

    /// The file's bytes, or why they cannot be written.
    pub fn finish(mut self) -> std::result::Result<Vec<u8>, String> {
        if self.instruments.is_empty() {
            // No zone is wanted; the synthesiser still requires an instrument.
            self.instrument(0, &[]);
        }
        // Terminal records.
        self.preset_head(0, 0);
        self.preset_bag();
        self.instrument_head(0);
        self.instrument_bag();
        self.tables.pgen.extend([0; 4]);
        self.tables.igen.extend([0; 4]);
        self.tables.shdr.extend([0; 46]);
        if self.samples.is_empty() {
            // Nothing is played; the synthesiser still requires a sample.
            self.data.extend([0; 2 * GUARD]);
            self.tables.shdr.splice(0..0, [0; 46]);
        }
        if self.overflow || self.data.len() > u32::MAX as usize / 2 {
            return Err("more than an .sf2 file can hold".to_owned());
        }
        let version = chunk(b"ifil", &[2, 0, 4, 0]);
        let mut pdta = b"pdta".to_vec();
        for (kind, table) in [
            (b"phdr", &self.tables.phdr),
            (b"pbag", &self.tables.pbag),
            (b"pmod", &vec![0; 10]),
            (b"pgen", &self.tables.pgen),
            (b"inst", &self.tables.inst),
            (b"ibag", &self.tables.ibag),
            (b"imod", &vec![0; 10]),
            (b"igen", &self.tables.igen),
            (b"shdr", &self.tables.shdr),
        ] {
            pdta.extend(chunk(kind, table));
        }
        // The sample data is by far the largest part: it is not copied more often than necessary.
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

/// A name of 20 bytes. Names are for people, and this font is for the synthesiser.
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
