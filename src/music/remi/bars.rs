//! Bars, and the tokens that encode them.

use super::grammar::Grammar;
use super::vocabulary::{TempoClass, Token, VELOCITIES};
use crate::error::{Error, Result};
use crate::theory::Chord;

/// One bar of a part on the sixteenth-note grid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemiBar {
    /// Sixteenths in the bar: 16 in 4/4, 12 in 3/4.
    pub steps: u8,
    /// Tempi: the position, from 0, at which each begins, and beats per minute, 30 to 209.
    pub tempo: Vec<(u8, u8)>,
    /// Chords with the position at which each begins; `None`: no chord.
    pub chords: Vec<(u8, Option<Chord>)>,
    /// The notes, by position, then by pitch.
    pub notes: Vec<RemiNote>,
}

/// A note within a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemiNote {
    /// Sixteenth of the bar on which it begins, from 0.
    pub position: u8,
    /// MIDI pitch.
    pub pitch: u8,
    /// Velocity, a bin from 0 to 31.
    pub velocity_bin: u8,
    /// Length in thirty-second notes, 1 to 64.
    pub duration: u8,
}

/// The MIDI velocity in the middle of a bin; a bin beyond the last counts as the last.
pub fn velocity(bin: u8) -> u8 {
    let middle = f32::from(bin.min(VELOCITIES - 1)) + 0.5;
    (middle * 127.0 / f32::from(VELOCITIES)).round().clamp(1.0, 127.0) as u8
}

/// A tempo in REMI's resolution: whole beats per minute, 30 to 209.
pub fn bpm(tempo: f64) -> u8 {
    tempo.round().clamp(30.0, 209.0) as u8
}

