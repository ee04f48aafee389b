//! The mood of a piece and the key that comes from it.
//!
//! With `music.mood` = auto, each mood gets points for the style of the drums, for the tempo, and
//! for how much the person moves in the first phrase (not in the whole piece, whose end may still
//! be cut off). The mood is drawn with the squares of the points as weights, so that the seed
//! matters but the mood usually suits.

use super::{Draw, PHRASE, Piece, pick};
use crate::settings::{Mood, MusicSettings};
use crate::theory::{Key, Mode};

/// Modes of a mood, and how often each is chosen.
pub(super) fn modes(mood: Mood) -> &'static [(Mode, f64)] {
    match mood {
        Mood::Bright => &[(Mode::Major, 0.6), (Mode::Mixolydian, 0.25), (Mode::Lydian, 0.15)],
        Mood::Dark => &[(Mode::Minor, 0.65), (Mode::Dorian, 0.35)],
        Mood::Tense => &[(Mode::HarmonicMinor, 0.6), (Mode::Phrygian, 0.4)],
        Mood::Calm => &[(Mode::Major, 0.55), (Mode::Dorian, 0.25), (Mode::Lydian, 0.2)],
    }
}

/// Draws a key for the mood; all tonics are equally likely.
pub(super) fn key(piece: &Piece<'_>, settings: &MusicSettings, seed: u64) -> Key {
    let random = &mut Draw::Key.stream(seed, 0);
    let tonic = (random.uniform() * 12.0) as u8;
    // Always drawn, so that a mood given by the user has the same tonic as one that is drawn.
    let drawn = pick(
        random,
        &points(piece, settings).map(|(mood, points)| (mood, points * points)),
    );
    let mood = settings.mood.or(drawn).unwrap_or(Mood::Bright);
    Key::new(tonic, pick(random, modes(mood)).unwrap_or(Mode::Major))
}

/// The points of each mood.
fn points(piece: &Piece<'_>, settings: &MusicSettings) -> [(Mood, f64); 4] {
    let [mut bright, mut dark, mut tense, mut calm]: [f64; 4] = match piece.style {
        "rock" => [2.0, 3.0, 1.5, 0.5],
        "punk" => [3.0, 2.0, 2.0, 0.0],
        "hiphop" => [1.0, 4.0, 2.0, 1.0],
        "dance" => [2.5, 3.0, 1.0, 0.5],
        "funk" => [3.0, 2.5, 0.5, 0.5],
        "jazz" => [2.5, 2.0, 0.5, 2.0],
        "blues" => [3.0, 2.0, 0.5, 0.5],
        "soul" => [3.0, 1.5, 0.5, 2.0],
        "pop" => [4.0, 2.0, 0.5, 1.5],
        "country" => [4.0, 1.0, 0.0, 2.0],
        "reggae" => [3.0, 2.0, 0.0, 2.0],
        "latin" | "afrocuban" => [2.5, 2.5, 1.5, 0.5],
        "neworleans" | "afrobeat" => [3.5, 2.0, 0.5, 0.5],
        _ => [2.0, 2.0, 1.0, 1.0],
    };
    let bpm = piece.tempo.bpm();
    if bpm >= 120.0 {
        bright += 1.0;
        tense += 0.5;
    } else if bpm < 90.0 {
        dark += 0.5;
        calm += 1.0;
    }
    let end = (piece.pickup + PHRASE).min(piece.bars);
    match piece.energy(settings, piece.pickup, end) {
        Some(energy) if energy < 2.5 => {
            calm += 2.0;
            bright -= 0.5;
            tense -= 0.5;
        }
        Some(energy) if energy > 3.25 => {
            bright += 1.0;
            tense += 0.5;
            calm = 0.0;
        }
        _ => {}
    }
    [
        (Mood::Bright, bright.max(0.0)),
        (Mood::Dark, dark.max(0.0)),
        (Mood::Tense, tense.max(0.0)),
        (Mood::Calm, calm.max(0.0)),
    ]
}

/// How often a period closes with a plagal cadence instead of an authentic one.
pub(super) fn plagal_share(mood: Option<Mood>) -> f64 {
    match mood {
        Some(Mood::Calm) => 0.45,
        Some(Mood::Tense) => 0.05,
        _ => 0.25,
    }
}
