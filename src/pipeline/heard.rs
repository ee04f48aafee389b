//! The part of an analysis within a window on the media: the same beats, accents, hits and notes,
//! in the window's time.
//!
//! The analysis belongs to the media; it does not depend on where a clip begins and ends and how
//! fast it is played.

use crate::drums::{DrumClass, DrumGrid, Hit};
use crate::music::{ChordAt, Line, Music};
use crate::pose::PoseTrack;
use crate::rhythm::{Curve, Hold, Rhythm};
use crate::score::{DRUM_PART, Score};
use crate::time::{BeatGrid, Instant, STEPS_PER_BEAT, Span, Tempo, Window};

/// Converts from the time of an analysed clip to that of a window on its media.
#[derive(Debug, Clone, Copy)]
pub(super) struct WindowMap {
    /// Where the analysed clip begins on the media.
    pub clip_start: Instant,
    /// The window.
    pub window: Window,
    /// Length of the window as heard.
    pub duration: Span,
}

impl WindowMap {
    fn time(&self, instant: Instant) -> Instant {
        self.window.heard(self.clip_start, instant)
    }

    fn is_inside(&self, heard: Instant) -> bool {
        heard >= Instant::ZERO && heard < Instant::ZERO + self.duration
    }

    /// The whole grid in the window's time: beats before it have negative times. For the
    /// arrangement, which leaves out silent steps.
    pub fn grid(&self, drums: &DrumGrid) -> DrumGrid {
        DrumGrid {
            beats: drums.beats.iter().map(|beat| self.time(*beat)).collect(),
            ..drums.clone()
        }
    }

    /// Beats and accents within the window, with the movement there.
    pub fn rhythm(&self, rhythm: &Rhythm) -> Rhythm {
        let mut heard = rhythm.clone();
        heard.beats.retain_mut(|beat| {
            beat.time = self.time(beat.time);
            self.is_inside(beat.time)
        });
        heard.accents.retain_mut(|accent| {
            accent.time = self.time(accent.time);
            self.is_inside(accent.time)
        });
        self.keep(&mut heard.cuts);
        heard.movement = self.curve(&rhythm.movement);
        heard.activation = self.curve(&rhythm.activation);
        heard.unmoved = None;
        heard.tempo = Tempo::from_bpm(rhythm.tempo.bpm() * self.window.speed.factor());
        heard
    }

    /// Keeps the instants within the window.
    fn keep(&self, instants: &mut Vec<Instant>) {
        instants.retain_mut(|time| {
            *time = self.time(*time);
            self.is_inside(*time)
        });
    }

    /// An instant in the time of the window, if it lies within it.
    pub fn inside(&self, instant: Instant) -> Option<Instant> {
        Some(self.time(instant)).filter(|heard| self.is_inside(*heard))
    }

    /// Where the body holds still within the window.
    pub fn holds(&self, rhythm: &Rhythm) -> Vec<Hold> {
        let end = Instant::ZERO + self.duration;
        let inside = |hold: Hold| {
            let (from, to) = (self.time(hold.from), self.time(hold.to));
            let from = if from < Instant::ZERO { Instant::ZERO } else { from };
            let to = if to > end { end } else { to };
            (from < to).then_some(Hold { from, to })
        };
        rhythm.holds().into_iter().filter_map(inside).collect()
    }

    /// The values within the window; the first is the one nearest to its start.
    fn curve(&self, curve: &Curve) -> Curve {
        let start = self.window.start.instant() - self.clip_start;
        let at = |span: Span| curve.rate.count(span).round().max(0.0) as usize;
        let from = at(start).min(curve.values.len());
        let to = at(start + self.duration * self.window.speed.factor()).clamp(from, curve.values.len());
        Curve {
            rate: curve.rate.times(self.window.speed.factor()),
            values: curve.values[from..to].to_vec(),
        }
    }

    /// The hits within the window, on a grid whose first beat is the window's first.
    pub fn drums(&self, drums: &DrumGrid) -> DrumGrid {
        let grid = self.grid(drums);
        let Some(beats) = BeatGrid::new(grid.beats.clone()) else {
            return grid;
        };
        let skipped = self.skipped(drums);
        let hits = grid
            .hits
            .iter()
            .filter(|hit| self.is_inside(beats.onset(hit.step, hit.offset)));
        let hits = hits
            .map(|hit| Hit {
                step: hit.step.saturating_sub(skipped),
                ..*hit
            })
            .collect();
        let beats = grid.beats.iter().skip(beats_of(skipped)).copied().collect();
        let bar = i32::from(grid.beats_per_bar.max(1));
        let first_beat = (i32::from(grid.first_beat) - 1 + skipped / STEPS_PER_BEAT as i32).rem_euclid(bar) + 1;
        DrumGrid {
            beats,
            first_beat: u8::try_from(first_beat).unwrap_or(1),
            hits,
            ..grid
        }
    }

