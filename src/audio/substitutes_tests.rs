//! Small fonts made by hand, each of which lacks something.

use super::*;
use crate::audio::bank::Zone as FontZone;
use crate::audio::{AudioBuffer, Synthesis, render_part};
use crate::error::Error;
use crate::progress::Monitor;
use crate::time::{Instant, Rate, TempoMap, TempoPoint, Tick};
use std::sync::Arc;

/// Values of each sample, and of the data after it that belongs to no sample.
const LENGTH: u32 = 600;
const GUARD: u32 = 46;

/// Header of a sample.
#[derive(Clone, Copy)]
struct Header {
    from: u32,
    to: u32,
    looped: (u32, u32),
    rate: u32,
    kind: u16,
}

/// A good sample, number `index` of the data.
fn good(index: u32) -> Header {
    let from = index * (LENGTH + GUARD);
    Header {
        from,
        to: from + LENGTH,
        looped: (from + 8, from + LENGTH - 8),
        rate: 44_100,
        kind: 1,
    }
}

/// Least and most key, least and most velocity, sample.
type Zone = ([u8; 2], [u8; 2], u16);

const ALL: [u8; 2] = [0, 127];

/// Bank, program and instrument.
type Numbers = (u16, u16, u16);

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [
        &name[..],
        &(body.len() as u32).to_le_bytes(),
        body,
        &vec![0; body.len() % 2],
    ]
    .concat()
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A font of these presets, instruments and samples; its data is a plateau for each sample.
fn bytes(presets: &[Numbers], instruments: &[&[Zone]], samples: &[Header]) -> Vec<u8> {
    let name = [0; 20];
    let (mut phdr, mut pbag, mut pgen) = (vec![], vec![], vec![]);
    for (index, (bank, program, instrument)) in (0..).zip(presets) {
        phdr.extend([&name[..], &words(&[*program, *bank, index]), &[0; 12]].concat());
        pbag.extend(words(&[index, 0]));
        pgen.extend(words(&[41, *instrument]));
    }
    let count = presets.len() as u16;
    phdr.extend([&name[..], &words(&[0, 0, count]), &[0; 12]].concat());
    pbag.extend(words(&[count, 0]));
    pgen.extend([0; 4]);
    let (mut inst, mut ibag, mut igen) = (vec![], vec![], vec![]);
    for zones in instruments {
        inst.extend([&name[..], &words(&[ibag.len() as u16 / 4])].concat());
        for (keys, velocities, sample) in *zones {
            ibag.extend(words(&[igen.len() as u16 / 4, 0]));
            let range = |of: &[u8; 2]| u16::from_le_bytes(*of);
            igen.extend(words(&[43, range(keys), 44, range(velocities), 54, 1, 53, *sample]));
        }
    }
    inst.extend([&name[..], &words(&[ibag.len() as u16 / 4])].concat());
    ibag.extend(words(&[igen.len() as u16 / 4, 0]));
    igen.extend([0; 4]);
    let mut shdr = vec![];
    for sample in samples {
        shdr.extend(name);
        for value in [sample.from, sample.to, sample.looped.0, sample.looped.1, sample.rate] {
            shdr.extend(value.to_le_bytes());
        }
        shdr.extend([60, 0, 0, 0]);
        shdr.extend(sample.kind.to_le_bytes());
    }
    shdr.extend([0; 46]);
    let plateau = [vec![0x40; 2 * LENGTH as usize], vec![0; 2 * GUARD as usize]].concat();
    let data = plateau.repeat(samples.len());
    let tables = [
        (b"phdr", &phdr),
        (b"pbag", &pbag),
        (b"pmod", &vec![0; 10]),
        (b"pgen", &pgen),
        (b"inst", &inst),
        (b"ibag", &ibag),
        (b"imod", &vec![0; 10]),
        (b"igen", &igen),
        (b"shdr", &shdr),
    ];
    let tables = tables.map(|(name, table)| chunk(name, table)).concat();
    let list = |kind: &[u8; 4], body: Vec<u8>| chunk(b"LIST", &[&kind[..], &body].concat());
    let body = [
        b"sfbk".to_vec(),
        list(b"INFO", chunk(b"ifil", &[2, 0, 1, 0])),
        list(b"sdta", chunk(b"smpl", &data)),
        list(b"pdta", tables),
    ];
    chunk(b"RIFF", &body.concat())
}