/// Tokens as bars of `steps` sixteenths each.
///
/// # Errors
/// [`Error::Music`] with the index of the first token that the [grammar](Grammar) does not allow,
/// and the tokens that it expects there.
pub fn decode(tokens: &[Token], steps: u8) -> Result<Vec<RemiBar>> {
    let mut grammar = Grammar::new(steps);
    let mut bars: Vec<RemiBar> = Vec::new();
    let (mut position, mut class, mut velocity_bin, mut pitch) = (0, TempoClass::Slow, 0, 0);
    for (index, token) in tokens.iter().enumerate() {
        grammar.feed(*token).map_err(|expected| Error::Music {
            reason: format!("token {index} is '{token}'; expected {expected}"),
        })?;
        if *token == Token::Bar {
            bars.push(RemiBar {
                steps,
                ..RemiBar::default()
            });
        }
        // The grammar does not allow anything before the first bar.
        let Some(bar) = bars.last_mut() else { continue };
        match *token {
            Token::Bar => {}
            Token::Position(at) => position = at,
            Token::Chord(chord) => bar.chords.push((position, chord)),
            Token::TempoClass(of) => class = of,
            Token::TempoValue(value) => bar.tempo.push((position, class.least() + value)),
            Token::NoteVelocity(bin) => velocity_bin = bin,
            Token::NoteOn(at) => pitch = at,
            Token::NoteDuration(duration) => bar.notes.push(RemiNote {
                position,
                pitch,
                velocity_bin,
                duration,
            }),
        }
    }
    if grammar.may_end() {
        return Ok(bars);
    }
    Err(Error::Music {
        reason: format!(
            "the tokens end at index {}; expected {}",
            tokens.len(),
            grammar.expected()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::encoding::{encode, velocity_bin};
    use super::super::samples::bars;
    use super::*;
    use crate::theory::Quality;
    use proptest::prelude::*;

    const C: Option<Chord> = Some(Chord {
        root: 0,
        quality: Quality::Major,
    });

    fn note(position: u8, pitch: u8, velocity_bin: u8, duration: u8) -> RemiNote {
        RemiNote {
            position,
            pitch,
            velocity_bin,
            duration,
        }
    }

    fn names(tokens: &[Token]) -> Vec<String> {
        tokens.iter().map(|token| token.name()).collect()
    }

    #[test]
    fn a_bar_is_encoded_as_in_the_paper() {
        let bar = RemiBar {
            steps: 16,
            tempo: vec![(0, 117)],
            chords: vec![(0, C), (8, None)],
            notes: vec![
                note(8, 64, 20, 2),
                note(0, 67, 21, 8),
                note(0, 60, 20, 8),
                // One pitch at one position: the longest stays.
                note(0, 60, 31, 7),
            ],
        };
        let tokens = encode(&[
            bar,
            RemiBar {
                steps: 16,
                ..RemiBar::default()
            },
        ])
        .expect("bars");
        assert_eq!(
            names(&tokens),
            [
                "Bar",
                "Position 1/16",
                "Tempo Class mid",
                "Tempo Value 27",
                "Position 1/16",
                "Chord C:maj",
                "Position 1/16",
                "Note Velocity 20",
                "Note On 60",
                "Note Duration 8",
                "Position 1/16",
                "Note Velocity 21",
                "Note On 67",
                "Note Duration 8",
                "Position 9/16",
                "Chord N:N",
                "Position 9/16",
                "Note Velocity 20",
                "Note On 64",
                "Note Duration 2",
                "Bar",
            ]
        );
    }

    #[test]
    fn velocities_and_tempi_survive_encoding() {
        for bin in 0..32 {
            assert_eq!(velocity_bin(velocity(bin)), bin);
        }
        for value in 1..=127_u8 {
            let back = velocity(velocity_bin(value));
            assert!(back.abs_diff(value) <= 3, "{value} {back}");
        }
        assert_eq!(
            (velocity_bin(0), velocity_bin(1), velocity_bin(127), velocity_bin(255)),
            (0, 0, 31, 31)
        );
        assert_eq!((velocity(0), velocity(31), velocity(200)), (2, 125, 125));
        for tempo in 30..=209 {
            let bar = RemiBar {
                steps: 12,
                tempo: vec![(3, tempo)],
                ..RemiBar::default()
            };
            let tokens = encode(std::slice::from_ref(&bar)).expect("a bar");
            assert_eq!(decode(&tokens, 12).expect("tokens"), [bar]);
        }
        assert_eq!((bpm(12.0), bpm(89.5), bpm(400.0)), (30, 90, 209));
    }

    #[test]
    fn broken_sequences_are_refused_with_index_and_expectation() {
        let bar = RemiBar {
            steps: 16,
            tempo: vec![(0, 120)],
            chords: vec![(0, C)],
            notes: vec![note(4, 60, 20, 8)],
        };
        let good = encode(&[bar]).expect("a bar");
        let without = |index: usize| {
            let mut tokens = good.clone();
            tokens.remove(index);
            decode(&tokens, 16).expect_err("broken").to_string()
        };
        for (index, words) in [
            (0, "token 0 is 'Position 1/16'; expected Bar"),
            (
                1,
                "token 1 is 'Tempo Class mid'; expected Bar, or Position 1/16 to Position 16/16",
            ),
            (
                2,
                "token 2 is 'Tempo Value 30'; expected Tempo Class, Chord or Note Velocity",
            ),
            (3, "token 3 is 'Position 1/16'; expected Tempo Value"),
            (
                7,
                "token 7 is 'Note On 60'; expected Tempo Class, Chord or Note Velocity",
            ),
            (8, "token 8 is 'Note Duration 8'; expected Note On"),
            (9, "the tokens end at index 9; expected Note Duration"),
        ] {
            let error = without(index);
            assert!(error.contains(words), "{index}: {error}");
        }
        let late = encode(&[RemiBar {
            steps: 16,
            chords: vec![(12, C)],
            ..RemiBar::default()
        }])
        .expect("a bar");
        let error = decode(&late, 12).expect_err("3/4 has 12 positions").to_string();
        assert!(error.contains("token 1 is 'Position 13/16'"), "{error}");
        assert!(decode(&[], 16).expect("no bars").is_empty());
    }

    #[test]
    fn invalid_bars_are_refused_with_the_value() {
        let bar = || RemiBar {
            steps: 16,
            ..RemiBar::default()
        };
        for (bar, words) in [
            (RemiBar { steps: 14, ..bar() }, "14 sixteenths; expected 12 or 16"),
            (
                RemiBar {
                    steps: 12,
                    notes: vec![note(12, 60, 1, 1)],
                    ..bar()
                },
                "position 12; expected 0 to 11",
            ),
            (
                RemiBar {
                    tempo: vec![(0, 20)],
                    ..bar()
                },
                "20 beats",
            ),
            (
                RemiBar {
                    tempo: vec![(4, 90), (4, 91)],
                    ..bar()
                },
                "ascending order",
            ),
            (
                RemiBar {
                    chords: vec![(4, C), (0, C)],
                    ..bar()
                },
                "ascending order",
            ),
            (
                RemiBar {
                    chords: vec![(
                        0,
                        Some(Chord {
                            root: 12,
                            quality: Quality::Minor,
                        }),
                    )],
                    ..bar()
                },
                "pitch class 12",
            ),
            (
                RemiBar {
                    notes: vec![note(0, 128, 1, 1)],
                    ..bar()
                },
                "pitch 128",
            ),
            (
                RemiBar {
                    notes: vec![note(0, 60, 32, 1)],
                    ..bar()
                },
                "bin 32",
            ),
            (
                RemiBar {
                    notes: vec![note(0, 60, 1, 0)],
                    ..bar()
                },
                "duration 0",
            ),
            (
                RemiBar {
                    notes: vec![note(0, 60, 1, 65)],
                    ..bar()
                },
                "duration 65",
            ),
        ] {
            let error = encode(&[
                RemiBar {
                    steps: 16,
                    ..RemiBar::default()
                },
                bar,
            ])
            .expect_err(words)
            .to_string();
            assert!(error.contains("bar 2") && error.contains(words), "{words}: {error}");
        }
    }

    proptest! {
        #[test]
        fn bars_come_back((steps, bars) in bars()) {
            let tokens = encode(&bars).expect("bars");
            let ids: Vec<usize> = tokens.iter().map(|token| token.id()).collect();
            let read: Vec<Token> = ids.into_iter().filter_map(Token::from_id).collect();
            prop_assert_eq!(decode(&read, steps).expect("tokens"), bars);
        }

        #[test]
        fn no_sequence_panics(ids in prop::collection::vec(0..Token::COUNT, 0..60), steps in 0..=255_u8) {
            let tokens: Vec<Token> = ids.into_iter().filter_map(Token::from_id).collect();
            if let Err(error) = decode(&tokens, steps) {
                prop_assert!(error.to_string().contains("; expected "));
            }
        }
    }
}
