//! A picture of an analysis: skeletons, movement, accents, beats, notes with their chords and drum
//! hits over one time axis.
//!
//! A clip of up to [`ROW_SECONDS`] is one row; longer ones wrap like the lines of a score. If a
//! clip would need more than [`MOST_ROWS`], its liveliest part is shown, with an overview of the
//! whole clip above it.

mod movement;
mod notes;
mod people;
mod row;
mod style;
mod svg;

use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::export::atomic::atomically;
use crate::music::Music;
use crate::pose::PoseTrack;
use crate::rhythm::{AccentKind, Hold, Rhythm};
use crate::shown;
use crate::time::BeatGrid;
use crate::video::Clip;
use movement::{accents, bar_numbers, beat_lines, curve, hit, hits, holds, peak, sixteenths};
use notes::{Pitches, chords, draw_roll_panel, notes};
use people::skeletons;
use row::Row;
use std::io;
use std::path::Path;
use style::{
    ACTIVE, AXIS, BAND, BEAT, BEATS, DOWNBEAT, GAP, HEADER, HELD, INK, LANE, LANES, LEFT, MOVEMENT, MOVING, MUSIC,
    MUTED, OVERVIEW, PARTS, PERSON_LEFT, PERSON_MIDDLE, PERSON_RIGHT, PLOT, POSES, ROW_GAP, STYLE, WIDTH, clock,
    fitted, label, strong,
};
use svg::{Anchor, Svg, Weight};

/// Maximum length of a row, seconds: in a longer one, sixteenth notes run together.
const ROW_SECONDS: f64 = 20.0;

/// Maximum number of rows.
const MOST_ROWS: usize = 3;

/// Pixels of a PNG per unit of the drawing.
const PNG_SCALE: f32 = 1.5;

/// The contents of the picture. Parts that are `None` are left out.
pub struct PlotView<'a> {
    /// The clip.
    pub clip: &'a Clip,
    /// The poses: a strip of skeletons, with the person's left and right side in two colours, faded
    /// where the confidence is low.
    pub poses: Option<&'a PoseTrack>,
    /// The rhythm: movement with accents in the colours of the parts of the body that make them,
    /// beat activation with beats and numbered bars.
    pub rhythm: Option<&'a Rhythm>,
    /// Where the body holds still: bands behind the movement.
    pub holds: &'a [Hold],
    /// The drums: a lane for each class.
    pub drums: Option<&'a DrumGrid>,
    /// The other instruments: a piano roll under the names of the chords. It uses the grid of the
    /// drums, and is left out without them.
    pub music: Option<&'a Music>,
}

impl PlotView<'_> {
    /// The music to draw, with its grid; `None` without beats, chords or notes.
    fn played(&self) -> Option<(&Music, BeatGrid)> {
        let music = self
            .music
            .filter(|music| music.lines.iter().any(|line| !line.notes.is_empty()))?;
        Some((music, BeatGrid::new(self.drums?.beats.clone())?))
    }
}

