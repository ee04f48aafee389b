//! Drums and melodic lines to a score.

use super::cadence::{self, Setting, with_cadence};
use super::ending::{beat_number, ending_on, last_answer_after, last_beat_after};
use super::kits::kit_volume;
use super::levels::Levels;
use super::melodic::{self, Timeline};
use super::{Part, Score, TimeSignature, drum_part};
use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::music::{GridNote, Line, Music};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span, TICKS_PER_BEAT, TempoMap, TempoPoint, Tick};

/// A score of the drums alone, as [`arrange`] makes it.
///
/// # Errors
/// As [`arrange`].
#[cfg(feature = "internals")]
pub fn from_drums(grid: &DrumGrid, duration: Span, kit: Option<&str>) -> Result<Score> {
    arrange(grid, None, duration, kit)
}

/// A score of the drums, and of the music that is played with them, `duration` long, with an [ending](super::ending)
/// arranged for that length. The parts are the drums, then bass, guitar and piano where the music has lines of them.
///
/// The tempo map has a point at each beat; tick 0 is the clip's start. What lies before the first downbeat is a pick-up
/// bar with a signature of its own, so that bar lines fall on downbeats. Where the clip begins between two beats, the
/// pick-up's first beat is as much shorter or longer as it must be.
///
/// The drums end on a beat near the clip's end, and the melodic parts come home to the tonic with them: what they play in
/// the last half bar before that beat (in 3/4 the last bar) leads there, and on the beat comes the tonic, which rings to the
/// clip's end. All that comes before hangs on nothing but the lines, so that clips of one beginning share it whatever their
/// length.
///
/// `kit` is one of [`KITS`](crate::settings::KITS); `None` takes the one that suits the grid's style, which the melodic
/// programs follow too.
///
/// # Errors
/// [`Error::Music`] when the grid has fewer than two beats, its beats do not rise, `beats_per_bar` is 0, the clip has no
/// length, or a note of the music is out of range; [`Error::SettingValue`] when `kit` is no kit.
#[cfg(feature = "internals")]
pub fn arrange(grid: &DrumGrid, music: Option<&Music>, duration: Span, kit: Option<&str>) -> Result<Score> {
    arrange_to(grid, music, None, duration, kit)
}

/// As [`arrange`], of drums and music that [answer](crate::answer) a movement whose strong accents are on the steps `strong`,
/// rising: the piece ends [near the clip's end](super::ending::last_answer_after), on one of those if it can. `None` where
/// no movement is answered.
///
/// # Errors
/// As [`arrange`].
pub fn arrange_to(
    grid: &DrumGrid,
    music: Option<&Music>,
    strong: Option<&[i32]>,
    duration: Span,
    kit: Option<&str>,
) -> Result<Score> {
    let unfit = |reason: String| Error::Music { reason };
    let beats = BeatGrid::new(grid.beats.clone()).ok_or_else(|| {
        unfit(format!(
            "the drum grid has {} beats; at least two that rise in time are needed",
            grid.beats.len()
        ))
    })?;
    if grid.beats_per_bar == 0 {
        return Err(unfit(
            "the drum grid has 0 beats in a bar; at least 1 is needed".to_owned(),
        ));
    }
    if !(duration > Span::ZERO && duration.seconds().is_finite()) {
        return Err(unfit(format!(
            "a score of {} s; it must be longer than 0 s",
            duration.seconds()
        )));
    }
    if let Some(fault) = music.and_then(fault) {
        return Err(unfit(fault));
    }
    let first = first_beat(&beats);
    let tempo_map = tempo_map(&beats, first, duration)
        .ok_or_else(|| unfit("the drum grid's beats give no tempo map".to_owned()))?;
    let timeline = Timeline {
        beats: &beats,
        tempo_map: &tempo_map,
        duration,
    };

    // Where no drum is struck, the music alone says how far the piece goes.
    let played = grid.hits.iter().map(|hit| hit.step).max();
    let played = played.or_else(|| music.and_then(last_step));
    let last = played.and_then(|played| match strong {
        Some(strong) => last_answer_after(played, strong, grid, &beats, duration),
        None => last_beat_after(played, grid, &beats, duration).map(|beat| beat.saturating_mul(STEPS_PER_BEAT as i32)),
    });
    let hits = match last.filter(|_| !grid.hits.is_empty()) {
        Some(step) => ending_on(step, grid),
        None => grid.hits.clone(),
    };
    let mut parts = vec![drum_part::part(&hits, &grid.style, kit, timeline)?];
    if let Some(music) = music {
        for kit in &mut parts {
            kit.volume = kit_volume(kit.program);
        }
        let levels = Levels::of(grid);
        let mut lines: Vec<&Line> = music.lines.iter().collect();
        lines.sort_by_key(|line| line.instrument.profile().channel);
        parts.extend(
            lines
                .into_iter()
                .map(|line| melodic_part(line, music, grid, &levels, last, timeline)),
        );
    }
    let score = Score {
        signatures: signatures(grid, first),
        tempo_map,
        parts,
        duration,
        start: Instant::ZERO,
    };
    score.check()?;
    Ok(score)
}

