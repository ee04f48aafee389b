//! The piano roll under the names of the chords.

use super::row::Row;
use super::style::{BAND, CHORDS, GRID, INK, LEFT, MUSIC, MUTED, PLOT, label, strong};
use super::svg::{Anchor, Svg, Weight};
use crate::music::{GridNote, Music};
use crate::time::BeatGrid;

/// Minimum range of the piano roll, semitones, so that a few notes are not drawn as thick bars.
pub(super) const LEAST_SEMITONES: f64 = 30.0;

/// The pitch range of a piano roll: that of the whole clip, so that all rows are the same.
pub(super) struct Pitches {
    lowest: f64,
    /// Pixels per semitone.
    semitone: f64,
}

impl Pitches {
    pub fn of(music: &Music) -> Self {
        let pitches = || music.lines.iter().flat_map(|line| &line.notes).map(|note| note.pitch);
        let lowest = f64::from(pitches().min().unwrap_or(0));
        let highest = f64::from(pitches().max().unwrap_or(0));
        let missing = (LEAST_SEMITONES - (highest - lowest + 1.0)).max(0.0);
        let lowest = lowest - (missing / 2.0).floor();
        let count = highest - lowest + 1.0 + (missing / 2.0).ceil();
        Self {
            lowest,
            semitone: (MUSIC - CHORDS - 6.0) / count,
        }
    }

    /// Top of a pitch's row in a panel that begins at `top`.
    pub fn y(&self, pitch: f64, top: f64) -> f64 {
        top + MUSIC - 3.0 - (pitch - self.lowest + 1.0) * self.semitone
    }
}

/// The panel of the piano roll, with a line and a name at each C.
pub(super) fn draw_roll_panel(svg: &mut Svg, pitches: &Pitches, top: f64) {
    const MIDDLE_C: f64 = 60.0;
    svg.rect((LEFT, top), (PLOT, MUSIC), 4.0, BAND, 1.0);
    svg.text(
        (LEFT - 48.0, top + MUSIC / 2.0 + 4.5),
        "Music",
        strong(13.0, Anchor::End, INK),
    );
    for octave in -5..=5 {
        let y = pitches.y(MIDDLE_C + 12.0 * f64::from(octave), top) + pitches.semitone / 2.0;
        if y > top + CHORDS + 4.0 && y < top + MUSIC - 3.0 {
            svg.line((LEFT, y), (LEFT + PLOT, y), GRID, 1.0, 1.0);
            let name = format!("C{}", 4 + octave);
            svg.text((LEFT - 14.0, y + 4.0), &name, label(11.0, Anchor::End, MUTED));
        }
    }
}

/// The notes from onset to end; louder notes are darker. Those of the bass come first and lie
/// behind the others.
pub(super) fn notes(svg: &mut Svg, music: &Music, grid: &BeatGrid, row: &Row, top: f64) {
    let pitches = Pitches::of(music);
    let height = (pitches.semitone - 0.5).max(2.0);
    let time = |note: &GridNote, after: f64| {
        let step = f64::from(note.step) + f64::from(note.offset) + after;
        grid.instant(step).seconds()
    };
    for line in music.lines.iter().rev() {
        for note in &line.notes {
            // Lengths are half steps.
            let (from, to) = (time(note, 0.0), time(note, f64::from(note.length) / 2.0));
            if to <= row.start || from >= row.end {
                continue;
            }
            let (left, right) = (row.x(from.max(row.start)), row.x(to.min(row.end)));
            // A gap, so that repeated notes can be distinguished.
            let width = (right - left - 1.0).max(1.5);
            let y = pitches.y(f64::from(note.pitch), top);
            let opacity = 0.4 + 0.6 * f64::from(note.velocity).clamp(0.0, 1.0);
            svg.rect(
                (left, y),
                (width, height),
                1.0,
                line.instrument.profile().colour,
                opacity,
            );
        }
    }
}

/// The names of the chords where they begin; a row begins with the current one.
pub(super) fn chords(svg: &mut Svg, music: &Music, grid: &BeatGrid, row: &Row, top: f64) {
    const SIZE: f64 = 12.5;
    let mut free = LEFT;
    for (number, at) in music.chords.iter().enumerate() {
        let from = grid.instant(f64::from(at.step)).seconds();
        let next = music.chords.get(number + 1);
        let to = next.map_or(f64::INFINITY, |next| grid.instant(f64::from(next.step)).seconds());
        if from >= row.end || to <= row.start {
            continue;
        }
        let name = at.chord.spelled(music.key);
        let width = svg.text_width(&name, SIZE, Weight::SemiBold);
        let x = row.x(from.max(row.start)) + 4.0;
        if x < free || x + width > LEFT + PLOT {
            continue;
        }
        free = x + width + 6.0;
        svg.text((x, top + 15.5), &name, strong(SIZE, Anchor::Start, INK));
    }
}
