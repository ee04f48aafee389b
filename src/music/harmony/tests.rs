//! Tests of the harmony as a whole.

use super::modes::{Function, Repertoire, leads};
use super::*;
use crate::settings::{Mood, STYLES, Settings};
use crate::theory::Mode;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn settings(values: &[(&str, &str)]) -> MusicSettings {
    let mut settings = Settings::default();
    for (key, value) in values {
        settings.set(key, value).expect("a good value");
    }
    settings.music().clone()
}

fn piece(energy: &[u8]) -> Piece<'_> {
    Piece {
        bars: energy.len(),
        pickup: 0,
        beats_per_bar: 4,
        bar_energy: energy,
        tempo: Tempo::from_bpm(110.0),
        style: "rock",
    }
}

fn of(energy: &[u8], values: &[(&str, &str)], seed: u64) -> Harmony {
    compose(&piece(energy), &settings(values), seed)
}

/// The bars as text: chords separated by spaces, bars by ` | `.
fn text(harmony: &Harmony) -> String {
    let bar = |bar: &Vec<(usize, Chord)>| {
        let chords: Vec<String> = bar.iter().map(|(_, chord)| chord.spelled(harmony.key)).collect();
        chords.join(" ")
    };
    harmony.chords.iter().map(bar).collect::<Vec<_>>().join(" | ")
}

fn first_of(harmony: &Harmony, bar: usize) -> Chord {
    harmony.chord_at(bar, 0)
}

fn last_of(harmony: &Harmony, bar: usize) -> Chord {
    harmony.chord_at(bar, usize::MAX)
}

/// Whether a key has this chord for a function: plain or colourful, with or without its seventh.
fn is_among(key: Key, chord: Chord, choices: impl Fn(&Repertoire) -> Vec<(Chord, f64)>) -> bool {
    [(0.0, false), (0.0, true), (1.0, false), (1.0, true)]
        .into_iter()
        .map(|(colour, sevenths)| Repertoire::new(key, colour, sevenths))
        .any(|palette| choices(&palette).iter().any(|(c, _)| *c == chord))
}

fn has_function(key: Key, chord: Chord, function: Function) -> bool {
    is_among(key, chord, |palette| palette.of(function))
}

#[test]
fn pieces_share_the_chords_of_the_phrases_that_they_share() {
    let energy: Vec<u8> = (0..40).map(|bar| [3, 3, 4, 2, 1][bar / 4 % 5]).collect();
    for seed in 0..40 {
        for values in [&[][..], &[("music.energy", "0.5")], &[("music.key", "D dorian")]] {
            let long = of(&energy, values, seed);
            assert_eq!(long, of(&energy, values, seed));
            for bars in [4, 12, 13, 20, 39] {
                let short = of(&energy[..bars], values, seed);
                let whole = bars / PHRASE * PHRASE;
                assert_eq!(short.key, long.key);
                assert_eq!(short.chords[..whole], long.chords[..whole], "seed {seed}, {bars} bars");
                let common = long.sections.iter().filter(|first| **first < whole).count();
                assert_eq!(short.sections[..common], long.sections[..common]);
                for bar in 0..whole - PHRASE {
                    // The chords are known a phrase ahead.
                    let (a, b) = (short.to_end_of_section(bar), long.to_end_of_section(bar));
                    assert_eq!(a.min(4), b.min(4), "seed {seed}, {bars} bars, bar {bar}");
                }
            }
        }
    }
    let other: BTreeSet<String> = (0..40).map(|seed| text(&of(&energy, &[], seed))).collect();
    assert!(other.len() > 35, "{} of 40 seeds differ", other.len());
}

#[test]
fn a_late_change_affects_no_bar_before_its_phrase() {
    let even = [3; 24];
    let mut lively = even;
    lively[16..20].fill(4);
    let mut differ = 0;
    for seed in 0..20 {
        let (a, b) = (of(&even, &[], seed), of(&lively, &[], seed));
        assert_eq!(a.chords[..16], b.chords[..16]);
        differ += usize::from(a.chords != b.chords);
    }
    assert!(differ > 5, "{differ} of 20 pieces heard the change");
}

