//! The arranger: makes drums and lines answer the movement.
//!
//! The networks write a groove that knows only the sixteenth of each accent. A viewer sees more: a
//! stop to the frame, how hard it is, which limb makes it, and whether anybody moves at all. So the
//! groove is arranged to the movement before it becomes a score:
//!
//! * **time**: notes on the step of an accent move towards the accent's instant, so that nothing
//!   sounds just beside it;
//! * **loudness**: strokes on an accent are as loud as the accent is strong; the others become
//!   softer, except for the backbone, and swell where the body is braked;
//! * **density**: off the beats nothing is struck where the body is not braked at all;
//! * **voice**: an accent gets the drums of the part of the body that makes it;
//! * **stillness**: where the body holds, or nobody is seen, nothing is struck, the harmony holds
//!   too, and a fill leads to the next accent;
//! * **lines**: bass and chords land on strong accents and rest where the body rests.
//!
//! Last, it answers the [marks](marked) of a person, whether or not the movement is followed.
//!
//! All of it is decided on the grid of the media, from what is around a moment there. The result is
//! therefore the same whichever part of the media is used, and at any speed. Pure: numbers to
//! numbers.

mod depth;
mod lines;
mod marked;
mod moments;
mod strokes;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub use marked::Stretch;
pub use marked::{Marked, Struck, with_marks};

use crate::drums::DrumGrid;
use crate::music::Music;
use crate::rhythm::Rhythm;
use crate::time::BeatGrid;
use depth::Depth;
use moments::Moments;

/// Drums and music after they were arranged to the movement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The drums.
    pub drums: DrumGrid,
    /// The lines, if there are any.
    pub music: Option<Music>,
    /// Steps of the grid, in rising order, on which a strong accent is answered: where a piece may
    /// end. `None` where the movement is ignored.
    pub strong: Option<Vec<i32>>,
    /// Where marks are answered.
    pub marked: Marked,
}

impl Answer {
    /// Drums and music as they were written.
    pub fn none(drums: &DrumGrid, music: Option<&Music>) -> Self {
        Self {
            drums: drums.clone(),
            music: music.cloned(),
            strong: None,
            marked: Marked::default(),
        }
    }

    /// Without the lines that never play.
    pub fn without_silent_lines(mut self) -> Self {
        if let Some(music) = &mut self.music {
            music.lines.retain(|line| !line.notes.is_empty());
        }
        self
    }
}

/// Arranges drums and music to the movement they were written for. `follow` is how closely, 0 (not
/// at all: everything stays as written) to 4 (everything is placed on the movement); at 2 the
/// groove still has room to breathe.
///
/// The drums must be on the beats of the rhythm; where those do not span a grid, everything stays
/// as written.
pub fn answer(drums: &DrumGrid, music: Option<&Music>, rhythm: &Rhythm, follow: f64) -> Answer {
    let depth = Depth::new(follow);
    let Some(grid) = BeatGrid::new(drums.beats.clone()).filter(|_| depth.answers()) else {
        return Answer::none(drums, music);
    };
    let moments = Moments::new(rhythm, &grid, drums, depth);
    let music = music.map(|music| Music {
        lines: music
            .lines
            .iter()
            .map(|line| lines::answered(line, &music.chords, &moments))
            .collect(),
        ..music.clone()
    });
    Answer {
        drums: DrumGrid {
            hits: strokes::answered(drums, &moments),
            ..drums.clone()
        },
        music,
        strong: Some(moments.strong().map(|moment| moment.step).collect()),
        marked: Marked::default(),
    }
}
