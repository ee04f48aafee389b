//! Several parts: relative levels, pan, and that they add up.
#![allow(clippy::expect_used)] // tests may panic

mod sound_common;

use kinescore::Monitor;
use kinescore::audio::{AudioBuffer, Synthesis, measure, render, render_part};
use kinescore::score::{Part, Score, arrange};
use kinescore::settings::{KITS, STYLES, Settings};
use kinescore::theory::{Instrument, Palette};
use kinescore::time::{Rate, Span};
use sound_common::{band, band_score, groove, shipped_font};
use std::collections::{BTreeMap, BTreeSet};

/// A part alone, before the mix is processed.
fn alone(score: &Score, part: &Part) -> AudioBuffer {
    let rate = Rate::from_hz(48_000.0);
    let mut buffer = AudioBuffer::silence(rate, 2, score.duration.to_samples(rate));
    let monitor = Monitor::none();
    render_part(
        &shipped_font(),
        part,
        &score.tempo_map,
        &mut buffer,
        &Synthesis::default(),
        &monitor,
    )
    .expect("played");
    buffer
}

fn loudness(buffer: &AudioBuffer) -> f64 {
    measure(buffer).expect("measured").integrated
}

/// Power of one channel, dB.
fn side(buffer: &AudioBuffer, channel: usize) -> f64 {
    let samples = buffer.samples.iter().skip(channel).step_by(2);
    10.0 * samples.map(|s| f64::from(*s) * f64::from(*s)).sum::<f64>().log10()
}

#[test]
fn parts_sit_under_the_drums_in_every_style_and_kit() {
    let mut scores: Vec<Score> = STYLES.iter().map(|style| band_score(108.0, 2, style)).collect();
    scores.extend(KITS.iter().map(|kit| {
        let span = Span::from_seconds(5.3);
        arrange(&groove(108.0, 2), Some(&band(2)), span, Some(kit)).expect("a score")
    }));
    // All play the same notes, so it is enough to render each combination of programs once.
    let mut heard = BTreeSet::new();
    let mut programs = BTreeSet::new();
    let (font, settings) = (shipped_font(), Settings::default().sound().clone());
    for score in &scores {
        let played: Vec<(u16, u8)> = score.parts.iter().map(|part| (part.bank, part.program)).collect();
        programs.extend(played.iter().copied());
        if !heard.insert(played) {
            continue;
        }
        let synthesis = Synthesis::default();
        let sound = render(score, &font, &settings, &synthesis, &Monitor::none()).expect("rendered");
        // In the mix, where each part has the equaliser of the style.
        let level = |part: &Part| {
            let stem = sound.stem(score, part, &font, &synthesis, &Monitor::none());
            loudness(&stem.expect("a stem"))
        };
        let drums = level(&score.parts[0]);
        for part in &score.parts[1..] {
            let under = drums - level(part);
            // The bass's low end, which is boosted, counts little for loudness.
            let allowed = match part.name.as_str() {
                "bass" => -1.0..6.0,
                _ => 0.0..7.0,
            };
            assert!(
                allowed.contains(&under),
                "{} {} is {under:.1} dB under kit {}",
                part.name,
                part.program,
                score.parts[0].program
            );
        }
    }
    let (melodic, kits): (BTreeSet<_>, BTreeSet<_>) = programs.into_iter().partition(|(bank, _)| *bank == 0);
    let of_styles = STYLES.iter().flat_map(|style| {
        let palette = Palette::of_style(style);
        Instrument::OF_MODELS.map(|instrument| (0, palette.program(instrument)))
    });
    assert_eq!(melodic, of_styles.collect(), "the sounds of every style were heard");
    assert_eq!(kits.len(), KITS.len());
}