#[test]
fn periods_open_on_a_dominant_and_close_with_a_cadence() {
    let (mut plagal, mut early) = (0, 0);
    for (seed, mode) in (0..210).zip(Mode::ALL.iter().cycle()) {
        let key = Key::new((seed % 12) as u8, *mode);
        let name = key.to_string();
        for energy in [3, 2, 1, 4] {
            let bars = [energy; 8];
            let harmony = of(&bars, &[("music.key", &name)], seed);
            let shown = text(&harmony);
            assert_eq!(first_of(&harmony, 0), harmony.tonic(), "{shown}");
            let half = last_of(&harmony, 3);
            assert!(has_function(key, half, Function::Dominant), "{name}: {shown}");
            assert!(leads(half, harmony.tonic()), "{name}: {shown}");

            let home = if last_of(&harmony, 6) == harmony.tonic() { 6 } else { 7 };
            early += usize::from(home == 6);
            assert_eq!(first_of(&harmony, home), harmony.tonic(), "{name}: {shown}");
            let cadence = last_of(&harmony, home - 1);
            let is_plagal = is_among(key, cadence, Repertoire::plagal);
            plagal += usize::from(is_plagal);
            let is_authentic = is_among(key, cadence, Repertoire::authentic);
            assert!(
                is_plagal || is_authentic && leads(cadence, harmony.tonic()),
                "{name}: {shown}"
            );
        }
    }
    assert!((100..320).contains(&plagal), "{plagal} of 840 cadences are plagal");
    assert!((60..300).contains(&early), "{early} of 840 cadences are early");
}

#[test]
fn the_bar_before_a_section_leads_to_its_first_chord() {
    let mut changes = 0;
    for (seed, mode) in (0..140).zip(Mode::ALL.iter().cycle()) {
        let key = Key::new((seed % 12) as u8, *mode).to_string();
        let style = STYLES[seed as usize % STYLES.len()];
        let energy: Vec<u8> = (0..64)
            .map(|bar| [3, 3, 3, 2, 4, 4, 1][(bar / 4 + seed as usize) % 7])
            .collect();
        let harmony = compose(
            &Piece {
                style,
                ..piece(&energy)
            },
            &settings(&[("music.key", &key)]),
            seed,
        );
        for first in harmony.sections.iter().skip(1) {
            let (from, to) = (last_of(&harmony, first - 1), first_of(&harmony, *first));
            let secondary = from == dominant_of(to);
            let plain = has_function(harmony.key, from, Function::Dominant);
            assert!(secondary || plain, "{}: {}", harmony.key, text(&harmony));
            assert!(leads(from, to), "{}, bar {first}: {}", harmony.key, text(&harmony));
            assert_ne!(from, to);
            changes += 1;
        }
    }
    assert!(changes > 800, "{changes} changes");
}

#[test]
fn sections_begin_where_the_energy_changes_and_after_eight_or_sixteen_bars() {
    let energy: Vec<u8> = [[3; 4], [3; 4], [4; 4], [3; 4], [3; 4], [1; 4]].concat();
    for seed in 0..20 {
        let harmony = of(&energy, &[], seed);
        for first in [8, 12, 20] {
            assert!(harmony.sections.contains(&first), "{:?}", harmony.sections);
        }
        let place = harmony.section_of(12);
        assert_eq!(harmony.kinds[place], SectionKind::Home, "back to the first energy");
        assert_eq!(harmony.section_of(19), place);
        assert_eq!(harmony.kinds[harmony.section_of(8)], SectionKind::Contrast);
        assert_eq!(harmony.to_end_of_section(11), 1);
        assert_eq!(harmony.to_end_of_section(8), 4);
    }
    let mut lengths = BTreeSet::new();
    for seed in 0..20 {
        let harmony = of(&[3; 80], &[], seed);
        let kinds: Vec<SectionKind> = harmony.kinds.iter().copied().take(5).collect();
        use SectionKind::{Bridge, Contrast, Home};
        assert_eq!(kinds, [Home, Contrast, Home, Bridge, Home]);
        for pair in harmony.sections.windows(2) {
            lengths.insert(pair[1] - pair[0]);
        }
        let [a, b] = [harmony.sections[0], harmony.sections[2]];
        assert_eq!(first_of(&harmony, a), first_of(&harmony, b));
    }
    assert_eq!(lengths, BTreeSet::from([8, 16]));
}