/// Draws an analysis into an `.svg` or `.png` file, by the extension of `path`. The same analysis
/// gives the same bytes.
///
/// # Errors
/// [`Error::Output`] for another extension, or when the file cannot be written.
pub fn write_plot(view: &PlotView<'_>, path: &Path) -> Result<()> {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let is_png = match extension.as_str() {
        "svg" => false,
        "png" => true,
        other => {
            let text = format!("'.{other}' is not a supported picture format; expected .svg or .png");
            return Err(Error::output(path)(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
    };
    let document = draw(view);
    let bytes = if is_png {
        svg::png(&document, PNG_SCALE, path)?
    } else {
        document.into_bytes()
    };
    atomically(path, |temporary| {
        std::fs::write(temporary, &bytes).map_err(Error::output(temporary))
    })
}

/// The rows for a clip, and whether they show all of it.
fn rows(view: &PlotView<'_>) -> (Vec<Row>, bool) {
    let duration = view.clip.duration.seconds().max(0.1);
    let wanted = (duration / ROW_SECONDS).ceil().max(1.0) as usize;
    let count = wanted.min(MOST_ROWS);
    let whole = wanted == count;
    let length = if whole { duration / count as f64 } else { ROW_SECONDS };
    let start = if whole {
        0.0
    } else {
        liveliest(view, length * count as f64, duration)
    };
    let rows = (0..count)
        .map(|row| Row {
            start: start + length * row as f64,
            end: start + length * (row + 1) as f64,
        })
        .collect();
    (rows, whole)
}

/// Start of the window with the greatest sum of accent strengths; on a tie, the first.
fn liveliest(view: &PlotView<'_>, window: f64, duration: f64) -> f64 {
    let accents = view.rhythm.map_or(&[][..], |r| &r.accents);
    let last = duration - window;
    let mut best = (0.0, 0.0);
    let mut start: f64 = 0.0;
    while start <= last {
        let strength: f64 = accents
            .iter()
            .filter(|a| (start..start + window).contains(&a.time.seconds()))
            .map(|a| f64::from(a.strength))
            .sum();
        if strength > best.1 {
            best = (start, strength);
        }
        start += 1.0;
    }
    best.0
}

fn draw(view: &PlotView<'_>) -> String {
    let (rows, whole) = rows(view);
    let mut row_height = AXIS;
    if view.poses.is_some() {
        row_height += POSES + GAP;
    }
    if view.rhythm.is_some() {
        row_height += MOVEMENT + GAP + BEATS + GAP;
    }
    if view.played().is_some() {
        row_height += MUSIC + GAP;
    }
    if view.drums.is_some() {
        row_height += LANE * LANES.len() as f64;
    }
    let overview = if whole { 0.0 } else { OVERVIEW + AXIS + GAP };
    let height = HEADER + overview + rows.len() as f64 * (row_height + ROW_GAP);
    let mut svg = Svg::new(WIDTH, height);
    header(&mut svg, view, &rows, whole);
    if !whole {
        draw_overview(&mut svg, view, &rows);
    }
    let mut top = HEADER + overview;
    for row in &rows {
        draw_row(&mut svg, view, row, top);
        top += row_height + ROW_GAP;
    }
    svg.finish(&format!("Kinescore: {}", name(view.clip)))
}

fn name(clip: &Clip) -> String {
    clip.path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn header(svg: &mut Svg, view: &PlotView<'_>, rows: &[Row], whole: bool) {
    let mut facts = Vec::new();
    if let Some(rhythm) = view.rhythm {
        facts.push(format!("{:.1} BPM", rhythm.tempo.bpm()));
        facts.push(format!("{} beats per bar", rhythm.beats_per_bar));
        facts.push(format!("confidence {:.0} %", 100.0 * rhythm.confidence));
        facts.push(shown::count(rhythm.accents.len(), "accent"));
    }
    if let Some(drums) = view.drums {
        facts.push(drums.style.clone());
        facts.push(shown::count(drums.hits.len(), "drum hit"));
    }
    if let Some((music, _)) = view.played() {
        facts.push(music.key.to_string());
    }
    facts.push(clock(view.clip.duration.seconds(), 1));
    if let (false, Some(first), Some(last)) = (whole, rows.first(), rows.last()) {
        let (start, end) = (clock(first.start, 0), clock(last.end, 0));
        facts.push(format!("shown: {start} to {end}, the liveliest part"));
    }
    let title = fitted(svg, &name(view.clip), 26.0, Weight::SemiBold, PLOT);
    svg.text((LEFT, 44.0), &title, strong(26.0, Anchor::Start, INK));
    let facts = fitted(svg, &facts.join("  ·  "), 15.0, Weight::Regular, PLOT);
    svg.text((LEFT, 69.0), &facts, label(15.0, Anchor::Start, MUTED));
    legend(svg, view);
}

/// The legend of colours and signs, in a line under the title.
fn legend(svg: &mut Svg, view: &PlotView<'_>) {
    const SIZE: f64 = 11.5;
    const Y: f64 = 94.0;
    let mut x = LEFT;
    let mut entry = |svg: &mut Svg, text: &str, width: f64, sign: &dyn Fn(&mut Svg, f64)| {
        sign(svg, x);
        svg.text((x + width + 7.0, Y), text, label(SIZE, Anchor::Start, MUTED));
        x += width + 7.0 + svg.text_width(text, SIZE, Weight::Regular) + 14.0;
    };
    let stroke = |colour: &'static str, width: f64| {
        move |svg: &mut Svg, x: f64| svg.line((x, Y - 4.5), (x + 18.0, Y - 4.5), colour, width, 1.0)
    };
    let upright = |colour: &'static str, width: f64| {
        move |svg: &mut Svg, x: f64| svg.line((x + 3.0, Y - 12.0), (x + 3.0, Y + 3.0), colour, width, 1.0)
    };
    if view.poses.is_some() {
        entry(svg, "the person's left", 18.0, &stroke(PERSON_LEFT, 3.0));
        entry(svg, "right", 18.0, &stroke(PERSON_RIGHT, 3.0));
    }
    if view.rhythm.is_some() {
        entry(svg, "movement", 18.0, &stroke(MOVING, 2.5));
        entry(svg, "gesture begins", 10.0, &|svg, x| {
            svg.circle((x + 5.0, Y - 4.5), 5.0, STYLE, 1.0);
        });
        // One sign for each part of the body that makes an impact.
        let mut shown = PARTS.iter().filter(|(part, ..)| {
            let impacts = view.rhythm.iter().flat_map(|rhythm| &rhythm.accents);
            let mut impacts = impacts.filter(|accent| accent.kind == AccentKind::Impact);
            impacts.any(|accent| accent.part == *part)
        });
        let mut before = "impact: ";
        for (_, name, colour) in &mut shown {
            entry(svg, &format!("{before}{name}"), 12.0, &|svg, x| {
                svg.diamond((x + 6.0, Y - 4.5), 6.0, colour);
            });
            before = "";
        }
        if !view.holds.is_empty() {
            entry(svg, "hold", 14.0, &|svg, x| {
                svg.rect((x, Y - 10.0), (14.0, 11.0), 1.5, HELD, 0.55);
            });
        }
        entry(svg, "beat activation", 18.0, &stroke(ACTIVE, 2.5));
        entry(svg, "beat", 6.0, &upright(BEAT, 1.5));
        entry(svg, "downbeat", 6.0, &upright(DOWNBEAT, 2.5));
    }
    if let Some((music, _)) = view.played() {
        for line in music.lines.iter().filter(|line| !line.notes.is_empty()) {
            let colour = line.instrument.profile().colour;
            entry(svg, line.instrument.profile().name, 14.0, &|svg, x| {
                svg.rect((x, Y - 8.0), (14.0, 7.0), 1.5, colour, 1.0);
            });
        }
    }
    if view.drums.is_some() {
        entry(svg, "hit: larger is louder", 44.0, &|svg, x| {
            for (at, velocity) in [(4.0, 0.2), (18.0, 0.55), (36.0, 1.0)] {
                hit(svg, (x + at, Y - 4.5), velocity, PERSON_MIDDLE);
            }
        });
    }
}

/// The movement of the whole clip, with the part that is shown below it.
fn draw_overview(svg: &mut Svg, view: &PlotView<'_>, rows: &[Row]) {
    let whole = Row {
        start: 0.0,
        end: view.clip.duration.seconds().max(0.1),
    };
    let top = HEADER;
    svg.rect((LEFT, top), (PLOT, OVERVIEW), 4.0, BAND, 1.0);
    svg.text(
        (LEFT - 14.0, top + OVERVIEW / 2.0 + 4.5),
        "Whole clip",
        strong(13.0, Anchor::End, INK),
    );
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let (from, to) = (whole.x(first.start), whole.x(last.end));
        svg.rect((from, top), (to - from, OVERVIEW), 4.0, STYLE, 0.28);
    }
    if let Some(rhythm) = view.rhythm {
        curve(
            svg,
            &rhythm.movement,
            &whole,
            top + 6.0,
            OVERVIEW - 6.0,
            peak(&rhythm.movement),
            MOVING,
        );
    }
    axis(svg, &whole, top + OVERVIEW);
}

