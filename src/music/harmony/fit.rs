//! The key that fits given chords best.
//!
//! Each of the twelve tonics in each mode gets the sum of
//! - the share of each chord's tones that are in the scale, minus 0.5 if a tone of its triad is
//!   not, weighted by its duration. The seventh of a dominant counts half; in minor, the major
//!   dominant and the diminished leading-tone chord also count as in the scale, minus 0.1;
//! - 0.15 if the first chord is on the tonic, 0.1 if the last one is the tonic or leads back to it;
//! - 0.15 if anywhere a dominant with a major third goes to the tonic;
//! - 0.15 times the share of the time on the tonic;
//! - by mode: 0 major and minor, −0.05 harmonic minor, −0.06 dorian and mixolydian, −0.15
//!   lydian and phrygian;
//! - 0.1 if the user gives a mood and the mode is one of the mood's.
//!
//! The highest sum wins; on a tie, the first (C before C sharp, major before the others).

use super::{modes, mood};
use crate::settings::Mood;
use crate::theory::{
    Chord, Key, Mode, Progression, Quality,
    chord::{above, semitones},
};

/// The key for these chords.
pub(super) fn key(progression: &Progression, mood: Option<Mood>) -> Key {
    let mut best = (f64::NEG_INFINITY, Key::new(0, Mode::Major));
    for mode in Mode::ALL {
        for tonic in 0..12 {
            let key = Key::new(tonic, mode);
            let score = score(key, progression, mood);
            // Sums in another order differ in their last bits; such keys count as equal.
            if score > best.0 + 1e-9 {
                best = (score, key);
            }
        }
    }
    best.1
}

fn score(key: Key, progression: &Progression, mood: Option<Mood>) -> f64 {
    let bars = progression.bars();
    // Each chord with its share of the total time.
    let chords: Vec<(Chord, f64)> = bars
        .iter()
        .flat_map(|bar| bar.iter().map(|chord| (*chord, 1.0 / (bar.len() * bars.len()) as f64)))
        .collect();
    let (Some((first, _)), Some((last, _))) = (chords.first(), chords.last()) else {
        return 0.0;
    };
    let tonic = modes::triad(key);
    let is_tonic = |chord: &Chord| chord.root == tonic.root && chord.contains(above(tonic.root, third(key)));
    let fits: f64 = chords.iter().map(|(chord, share)| share * fit(key, *chord)).sum();
    let at_home: f64 = chords
        .iter()
        .filter(|(chord, _)| is_tonic(chord))
        .map(|(_, share)| share)
        .sum();
    let leads_back = modes::leads(*last, tonic);
    let resolved = chords.iter().zip(chords.iter().skip(1)).any(|((a, _), (b, _))| {
        let major_third = matches!(a.quality, Quality::Major | Quality::Dominant);
        major_third && semitones(a.root, key.tonic) == 5 && is_tonic(b)
    });
    let rarity = match key.mode {
        Mode::Major | Mode::Minor => 0.0,
        Mode::HarmonicMinor => 0.05,
        Mode::Dorian | Mode::Mixolydian => 0.06,
        Mode::Lydian | Mode::Phrygian => 0.15,
    };
    let in_mood = mood.is_some_and(|mood| mood::modes(mood).iter().any(|(mode, _)| *mode == key.mode));
    let bonus = |given: bool, value: f64| if given { value } else { 0.0 };
    fits + bonus(is_tonic(first), 0.15)
        + bonus(is_tonic(last) || leads_back, 0.1)
        + bonus(resolved, 0.15)
        + 0.15 * at_home
        + bonus(in_mood, 0.1)
        - rarity
}

fn third(key: Key) -> u8 {
    if key.mode.is_minor() { 3 } else { 4 }
}

/// Share of a chord's tones that are in the key.
fn fit(key: Key, chord: Chord) -> f64 {
    let leading_tone = above(key.tonic, 11);
    let root = semitones(key.tonic, chord.root);
    let raised = key.mode == Mode::Minor && (root == 7 || root == 11) && chord.contains(leading_tone);
    let scale = key.scale();
    let (mut within, mut all, mut outside) = (0.0, 0.0, 0.0);
    for (place, tone) in chord.tones().enumerate() {
        let weight = if place == 3 { 0.5 } else { 1.0 };
        all += weight;
        if scale[usize::from(tone)] || raised && tone == leading_tone {
            within += weight;
        } else if place < 3 {
            outside = 0.5;
        }
    }
    within / all - outside - if raised { 0.1 } else { 0.0 }
}