#[test]
fn a_fixed_energy_replaces_the_movements() {
    let energy: Vec<u8> = [[3; 4], [1; 4], [4; 4], [2; 4]].concat();
    let values = [("music.energy", "0.6")];
    for seed in 0..10 {
        assert_eq!(of(&energy, &values, seed), of(&[0; 16], &values, seed));
    }
    assert_eq!(energies(&energy[..2], &settings(&[])), [3, 3]);
    assert_eq!(energies(&[0, 1, 4], &settings(&[("music.energy", "1")])), [4, 4, 4]);
    assert_eq!(energies(&[0, 1, 4], &settings(&[("music.energy", "0")])), [1, 1, 1]);
}

#[test]
fn harmonic_rhythm_follows_the_movement() {
    // Chord changes a bar over pieces of many seeds.
    let rate = |level: u8, bpm: f64| {
        let energy = [level; 16];
        let changes: usize = (0..50)
            .map(|seed| {
                let piece = Piece {
                    tempo: Tempo::from_bpm(bpm),
                    ..piece(&energy)
                };
                compose(&piece, &settings(&[]), seed).changes(0).len()
            })
            .sum();
        changes as f64 / (50.0 * 16.0)
    };
    let (still, calm, usual) = (rate(1, 110.0), rate(2, 110.0), rate(3, 110.0));
    let (lively_slow, lively_fast) = (rate(4, 80.0), rate(4, 140.0));
    assert!(still < calm && calm < usual, "{still} {calm} {usual}");
    assert!(
        (0.6..0.85).contains(&still) && (0.95..1.15).contains(&usual),
        "{still} {usual}"
    );
    assert!(lively_slow > 1.5 && lively_fast < 1.15, "{lively_slow} {lively_fast}");
}

#[test]
fn moods_give_their_modes() {
    let modes_of = |values: &[(&str, &str)], style: &str, bpm: f64, energy: u8| -> Vec<Mode> {
        let energy = [energy; 8];
        let piece = Piece {
            style,
            tempo: Tempo::from_bpm(bpm),
            ..piece(&energy)
        };
        let settings = settings(values);
        (0..400).map(|seed| compose(&piece, &settings, seed).key.mode).collect()
    };
    for (word, mood) in [
        ("bright", Mood::Bright),
        ("dark", Mood::Dark),
        ("tense", Mood::Tense),
        ("calm", Mood::Calm),
    ] {
        let met: BTreeSet<u8> = modes_of(&[("music.mood", word)], "rock", 110.0, 3)
            .into_iter()
            .map(|mode| mode as u8)
            .collect();
        let expected: BTreeSet<u8> = mood::modes(mood).iter().map(|(mode, _)| *mode as u8).collect();
        assert_eq!(met, expected, "{word}");
    }
    let minor = |modes: Vec<Mode>| modes.iter().filter(|mode| mode.is_minor()).count();
    let (hiphop, country) = (
        minor(modes_of(&[], "hiphop", 85.0, 3)),
        minor(modes_of(&[], "country", 130.0, 4)),
    );
    assert!(hiphop > 250 && country < 80, "{hiphop} {country} of 400 are minor");
    let tonics: BTreeSet<u8> = (0..200).map(|seed| of(&[3; 4], &[], seed).key.tonic).collect();
    assert_eq!(tonics.len(), 12);
}

