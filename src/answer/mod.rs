//! The arranger: drums and lines, made to answer the body.
//!
//! The networks write a groove that knows of the movement where its accents are, to the sixteenth,
//! and no more. A viewer sees more: a stop to the frame, how hard it is, which limb makes it, and
//! whether anybody moves at all. So what they wrote is arranged to the movement before it becomes a
//! score:
//!
//! * **time**: what is played on the step of an accent moves towards the accent's instant, and
//!   nothing is left right beside it;
//! * **loudness**: strokes on an accent are as loud as the accent is strong, the others step back,
//!   but for the backbone, and swell where the body is braked;
//! * **density**: off the beats nothing is struck where the body is not braked at all;
//! * **voice**: an accent has the drums of the part of the body that makes it;
//! * **stillness**: where the body holds, or nobody is seen, nothing is struck, the harmony holds
//!   too, and a fill leads to the next accent;
//! * **lines**: bass and chords land on strong accents and rest where the body rests.
//!
//! All of it is decided on the grid of the media, by what is around a moment there, and so is the
//! same whatever is cut out of the media and however fast that is played. Pure: numbers to numbers.

mod depth;
mod lines;
mod moments;
mod strokes;
#[cfg(test)]
mod tests;

use crate::drums::DrumGrid;
use crate::music::Music;
use crate::rhythm::Rhythm;
use crate::time::BeatGrid;
use depth::Depth;
use moments::Moments;

/// Drums and music as they answer the movement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The drums.
    pub drums: DrumGrid,
    /// The lines, if there are any.
    pub music: Option<Music>,
    /// Steps of the grid, rising, on which a strong accent is answered: where a piece may end.
    /// `None` where the movement is to be ignored.
    pub strong: Option<Vec<i32>>,
}

impl Answer {
    /// Drums and music as they were written.
    pub fn none(drums: &DrumGrid, music: Option<&Music>) -> Self {
        Self {
            drums: drums.clone(),
            music: music.cloned(),
            strong: None,
        }
    }
}

/// Arranges drums and music to the movement they were written to. `follow` is how closely, 0 (not
/// at all: all stays as it was written) to 4 (everything stands on the movement); at 2 the groove
/// still breathes.
///
/// The drums must be on the beats of the rhythm; where those span no grid, all stays as it was
/// written.
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
    }
}
