//! Sound in spans: reused spans are identical, bit for bit, to newly rendered ones, and only
//! missing spans are rendered.
#![allow(clippy::expect_used)] // tests may panic

mod sound_common;

use kinescore::audio::{Blocks, SoundFont, Soundtrack, SpanStore, Synthesis, render, render_streamed};
use kinescore::progress::Cancel;
use kinescore::score::{Note, Score};
use kinescore::settings::{Settings, SoundSettings};
use kinescore::time::{Rate, Tick};
use kinescore::{Error, Monitor};
use sound_common::{cut, shipped_font, trio_score};
use std::time;

/// Notes of twelve seconds for drums, piano and bass. Their ticks are 1/960 s; spans of 2.5 s have
/// 2,400 of them.
fn piece() -> Score {
    cut(&trio_score(6), 0, 12_000)
}

fn synthesis(threads: usize) -> Synthesis {
    let store = SpanStore::default();
    Synthesis { store, threads }
}

fn play(score: &Score, font: &SoundFont, synthesis: &Synthesis) -> Soundtrack {
    render(score, font, Settings::default().sound(), synthesis, &Monitor::none()).expect("rendered")
}

/// Number of spans that a render made, and of those that it found.
fn used(synthesis: &Synthesis, work: impl FnOnce()) -> (u64, u64) {
    let before = synthesis.store.usage();
    work();
    let after = synthesis.store.usage();
    (after.made - before.made, after.found - before.found)
}

#[test]
fn trims_reuse_all_spans_of_shared_notes_bit_for_bit() {
    let (font, whole) = (shipped_font(), piece());
    let warm = synthesis(2);
    play(&whole, &font, &warm);
    let full = warm.store.usage().made;
    assert_eq!(full, 15, "three parts of five spans");
    // Trims at the head, at the tail, at both; by odd amounts, within a span and at a border.
    for (from, to, most) in [
        (0, 12_000, 0),
        (2_400, 12_000, 0),
        (1, 12_000, 3),
        (337, 12_000, 3),
        (5_003, 12_000, 3),
        (0, 7_919, 6),
        (4_801, 9_001, 9),
    ] {
        let part = cut(&whole, from, to);
        let before = warm.clone();
        let mut found = None;
        let (made, _) = used(&before, || found = Some(play(&part, &font, &warm)));
        let fresh = play(&part, &font, &synthesis(1));
        assert!(found == Some(fresh), "{from} to {to}: differs from a new render");
        assert!(
            made <= most,
            "{from} to {to}: {made} spans made, {most} have other notes"
        );
    }
}

#[test]
fn only_the_span_of_a_changed_note_is_made_again() {
    let (font, whole) = (shipped_font(), piece());
    let warm = synthesis(2);
    play(&whole, &font, &warm);
    for (part, place) in [(1, 20), (2, 10)] {
        let mut changed = whole.clone();
        changed.parts[part].notes[place].velocity -= 20;
        let mut sound = None;
        assert_eq!(used(&warm, || sound = Some(play(&changed, &font, &warm))), (1, 14));
        assert!(sound == Some(play(&changed, &font, &synthesis(1))));
        // A change of the overall level does not change any span.
        changed.parts[part].volume -= 3.0;
        assert_eq!(used(&warm, || sound = Some(play(&changed, &font, &warm))), (0, 15));
        assert!(sound == Some(play(&changed, &font, &synthesis(1))));
    }
    let mut elsewhere = whole.clone();
    elsewhere.parts[1].pan += 0.25;
    let (made, found) = used(&warm, || drop(play(&elsewhere, &font, &warm)));
    assert_eq!((made, found), (5, 10), "a part at another position");
}

#[test]
fn one_thread_and_many_give_the_same_samples() {
    let (font, whole) = (shipped_font(), piece());
    let one = play(&whole, &font, &synthesis(1));
    for threads in [2, 5] {
        assert!(play(&whole, &font, &synthesis(threads)) == one, "{threads} threads");
    }
    // A store too small for the piece, or for anything.
    for limit in [0, 4 << 20] {
        let store = SpanStore::new(limit);
        let small = Synthesis { store, threads: 2 };
        for _ in 0..2 {
            assert!(play(&whole, &font, &small) == one);
            assert!(small.store.usage().bytes <= limit);
        }
        assert_eq!(small.store.usage().found > 0, limit > 0);
    }
}

#[test]
fn other_rates_and_fonts_have_their_own_spans() {
    let (font, whole) = (shipped_font(), piece());
    let warm = synthesis(2);
    let short = cut(&whole, 0, 2_400);
    play(&short, &font, &warm);
    let at = |hz| SoundSettings {
        rate: Rate::from_hz(hz),
        ..Settings::default().sound().clone()
    };
    let sound = render(&short, &font, &at(44_100.0), &warm, &Monitor::none()).expect("rendered");
    let fresh = render(&short, &font, &at(44_100.0), &synthesis(1), &Monitor::none()).expect("rendered");
    assert!(sound == fresh);
    let folder = tempfile::tempdir().expect("folder");
    let other = folder.path().join("other.sf2");
    std::fs::write(&other, sound_common::tiny_sf2()).expect("written");
    let other = SoundFont::load(&other).expect("a SoundFont");
    let mut drums = short.clone();
    drums.parts.truncate(1);
    drums.parts[0].program = 0;
    assert_eq!(used(&warm, || drop(play(&drums, &other, &warm))).0, 1);
}

