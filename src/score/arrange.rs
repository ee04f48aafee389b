//! Arranges drums and melodic lines as a score.

use super::cadence::{self, Setting, with_cadence};
use super::ending::{beat_number, last_answer_after, last_beat_after};
use super::kits::kit_volume;
use super::levels::Levels;
use super::marked::{self, Last};
use super::melodic::{self, Timeline};
use super::{Part, Score, TimeSignature, drum_part};
use crate::answer::{Answer, Marked};
use crate::drums::DrumGrid;
use crate::error::{Error, Result};
use crate::music::{GridNote, Line, Music};
use crate::shown;
use crate::theory::Palette;
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span, TICKS_PER_BEAT, TempoMap, TempoPoint, Tick};

/// A score of the drums alone; otherwise like [`arrange`].
///
/// # Errors
/// Those of [`arrange`].
#[cfg(feature = "internals")]
pub fn from_drums(grid: &DrumGrid, duration: Span, kit: Option<&str>) -> Result<Score> {
    arrange(grid, None, duration, kit)
}

/// Arranges a score of the drums, and of the music that is played with them, with an
/// [ending](super::ending) for a length of `duration`. The parts are the drums, then the
/// melodic parts for which the music has lines, by channel.
///
/// The tempo map has a point at each beat; tick 0 is the clip's start. The part before the first
/// downbeat is a pick-up bar with its own signature, so that bar lines fall on downbeats. If the
/// clip begins between two beats, the first beat of the pick-up is shorter or longer accordingly.
///
/// The drums end on a beat near the clip's end, and the melodic parts resolve to the tonic with
/// them: what they play in the last half bar before that beat (in 3/4, the last bar) leads there,
/// and on the beat they play the tonic, which rings until the clip's end. Everything before depends
/// only on the lines, so that clips with the same start share it regardless of their length.
///
/// `kit` is one of [`KITS`](crate::settings::KITS); `None` chooses the one that suits the grid's
/// style, which also determines the melodic programs.
///
/// # Errors
/// [`Error::Music`] when the grid has fewer than two beats, its beats are not in ascending order,
/// `beats_per_bar` is 0, the clip has no length, or a note of the music is out of range;
/// [`Error::SettingValue`] when `kit` is not a kit.
#[cfg(feature = "internals")]
pub fn arrange(grid: &DrumGrid, music: Option<&Music>, duration: Span, kit: Option<&str>) -> Result<Score> {
    arrange_marked(grid, music, None, &Marked::default(), duration, kit)
}

/// Like [`arrange`], for drums and music that [answer](crate::answer) a movement, whose strong
/// accents the answer names, and marks: the piece ends [near the clip's
/// end](super::ending::last_answer_after), on a strong accent if possible, or on a marked hit that
/// comes last. Marked hits are at their very instants. `grid` has the drums of the answer, on the
/// beats of the clip.
///
/// # Errors
/// Those of [`arrange`].
pub fn arrange_answer(grid: &DrumGrid, answer: &Answer, duration: Span, kit: Option<&str>) -> Result<Score> {
    let (music, strong) = (answer.music.as_ref(), answer.strong.as_deref());
    arrange_marked(grid, music, strong, &answer.marked, duration, kit)
}

/// `strong` are the steps of strong accents, in ascending order; `None` if no movement is answered.
fn arrange_marked(
    grid: &DrumGrid,
    music: Option<&Music>,
    strong: Option<&[i32]>,
    marks: &Marked,
    duration: Span,
    kit: Option<&str>,
) -> Result<Score> {
    let unfit = |reason: String| Error::Music { reason };
    let beats = BeatGrid::new(grid.beats.clone()).ok_or_else(|| {
        unfit(format!(
            "the drum grid has {}; at least two, in ascending order, are needed",
            shown::count(grid.beats.len(), "beat")
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
        .map(|map| marked::exact(map, marks, &beats))
        .ok_or_else(|| unfit("the drum grid's beats do not form a tempo map".to_owned()))?;
    let timeline = Timeline {
        beats: &beats,
        tempo_map: &tempo_map,
        duration,
    };

    // Without drum hits, the music alone determines where the piece ends.
    let played = grid.hits.iter().map(|hit| hit.step).max();
    let played = played.or_else(|| music.and_then(last_step));
    let last = played.and_then(|played| match strong {
        Some(strong) => last_answer_after(played, strong, grid, &beats, duration),
        None => last_beat_after(played, grid, &beats, duration).map(|beat| beat.saturating_mul(STEPS_PER_BEAT as i32)),
    });
    let last = marked::last(last, marks, &beats, duration);
    let hits = match last.filter(|_| !grid.hits.is_empty()) {
        Some(last) => marked::hits(last, grid),
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

/// A line as a part, with its cadence on the last step, if any.
fn melodic_part(
    line: &Line,
    music: &Music,
    grid: &DrumGrid,
    levels: &Levels,
    last: Option<Last>,
    timeline: Timeline<'_>,
) -> Part {
    let palette = music.palette.unwrap_or_else(|| Palette::of_style(&grid.style));
    let sounding: Vec<GridNote> = line
        .notes
        .iter()
        .filter(|note| timeline.onset(note.step, note.offset).is_some())
        .copied()
        .collect();
    let Some(last) = last else {
        let notes = melodic::notes(&sounding, timeline, timeline.end());
        return melodic::part(line, palette, levels, notes);
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
    } = with_cadence(&sounding, last.step, setting);
    let end = melodic::ringing(&tonic, velocity, last, timeline);
    let onset = timeline.onset(last.step, last.offset);
    let until = onset.unwrap_or_else(|| timeline.end());
    let mut notes = melodic::notes(&before, timeline, until);
    notes.extend(end);
    melodic::part(line, palette, levels, notes)
}

/// The last step on which the music plays.
fn last_step(music: &Music) -> Option<i32> {
    let notes = music.lines.iter().flat_map(|line| &line.notes);
    notes.map(|note| note.step).max()
}

/// The fault of the music's notes, if there is one: music is also read from files.
fn fault(music: &Music) -> Option<String> {
    music.lines.iter().find_map(|line| {
        let name = line.instrument.profile().name;
        line.notes.iter().find_map(|note| {
            let at = format!("the {name}'s note on step {}", note.step);
            if note.pitch > 127 || note.length == 0 {
                return Some(format!(
                    "{at} has pitch {} and length {}; expected 0 to 127 and at least 1",
                    note.pitch, note.length
                ));
            }
            let audible = note.velocity > 0.0 && note.velocity <= 1.0;
            if !audible || !(-1.0..=1.0).contains(&note.offset) {
                return Some(format!(
                    "{at} has velocity {} and offset {}; expected above 0 to 1 and -1 to 1",
                    note.velocity, note.offset
                ));
            }
            None
        })
    })
}

/// The beat at tick 0, counted from the first of the grid.
///
/// The beats continue before the first at its interval. If the clip's start lies between two of
/// them, the part up to the next is a separate beat, shorter than the others; but if it is less
/// than half a beat and the beat after it is also before the first of the grid, the two are one
/// beat, longer than the others.
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
    // At least one beat, and none that lies entirely after the clip.
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