#[test]
fn a_key_given_by_the_user_holds_throughout() {
    for name in ["C", "F# minor", "Bb mixolydian", "E phrygian"] {
        for seed in 0..20 {
            let harmony = of(&[3; 32], &[("music.key", name), ("music.mood", "calm")], seed);
            assert_eq!(harmony.key.to_string().parse::<Key>(), name.parse());
            let chords: Vec<Chord> = harmony.changes(0).iter().map(|change| change.chord).collect();
            for (place, chord) in chords.iter().enumerate() {
                let of_the_key = [Function::Tonic, Function::Subdominant, Function::Dominant]
                    .into_iter()
                    .any(|function| has_function(harmony.key, *chord, function));
                let cadence = is_among(harmony.key, *chord, Repertoire::authentic);
                let secondary = chords.get(place + 1).is_none_or(|next| *chord == dominant_of(*next));
                assert!(
                    of_the_key || cadence || secondary,
                    "{name}: {chord} in {}",
                    text(&harmony)
                );
            }
        }
    }
}

#[test]
fn the_users_chords_are_played_as_given_and_repeated() {
    let chords = [("music.chords", "Am F C G")];
    let harmony = of(&[3; 10], &chords, 1);
    assert_eq!(harmony.key.to_string(), "A minor");
    assert_eq!(text(&harmony), "Am | F | C | G | Am | F | C | G | Am | F");
    let energy = [3; 6];
    let upbeat = Piece {
        pickup: 1,
        ..piece(&energy)
    };
    assert_eq!(
        text(&compose(&upbeat, &settings(&chords), 1)),
        "G | Am | F | C | G | Am"
    );
    let harmony = of(&[3; 3], &[("music.chords", "Am F | C D E | A B C D |")], 1);
    let steps: Vec<Vec<usize>> = harmony
        .chords
        .iter()
        .map(|bar| bar.iter().map(|(step, _)| *step).collect())
        .collect();
    assert_eq!(steps, [vec![0, 8], vec![0, 8, 12], vec![0, 4, 8, 12]]);
    let waltz = Piece {
        beats_per_bar: 3,
        ..piece(&energy)
    };
    let harmony = compose(&waltz, &settings(&[("music.chords", "C G | A B C D |")]), 1);
    let steps = |bar: usize| harmony.chords[bar].iter().map(|(step, _)| *step).collect::<Vec<_>>();
    assert_eq!((steps(0), steps(1)), (vec![0, 8], vec![0, 3, 6, 9]));

    let given = of(&[3; 4], &[("music.chords", "Am F C G"), ("music.key", "C")], 1);
    assert_eq!(given.key.to_string(), "C major");
    assert_eq!(given.chords, of(&[3; 4], &chords, 1).chords);
}

#[test]
fn the_key_is_the_one_that_fits_the_users_chords() {
    for (chords, key) in [
        ("Am F C G", "A minor"),
        ("C G Am F", "C major"),
        ("F G Am C", "C major"),
        ("Dm7 G7 Cmaj7", "C major"),
        ("Am Dm E7", "A minor"),
        ("Am G F E", "A minor"),
        ("Em Am D G", "G major"),
        ("D C G D", "D mixolydian"),
        ("Dm G Dm G", "D dorian"),
        ("E7 A7 E7 B7", "E major"),
        ("Em F Em F", "E phrygian"),
        ("F#m D A E", "F# minor"),
        ("Bb Eb F Bb", "Bb major"),
        ("Cm", "C minor"),
        ("C", "C major"),
    ] {
        let harmony = of(&[3; 8], &[("music.chords", chords)], 1);
        assert_eq!(harmony.key.to_string(), key, "{chords}");
    }
    let bright = of(&[3; 8], &[("music.chords", "Dm G Dm G"), ("music.mood", "bright")], 1);
    assert!(bright.key.mode != Mode::Phrygian);
}

#[test]
fn a_pick_up_leads_into_the_first_phrase_and_shifts_the_grid() {
    for seed in 0..20 {
        let plain = of(&[3; 16], &[], seed);
        let upbeat = compose(
            &Piece {
                pickup: 1,
                ..piece(&[3; 17])
            },
            &settings(&[]),
            seed,
        );
        assert_eq!(upbeat.chords[1..], plain.chords[..]);
        assert!(leads(last_of(&upbeat, 0), upbeat.tonic()));
        assert_eq!(upbeat.sections[0], 0);
        assert_eq!(upbeat.sections.get(1).map(|s| s - 1), plain.sections.get(1).copied());
    }
}

