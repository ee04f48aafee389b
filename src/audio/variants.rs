//! Equal hits that differ, and soft notes that are darker: variants of a preset in the font that is
//! assembled for the synthesiser.
//!
//! A sample that is repeated exactly sounds like a machine gun. So each note plays one of several
//! variants, which differ slightly in pitch and level. A hash of its key and of its time on the
//! media decides, so that a trim or a change of other notes does not change it.

use super::bank::{Zone, generator};
use crate::score::kits::DRUM_BANK;
use crate::time::Span;
use std::ops::RangeInclusive;

/// Bank of a preset's first variant; the others follow. Those of a SoundFont end at 128.
pub(super) const VARIANT_BANK: u16 = 130;

/// Most zones of a preset that has variants: the numbers of a font's zones have 16 bits.
pub(super) const MOST_ZONES: usize = 64;

/// Pitch in cents and level in dB, relative to the loudest, of the variants of a drum (±2 % and ±1
/// dB) and of a note of other instruments, which must stay in tune.
const DRUMS: [(i16, f64); 6] = [(0, -1.0), (34, -1.6), (-34, -0.4), (17, -0.2), (-17, -1.8), (-26, -1.2)];
const NOTES: [(i16, f64); 4] = [(0, -1.0), (3, -1.5), (-3, -0.5), (1, -0.8)];

/// Attenuation in the font, centibels, for a dB that is heard: the synthesiser uses 40 % of it.
const CENTIBELS: f64 = 25.0;

/// Change of a filter's frequency from full velocity to none, cents: the default modulator of the
/// specification (2.04, 8.4.2), which the synthesiser does not support.
const DARKER: f64 = -2_400.0;

/// Velocities in a range that is equally dark. Kits have filters by velocity of their own.
const VELOCITIES: u8 = 16;

fn table(bank: u16) -> &'static [(i16, f64)] {
    if bank == DRUM_BANK { &DRUMS } else { &NOTES }
}

/// Variants of a preset of a bank.
pub(super) fn count(bank: u16) -> u8 {
    table(bank).len() as u8
}

/// The variant of a note that begins at a time on the media's timeline.
pub(super) fn variant(bank: u16, key: u8, time: Span) -> u8 {
    // Whole milliseconds, so that it is the same at every sample rate.
    let milliseconds = (time.seconds() * 1e3).round() as i64 as u64;
    // The finaliser of MurmurHash3, whose output bits each depend on every input bit.
    let mut hash = milliseconds << 8 | u64::from(key);
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    (hash % u64::from(count(bank))) as u8
}

/// The zones of a variant of a preset: `zones` with the instruments that they play.
pub(super) fn zones(bank: u16, variant: u8, zones: &[(usize, &Zone)]) -> Vec<(usize, Zone)> {
    let (cents, level) = table(bank).get(usize::from(variant)).copied().unwrap_or((0, 0.0));
    let varied = |zone: &Zone| {
        let mut zone = zone.clone();
        // The synthesiser's own reverb is not used.
        zone.remove(&[generator::REVERB_SEND]);
        zone.add(generator::FINE_TUNE, cents);
        zone.add(generator::INITIAL_ATTENUATION, (-level * CENTIBELS).round() as i16);
        zone
    };
    let mut own = Vec::new();
    for (instrument, zone) in zones {
        let zone = varied(zone);
        if bank == DRUM_BANK {
            own.push((*instrument, zone));
            continue;
        }
        for velocities in ranges(zone.velocities()) {
            let middle = f64::from(velocities.start() / 2 + velocities.end() / 2);
            let mut darker = zone.clone();
            let range = i16::from_le_bytes([*velocities.start(), *velocities.end()]);
            darker.set(generator::VELOCITY_RANGE, range);
            darker.add(
                generator::FILTER_CUTOFF,
                (DARKER * (1.0 - middle / 127.0)).round() as i16,
            );
            own.push((*instrument, darker));
        }
    }
    own
}

/// A range of velocities in pieces that are equally dark.
fn ranges(whole: RangeInclusive<u8>) -> impl Iterator<Item = RangeInclusive<u8>> {
    let pieces = (0..128 / VELOCITIES).map(|piece| (piece * VELOCITIES, piece * VELOCITIES + VELOCITIES - 1));
    pieces
        .map(move |(first, last)| first.max(*whole.start())..=last.min(*whole.end()))
        .filter(|range| range.start() <= range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hits_differ_and_each_keeps_its_variant() {
        let hits: Vec<u8> = (0..64)
            .map(|n| variant(DRUM_BANK, 42, Span::from_seconds(0.125 * f64::from(n))))
            .collect();
        let count = |wanted: u8| hits.iter().filter(|hit| **hit == wanted).count();
        for wanted in 0..super::count(DRUM_BANK) {
            assert!((3..25).contains(&count(wanted)), "{wanted}: {hits:?}");
        }
        // A sample more or less, or another rate, does not matter.
        for seconds in [0.1, 3.25, 100.0] {
            let at = |offset: f64| variant(0, 60, Span::from_seconds(seconds + offset));
            assert_eq!(at(0.0), at(1.0 / 48_000.0));
            assert_eq!(at(0.0), at(-1.0 / 44_100.0));
        }
    }

    #[test]
    fn variants_are_slightly_out_of_tune_and_centred() {
        for (bank, cents) in [(DRUM_BANK, 35), (0, 3)] {
            let table = table(bank);
            assert!(table.iter().all(|(tune, _)| tune.abs() <= cents));
            assert!(table.iter().all(|(_, level)| (-2.0..=0.0).contains(level)));
            let mean = table.iter().map(|(_, level)| level).sum::<f64>() / table.len() as f64;
            assert!((mean + 1.0).abs() < 0.1, "{mean} dB");
        }
    }

    #[test]
    fn soft_notes_are_darker() {
        let velocities = i16::from_le_bytes([10, 100]);
        let zone = Zone {
            target: 7,
            generators: vec![
                (generator::VELOCITY_RANGE, velocities),
                (generator::FILTER_CUTOFF, -100),
            ],
        };
        let pieces = zones(0, 1, &[(3, &zone)]);
        let found: Vec<(u8, u8, i16)> = pieces
            .iter()
            .map(|(instrument, zone)| {
                assert_eq!((*instrument, zone.get(generator::FINE_TUNE)), (3, Some(3)));
                let range = zone.velocities();
                (
                    *range.start(),
                    *range.end(),
                    zone.get(generator::FILTER_CUTOFF).expect("a filter"),
                )
            })
            .collect();
        assert_eq!(found.len(), 7);
        assert_eq!((found[0].0, found[0].1), (10, 15));
        assert_eq!((found[6].0, found[6].1), (96, 100));
        assert!(
            found
                .windows(2)
                .all(|pair| pair[0].1 + 1 == pair[1].0 && pair[0].2 < pair[1].2)
        );
        assert!((-2_400..-2_100).contains(&found[0].2), "{found:?}");
        // A kit's zones stay whole.
        assert_eq!(zones(DRUM_BANK, 0, &[(3, &zone)]).len(), 1);
    }
}
