//! Sizes, colours and texts of the picture.

use super::svg::{Anchor, Style, Svg, Weight};
use crate::drums::{CLASSES, DrumClass};
use crate::rhythm::BodyPart;

pub(super) const WIDTH: f64 = 1600.0;
pub(super) const LEFT: f64 = 124.0;
pub(super) const RIGHT: f64 = 32.0;
pub(super) const PLOT: f64 = WIDTH - LEFT - RIGHT;
pub(super) const HEADER: f64 = 112.0;
pub(super) const OVERVIEW: f64 = 64.0;
pub(super) const POSES: f64 = 150.0;
pub(super) const MOVEMENT: f64 = 96.0;
pub(super) const BEATS: f64 = 72.0;
pub(super) const MUSIC: f64 = 190.0;
pub(super) const LANE: f64 = 22.0;
pub(super) const GAP: f64 = 10.0;
pub(super) const AXIS: f64 = 34.0;
pub(super) const ROW_GAP: f64 = 22.0;

/// Height of the space for the names of the chords above the notes.
pub(super) const CHORDS: f64 = 22.0;

pub(super) const INK: &str = "#1f2430";
pub(super) const MUTED: &str = "#6b7280";
pub(super) const BAND: &str = "#f5f6f8";
pub(super) const GRID: &str = "#dfe3e8";
pub(super) const BEAT: &str = "#c3cad3";
pub(super) const DOWNBEAT: &str = "#8a94a3";
pub(super) const MOVING: &str = "#4a6fa5";
pub(super) const ACTIVE: &str = "#2a9d8f";
pub(super) const STYLE: &str = "#f2a03d";
pub(super) const IMPACT: &str = "#8e3b8a";
/// Where the body holds still.
pub(super) const HELD: &str = "#cfd8e3";
pub(super) const PERSON_LEFT: &str = "#d1495b";
pub(super) const PERSON_RIGHT: &str = "#2d7dd2";
pub(super) const PERSON_MIDDLE: &str = "#3a3f4b";

/// The parts of the body that make impacts: feet and hands in the colours of kick and snare, which
/// answer them.
pub(super) const PARTS: [(BodyPart, &str, &str); 5] = [
    (BodyPart::Feet, "feet", "#274690"),
    (BodyPart::Hands, "hands", "#e4572e"),
    (BodyPart::Trunk, "trunk", "#80569b"),
    (BodyPart::Head, "head", "#2a9d8f"),
    (BodyPart::Whole, "whole body", IMPACT),
];

/// The lanes from top to bottom: cymbals, toms, snare and kick, as on a drum staff.
pub(super) const LANES: [(DrumClass, &str, &str); CLASSES] = [
    (DrumClass::Crash, "Crash", "#d98c2b"),
    (DrumClass::Ride, "Ride", "#c2a500"),
    (DrumClass::OpenHat, "Open hat", "#7fb069"),
    (DrumClass::ClosedHat, "Closed hat", "#4f8a4c"),
    (DrumClass::HighTom, "High tom", "#9b72b0"),
    (DrumClass::MidTom, "Mid tom", "#80569b"),
    (DrumClass::LowTom, "Low tom", "#643f80"),
    (DrumClass::Snare, "Snare", "#e4572e"),
    (DrumClass::Kick, "Kick", "#274690"),
];

pub(super) fn label<'a>(size: f64, anchor: Anchor, colour: &'a str) -> Style<'a> {
    Style {
        size,
        weight: Weight::Regular,
        anchor,
        colour,
    }
}

pub(super) fn strong<'a>(size: f64, anchor: Anchor, colour: &'a str) -> Style<'a> {
    Style {
        weight: Weight::SemiBold,
        ..label(size, anchor, colour)
    }
}

/// Formats seconds, 75 as `1:15`, with the given number of decimals.
pub(super) fn clock(seconds: f64, decimals: usize) -> String {
    let scale = 10f64.powi(decimals as i32);
    let seconds = (seconds * scale).round() / scale;
    let minutes = (seconds / 60.0).floor();
    let rest = seconds - 60.0 * minutes;
    let width = if decimals > 0 { decimals + 3 } else { 2 };
    format!("{minutes}:{rest:0width$.decimals$}")
}

/// Shortens a text to a width, with an ellipsis.
pub(super) fn fitted(svg: &Svg, text: &str, size: f64, weight: Weight, width: f64) -> String {
    if svg.text_width(text, size, weight) <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shorter: String = kept.iter().chain(['…'].iter()).collect();
        if svg.text_width(&shorter, size, weight) <= width {
            return shorter;
        }
    }
    String::new()
}