fn draw_row(svg: &mut Svg, view: &PlotView<'_>, row: &Row, top: f64) {
    let mut y = top;
    if view.poses.is_some() {
        panel(svg, y, POSES, "Poses");
        y += POSES + GAP;
    }
    let movement = y;
    if view.rhythm.is_some() {
        panel(svg, y, MOVEMENT, "Movement");
        y += MOVEMENT + GAP;
        panel(svg, y, BEATS, "Beats");
        y += BEATS + GAP;
    }
    let roll = y;
    if let Some((music, _)) = view.played() {
        draw_roll_panel(svg, &Pitches::of(music), y);
        y += MUSIC + GAP;
    }
    let drums = y;
    if view.drums.is_some() {
        for (index, (_, lane, _)) in LANES.iter().enumerate() {
            let at = y + LANE * index as f64;
            if index % 2 == 0 {
                svg.rect((LEFT, at), (PLOT, LANE), 0.0, BAND, 1.0);
            }
            svg.text(
                (LEFT - 14.0, at + LANE / 2.0 + 4.5),
                lane,
                label(13.0, Anchor::End, INK),
            );
        }
        y += LANE * LANES.len() as f64;
    }
    let bottom = y;
    let below_poses = if view.poses.is_some() { top + POSES } else { top };
    // The beat lines run through all panels, behind their content.
    match (view.rhythm, view.drums.and_then(|d| BeatGrid::new(d.beats.clone()))) {
        (Some(rhythm), grid) => {
            if let Some(grid) = grid {
                sixteenths(svg, &grid, row, drums, bottom);
            }
            beat_lines(svg, rhythm, row, (top, below_poses), 0.4);
            beat_lines(svg, rhythm, row, (below_poses, bottom), 1.0);
        }
        (None, Some(grid)) => {
            sixteenths(svg, &grid, row, drums, bottom);
            for beat in grid.beats().iter().map(|b| b.seconds()).filter(|t| row.shows(*t)) {
                svg.line((row.x(beat), top), (row.x(beat), bottom), BEAT, 1.0, 1.0);
            }
        }
        (None, None) => {}
    }
    if let Some(poses) = view.poses {
        skeletons(svg, poses, row, top);
    }
    if let Some(rhythm) = view.rhythm {
        curve(
            svg,
            &rhythm.movement,
            row,
            movement + 8.0,
            MOVEMENT - 8.0,
            peak(&rhythm.movement),
            MOVING,
        );
        holds(svg, view.holds, row, movement);
        accents(svg, rhythm, row, movement);
        let beats = movement + MOVEMENT + GAP;
        curve(
            svg,
            &rhythm.activation,
            row,
            beats + 22.0,
            BEATS - 22.0,
            peak(&rhythm.activation),
            ACTIVE,
        );
        bar_numbers(svg, rhythm, row, beats);
    }
    if let Some((music, grid)) = view.played() {
        notes(svg, music, &grid, row, roll);
        chords(svg, music, &grid, row, roll);
    }
    if let Some(grid) = view.drums {
        hits(svg, grid, row, drums);
    }
    axis(svg, row, bottom);
}

