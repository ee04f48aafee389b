//! Marks: what a person has corrected or asked for in a clip, in the time of its media.
//!
//! Since their times are those of the media, a trim and a change of speed leave them right.

mod check;
mod cuts;

pub(crate) use cuts::CutHits;

use crate::time::{Instant, Span};
use serde::{Deserialize, Deserializer, Serialize};

/// How far an accent may be from the time at which a mark says that it is.
pub(crate) const SAME_ACCENT: Span = Span::from_seconds(0.05);

/// The corrections and wishes of a person for one clip. Times count from the start of the media, as
/// those of a [`Cut`](crate::Cut) do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Beats through which the beats of the music pass, in rising order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beats: Vec<BeatMark>,
    /// Instants that the music answers, in rising order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<HitMark>,
    /// Stretches in which nothing is played, in rising order, without overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<SilenceMark>,
    /// How many times as fast the beats are as those that were found.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tempo_factor: TempoFactor,
    /// Accents of the movement that are removed or moved.
    #[serde(default, skip_serializing_if = "is_default")]
    pub accents: AccentMarks,
}

/// A fixed beat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeatMark {
    /// When it is.
    pub time: Instant,
    /// Its number in the bar, if that is fixed as well; 1, or the word `downbeat`, is the first.
    #[serde(
        default,
        deserialize_with = "number_or_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub number: Option<u8>,
}

/// An instant that the music answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HitMark {
    /// When it is.
    pub time: Instant,
    /// How strong it is, 0 to 1.
    #[serde(default = "full")]
    pub strength: f32,
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What answers it; at least one.
    #[serde(default = "drums")]
    pub answer: Vec<HitAnswer>,
}

/// What answers a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HitAnswer {
    /// The drums strike.
    Drums,
    /// The other instruments play the chord.
    Chord,
    /// Nothing is played for a moment before it.
    Stop,
}

/// A stretch in which nothing is played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SilenceMark {
    /// Its start.
    pub from: Instant,
    /// Its end, at which something may be played again.
    pub to: Instant,
}

/// How many times as fast the beats are as those that were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub enum TempoFactor {
    /// Half as fast.
    Half,
    /// As found.
    #[default]
    One,
    /// Twice as fast.
    Double,
}

/// Accents of the movement that are not as they were found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccentMarks {
    /// Times of those that are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Instant>,
    /// Those that are moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<MovedAccent>,
}

/// An accent that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedAccent {
    /// When it was found.
    pub from: Instant,
    /// When it is instead.
    pub to: Instant,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn full() -> f32 {
    1.0
}

fn drums() -> Vec<HitAnswer> {
    vec![HitAnswer::Drums]
}

/// Reads the number of a beat, or the word for the first.
fn number_or_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Downbeat,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u8),
        Word(Word),
    }
    Ok(Some(match Written::deserialize(from)? {
        Written::Number(number) => number,
        Written::Word(Word::Downbeat) => 1,
    }))
}

impl TempoFactor {
    /// As a number.
    pub fn factor(self) -> f64 {
        match self {
            Self::Half => 0.5,
            Self::One => 1.0,
            Self::Double => 2.0,
        }
    }
}

impl TryFrom<f64> for TempoFactor {
    type Error = String;

    fn try_from(factor: f64) -> Result<Self, String> {
        let all = [Self::Half, Self::One, Self::Double];
        let found = all.into_iter().find(|known| known.factor() == factor);
        found.ok_or_else(|| "it must be 0.5, 1 or 2".to_owned())
    }
}

impl From<TempoFactor> for f64 {
    fn from(factor: TempoFactor) -> Self {
        factor.factor()
    }
}

impl HitMark {
    /// Whether this is part of its answer.
    pub fn wants(&self, answer: HitAnswer) -> bool {
        self.answer.contains(&answer)
    }
}

impl Marks {
    /// Whether nothing is corrected.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The marks that determine beats and accents. The others determine how the composed music is
    /// arranged.
    pub fn of_rhythm(&self) -> Self {
        Self {
            hits: Vec::new(),
            silences: Vec::new(),
            ..self.clone()
        }
    }

    /// The marks without the fixed beats.
    #[must_use]
    pub fn without_beats(&self) -> Self {
        Self {
            beats: Vec::new(),
            ..self.clone()
        }
    }

    /// The marks without what only people read.
    pub fn without_labels(&self) -> Self {
        let mut plain = self.clone();
        plain.hits.iter_mut().for_each(|hit| hit.label.clear());
        plain
    }

    /// The marks that lie within a clip that begins at `start` on the media, in the clip's time. Moved
    /// accents are those that were found within it, wherever they are moved to.
    #[must_use]
    pub fn within(&self, start: Instant, duration: Span) -> Self {
        let end = Instant::ZERO + duration;
        let inside = |time: &Instant| *time >= Instant::ZERO && *time <= end;
        let own = |time: Instant| Instant::ZERO + (time - start);
        let mut marks = self.clone();
        marks.beats.iter_mut().for_each(|beat| beat.time = own(beat.time));
        marks.beats.retain(|beat| inside(&beat.time));
        marks.hits.iter_mut().for_each(|hit| hit.time = own(hit.time));
        marks.hits.retain(|hit| inside(&hit.time));
        for silence in &mut marks.silences {
            (silence.from, silence.to) = (own(silence.from), own(silence.to));
        }
        marks.silences.retain(|s| s.to > Instant::ZERO && s.from < end);
        marks.accents.removed.iter_mut().for_each(|time| *time = own(*time));
        marks.accents.removed.retain(inside);
        for moved in &mut marks.accents.moved {
            (moved.from, moved.to) = (own(moved.from), own(moved.to));
        }
        marks.accents.moved.retain(|moved| inside(&moved.from));
        marks
    }
}