#[test]
fn a_note_sounds_the_same_regardless_of_the_other_notes() {
    // The font assembled for the synthesiser depends on the notes of the whole part; a span must
    // not.
    let (font, whole) = (shipped_font(), piece());
    let fresh = shipped_font();
    let few = cut(&whole, 0, 2_400);
    play(&whole, &font, &synthesis(2));
    assert!(play(&few, &font, &synthesis(2)) == play(&few, &fresh, &synthesis(2)));
}

#[test]
fn stems_come_from_the_store_and_add_up() {
    let (font, whole) = (shipped_font(), cut(&piece(), 1_111, 9_000));
    let warm = synthesis(2);
    let sound = play(&whole, &font, &warm);
    let mut sum = vec![0.0_f32; sound.mix().samples.len()];
    let (made, _) = used(&warm, || {
        for part in &whole.parts {
            let stem = sound
                .stem(&whole, part, &font, &warm, &Monitor::none())
                .expect("a stem");
            sum.iter_mut().zip(&stem.samples).for_each(|(s, x)| *s += x);
        }
    });
    assert_eq!(made, 0);
    let apart = sum.iter().zip(&sound.mix().samples).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f32::max) < 1e-5);
}

#[test]
fn blocks_read_during_a_render_equal_the_final_ones() {
    let (font, whole) = (shipped_font(), piece());
    let synthesis = synthesis(2);
    for _ in ["cold", "warm"] {
        let settings = Settings::default().sound().clone();
        let blocks = Blocks::new(whole.duration.to_samples(settings.rate));
        let (sound, read) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut all, mut buffer) = (Vec::new(), vec![0.0; 2 * 1_000]);
                loop {
                    let count = blocks.read(all.len() / 2, &mut buffer, &Cancel::new()).expect("read");
                    if count == 0 {
                        return all;
                    }
                    all.extend_from_slice(&buffer[..2 * count]);
                }
            });
            let push = |first, samples: &[f32]| blocks.push(first, samples);
            let sound = render_streamed(&whole, &font, &settings, &synthesis, &Monitor::none(), push);
            blocks.finish();
            (sound.expect("rendered"), reader.join().expect("read"))
        });
        assert!(read == sound.mix().samples);
        assert!(sound == play(&whole, &font, &synthesis));
    }
    let result = render_streamed(
        &whole,
        &font,
        Settings::default().sound(),
        &synthesis,
        &Monitor::none(),
        |_, _| Err(Error::Cancelled),
    );
    assert!(matches!(result, Err(Error::Cancelled)), "a sink that stops the render");
}

#[test]
fn a_cancelled_render_stops_and_leaves_the_store_whole() {
    let (font, whole) = (shipped_font(), piece());
    let warm = synthesis(2);
    let cancel = Cancel::new();
    let said = std::sync::Mutex::new(Vec::new());
    let switched = std::sync::Mutex::new(None);
    let monitor = Monitor::new(cancel.clone(), |_, done| {
        let mut said = said.lock().expect("whole");
        said.push(done);
        if said.len() == 60 {
            cancel.cancel();
            *switched.lock().expect("whole") = Some(time::Instant::now());
        }
    });
    let result = render(&whole, &font, Settings::default().sound(), &warm, &monitor);
    assert!(matches!(result, Err(Error::Cancelled)));
    drop(monitor);
    let said = said.into_inner().expect("whole");
    assert_eq!(said.len(), 60, "nothing is reported after that");
    assert!(said.windows(2).all(|pair| pair[0] <= pair[1]), "rising");
    // Spans that were finished by then are complete, and the next render continues from them.
    assert!(warm.store.usage().made < 15);
    assert!(play(&whole, &font, &warm) == play(&whole, &font, &synthesis(1)));
}

#[test]
fn a_ringing_melody_is_not_cut_off_at_the_end_of_its_span() {
    let font = shipped_font();
    let mut score = piece();
    score.parts.retain(|part| part.name == "piano");
    // One low note just before a border: it sounds for seconds.
    score.parts[0].notes = vec![Note {
        onset: Tick(2_390),
        ticks: 6_000,
        pitch: 36,
        velocity: 110,
    }];
    let sound = play(&score, &font, &synthesis(1));
    let at = |seconds: f64| 2 * (seconds * 48_000.0) as usize;
    let level = |from: f64, to: f64| {
        let samples = &sound.mix().samples[at(from)..at(to)];
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    };
    assert!(level(0.0, 2.4) == 0.0);
    assert!(level(5.0, 5.5) > 1e-3 * level(2.5, 3.0));
}