/// A line as a part, with its cadence on the last step if there is one.
fn melodic_part(
    line: &Line,
    music: &Music,
    grid: &DrumGrid,
    levels: &Levels,
    last: Option<i32>,
    timeline: Timeline<'_>,
) -> Part {
    let sounding: Vec<GridNote> = line
        .notes
        .iter()
        .filter(|note| timeline.onset(note.step, note.offset).is_some())
        .copied()
        .collect();
    let Some(last) = last else {
        let notes = melodic::notes(&sounding, timeline, timeline.end());
        return melodic::part(line, &grid.style, levels, notes);
    };
    let setting = Setting {
        instrument: line.instrument,
        range: &line.instrument.profile().range,
        key: music.key,
        chords: &music.chords,
        beats_per_bar: grid.beats_per_bar,
    };
    let cadence::Cadence {
        before,
        last: tonic,
        velocity,
    } = with_cadence(&sounding, last, setting);
    let end = melodic::ringing(&tonic, velocity, last, timeline);
    let until = timeline.onset(last, 0.0).unwrap_or_else(|| timeline.end());
    let mut notes = melodic::notes(&before, timeline, until);
    notes.extend(end);
    melodic::part(line, &grid.style, levels, notes)
}

/// The last step on which the music plays.
fn last_step(music: &Music) -> Option<i32> {
    let notes = music.lines.iter().flat_map(|line| &line.notes);
    notes.map(|note| note.step).max()
}

/// What is wrong with the notes of the music, if anything: it is also read from files.
fn fault(music: &Music) -> Option<String> {
    music.lines.iter().find_map(|line| {
        let name = line.instrument.profile().name;
        line.notes.iter().find_map(|note| {
            let at = format!("the {name}'s note on step {}", note.step);
            if note.pitch > 127 || note.length == 0 {
                return Some(format!(
                    "{at} has pitch {} and length {}; allowed are 0 to 127 and from 1 on",
                    note.pitch, note.length
                ));
            }
            let audible = note.velocity > 0.0 && note.velocity <= 1.0;
            if !audible || !(-1.0..=1.0).contains(&note.offset) {
                return Some(format!(
                    "{at} has velocity {} and offset {}; allowed are above 0 to 1 and -1 to 1",
                    note.velocity, note.offset
                ));
            }
            None
        })
    })
}

/// The beat, counted from the first of the grid, that tick 0 stands for.
///
/// The beats go on before the first at its interval. If the clip's start lies between two of them, the part up to the
/// next is a beat of its own (shorter than the others), unless it is less than half a beat and followed by another beat
/// that is no more than a continuation: then the two are one, longer than the others.
fn first_beat(beats: &BeatGrid) -> i32 {
    let start = beats.position(Instant::ZERO) / STEPS_PER_BEAT as f64;
    let nearest = start.round();
    if (start - nearest).abs() * f64::from(TICKS_PER_BEAT) < 0.5 {
        return nearest as i32;
    }
    let next = start.floor() as i32 + 1;
    if f64::from(next) - start < 0.5 && next < 0 {
        next
    } else {
        next - 1
    }
}

fn tempo_map(beats: &BeatGrid, first: i32, duration: Span) -> Option<TempoMap> {
    let mut points = vec![TempoPoint {
        tick: Tick(0),
        time: Instant::ZERO,
    }];
    let end = Instant::ZERO + duration;
    let last = i32::try_from(beats.beats().len()).ok()? - 1;
    // At least one beat, and none that lies wholly after the clip.
    for beat in first + 1..=last.max(first + 1) {
        points.push(TempoPoint {
            tick: Tick(u32::try_from(beat - first).ok()?.checked_mul(TICKS_PER_BEAT)?),
            time: beats.instant(f64::from(beat) * STEPS_PER_BEAT as f64),
        });
        if points.last().is_some_and(|point| point.time >= end) {
            break;
        }
    }
    TempoMap::new(points)
}

fn signatures(grid: &DrumGrid, first: i32) -> Vec<TimeSignature> {
    let bar = grid.beats_per_bar;
    let full = |tick| TimeSignature { tick, beats: bar };
    match (bar + 1 - beat_number(grid, first)) % bar {
        0 => vec![full(Tick(0))],
        pick_up => vec![
            TimeSignature {
                tick: Tick(0),
                beats: pick_up,
            },
            full(Tick(u32::from(pick_up) * TICKS_PER_BEAT)),
        ],
    }
}

#[cfg(test)]
#[path = "arrange_tests.rs"]
mod tests;
