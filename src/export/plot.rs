//! A picture of an analysis: skeletons, movement, accents, beats, notes with their chords and drum hits over one time axis.
//!
//! A clip of up to [`ROW_SECONDS`] is one row; longer ones wrap like the lines of a score. Of a clip that would need more
//! than [`MOST_ROWS`], the liveliest part is shown, with an overview of the whole above it.

mod svg;

use crate::drums::{DrumClass, DrumGrid};
use crate::error::{Error, Result};
use crate::export::atomic::atomically;
use crate::music::{GridNote, Music};
use crate::pose::{Joint, JointPoint, Pose, PoseTrack};
use crate::rhythm::{AccentKind, Curve, Rhythm};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT};
use crate::video::Clip;
use std::io;
use std::path::Path;
use svg::{Anchor, Style, Svg, Weight};

/// Longest row, seconds: longer, sixteenth notes run together.
const ROW_SECONDS: f64 = 20.0;

/// Rows at most.
const MOST_ROWS: usize = 3;

/// Pixels of a PNG a unit of the drawing.
const PNG_SCALE: f32 = 1.5;

const WIDTH: f64 = 1600.0;
const LEFT: f64 = 124.0;
const RIGHT: f64 = 32.0;
const PLOT: f64 = WIDTH - LEFT - RIGHT;
const HEADER: f64 = 112.0;
const OVERVIEW: f64 = 64.0;
const POSES: f64 = 150.0;
const MOVEMENT: f64 = 96.0;
const BEATS: f64 = 72.0;
const MUSIC: f64 = 190.0;
const LANE: f64 = 22.0;
const GAP: f64 = 10.0;
const AXIS: f64 = 34.0;
const ROW_GAP: f64 = 22.0;

/// Room for the names of the chords above the notes.
const CHORDS: f64 = 22.0;

/// Semitones that the notes have room for at least: a few notes are not drawn as thick bars.
const LEAST_SEMITONES: f64 = 30.0;

/// Least distance of skeletons, pixels.
const SKELETON: f64 = 66.0;

const INK: &str = "#1f2430";
const MUTED: &str = "#6b7280";
const BAND: &str = "#f5f6f8";
const GRID: &str = "#dfe3e8";
const BEAT: &str = "#c3cad3";
const DOWNBEAT: &str = "#8a94a3";
const MOVING: &str = "#4a6fa5";
const ACTIVE: &str = "#2a9d8f";
const STYLE: &str = "#f2a03d";
const IMPACT: &str = "#8e3b8a";
const PERSON_LEFT: &str = "#d1495b";
const PERSON_RIGHT: &str = "#2d7dd2";
const PERSON_MIDDLE: &str = "#3a3f4b";

/// The bones drawn, with the side of the body they belong to.
const BONES: [(Joint, Joint, &str); 16] = [
    (Joint::Nose, Joint::Neck, PERSON_MIDDLE),
    (Joint::Neck, Joint::MidHip, PERSON_MIDDLE),
    (Joint::Neck, Joint::RightShoulder, PERSON_RIGHT),
    (Joint::RightShoulder, Joint::RightElbow, PERSON_RIGHT),
    (Joint::RightElbow, Joint::RightWrist, PERSON_RIGHT),
    (Joint::Neck, Joint::LeftShoulder, PERSON_LEFT),
    (Joint::LeftShoulder, Joint::LeftElbow, PERSON_LEFT),
    (Joint::LeftElbow, Joint::LeftWrist, PERSON_LEFT),
    (Joint::MidHip, Joint::RightHip, PERSON_RIGHT),
    (Joint::RightHip, Joint::RightKnee, PERSON_RIGHT),
    (Joint::RightKnee, Joint::RightAnkle, PERSON_RIGHT),
    (Joint::RightAnkle, Joint::RightBigToe, PERSON_RIGHT),
    (Joint::MidHip, Joint::LeftHip, PERSON_LEFT),
    (Joint::LeftHip, Joint::LeftKnee, PERSON_LEFT),
    (Joint::LeftKnee, Joint::LeftAnkle, PERSON_LEFT),
    (Joint::LeftAnkle, Joint::LeftBigToe, PERSON_LEFT),
];