    /// Chords and notes within the window, on the grid of [`drums`](Self::drums). The chord that
    /// sounds when the window begins keeps its step.
    pub fn music(&self, music: &Music, drums: &DrumGrid) -> Music {
        let grid = self.grid(drums);
        let Some(beats) = BeatGrid::new(grid.beats) else {
            return music.clone();
        };
        let skipped = self.skipped(drums);
        let time = |step: i32| beats.instant(f64::from(step));
        let end = Instant::ZERO + self.duration;
        let sounds_until = |index: usize| music.chords.get(index + 1).map(|next| time(next.step));
        let chords = music
            .chords
            .iter()
            .enumerate()
            .filter(|(index, at)| time(at.step) < end && sounds_until(*index).is_none_or(|until| until > Instant::ZERO))
            .map(|(_, at)| ChordAt {
                step: at.step.saturating_sub(skipped),
                ..*at
            })
            .collect();
        let lines = music.lines.iter().map(|line| {
            let inside = |note: &&crate::music::GridNote| self.is_inside(beats.onset(note.step, note.offset));
            let notes = line.notes.iter().filter(inside).map(|note| crate::music::GridNote {
                step: note.step.saturating_sub(skipped),
                ..*note
            });
            Line {
                instrument: line.instrument,
                notes: notes.collect(),
            }
        });
        Music {
            key: music.key,
            palette: music.palette,
            chords,
            lines: lines.collect(),
        }
    }

    /// The poses within the window.
    pub fn poses(&self, poses: &PoseTrack) -> PoseTrack {
        let mut heard = poses.clone();
        heard.poses.retain_mut(|pose| {
            pose.time = self.time(pose.time);
            self.is_inside(pose.time)
        });
        self.keep(&mut heard.cuts);
        self.keep(&mut heard.handovers);
        for other in &mut heard.others {
            *other = self.poses(other);
        }
        heard
    }

    /// Number of steps of the grid before the window's first beat. At least two beats remain, since
    /// a grid needs two.
    fn skipped(&self, drums: &DrumGrid) -> i32 {
        let before = drums
            .beats
            .iter()
            .take_while(|beat| self.time(**beat) < Instant::ZERO)
            .count();
        let beats = before.min(drums.beats.len().saturating_sub(2));
        i32::try_from(beats * STEPS_PER_BEAT).unwrap_or(0)
    }
}

/// The hits of a score, on the grid of the heard drums: without those that are silent, with those
/// of the ending.
pub(super) fn sounding(score: &Score, drums: DrumGrid) -> DrumGrid {
    let Some(beats) = BeatGrid::new(drums.beats.clone()) else {
        return drums;
    };
    let parts = score.parts.iter().filter(|part| part.name == DRUM_PART);
    let hits = parts.flat_map(|part| &part.notes).filter_map(|note| {
        let class = DrumClass::ALL.into_iter().find(|class| class.pitch() == note.pitch)?;
        let position = beats.position(score.tempo_map.instant(note.onset));
        let step = (position + 0.5).floor();
        Some(Hit {
            step: step as i32,
            class,
            velocity: f32::from(note.velocity) / 127.0,
            offset: (position - step) as f32,
        })
    });
    let mut hits: Vec<Hit> = hits.collect();
    hits.sort_by_key(|hit| (hit.step, hit.class as usize));
    DrumGrid { hits, ..drums }
}

