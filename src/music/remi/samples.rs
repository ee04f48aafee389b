//! Random bars for the property tests.

use super::{RemiBar, RemiNote};
use crate::theory::{Chord, Quality};
use proptest::prelude::*;

pub fn chord() -> impl Strategy<Value = Option<Chord>> {
    let quality = prop::sample::select(Quality::ALL.to_vec());
    prop::option::weighted(
        0.9,
        (0..12_u8, quality).prop_map(|(root, quality)| Chord { root, quality }),
    )
}

/// Bars of one length, in the form that [`decode`](super::decode) returns: everything in order, no
/// duplicates.
pub fn bars() -> impl Strategy<Value = (u8, Vec<RemiBar>)> {
    prop::sample::select(vec![12_u8, 16]).prop_flat_map(|steps| (Just(steps), prop::collection::vec(bar(steps), 0..8)))
}

fn bar(steps: u8) -> impl Strategy<Value = RemiBar> {
    let tempo = prop::collection::btree_map(0..steps, 30..=209_u8, 0..3);
    let chords = prop::collection::btree_map(0..steps, chord(), 0..4);
    let notes = prop::collection::btree_map((0..steps, 0..128_u8), (0..32_u8, 1..=64_u8), 0..24);
    (tempo, chords, notes).prop_map(move |(tempo, chords, notes)| RemiBar {
        steps,
        tempo: tempo.into_iter().collect(),
        chords: chords.into_iter().collect(),
        notes: notes
            .into_iter()
            .map(|((position, pitch), (velocity_bin, duration))| RemiNote {
                position,
                pitch,
                velocity_bin,
                duration,
            })
            .collect(),
    })
}
