//! Converts zones to a form that the synthesiser can play.

use super::bank::{Zone, generator};
use super::sf2::PlacedSample;

/// The zone with offsets and loop that lie within its sample: offsets that point outside are
/// dropped, and an invalid loop is not used.
pub(super) fn within_sample(zone: &Zone, sample: &PlacedSample) -> Zone {
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

/// Delay of an envelope for which a font gives none, timecents.
pub(super) const NO_DELAY: i16 = -12_000;

/// The zone without the default delay of its envelopes.
///
/// If a font gives no delay, the specification's default is −12000 timecents, "less than 1 ms"
/// (2.04, 8.1.3). Synthesisers that work in blocks of 64 samples round that to zero; this one uses
/// finer blocks and would begin every note a millisecond late.
pub(super) fn at_once(mut zone: Zone) -> Zone {
    for delay in [generator::DELAY_VOLUME_ENVELOPE, generator::DELAY_MODULATION_ENVELOPE] {
        if zone.get(delay).unwrap_or(NO_DELAY) <= NO_DELAY {
            zone.set(delay, i16::MIN);
        }
    }
    zone
}

/// Zones of a preset that cut each other off.
///
/// Zones of one exclusive class cut off each other's notes, as a closed hi-hat does an open one.
/// The synthesiser does so even for zones of one note, so that of a hi-hat recorded in stereo only
/// one channel would sound. So the first zones of notes, the second zones and so on become separate
/// classes.
#[derive(Default)]
pub(super) struct Layers {
    /// Zones so far, with their class and their position among the zones of their notes.
    zones: Vec<(i16, i16, Zone)>,
}

impl Layers {
    /// Greater than any class of a font (2.04, 8.1.3: 1 to 127).
    const STRIDE: i16 = 128;

    /// The class of the next zone, if it has one.
    pub fn class(&mut self, zone: &Zone) -> Option<i16> {
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
        // Nobody hears more layers than there are classes.
        let layer = layer.min(200);
        self.zones.push((class, layer, zone.clone()));
        Some(class + layer * Self::STRIDE)
    }
}