/// The font is read when it is loaded and when it is played: the folder must exist until then.
fn load(folder: &tempfile::TempDir, bytes: &[u8]) -> Result<SoundFont> {
    let path = folder.path().join("font.sf2");
    std::fs::write(&path, bytes).expect("written");
    SoundFont::load(&path)
}

/// A font whose presets all play one good sample for all notes.
fn font(folder: &tempfile::TempDir, presets: &[(u16, u16)]) -> SoundFont {
    let presets: Vec<Numbers> = presets.iter().map(|(bank, program)| (*bank, *program, 0)).collect();
    load(folder, &bytes(&presets, &[&[(ALL, ALL, 0)]], &[good(0)])).expect("a font")
}

fn shipped() -> Option<Arc<SoundFont>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/kinescore-gm.sf3");
    Some(Arc::new(SoundFont::load(&path).expect("the font that ships")))
}

fn part(name: &str, bank: u16, program: u8, notes: &[(u8, u8)]) -> Part {
    let note = |(index, (pitch, velocity)): (u32, &(u8, u8))| Note {
        onset: Tick(index * 60),
        ticks: 60,
        pitch: *pitch,
        velocity: *velocity,
    };
    Part {
        name: name.to_owned(),
        channel: if bank == DRUM_BANK { 9 } else { 0 },
        bank,
        program,
        volume: 0.0,
        pan: 0.0,
        notes: (0..).zip(notes).map(note).collect(),
    }
}

/// Which preset of which font plays which pitches.
fn played<'a>(font: &SoundFont, part: &Part) -> Vec<(&'a str, u16, u8, Vec<u8>)> {
    let parts = std::slice::from_ref(part);
    let assigned = font.assign(parts).expect("something plays it");
    let describe = |own: &Assigned<'_>| {
        let name = if std::ptr::eq(own.font, font) { "own" } else { "shipped" };
        let pitches = own.part.notes.iter().map(|note| note.pitch).collect();
        (name, own.part.bank, own.part.program, pitches)
    };
    assigned.iter().map(describe).collect()
}

#[test]
fn a_kit_stands_in_for_another() {
    let folder = tempfile::tempdir().expect("folder");
    let drums = part("drums", 128, 8, &[(36, 90), (42, 50)]);
    for (kits, expected) in [
        (&[(128, 0), (128, 8)][..], ("own", 8)),
        (&[(128, 25), (128, 0)], ("own", 0)),
        (&[(128, 40), (128, 25)], ("own", 25)),
        (&[(0, 0), (127, 0)], ("shipped", 8)),
        (&[(128, 300)], ("shipped", 8)),
    ] {
        let font = font(&folder, kits).with_fallback(shipped());
        let (name, program) = expected;
        assert_eq!(played(&font, &drums), [(name, 128, program, vec![36, 42])], "{kits:?}");
    }
}

#[test]
fn a_program_of_the_family_stands_in_for_another() {
    let folder = tempfile::tempdir().expect("folder");
    for (programs, asked, expected) in [
        (&[33, 34][..], 33, ("own", 33)),
        (&[0, 34, 39], 33, ("own", 34)),
        (&[32, 34], 33, ("own", 32)),
        (&[0, 31, 40], 33, ("shipped", 33)),
        (&[0, 24, 32], 4, ("own", 0)),
        (&[0, 24, 32], 29, ("own", 24)),
    ] {
        let presets: Vec<(u16, u16)> = programs.iter().map(|program| (0, *program)).collect();
        let font = font(&folder, &presets).with_fallback(shipped());
        let (name, program) = expected;
        let line = part("line", 0, asked, &[(40, 90)]);
        assert_eq!(
            played(&font, &line),
            [(name, 0, program, vec![40])],
            "{programs:?} {asked}"
        );
    }
}