fn panel(svg: &mut Svg, top: f64, height: f64, title: &str) {
    svg.rect((LEFT, top), (PLOT, height), 4.0, BAND, 1.0);
    svg.text(
        (LEFT - 14.0, top + height / 2.0 + 4.5),
        title,
        strong(13.0, Anchor::End, INK),
    );
}

/// The time axis: the marks are far enough apart for their labels.
fn axis(svg: &mut Svg, row: &Row, y: f64) {
    let every = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0]
        .into_iter()
        .find(|every| every * row.pixels_a_second() >= 70.0)
        .unwrap_or(600.0);
    let decimals = usize::from(every < 1.0);
    svg.line((LEFT, y + 0.5), (LEFT + PLOT, y + 0.5), DOWNBEAT, 1.0, 1.0);
    svg.text((LEFT - 40.0, y + 20.0), "min:s", label(12.0, Anchor::End, MUTED));
    // Not negative, and not negative zero, whose sign would be printed; which of two zeros `max`
    // returns is not specified.
    let mut index = (row.start / every - 1e-9).ceil().max(0.0) + 0.0;
    while index * every <= row.end + 1e-9 {
        let time = index * every;
        index += 1.0;
        let x = row.x(time);
        svg.line((x, y), (x, y + 6.0), DOWNBEAT, 1.0, 1.0);
        svg.text(
            (x, y + 20.0),
            &clock(time, decimals),
            label(12.0, Anchor::Middle, MUTED),
        );
    }
}