/// The lanes from top to bottom: cymbals, toms, snare and kick, as on a drum staff.
const LANES: [(DrumClass, &str, &str); crate::drums::CLASSES] = [
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

/// What is drawn. Parts that are `None` are left out.
pub struct PlotView<'a> {
    /// The clip.
    pub clip: &'a Clip,
    /// The poses: a strip of skeletons, the person's left and right side in two colours, faded where unsure.
    pub poses: Option<&'a PoseTrack>,
    /// The rhythm: movement with accents, beat activation with beats and numbered bars.
    pub rhythm: Option<&'a Rhythm>,
    /// The drums: a lane for each class.
    pub drums: Option<&'a DrumGrid>,
    /// The other instruments: a piano roll under the names of the chords. It lies on the grid of the drums; without them it
    /// is left out.
    pub music: Option<&'a Music>,
}

impl PlotView<'_> {
    /// The music that can be drawn, with its grid: none without beats, chords or notes.
    fn played(&self) -> Option<(&Music, BeatGrid)> {
        let music = self
            .music
            .filter(|music| music.lines.iter().any(|line| !line.notes.is_empty()))?;
        Some((music, BeatGrid::new(self.drums?.beats.clone())?))
    }
}

/// Draws an analysis into an `.svg` or `.png` file, by the extension of `path`. The same analysis gives the same bytes.
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
            let text = format!("'.{other}' is no picture that can be drawn; allowed are .svg and .png");
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

/// One line of the picture.
struct Row {
    start: f64,
    end: f64,
}

impl Row {
    fn x(&self, time: f64) -> f64 {
        LEFT + PLOT * (time - self.start) / (self.end - self.start)
    }

    fn time(&self, x: f64) -> f64 {
        self.start + (self.end - self.start) * (x - LEFT) / PLOT
    }

    fn shows(&self, time: f64) -> bool {
        time >= self.start && time < self.end
    }

    fn pixels_a_second(&self) -> f64 {
        PLOT / (self.end - self.start)
    }
}

/// The rows that show a clip, and whether they show all of it.
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

/// Start of the window with the strongest accents in all; of equal ones the first.
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

fn label<'a>(size: f64, anchor: Anchor, colour: &'a str) -> Style<'a> {
    Style {
        size,
        weight: Weight::Regular,
        anchor,
        colour,
    }
}

fn strong<'a>(size: f64, anchor: Anchor, colour: &'a str) -> Style<'a> {
    Style {
        weight: Weight::SemiBold,
        ..label(size, anchor, colour)
    }
}