#[test]
fn only_presets_that_are_played_are_needed() {
    let folder = tempfile::tempdir().expect("folder");
    let font = font(&folder, &[(128, 0)]);
    let drums = part("drums", 128, 0, &[(36, 90)]);
    let silent = part("piano", 0, 4, &[]);
    assert_eq!(font.assign(&[drums.clone(), silent]).expect("drums").len(), 1);
    let error = font
        .assign(&[drums, part("piano", 0, 4, &[(60, 90)])])
        .expect_err("no piano");
    assert!(
        matches!(
            error,
            Error::PresetMissing {
                bank: 0,
                program: 4,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn drums_that_a_kit_lacks_are_played_by_another() {
    let folder = tempfile::tempdir().expect("folder");
    // A kick alone; a snare without soft hits; a closed hi-hat without an open one.
    let zones: &[Zone] = &[([35, 36], ALL, 0), ([38, 38], [64, 127], 0), ([42, 42], ALL, 0)];
    let font = load(&folder, &bytes(&[(128, 0, 0)], &[zones], &[good(0)])).expect("a font");
    let font = font.with_fallback(shipped());
    let drums = |notes| part("drums", 128, 0, notes);
    let own = |pitches| ("own", 128, 0, pitches);
    let shipped = |pitches| ("shipped", 128, 0, pitches);
    assert_eq!(
        played(&font, &drums(&[(36, 90), (38, 90), (42, 9)])),
        [own(vec![36, 38, 42])]
    );
    assert_eq!(
        played(&font, &drums(&[(36, 90), (38, 90), (38, 30), (49, 90), (36, 50)])),
        [own(vec![36, 36]), shipped(vec![38, 38, 49])]
    );
    assert_eq!(
        played(&font, &drums(&[(42, 90), (36, 90), (46, 90)])),
        [shipped(vec![42, 46]), own(vec![36])],
        "an open hi-hat is cut off by the closed one of its own kit"
    );
}

#[test]
fn each_replacement_is_reported_once_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let font = font(&folder, &[(128, 0)]).with_fallback(shipped());
    let (drums, bass) = (part("drums", 128, 8, &[(36, 90)]), part("bass", 0, 33, &[(36, 90)]));
    let reported = |part: &Part| {
        let preset = font.presets_for(part)[0];
        font.replacement(part, preset, None)
    };
    assert_eq!(reported(&drums), "drums (kit 8) by kit 0");
    assert_eq!(reported(&bass), "bass (program 33) by program 33 of kinescore-gm.sf3");
    let preset = font.presets_for(&drums)[0];
    let some = font.replacement(&drums, preset, Some(&drums.notes));
    assert_eq!(some, "drums (kit 8), notes 36, by kit 0");
    font.assign(&[drums.clone(), bass.clone()]).expect("both");
    assert_eq!(
        font.news(vec![reported(&drums), reported(&bass), "new".to_owned()]),
        ["new"]
    );
}

#[test]
fn a_bad_sample_silences_its_zone_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let zones: &[Zone] = &[([36, 36], ALL, 0), ([38, 38], ALL, 1)];
    let file = |bad| bytes(&[(128, 0, 0)], &[zones], &[bad, good(1)]);
    let end = 2 * (LENGTH + GUARD);
    let bad = [
        ("empty", Header { to: 0, ..good(0) }),
        (
            "from its end to its start",
            Header {
                from: 90,
                to: 40,
                ..good(0)
            },
        ),
        (
            "outside the data",
            Header {
                from: end,
                to: end + 9,
                ..good(0)
            },
        ),
        ("at no rate", Header { rate: 0, ..good(0) }),
    ];
    for (what, bad) in bad {
        let font = load(&folder, &file(bad)).expect(what);
        assert!(!font.plays(128, 0, 36, 90) && font.plays(128, 0, 38, 90), "{what}");
        assert!(loudest(&font, &part("drums", 128, 0, &[(36, 90)])) == 0.0, "{what}");
        assert!(loudest(&font, &part("drums", 128, 0, &[(38, 90)])) > 0.01, "{what}");
        // A drum that is silent in one kit is played by another.
        let font = font.with_fallback(shipped());
        assert!(loudest(&font, &part("drums", 128, 0, &[(36, 90)])) > 0.01, "{what}");
        let none = load(&folder, &bytes(&[(128, 0, 0)], &[zones], &[bad, bad])).expect_err(what);
        let text = none.to_string();
        assert!(
            text.contains("it has no sample that can be played: instrument 0 plays sample 0"),
            "{text}"
        );
    }
    let zones: &[Zone] = &[(ALL, ALL, 7), ([38, 38], ALL, 1)];
    let font = load(&folder, &bytes(&[(128, 0, 0)], &[zones], &[good(0), good(1)])).expect("no such sample");
    assert!(!font.plays(128, 0, 36, 90) && font.plays(128, 0, 38, 90));
}

#[test]
fn a_font_whose_samples_are_all_in_rom_is_silent() {
    let folder = tempfile::tempdir().expect("folder");
    let in_rom = Header {
        kind: 0x8001,
        ..good(0)
    };
    let zones: &[Zone] = &[(ALL, ALL, 0)];
    let font = load(&folder, &bytes(&[(128, 0, 0), (0, 33, 0)], &[zones], &[in_rom])).expect("a font");
    let drums = part("drums", 128, 0, &[(36, 90)]);
    assert_eq!(font.bank().left_out.zones, 1);
    assert_eq!(loudest(&font, &drums), 0.0);
    let font = font.with_fallback(shipped());
    assert_eq!(played(&font, &drums), [("shipped", 128, 0, vec![36])]);
    assert_eq!(
        played(&font, &part("bass", 0, 33, &[(40, 90)])),
        [("shipped", 0, 33, vec![40])]
    );
}

#[test]
fn a_sample_that_extends_beyond_the_data_ends_where_the_next_begins() {
    let folder = tempfile::tempdir().expect("folder");
    let long = |index: u32, to: u32| Header { to, ..good(index) };
    let (next, end) = (u64::from(LENGTH + GUARD), u64::from(2 * (LENGTH + GUARD)));
    for (headers, expected) in [
        // Values to bytes.
        ([long(0, 500_000), long(1, 500_000)], [2 * next, 2 * end]),
        ([good(0), long(1, end as u32 + 1)], [2 * u64::from(LENGTH), 2 * end]),
        ([long(0, u32::MAX), good(1)], [2 * next, 2 * (next + u64::from(LENGTH))]),
    ] {
        let zones: &[Zone] = &[([36, 36], ALL, 0), ([38, 38], ALL, 1)];
        let font = load(&folder, &bytes(&[(128, 0, 0)], &[zones], &headers)).expect("a font");
        let bank = font.bank();
        assert_eq!([0, 1].map(|index| bank.samples[index].to), expected);
        assert_eq!(bank.left_out.zones, 0);
        let too_long = headers.iter().filter(|header| u64::from(header.to) > end).count();
        assert_eq!(bank.cut, too_long);
        for pitch in [36, 38] {
            assert!(loudest(&font, &part("drums", 128, 0, &[(pitch, 90)])) > 0.01, "{pitch}");
        }
    }
}

/// The font that ships with the streams of some samples damaged.
fn damaged(folder: &tempfile::TempDir, samples: impl Fn(usize) -> bool) -> Result<SoundFont> {
    let whole = shipped().expect("the font that ships");
    let bank = whole.bank();
    let mut bytes = std::fs::read(whole.path()).expect("read");
    for (_, sample) in bank.samples.iter().enumerate().filter(|(index, _)| samples(*index)) {
        let (from, to) = (bank.data.0 + sample.from, bank.data.0 + sample.to);
        // Past the first page, whose damage would change the kind of the stream.
        bytes[from as usize + 200..to as usize].fill(0);
    }
    load(folder, &bytes)
}

#[test]
fn a_damaged_stream_silences_its_zone_alone() {
    let folder = tempfile::tempdir().expect("folder");
    let kick = {
        let whole = shipped().expect("the font that ships");
        let zone = |(preset, zone, _): &(&FontZone, &FontZone, _)| preset.contains(36, 90) && zone.contains(36, 90);
        whole.zones(128, 0).find(zone).expect("a kick").1.target
    };
    let font = damaged(&folder, |index| index == kick).expect("a font");
    assert!(!font.plays(128, 0, 36, 90) && font.plays(128, 0, 38, 90));
    let (kick, snare) = (part("drums", 128, 0, &[(36, 90)]), part("drums", 128, 0, &[(38, 90)]));
    assert!(loudest(&font, &snare) > 0.01);
    let font = font.with_fallback(shipped());
    assert!(loudest(&font, &kick) > 0.01, "another kit has a kick");
    let error = damaged(&folder, |_| true).expect_err("nothing is whole");
    assert!(matches!(error, Error::SoundFontInvalid { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("it has no sample that can be played"), "{text}");
    assert!(text.contains("Ogg Vorbis"), "{text}");
}

#[test]
fn a_loop_outside_its_sample_is_not_looped() {
    let folder = tempfile::tempdir().expect("folder");
    for looped in [(LENGTH + 50, LENGTH + 90), (100, 1 << 30), (90, 40)] {
        let header = Header { looped, ..good(0) };
        let font = load(&folder, &bytes(&[(0, 0, 0)], &[&[(ALL, ALL, 0)]], &[header])).expect("a font");
        let heard = loudest(&font, &part("piano", 0, 0, &[(60, 90)]));
        assert!(heard > 0.01 && heard < 1.0, "{looped:?}: {heard}");
    }
}

#[test]
fn a_preset_without_its_instrument_is_silent() {
    let folder = tempfile::tempdir().expect("folder");
    let zones: &[&[Zone]] = &[&[(ALL, ALL, 0)]];
    let font = load(&folder, &bytes(&[(128, 0, 9), (0, 0, 0)], zones, &[good(0)])).expect("a font");
    assert!(!font.plays(128, 0, 36, 90) && font.plays(0, 0, 36, 90));
    let refused = |bytes: &[u8], said: &str| {
        let error = load(&folder, bytes).expect_err(said);
        assert!(matches!(error, Error::SoundFontInvalid { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    };
    refused(
        &bytes(&[(128, 0, 9)], zones, &[good(0)]),
        "preset 0 plays instrument 9 of 1",
    );
    refused(&bytes(&[], zones, &[good(0)]), "no presets");
    refused(&bytes(&[(128, 0, 0)], &[&[]], &[]), "its presets play no samples");
    refused(b"no SoundFont\n", "");
    let whole = bytes(&[(128, 0, 0)], zones, &[good(0)]);
    refused(&whole[..whole.len() / 2], "truncated");
}

/// The greatest value of a part's sound within half a second.
fn loudest(font: &SoundFont, part: &Part) -> f32 {
    let point = |tick, seconds| TempoPoint {
        tick: Tick(tick),
        time: Instant::from_seconds(seconds),
    };
    let tempo_map = TempoMap::new(vec![point(0, 0.0), point(480, 0.5)]).expect("rising");
    let mut heard = AudioBuffer::silence(Rate::from_hz(48_000.0), 2, 24_000);
    let synthesis = Synthesis {
        threads: 1,
        ..Synthesis::default()
    };
    render_part(font, part, &tempo_map, &mut heard, &synthesis, &Monitor::none()).expect("played");
    heard.samples.iter().map(|sample| sample.abs()).fold(0.0, f32::max)
}
