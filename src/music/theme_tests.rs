use super::*;
use crate::theory::Quality;

const C: Chord = Chord {
    root: 0,
    quality: Quality::Major,
};

fn themes() -> impl Iterator<Item = Theme> {
    (0..200).map(|seed| Theme::draw(seed, 16, 60.0 + seed as f64))
}

#[test]
fn motifs_are_singable() {
    let (mut steps, mut all) = (0, 0);
    for theme in themes() {
        for motif in &theme.motifs {
            assert_eq!(motif.moves.len() + 1, motif.onsets.len(), "{motif:?}");
            assert!(motif.onsets.is_sorted_by(|a, b| a < b) && motif.onsets.iter().all(|onset| *onset < 16));
            for pair in motif.moves.windows(2) {
                assert!(
                    pair[0].abs() < LEAP || pair[1] == -pair[0].signum(),
                    "a leap is answered: {motif:?}"
                );
            }
            let mut at = 0;
            for by in &motif.moves {
                at += by;
                assert!(CONTOUR.contains(&at), "{motif:?}");
            }
            steps += motif.moves.iter().filter(|by| by.abs() == 1).count();
            all += motif.moves.len();
        }
        assert_eq!(theme.motifs[0].onsets[0], 0, "it begins on the beat");
    }
    let share = steps as f64 / all as f64;
    assert!((0.5..0.85).contains(&share), "{share} of the moves are steps");
}

#[test]
fn an_answer_begins_like_its_motif() {
    let alike = themes().filter(|theme| {
        let half = |motif: &Motif| {
            motif
                .onsets
                .iter()
                .filter(|onset| **onset < CELL)
                .copied()
                .collect::<Vec<_>>()
        };
        half(&theme.motifs[0]) == half(&theme.motifs[1])
    });
    assert_eq!(alike.count(), 200);
    assert!(themes().filter(|theme| theme.motifs[0] != theme.motifs[1]).count() > 195);
}

#[test]
fn variations_keep_what_makes_the_motif() {
    let motif = Motif {
        onsets: vec![0, 3, 6, 12],
        moves: vec![1, 1, -2],
    };
    assert_eq!(motif.varied(Variation::Plain, 16), motif);
    assert_eq!(motif.varied(Variation::Inversion, 16).moves, [-1, -1, 2]);
    assert_eq!(motif.varied(Variation::Fragment, 16).onsets, [0, 3]);
    let close = motif.varied(Variation::Close, 16);
    assert_eq!((close.onsets, close.moves), (vec![0, 3, 8], vec![1, -1]));
    let waltz = motif.varied(Variation::Close, 12);
    assert_eq!(waltz.onsets, [0, 3, 6]);
}

#[test]
fn notes_move_onto_strong_accents_within_reach() {
    let mut levels = [0_u8; 16];
    levels[5] = 2;
    levels[15] = 1;
    assert_eq!(on_accents(&[0, 3, 6, 12], &levels), [0, 3, 5, 12]);
    levels[9] = 2;
    assert_eq!(
        on_accents(&[0, 3, 6, 12], &levels),
        [0, 3, 5, 12],
        "nothing is near enough"
    );
    levels[6] = 2;
    assert_eq!(on_accents(&[0, 6], &levels), [0, 6], "a note on an accent stays");
    assert_eq!(on_accents(&[0, 6], &[]), [0, 6]);
}

#[test]
fn notes_that_carry_the_harmony_are_tones_of_the_chord() {
    let ladder: Vec<u8> = (60..=84)
        .filter(|pitch| [0, 2, 4, 5, 7, 9, 11].contains(&(pitch % 12)))
        .collect();
    assert_eq!(ladder[nearest_tone(&ladder, 66, C)], 67);
    let at = |pitch: u8| ladder.iter().position(|other| *other == pitch).expect("in the scale");
    assert_eq!(ladder[moved(&ladder, at(67), 1, None)], 69);
    assert_eq!(
        ladder[moved(&ladder, at(69), 1, Some(C))],
        72,
        "onward to the next tone"
    );
    assert_eq!(ladder[moved(&ladder, at(67), 1, Some(C))], 67, "or the nearest");
    assert_eq!(ladder[moved(&ladder, at(67), -1, Some(C))], 64);
    // At the end of the range the melody turns back.
    assert_eq!(ladder[moved(&ladder, at(84), 2, None)], 81);
}

#[test]
fn bars_of_one_family_get_one_way_to_play_the_motif() {
    let of = |rank, place, again| {
        let plan = plan(rank, place, again, true);
        (plan.motif, plan.variation)
    };
    assert_eq!(of(0, 0, false), (0, Variation::Plain));
    assert_eq!(of(0, 2, false), of(0, 0, false), "wherever the family comes back");
    assert_ne!(of(0, 1, true), of(0, 0, false), "but not twice in a row");
    assert_eq!(of(1, 2, false), (1, Variation::Plain));
    assert_eq!(of(2, PHRASE - 1, false), (0, Variation::Close));
}
