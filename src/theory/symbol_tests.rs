use super::*;

fn chord(symbol: &str) -> Result<Chord, Misread> {
    symbol.parse()
}

#[test]
fn symbols_are_read_as_the_five_qualities() {
    for (quality, symbols) in [
        (
            Quality::Major,
            "C Cmaj7 CM7 Cmaj9 CΔ CΔ7 C6 C69 C6/9 Cadd9 C2 C5 Csus4 Csus2 Csus Cmaj7#11 C(add9) Cmaj C(b5) C/E C4",
        ),
        (
            Quality::Minor,
            "Cm Cmin C- Cm7 C-7 Cmin7 Cmi7 Cm9 Cm11 Cm6 Cmmaj7 CmM7 Cm(maj7) Cm#5 Cmadd9 Cm/G Cm7/Bb",
        ),
        (
            Quality::Diminished,
            "Cdim Co Co7 C° C°7 Cdim7 Cm7b5 C-7b5 Cø Cø7 Cm7(b5) Cm7♭5 Cmb5",
        ),
        (
            Quality::Augmented,
            "Caug C+ C+7 Caug7 C7#5 C7+5 Cmaj7#5 C7♯5 C7+ Caug/E",
        ),
        (
            Quality::Dominant,
            "C7 C9 C11 C13 C7b9 C7#9 C7(b9,#11) C7b5 C7alt Calt C7sus4 C9sus4 C7sus C7/E C7no5",
        ),
    ] {
        for symbol in symbols.split(' ') {
            assert_eq!(chord(symbol), Ok(Chord { root: 0, quality }), "{symbol}");
        }
    }
}

#[test]
fn roots_are_read_with_either_kind_of_accidental() {
    for (symbol, root) in [
        ("F#m", 6),
        ("F♯m", 6),
        ("Bb", 10),
        ("B♭7", 10),
        ("Cb", 11),
        ("B#", 0),
        ("E#dim", 5),
        ("Fb", 4),
        ("D/F#", 2),
        ("Gsus2", 7),
        (" Am ", 9),
        ("Bbb5", 10),
    ] {
        assert_eq!(chord(symbol).map(|c| c.root), Ok(root), "{symbol}");
    }
}

#[test]
fn a_text_that_is_not_a_chord_is_reported_with_its_position() {
    for (symbol, character, said, nearest) in [
        ("H7", 1, "'H' is not a note", None),
        ("am", 1, "capital letter A to G", Some("Am")),
        ("Amaj7x", 6, "'x' is not a chord type", Some("Amaj7")),
        ("Amn7", 3, "'n7' is not a chord type", Some("Am7")),
        ("F#q", 3, "'q' is not a chord type", None),
        ("C/", 3, "bass note", None),
        ("C/H", 3, "'H' is not a note", None),
        ("C/Em", 4, "'m' after the bass note", None),
        ("C7(b9", 6, "')' is missing", None),
        ("C77", 3, "'7' is not a chord type", None),
        ("N.C.", 1, "'N' is not a note", None),
        ("", 1, "no note", None),
    ] {
        let error = chord(symbol).expect_err(symbol);
        assert_eq!(error.character, character, "{error}");
        assert!(error.reason.contains(said), "{error}");
        if nearest.is_some() {
            assert_eq!(error.nearest.as_deref(), nearest, "{error}");
        }
    }
}

#[test]
fn keys_are_read_as_musicians_name_them() {
    for (name, tonic, mode) in [
        ("C", 0, Mode::Major),
        ("Am", 9, Mode::Minor),
        ("F# minor", 6, Mode::Minor),
        ("F♯m", 6, Mode::Minor),
        ("Eb major", 3, Mode::Major),
        ("E♭ Major", 3, Mode::Major),
        ("Ebmaj", 3, Mode::Major),
        ("D dorian", 2, Mode::Dorian),
        ("A harmonic minor", 9, Mode::HarmonicMinor),
        ("A harmonic_minor", 9, Mode::HarmonicMinor),
        ("A aeolian", 9, Mode::Minor),
        ("B Phrygian", 11, Mode::Phrygian),
        ("Bb lydian", 10, Mode::Lydian),
        ("  G   mixolydian ", 7, Mode::Mixolydian),
    ] {
        assert_eq!(name.parse(), Ok(Key { tonic, mode }), "{name}");
    }
}

#[test]
fn a_text_that_is_not_a_key_is_reported_with_the_allowed_values() {
    let error = "D dorain".parse::<Key>().expect_err("no mode");
    assert_eq!((error.character, error.nearest.as_deref()), (3, Some("D dorian")));
    assert!(error.reason.contains("mixolydian"), "{error}");
    let error = "d dorian".parse::<Key>().expect_err("no capital");
    assert_eq!(error.nearest.as_deref(), Some("D dorian"));
    let error = "H minor".parse::<Key>().expect_err("no note");
    assert!(error.character == 1 && error.reason.contains("A to G"), "{error}");
    assert!("".parse::<Key>().is_err() && "C7".parse::<Key>().is_err() && "CM".parse::<Key>().is_err());
}

fn bars(text: &str) -> Vec<String> {
    let progression: Progression = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
    let written = progression.to_string();
    assert_eq!(written.parse(), Ok(progression.clone()), "{written}");
    let bar = |bar: &Vec<Chord>| bar.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ");
    progression.bars().iter().map(bar).collect()
}

#[test]
fn progressions_have_one_chord_a_bar_or_those_between_bar_lines() {
    assert_eq!(bars("Am F C G"), ["Am", "F", "C", "G"]);
    assert_eq!(bars(" Am,F , C\tG "), ["Am", "F", "C", "G"]);
    assert_eq!(bars("Am F | C G"), ["Am F", "C G"]);
    assert_eq!(bars("| Am7 F|C/E G7 ||"), ["Am F", "C G7"]);
    assert_eq!(bars("Am|F||C|G"), ["Am", "F", "C", "G"]);
    assert_eq!(bars("Am F |"), ["Am F"]);
    assert_eq!(bars("Am % F"), ["Am", "Am", "F"]);
    assert_eq!(bars("Am F | % | C"), ["Am F", "Am F", "C"]);
    assert_eq!(bars("C Dm E F |").len(), 1);
    assert_eq!(bars(&"C ".repeat(MOST_BARS)).len(), MOST_BARS);
}

#[test]
fn a_text_that_is_not_a_progression_is_reported_with_its_position() {
    for (text, symbol, character, said) in [
        ("Am Fq C", 2, 5, "'q' is not a chord type"),
        ("Am F | C  Gm7x", 4, 14, "'x' is not a chord type"),
        ("B♭ ♯", 2, 4, "'♯' is not a note"),
        ("% C", 1, 1, "this is the first bar"),
        ("C | D % |", 3, 7, "must stand alone"),
        ("A B C D E |", 5, 9, "more than 4 chords in bar 1"),
        ("", 1, 1, "no chord"),
        (" | |", 1, 1, "no chord"),
    ] {
        let error = text.parse::<Progression>().expect_err(text);
        assert_eq!((error.symbol, error.character), (symbol, character), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let many = "C ".repeat(MOST_BARS + 1);
    let error = many.parse::<Progression>().expect_err("too many");
    assert_eq!(error.symbol, MOST_BARS + 1, "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[A-Ha-g#b♯♭mM7/|%(),.+°ø 0-9susdimaugj-]{0,40}") {
        let _ = text.parse::<Chord>();
        let _ = text.parse::<Key>();
        if let Ok(progression) = text.parse::<Progression>() {
            proptest::prop_assert_eq!(progression.to_string().parse(), Ok(progression));
        }
    }
}