#[test]
fn changes_lie_on_the_grid_of_the_drums() {
    let harmony = of(&[2; 8], &[], 3);
    let changes = harmony.changes(-16);
    assert_eq!(changes[0].step, -16);
    assert!(
        changes
            .windows(2)
            .all(|c| c[0].step < c[1].step && c[0].chord != c[1].chord)
    );
    for bar in 0..8 {
        for step in 0..16 {
            let at = (bar * 16 + step) as i32 - 16;
            let change = changes
                .iter()
                .rev()
                .find(|change| change.step <= at)
                .expect("from the start on");
            assert_eq!(change.chord, harmony.chord_at(bar, step));
            let next = changes
                .iter()
                .find(|change| change.step > at)
                .map(|change| change.chord);
            assert_eq!(next, harmony.next_chord(bar, step));
        }
    }
}

proptest! {
    #[test]
    fn any_piece_has_a_chord_for_every_step(
        energy in prop::collection::vec(0_u8..=5, 0..70),
        missing in 0_usize..5,
        pickup in 0_usize..3,
        beats in prop::sample::select(vec![3_u8, 4]),
        bpm in 40.0..240.0_f64,
        style in prop::sample::select(STYLES.iter().copied().chain(["unknown"]).collect::<Vec<_>>()),
        fixed in prop::sample::select(vec![&[][..], &[("music.energy", "1")], &[("music.chords", "Am F C | G7")],
            &[("music.mood", "tense")], &[("music.mood", "calm")], &[("music.key", "F lydian")]]),
        seed in any::<u64>(),
    ) {
        let piece = Piece {
            bars: energy.len() + missing,
            pickup,
            beats_per_bar: beats,
            bar_energy: &energy,
            tempo: Tempo::from_bpm(bpm),
            style,
        };
        let harmony = compose(&piece, &settings(fixed), seed);
        let steps = usize::from(beats) * 4;
        prop_assert_eq!(harmony.chords.len(), piece.bars);
        for (bar, chords) in harmony.chords.iter().enumerate() {
            prop_assert_eq!(chords[0].0, 0);
            prop_assert!(chords.windows(2).all(|c| c[0].0 < c[1].0), "{:?}", chords);
            prop_assert!(chords.iter().all(|(step, chord)| *step < steps && chord.root < 12));
            let scale = harmony.scale_at(bar);
            for step in 0..steps {
                let tones: Vec<u8> = harmony.chord_at(bar, step).tones().collect();
                prop_assert!(tones.iter().all(|tone| scale[usize::from(*tone)]), "{} {}", harmony.key, text(&harmony));
                prop_assert!(harmony.next_chord(bar, step) != Some(harmony.chord_at(bar, step)));
            }
            prop_assert!((1..=16).contains(&harmony.to_end_of_section(bar)) || bar < pickup);
        }
        prop_assert_eq!(harmony.sections.len(), harmony.kinds.len());
        prop_assert!(harmony.sections.windows(2).all(|s| s[0] < s[1]));
        prop_assert_eq!(harmony.sections.first().copied(), (piece.bars > 0).then_some(0));
        prop_assert!(harmony.sections.iter().all(|first| *first < piece.bars.max(1)));
        // A composed chord lasts at most two bars.
        if fixed.iter().all(|(key, _)| *key != "music.chords") {
            for bars in harmony.chords[pickup.min(piece.bars)..].windows(3) {
                let first = bars[0][0].1;
                prop_assert!(bars.iter().flatten().any(|(_, chord)| *chord != first), "{}", text(&harmony));
            }
        }
    }
}