#[test]
fn parts_are_panned_apart() {
    let score = band_score(108.0, 4, "pop");
    let aside: BTreeMap<&str, f64> = score
        .parts
        .iter()
        .map(|part| {
            let buffer = alone(&score, part);
            (part.name.as_str(), side(&buffer, 0) - side(&buffer, 1))
        })
        .collect();
    assert!(aside["bass"].abs() < 0.3 && aside["drums"].abs() < 1.5, "{aside:?}");
    assert!((3.0..8.0).contains(&aside["guitar"]), "on the left: {aside:?}");
    assert!((3.0..8.0).contains(&-aside["piano"]), "on the right: {aside:?}");
    let sound = render(
        &score,
        &shipped_font(),
        Settings::default().sound(),
        &Synthesis::default(),
        &Monitor::none(),
    )
    .expect("rendered");
    let balance = side(sound.mix(), 0) - side(sound.mix(), 1);
    assert!(balance.abs() < 1.0, "{balance}");
}

#[test]
fn volume_is_that_of_the_midi_file() {
    let score = band_score(108.0, 1, "pop");
    for part in &score.parts {
        let at = |volume: f32| {
            let part = Part { volume, ..part.clone() };
            let buffer = alone(&score, &part);
            (side(&buffer, 0), f64::from(part.volume_controller()))
        };
        let (full, default) = at(0.0);
        assert_eq!(default, 100.0);
        for volume in [4.0, -6.0, -20.0] {
            let (level, controller) = at(volume);
            let said = 40.0 * (controller / default).log10();
            assert!(
                (level - full - said).abs() < 1e-3,
                "{} at {volume} dB: {} dB, by the controller {said} dB",
                part.name,
                level - full
            );
        }
    }
}

#[test]
fn stems_of_a_band_add_up_to_the_soundtrack() {
    let score = band_score(104.0, 4, "rock");
    let font = shipped_font();
    let settings = Settings::default().sound().clone();
    let sound = render(&score, &font, &settings, &Synthesis::default(), &Monitor::none()).expect("rendered");
    assert_eq!(score.parts.len(), 4);
    let mut sum = vec![0.0_f32; sound.mix().samples.len()];
    for part in &score.parts {
        let stem = sound
            .stem(&score, part, &font, &Synthesis::default(), &Monitor::none())
            .expect("a stem");
        assert!(stem.samples.iter().any(|s| s.abs() > 0.01), "{} is heard", part.name);
        sum.iter_mut().zip(&stem.samples).for_each(|(s, x)| *s += x);
    }
    let apart = sum.iter().zip(&sound.mix().samples).map(|(a, b)| (a - b).abs());
    let most = apart.fold(0.0, f32::max);
    assert!(most < 1e-4, "{most}");
    // A band's loudness is adjusted like the drums', and it ends with the clip.
    let measured = sound.loudness();
    assert!((measured.integrated - settings.loudness).abs() < 0.5, "{measured:?}");
    assert!(measured.true_peak <= settings.peak, "{measured:?}");
    assert_eq!(sound.mix().samples[sound.mix().samples.len() - 2..], [0.0, 0.0]);
}

/// Four parts, of which the guitar's strings take half of the time: 16 times real time was
/// measured, with the optimisation of tests and beside other work. As for drums alone, the test
/// requires much less.
#[cfg(target_os = "linux")]
#[test]
fn a_band_is_rendered_faster_than_real_time() {
    let score = band_score(120.0, 15, "pop");
    let font = shipped_font();
    let cpu = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
        let nanoseconds = text.split_whitespace().next().expect("a number");
        nanoseconds.parse::<f64>().expect("a number") / 1e9
    };
    let synthesis = Synthesis {
        threads: 1,
        ..Synthesis::default()
    };
    let before = cpu();
    render(&score, &font, Settings::default().sound(), &synthesis, &Monitor::none()).expect("rendered");
    let speed = score.duration.seconds() / (cpu() - before);
    assert!(
        speed > 5.0,
        "a band is rendered at {speed:.1} times real time, by CPU time of one thread"
    );
}