/// `75` s as `1:15`, with as many decimals as asked for.
fn clock(seconds: f64, decimals: usize) -> String {
    let scale = 10f64.powi(decimals as i32);
    let seconds = (seconds * scale).round() / scale;
    let minutes = (seconds / 60.0).floor();
    let rest = seconds - 60.0 * minutes;
    let width = if decimals > 0 { decimals + 3 } else { 2 };
    format!("{minutes}:{rest:0width$.decimals$}")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text cut to a width, with an ellipsis.
fn fitted(svg: &Svg, text: &str, size: f64, weight: Weight, width: f64) -> String {
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

fn header(svg: &mut Svg, view: &PlotView<'_>, rows: &[Row], whole: bool) {
    let mut facts = Vec::new();
    if let Some(rhythm) = view.rhythm {
        facts.push(format!("{:.1} BPM", rhythm.tempo.bpm()));
        facts.push(format!("{} beats a bar", rhythm.beats_per_bar));
        facts.push(format!("confidence {:.0} %", 100.0 * rhythm.confidence));
        facts.push(counted(rhythm.accents.len(), "accent"));
    }
    if let Some(drums) = view.drums {
        facts.push(drums.style.clone());
        facts.push(counted(drums.hits.len(), "drum hit"));
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

/// What the colours and signs mean, in a line under the title.
fn legend(svg: &mut Svg, view: &PlotView<'_>) {
    const SIZE: f64 = 12.5;
    const Y: f64 = 94.0;
    let mut x = LEFT;
    let mut entry = |svg: &mut Svg, text: &str, width: f64, sign: &dyn Fn(&mut Svg, f64)| {
        sign(svg, x);
        svg.text((x + width + 7.0, Y), text, label(SIZE, Anchor::Start, MUTED));
        x += width + 7.0 + svg.text_width(text, SIZE, Weight::Regular) + 24.0;
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
        entry(svg, "accent: fast change", 10.0, &|svg, x| {
            svg.circle((x + 5.0, Y - 4.5), 5.0, STYLE, 1.0);
        });
        entry(svg, "accent: impact", 12.0, &|svg, x| {
            svg.diamond((x + 6.0, Y - 4.5), 6.0, IMPACT)
        });
        entry(svg, "beat activation", 18.0, &stroke(ACTIVE, 2.5));
        entry(svg, "beat", 6.0, &upright(BEAT, 1.5));
        entry(svg, "downbeat with its bar", 6.0, &upright(DOWNBEAT, 2.5));
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
        entry(svg, "hit: the larger, the louder", 44.0, &|svg, x| {
            for (at, velocity) in [(4.0, 0.2), (18.0, 0.55), (36.0, 1.0)] {
                hit(svg, (x + at, Y - 4.5), velocity, PERSON_MIDDLE);
            }
        });
    }
}

fn hit(svg: &mut Svg, at: (f64, f64), velocity: f64, colour: &str) {
    let velocity = velocity.clamp(0.0, 1.0);
    svg.circle(at, 2.6 + 5.6 * velocity.sqrt(), colour, 0.35 + 0.65 * velocity);
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
    // The lines of the beats run through all panels, under what is drawn in them.
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

fn peak(curve: &Curve) -> f64 {
    let peak = curve
        .values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0f32, f32::max);
    if peak > 0.0 { f64::from(peak) } else { 1.0 }
}

/// A curve as a filled area; of several values in a pixel the greatest is drawn, so that no peak is lost.
fn curve(svg: &mut Svg, curve: &Curve, row: &Row, top: f64, height: f64, peak: f64, colour: &str) {
    if curve.values.is_empty() {
        return;
    }
    let rate = curve.rate.hz();
    let last = curve.values.len() as f64 / rate;
    let mut points = Vec::new();
    let mut x = LEFT;
    while x <= LEFT + PLOT {
        let (from, to) = (row.time(x), row.time(x + 1.0));
        if from > last {
            break;
        }
        let within = (from * rate).ceil().max(0.0) as usize..(to * rate).ceil().max(0.0) as usize;
        let greatest = curve
            .values
            .get(within)
            .unwrap_or_default()
            .iter()
            .copied()
            .reduce(f32::max);
        let value = greatest.unwrap_or_else(|| curve.at(Instant::from_seconds(from)));
        let share = if value.is_finite() {
            (f64::from(value) / peak).clamp(0.0, 1.0)
        } else {
            0.0
        };
        points.push((x, top + height * (1.0 - share)));
        x += 1.0;
    }
    let (Some(first), Some(end)) = (points.first().copied(), points.last().copied()) else {
        return;
    };
    let mut area = points.clone();
    area.push((end.0, top + height));
    area.push((first.0, top + height));
    svg.polygon(&area, colour, 0.22);
    svg.polyline(&points, colour, 1.5);
}

fn beat_lines(svg: &mut Svg, rhythm: &Rhythm, row: &Row, (top, bottom): (f64, f64), opacity: f64) {
    if top >= bottom {
        return;
    }
    // Too dense beats would be a grey field: then only the downbeats are drawn.
    let dense = row.pixels_a_second() * rhythm.tempo.beat_span().seconds() < 5.0;
    for beat in rhythm.beats.iter().filter(|b| row.shows(b.time.seconds())) {
        let x = row.x(beat.time.seconds());
        match beat.number {
            1 => svg.line((x, top), (x, bottom), DOWNBEAT, 1.6, opacity),
            _ if dense => {}
            _ => svg.line((x, top), (x, bottom), BEAT, 1.0, opacity),
        }
    }
}

/// The numbers of the bars beside their downbeats, counted from the first downbeat of the clip.
fn bar_numbers(svg: &mut Svg, rhythm: &Rhythm, row: &Row, top: f64) {
    let mut free = f64::NEG_INFINITY;
    let downbeats = rhythm.beats.iter().filter(|b| b.number == 1);
    for (bar, beat) in downbeats.enumerate() {
        let time = beat.time.seconds();
        let text = (bar + 1).to_string();
        let width = svg.text_width(&text, 12.0, Weight::SemiBold) + 8.0;
        let x = row.x(time);
        if !row.shows(time) || x < free || x + width > LEFT + PLOT {
            continue;
        }
        free = x + width + 8.0;
        svg.rect((x, top + 3.0), (width, 16.0), 3.0, DOWNBEAT, 1.0);
        svg.text(
            (x + width / 2.0, top + 15.5),
            &text,
            strong(12.0, Anchor::Middle, "#ffffff"),
        );
    }
}

fn sixteenths(svg: &mut Svg, grid: &BeatGrid, row: &Row, top: f64, bottom: f64) {
    let (first, last) = (
        grid.nearest_step(Instant::from_seconds(row.start)),
        grid.nearest_step(Instant::from_seconds(row.end)),
    );
    let step = PLOT / (last - first).max(1) as f64;
    if step < 7.0 {
        return;
    }
    for step in first..=last {
        let time = grid.instant(step as f64).seconds();
        if row.shows(time) && step.rem_euclid(STEPS_PER_BEAT as i64) != 0 {
            svg.line((row.x(time), top), (row.x(time), bottom), GRID, 0.8, 1.0);
        }
    }
}

fn accents(svg: &mut Svg, rhythm: &Rhythm, row: &Row, top: f64) {
    let base = top + MOVEMENT;
    for accent in rhythm.accents.iter().filter(|a| row.shows(a.time.seconds())) {
        let x = row.x(accent.time.seconds());
        let y = base - (MOVEMENT - 14.0) * f64::from(accent.strength).clamp(0.0, 1.0);
        let colour = match accent.kind {
            AccentKind::Style => STYLE,
            AccentKind::Impact => IMPACT,
        };
        svg.line((x, base), (x, y), colour, 1.6, 0.8);
        match accent.kind {
            AccentKind::Style => svg.circle((x, y), 4.5, colour, 1.0),
            AccentKind::Impact => svg.diamond((x, y), 5.5, colour),
        }
    }
}

fn hits(svg: &mut Svg, drums: &DrumGrid, row: &Row, top: f64) {
    let Some(grid) = BeatGrid::new(drums.beats.clone()) else {
        return;
    };
    for struck in &drums.hits {
        let time = grid
            .instant(f64::from(struck.step) + f64::from(struck.offset))
            .seconds();
        let lane = LANES.iter().position(|(class, _, _)| *class == struck.class);
        let Some((lane, (_, _, colour))) = lane.and_then(|l| Some((l, LANES.get(l)?))) else {
            continue;
        };
        if row.shows(time) {
            let y = top + LANE * (lane as f64 + 0.5);
            hit(svg, (row.x(time), y), f64::from(struck.velocity), colour);
        }
    }
}

/// The pitches that a piano roll shows: those of the whole clip, so that all rows are alike.
struct Pitches {
    lowest: f64,
    /// Pixels of a semitone.
    semitone: f64,
}

impl Pitches {
    fn of(music: &Music) -> Self {
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

    /// Top of a pitch's place in a panel that begins at `top`.
    fn y(&self, pitch: f64, top: f64) -> f64 {
        top + MUSIC - 3.0 - (pitch - self.lowest + 1.0) * self.semitone
    }
}

/// The panel of the piano roll, with a line and a name at each C.
fn draw_roll_panel(svg: &mut Svg, pitches: &Pitches, top: f64) {
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

/// The notes from where they begin to where they end, the louder, the darker. Those of the bass come first and lie under the
/// others.
fn notes(svg: &mut Svg, music: &Music, grid: &BeatGrid, row: &Row, top: f64) {
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
            // A gap, so that notes which are struck again are told apart.
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

/// The names of the chords where they begin; a row begins with the one that sounds there.
fn chords(svg: &mut Svg, music: &Music, grid: &BeatGrid, row: &Row, top: f64) {
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

/// Where a pose's known joints lie: left, top, right, bottom, pixels of the source.
fn extent(pose: &Pose) -> Option<[f64; 4]> {
    let known = pose
        .joints
        .iter()
        .filter(|j| j.confidence > 0.0 && j.x.is_finite() && j.y.is_finite());
    known.fold(None, |bounds: Option<[f64; 4]>, joint| {
        let (x, y) = (f64::from(joint.x), f64::from(joint.y));
        let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
        Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
    })
}

/// The value that a share of all lie below.
fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let index = (share * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(index).copied()
}

/// The pose nearest to an instant; poses rise in time.
fn nearest(poses: &[Pose], time: f64) -> Option<&Pose> {
    let after = poses.partition_point(|p| p.time.seconds() < time);
    let candidates = [after.checked_sub(1).and_then(|i| poses.get(i)), poses.get(after)];
    let distance = |pose: &&Pose| (pose.time.seconds() - time).abs();
    candidates
        .into_iter()
        .flatten()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn skeletons(svg: &mut Svg, track: &PoseTrack, row: &Row, top: f64) {
    let extents: Vec<[f64; 4]> = track.poses.iter().filter_map(extent).collect();
    let heights = extents.iter().map(|[_, top, _, bottom]| bottom - top).collect();
    let Some(tallest) = quantile(heights, 0.95).filter(|h| *h > 0.0) else {
        return;
    };
    let scale = (POSES - 30.0) / tallest;
    // As close as they fit beside each other, at a round distance in time.
    let widths = extents.iter().map(|[left, _, right, _]| right - left).collect();
    let room = (quantile(widths, 0.8).unwrap_or(0.0) * scale + 8.0).max(SKELETON);
    let every = [0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|every| every * row.pixels_a_second() >= room)
        .unwrap_or(20.0);
    let mut index = (row.start / every).ceil();
    while index * every < row.end {
        let time = index * every;
        index += 1.0;
        let x = row.x(time);
        if x - room / 3.0 < LEFT || x + room / 3.0 > LEFT + PLOT {
            continue;
        }
        let Some(pose) = nearest(&track.poses, time).filter(|p| (p.time.seconds() - time).abs() <= every / 2.0) else {
            continue;
        };
        if let Some([left, upper, right, lower]) = extent(pose) {
            let middle = pose.joints.get(Joint::MidHip as usize).filter(|j| j.confidence > 0.0);
            let centre = middle.map_or((left + right) / 2.0, |j| f64::from(j.x));
            // A person who comes nearer is drawn smaller rather than cut off.
            let scale = scale.min((POSES - 16.0) / (lower - upper).max(1.0));
            let floor = top + POSES - 10.0;
            skeleton(svg, pose, |px, py| {
                (x + (px - centre) * scale, floor + (py - lower) * scale)
            });
        }
    }
}

fn skeleton(svg: &mut Svg, pose: &Pose, place: impl Fn(f64, f64) -> (f64, f64)) {
    let joint = |joint: Joint| {
        let known = |j: &&JointPoint| j.confidence > 0.0 && j.x.is_finite() && j.y.is_finite();
        let point = pose.joints.get(joint as usize).filter(known)?;
        Some((
            place(f64::from(point.x), f64::from(point.y)),
            f64::from(point.confidence),
        ))
    };
    for (from, to, colour) in BONES {
        if let (Some((a, sure)), Some((b, also))) = (joint(from), joint(to)) {
            svg.line(a, b, colour, 2.6, 0.15 + 0.85 * sure.min(also).clamp(0.0, 1.0));
        }
    }
    if let Some((nose, sure)) = joint(Joint::Nose) {
        svg.circle(nose, 5.5, PERSON_MIDDLE, 0.15 + 0.85 * sure.clamp(0.0, 1.0));
    }
}

/// The time axis: a mark every so many seconds that labels have room.
fn axis(svg: &mut Svg, row: &Row, y: f64) {
    let every = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0]
        .into_iter()
        .find(|every| every * row.pixels_a_second() >= 70.0)
        .unwrap_or(600.0);
    let decimals = usize::from(every < 1.0);
    svg.line((LEFT, y + 0.5), (LEFT + PLOT, y + 0.5), DOWNBEAT, 1.0, 1.0);
    svg.text((LEFT - 40.0, y + 20.0), "min:s", label(12.0, Anchor::End, MUTED));
    // Not below zero, nor a negative zero, which would have a sign: which of two zeros `max` gives is not settled.
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