/// Prints progressions: `cargo test --lib harmony::tests::table -- --nocapture`.
#[test]
#[allow(clippy::print_stdout)]
fn table_of_progressions_to_look_at() {
    let energy: Vec<u8> = [[3; 4], [3; 4], [3; 4], [3; 4], [4; 4], [4; 4], [2; 4], [3; 4]].concat();
    let mut lines = BTreeSet::new();
    for (seed, (style, bpm)) in (1..).zip([
        ("rock", 120.0),
        ("jazz", 140.0),
        ("hiphop", 85.0),
        ("funk", 100.0),
        ("soul", 76.0),
    ]) {
        let piece = Piece {
            style,
            tempo: Tempo::from_bpm(bpm),
            ..piece(&energy)
        };
        for mood in ["bright", "dark", "tense", "calm"] {
            let harmony = compose(&piece, &settings(&[("music.mood", mood)]), seed);
            println!("seed {seed}, {style} at {bpm}, mood {mood}: {}", harmony.key);
            for (place, first) in harmony.sections.iter().enumerate() {
                let end = harmony.sections.get(place + 1).copied().unwrap_or(harmony.chords.len());
                let part = Harmony {
                    chords: harmony.chords[*first..end].to_vec(),
                    ..harmony.clone()
                };
                println!("  {:?}: {}", harmony.kinds[place], text(&part));
            }
            lines.insert(text(&harmony));
        }
    }
    assert!(lines.len() > 12, "{} of 20 differ", lines.len());
}

#[test]
fn melody_rests_in_a_third_of_the_bars_and_is_the_same_in_sections_of_a_kind() {
    let energy = [3; 48];
    let (mut sung, mut bars) = (0, 0);
    for seed in 0..200 {
        let harmony = of(&energy, &[], seed);
        assert!(harmony.is_sung(0), "a piece begins with its theme");
        for (section, first) in harmony.sections.iter().enumerate() {
            let other = harmony.kinds.iter().position(|kind| *kind == harmony.kinds[section]);
            let other = harmony.sections[other.expect("itself")];
            for bar in 0..8.min(energy.len() - first) {
                assert_eq!(harmony.is_sung(first + bar), harmony.is_sung(other + bar));
            }
        }
        for phrase in 0..energy.len() / PHRASE {
            let bars: BTreeSet<bool> = (0..PHRASE).map(|bar| harmony.is_sung(PHRASE * phrase + bar)).collect();
            assert_eq!(bars.len(), 1, "a phrase is sung as a whole");
        }
        let short = of(&energy[..9], &[], seed);
        assert!((0..9).all(|bar| short.is_sung(bar) == harmony.is_sung(bar)));
        sung += (0..energy.len()).filter(|bar| harmony.is_sung(*bar)).count();
        bars += energy.len();
    }
    let share = sung as f64 / bars as f64;
    assert!((0.6..0.8).contains(&share), "{share}");
}

#[test]
fn music_returns_to_earlier_bars_of_the_phrase_and_of_the_form() {
    let harmony = of(&[3; 40], &[], 3);
    assert_eq!(harmony.earlier(0), [0; 0]);
    assert_eq!(harmony.earlier(2), [0, 1], "the third bar returns to the first");
    assert_eq!(harmony.earlier(6)[..4], [2, 4, 5, 3]);
    let again = (1..harmony.kinds.len()).find(|section| harmony.kinds[*section] == SectionKind::Home && *section > 1);
    let again = harmony.sections[again.expect("home comes again")];
    let before = harmony.in_section_before(again + 1).expect("it was there");
    assert_eq!(harmony.chords[before], harmony.chords[again + 1]);
    assert!(before < again && harmony.earlier(again + 1).contains(&before));
    let energy = [3; 41];
    let upbeat = compose(
        &Piece {
            pickup: 1,
            ..piece(&energy)
        },
        &settings(&[]),
        3,
    );
    assert_eq!(upbeat.earlier(0), [0; 0]);
    assert_eq!(upbeat.earlier(3), [1, 2]);
    let moved: Vec<usize> = harmony.earlier(again + 1).iter().map(|bar| bar + 1).collect();
    assert_eq!(upbeat.earlier(again + 2), moved);
}