/// Number of whole beats in so many steps.
fn beats_of(steps: i32) -> usize {
    usize::try_from(steps).unwrap_or(0) / STEPS_PER_BEAT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drums::{DrumClass, Hit};
    use crate::music::GridNote;
    use crate::rhythm::{Accent, AccentKind, Beat, BodyPart, Source};
    use crate::theory::{Chord, Instrument, Key, Mode, Quality};
    use crate::time::{Flicks, Rate, Speed};

    /// A clip that begins 10 s into its media, with beats at 0.25 s, 0.75 s … of its own time;
    /// the window is played at double speed from 12 s to 16 s.
    fn heard() -> WindowMap {
        let window = Window {
            start: Flicks::from_seconds(12.0),
            end: Flicks::from_seconds(16.0),
            speed: Speed::new(2, 1).expect("a speed"),
        };
        WindowMap {
            clip_start: Instant::from_seconds(10.0),
            window,
            duration: window.length(),
        }
    }

    fn times() -> Vec<Instant> {
        (0..20)
            .map(|b| Instant::from_seconds(0.25 + 0.5 * f64::from(b)))
            .collect()
    }

    fn drums() -> DrumGrid {
        let hit = |step| Hit {
            step,
            class: DrumClass::Kick,
            velocity: 0.5,
            offset: 0.1,
        };
        DrumGrid {
            beats: times(),
            first_beat: 2,
            beats_per_bar: 4,
            style: "rock".to_owned(),
            hits: (-2..80).map(hit).collect(),
        }
    }

    fn seconds(instants: impl IntoIterator<Item = Instant>) -> Vec<f64> {
        instants
            .into_iter()
            .map(|t| (t.seconds() * 1e6).round() / 1e6)
            .collect()
    }

    #[test]
    fn hits_keep_their_place_in_bar_and_media() {
        let (heard, drums) = (heard(), drums());
        let inside = heard.drums(&drums);
        // Beat 4 (2.25 s of the clip, 12.25 s of the media) is the window's first, at an eighth of
        // a second.
        assert_eq!(seconds(inside.beats.iter().copied())[..3], [0.125, 0.375, 0.625]);
        assert_eq!(inside.first_beat, 2, "four beats further in bars of four");
        let grid = BeatGrid::new(inside.beats.clone()).expect("beats");
        assert!(
            inside
                .hits
                .iter()
                .all(|hit| heard.is_inside(grid.instant(f64::from(hit.step) + 0.1)))
        );
        assert_eq!(inside.hits.len(), 32, "4 s of the media at 8 steps a second");
        assert_eq!(inside.hits.first().map(|hit| hit.step), Some(-2));
        let all = heard.grid(&drums);
        assert_eq!(all.hits, drums.hits);
        assert_eq!(seconds(all.beats.iter().copied())[..2], [-0.875, -0.625]);
    }

    #[test]
    fn the_sounding_hits_are_those_of_the_score() {
        let inside = heard().drums(&drums());
        let score = crate::score::from_drums(&inside, Span::from_seconds(2.0), None).expect("a score");
        let reported = sounding(&score, inside.clone());
        let notes = &score.parts[0].notes;
        assert_eq!(reported.hits.len(), notes.len());
        assert!(
            reported.hits.iter().any(|hit| hit.class == DrumClass::Crash),
            "the ending"
        );
        assert!(reported.hits.len() < inside.hits.len(), "without the hits after it");
        let grid = BeatGrid::new(reported.beats.clone()).expect("beats");
        for (hit, note) in reported.hits.iter().zip(notes) {
            let time = grid.instant(f64::from(hit.step) + f64::from(hit.offset));
            assert!((time - score.tempo_map.instant(note.onset)).seconds().abs() < 1e-6);
            assert_eq!((hit.velocity * 127.0).round() as u8, note.velocity);
        }
    }

    #[test]
    fn rhythm_and_movement_are_those_of_the_window() {
        let curve = |rate: f64| Curve {
            rate: Rate::from_hz(rate),
            values: (0..(10.0 * rate) as u16).map(f32::from).collect(),
        };
        let rhythm = Rhythm {
            beats: (0_u8..)
                .zip(times())
                .map(|(index, time)| Beat {
                    time,
                    number: index % 4 + 1,
                })
                .collect(),
            beats_per_bar: 4,
            tempo: Tempo::from_bpm(120.0),
            confidence: 1.0,
            accents: [1.9, 2.0, 5.9, 6.0]
                .map(|seconds| Accent {
                    time: Instant::from_seconds(seconds),
                    strength: 0.5,
                    kind: AccentKind::Impact,
                    part: BodyPart::default(),
                    impact: None,
                })
                .to_vec(),
            movement: curve(60.0),
            activation: curve(100.0),
            source: Source::Motion,
            cuts: vec![],
            unmoved: None,
        };
        let inside = heard().rhythm(&rhythm);
        assert_eq!(seconds(inside.accents.iter().map(|a| a.time)), [0.0, 1.95]);
        assert_eq!((inside.beats.len(), inside.beats[0].number), (8, 1));
        assert_eq!(inside.tempo.bpm(), 240.0);
        assert_eq!((inside.movement.rate.hz(), inside.movement.values[0]), (120.0, 120.0));
        assert_eq!(inside.movement.values.len(), 240);
        assert_eq!(inside.activation.values.len(), 400);
    }

    #[test]
    fn the_chord_that_sounds_at_the_start_is_given() {
        let chord = |step, root| ChordAt {
            step,
            chord: Chord {
                root,
                quality: Quality::Major,
            },
        };
        let note = |step| GridNote {
            step,
            length: 2,
            pitch: 60,
            velocity: 0.5,
            offset: 0.0,
        };
        let music = Music {
            palette: None,
            key: Key {
                tonic: 0,
                mode: Mode::Major,
            },
            chords: vec![chord(0, 0), chord(8, 5), chord(24, 7), chord(48, 0)],
            lines: vec![Line {
                instrument: Instrument::Bass,
                notes: vec![note(0), note(14), note(16), note(45), note(46)],
            }],
        };
        let inside = heard().music(&music, &drums());
        let chords: Vec<_> = inside.chords.iter().map(|at| (at.step, at.chord.root)).collect();
        assert_eq!(chords, [(-8, 5), (8, 7)]);
        let steps: Vec<_> = inside.lines[0].notes.iter().map(|note| note.step).collect();
        assert_eq!(steps, [-2, 0, 29]);

        // A chord that has sounded since before the lowest step number.
        let mut endless = music;
        endless.chords = vec![chord(i32::MIN, 7)];
        let inside = heard().music(&endless, &drums());
        assert_eq!(inside.chords, [chord(i32::MIN, 7)]);
    }
}
