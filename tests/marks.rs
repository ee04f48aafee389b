//! Marks on the bundled clip, from its poses to the sound: fixed beats, hits that are heard at their
//! very instants at several tempi and speeds, silences, and trims that keep their notes.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic
#![allow(clippy::print_stderr)] // what was measured is reported

mod support;

use kinescore::audio::AudioBuffer;
use kinescore::pipeline::{Cut, Job};
use kinescore::progress::Stage;
use kinescore::score::Score;
use kinescore::time::{Flicks, Speed};
use kinescore::{Error, Marks, Monitor, Settings};
use serde_json::{Value, json};
use std::path::Path;
use support::{engine, root};

/// A hit between the steps of the grid at each tempo, with what answers it.
const HIT: f64 = 4.0431;

fn marks(fields: Value) -> Marks {
    let mut file = json!({"format": "kinescore-marks", "version": 1});
    file.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("an object").clone());
    Marks::from_json(&file.to_string(), Path::new("test")).expect("marks")
}

/// A job that continues from the poses of the bundled clip.
fn job(settings: &[(&str, &str)], fields: Value) -> Job {
    let settings = Settings::from_pairs(settings.iter().copied().chain([("device", "cpu")])).expect("settings");
    let poses = root().join("tests/fixtures/golden/pose.json");
    let mut job = Job::load(engine(1), settings, &poses).expect("the poses");
    job.set_marks(marks(fields)).expect("marks");
    job
}

fn run(job: &mut Job, until: Stage) {
    job.run(until, &Monitor::none()).expect("a soundtrack");
}

fn cut(start: f64, end: f64, speed: (u32, u32)) -> Cut {
    Cut {
        start: Some(Flicks::from_seconds(start)),
        end: Some(Flicks::from_seconds(end)),
        speed: Speed::new(speed.0, speed.1).expect("a speed"),
    }
}

/// Onsets of all parts with pitch, in seconds of the cut.
fn onsets(score: &Score) -> Vec<(f64, u8)> {
    let notes = score.parts.iter().flat_map(|part| &part.notes);
    let mut onsets: Vec<(f64, u8)> = notes
        .map(|note| (score.tempo_map.instant(note.onset).seconds(), note.pitch))
        .collect();
    onsets.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    onsets
}

/// Energy of the sound in every millisecond.
fn energy(sound: &AudioBuffer) -> Vec<f64> {
    let each = sound.rate.hz() as usize / 1000 * 2;
    let samples = &sound.samples;
    let square = |sample: &f32| f64::from(*sample).powi(2);
    samples
        .chunks(each)
        .map(|chunk| chunk.iter().map(square).sum())
        .collect()
}

/// Where the sound becomes louder most suddenly within a reach of an instant, in seconds: the
/// millisecond after which the energy of four exceeds that of the eight before it by the greatest
/// factor. What is softer than a fiftieth of the loudest there counts as silence.
fn onset_near(sound: &AudioBuffer, seconds: f64, reach: f64) -> f64 {
    let energy = energy(sound);
    let index = |seconds: f64| (seconds * 1000.0).round().max(8.0) as usize;
    let mean = |from: usize, to: usize| energy[from..to].iter().sum::<f64>() / (to - from) as f64;
    let places = index(seconds - reach)..index(seconds + reach).min(energy.len() - 8);
    let loudest = places.clone().map(|at| mean(at, at + 8)).fold(0.0, f64::max);
    let rise = |at: &usize| (mean(*at, *at + 4) + loudest / 50.0) / (mean(*at - 8, *at) + loudest / 50.0);
    let found = places.max_by(|a, b| rise(a).total_cmp(&rise(b))).expect("a place");
    found as f64 / 1000.0
}

/// Where the sound is loudest within a reach of an instant, in seconds: the middle of 20 ms.
fn loudest_near(sound: &AudioBuffer, seconds: f64, reach: f64) -> f64 {
    let energy = energy(sound);
    let index = |seconds: f64| (seconds * 1000.0).round().max(0.0) as usize;
    let sum = |at: &usize| energy[*at..*at + 20].iter().sum::<f64>();
    let places = index(seconds - reach)..index(seconds + reach).min(energy.len() - 20);
    let found = places.max_by(|a, b| sum(a).total_cmp(&sum(b))).expect("a place");
    found as f64 / 1000.0 + 0.010
}

#[test]
fn the_beats_pass_through_fixed_ones_and_bars_begin_where_they_are_said_to() {
    let fixed = [1.0123, 2.9876, 5.4321];
    let mut job = job(
        &[],
        json!({"beats": [{"time": fixed[0], "number": "downbeat"}, {"time": fixed[1]}, {"time": fixed[2]}]}),
    );
    run(&mut job, Stage::Rhythm);
    let rhythm = job.rhythm().expect("a rhythm");
    for time in fixed {
        let nearest = rhythm.beats.iter().map(|beat| (beat.time.seconds() - time).abs());
        assert!(nearest.fold(f64::INFINITY, f64::min) < 1e-3, "{time}");
    }
    let first = rhythm
        .beats
        .iter()
        .find(|beat| (beat.time.seconds() - fixed[0]).abs() < 1e-3);
    assert_eq!(first.map(|beat| beat.number), Some(1));
    let last = rhythm.beats.last().expect("beats").time.seconds();
    let (start, end) = (rhythm.beats[0].time.seconds(), job.media().duration.seconds());
    let span = rhythm.tempo.beat_span().seconds() * 1.2;
    assert!(start < span && last > end - span, "{start} to {last} of {end}");
    // Everything that follows is on these beats.
    run(&mut job, Stage::Score);
    assert_eq!(
        job.drums().map(|drums| drums.beats.len()),
        job.rhythm().map(|r| r.beats.len())
    );
}

#[test]
fn a_moved_beat_moves_the_notes_around_it_and_leaves_the_others() {
    let mut plain = job(&[], json!({}));
    run(&mut plain, Stage::Score);
    let beats: Vec<f64> = plain
        .rhythm()
        .expect("a rhythm")
        .beats
        .iter()
        .map(|beat| beat.time.seconds())
        .collect();
    let (before, moved, after) = (beats[5], beats[6] + 0.1, beats[7]);
    let kept = [beats[0], before, after, beats[beats.len() - 1]];
    let mut fixed = [&kept[..], &[moved]].concat();
    fixed.sort_by(f64::total_cmp);
    let fixed: Vec<Value> = fixed.iter().map(|time| json!({"time": time})).collect();
    let mut job = job(&[], json!({ "beats": fixed }));
    // It continues from a saved rhythm as it does from the poses.
    run(&mut job, Stage::Rhythm);
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("rhythm.json");
    job.save(&saved).expect("saved");
    let settings = Settings::from_pairs([("device", "cpu")]).expect("settings");
    let mut continued = Job::load(engine(1), settings, &saved).expect("a rhythm");
    run(&mut continued, Stage::Score);
    run(&mut job, Stage::Score);
    assert_eq!(continued.score(), job.score());
    assert_eq!(job.music(), plain.music());
    assert_eq!(
        job.drums().map(|drums| &drums.hits),
        plain.drums().map(|drums| &drums.hits)
    );
    let outside = |job: &Job| -> Vec<(i64, u8)> {
        let notes = onsets(job.score().expect("a score"));
        let outside = notes
            .iter()
            .filter(|(time, _)| *time < before - 0.02 || *time > after + 0.02);
        let mut outside: Vec<(i64, u8)> = outside
            .map(|(time, pitch)| ((time * 500.0).round() as i64, *pitch))
            .collect();
        outside.sort_unstable();
        outside
    };
    let expected = outside(&plain);
    assert!(expected.len() > 20, "{}", expected.len());
    assert_eq!(outside(&job), expected);
    let on = |job: &Job, time: f64| {
        onsets(job.score().expect("a score"))
            .iter()
            .any(|(at, _)| (at - time).abs() < 0.03)
    };
    assert!(on(&plain, beats[6]) && on(&job, moved));
}

#[test]
fn accents_that_are_removed_or_moved_are_so_in_everything() {
    let mut plain = job(&[], json!({}));
    run(&mut plain, Stage::Rhythm);
    let times = |job: &Job| -> Vec<f64> {
        let accents = &job.rhythm().expect("a rhythm").accents;
        accents.iter().map(|accent| accent.time.seconds()).collect()
    };
    let before = times(&plain);
    let (removed, moved) = (before[1], before[3]);
    let accents = json!({"removed": [removed], "moved": [{"from": moved, "to": moved + 0.11}]});
    let mut job = job(&[], json!({ "accents": accents }));
    run(&mut job, Stage::Rhythm);
    let mut expected = before.clone();
    expected[3] += 0.11;
    expected.remove(1);
    expected.sort_by(f64::total_cmp);
    assert_eq!(times(&job), expected);
    let analysed: Vec<f64> = job
        .analysis()
        .accents
        .iter()
        .map(|accent| accent.time.seconds())
        .collect();
    assert_eq!(analysed, expected);
    // And back again.
    job.set_marks(Marks::default()).expect("no marks");
    run(&mut job, Stage::Rhythm);
    assert_eq!(times(&job), before);
}

#[test]
fn a_hit_is_heard_at_its_instant_at_every_tempo_followed_or_not() {
    for (factor, follow) in [(0.5, "2"), (1.0, "0"), (2.0, "4")] {
        let hits = json!([{"time": HIT, "answer": ["drums", "chord", "stop"]}]);
        let mut job = job(
            &[("drums.follow", follow)],
            json!({"hits": hits, "tempo_factor": factor, "beats": [{"time": 1.0123}]}),
        );
        run(&mut job, Stage::Audio);
        let span = job.rhythm().expect("a rhythm").tempo.beat_span().seconds();
        let score = onsets(job.score().expect("a score"));
        let apart = score
            .iter()
            .map(|(time, _)| (time - HIT).abs())
            .fold(f64::INFINITY, f64::min);
        assert!(apart < 2e-3, "×{factor}: {apart} s in the score");
        // It is struck by every part.
        let together = score.iter().filter(|(time, _)| (time - HIT).abs() < 2e-3).count();
        assert!(together >= 5, "×{factor}: {together} notes");
        let heard = onset_near(job.audio().expect("sound"), HIT, 0.1);
        eprintln!(
            "×{factor}, follow {follow}: {:.1} ms from the hit",
            (heard - HIT) * 1000.0
        );
        assert!((heard - HIT).abs() <= 5e-3, "×{factor}: heard at {heard}");
        let loudest = loudest_near(job.audio().expect("sound"), HIT, span);
        assert!(
            (0.0..0.08).contains(&(loudest - HIT)),
            "×{factor}: loudest at {loudest}"
        );
        // The WAV is the same sound.
        let folder = tempfile::tempdir().expect("a folder");
        let wav = folder.path().join("hit.wav");
        job.write_wav(&wav).expect("written");
        let read = support::decode_audio(&wav);
        assert_eq!(read.len(), job.audio().expect("sound").samples.len() / 2);
    }
}

#[test]
fn a_hit_is_as_loud_as_it_is_strong_and_the_loudest_within_a_beat_at_any_strength() {
    let mut decibels = Vec::new();
    for strength in [1.0, 0.65, 0.3] {
        let mut job = job(
            &[],
            json!({"hits": [{"time": HIT, "strength": strength, "answer": ["drums", "chord"]}]}),
        );
        run(&mut job, Stage::Audio);
        let span = job.rhythm().expect("a rhythm").tempo.beat_span().seconds();
        let sound = job.audio().expect("sound");
        let loudest = loudest_near(sound, HIT, span);
        let from = (HIT * 1000.0) as usize;
        let struck: f64 = energy(sound)[from..from + 100].iter().sum();
        decibels.push(10.0 * struck.log10());
        assert!(
            (0.0..0.08).contains(&(loudest - HIT)),
            "{strength}: loudest at {loudest}"
        );
    }
    // The compressor of the mix brings loud hits nearer to each other.
    assert!(
        decibels[0] > decibels[1] + 0.5 && decibels[1] > decibels[2] + 2.0,
        "{decibels:?}"
    );
    let apart = decibels[0] - decibels[2];
    assert!((4.5..9.0).contains(&apart), "{apart} dB");
}

#[test]
fn a_trim_and_another_speed_keep_the_notes_and_the_hits() {
    let fields = json!({
        "beats": [{"time": 1.0123}, {"time": 4.5}],
        "hits": [{"time": 2.2222}, {"time": HIT, "strength": 0.7, "answer": ["drums", "chord"]}],
        "silences": [{"from": 2.6, "to": 3.3}],
    });
    let mut job = job(&[], fields);
    run(&mut job, Stage::Score);
    let whole = onsets(job.score().expect("a score"));
    for (start, end, speed) in [(1.3, 7.0, (1, 1)), (1.3, 7.0, (1, 4)), (0.7, 6.5, (2, 1))] {
        job.set_cut(cut(start, end, speed)).expect("a cut");
        run(&mut job, Stage::Score);
        let factor = f64::from(speed.0) / f64::from(speed.1);
        let trimmed = onsets(job.score().expect("a score"));
        // In the media's time, up to the ending, which is the cut's own.
        let until = end - 2.5;
        let of = |notes: &[(f64, u8)], time: &dyn Fn(f64) -> f64| -> Vec<(i64, u8)> {
            let inside = notes.iter().map(|(at, pitch)| (time(*at), *pitch));
            let inside = inside.filter(|(at, _)| *at > start + 0.2 && *at < until);
            let mut rounded: Vec<(i64, u8)> = inside.map(|(at, pitch)| ((at * 50.0).round() as i64, pitch)).collect();
            rounded.sort_unstable();
            rounded
        };
        let (expected, found) = (of(&whole, &|at| at), of(&trimmed, &|at| start + at * factor));
        assert!(expected.len() > 20, "{}", expected.len());
        let lost = |from: &[(i64, u8)], others: &[(i64, u8)]| -> Vec<(i64, u8)> {
            let is_in = |note: &(i64, u8)| {
                let near = |other: &(i64, u8)| (other.0 - note.0).abs() <= 1 && other.1 == note.1;
                others.iter().any(near)
            };
            from.iter().copied().filter(|note| !is_in(note)).collect()
        };
        assert_eq!(lost(&expected, &found), [], "{start} to {end} at {factor}");
        assert_eq!(lost(&found, &expected), [], "{start} to {end} at {factor}");
        for hit in [2.2222, HIT] {
            let heard = (hit - start) / factor;
            let apart = trimmed
                .iter()
                .map(|(at, _)| (at - heard).abs())
                .fold(f64::INFINITY, f64::min);
            assert!(apart < 5e-3, "{hit} at {factor}: {apart}");
        }
        let silent = |at: f64| at > (2.6 - start) / factor - 1e-9 && at < (3.3 - start) / factor - 1e-3;
        assert!(
            !trimmed.iter().any(|(at, _)| silent(*at)),
            "{start} to {end} at {factor}"
        );
    }
}

#[test]
fn cuts_of_the_video_are_answered_at_their_instants_where_that_is_wanted() {
    let golden = root().join("tests/fixtures/golden/pose.json");
    let mut saved: Value = serde_json::from_str(&std::fs::read_to_string(golden).expect("poses")).expect("JSON");
    // The second ends a short shot.
    let cuts = [2.511, 2.905, 5.637];
    saved["poses"]["cuts"] = json!(cuts);
    let folder = tempfile::tempdir().expect("a folder");
    let poses = folder.path().join("pose.json");
    std::fs::write(&poses, saved.to_string()).expect("written");
    let answered = |word: &str, fields: Value| -> Vec<bool> {
        let settings = Settings::from_pairs([("device", "cpu"), ("hits.from_cuts", word)]).expect("settings");
        let mut job = Job::load(engine(1), settings, &poses).expect("the poses");
        job.set_marks(marks(fields)).expect("marks");
        run(&mut job, Stage::Score);
        let notes = onsets(job.score().expect("a score"));
        let listed: Vec<f64> = job.analysis().cut_hits.iter().map(|hit| hit.time.seconds()).collect();
        let struck = |cut: &f64| notes.iter().filter(|(time, _)| (time - cut).abs() < 5e-3).count() >= 3;
        let answered: Vec<bool> = cuts.iter().map(struck).collect();
        let is_listed = |cut: &f64| listed.iter().any(|time| (time - cut).abs() < 1e-6);
        assert_eq!(cuts.iter().map(is_listed).collect::<Vec<_>>(), answered, "{listed:?}");
        job.set_cut(cut(2.7, 6.0, (3, 2))).expect("a cut");
        let later: Vec<f64> = job.analysis().cut_hits.iter().map(|hit| hit.time.seconds()).collect();
        let inside = listed.iter().filter(|time| (2.7..6.0).contains(*time));
        let expected: Vec<f64> = inside.map(|time| (time - 2.7) / 1.5).collect();
        assert_eq!(later.len(), expected.len());
        assert!(
            later.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{later:?}"
        );
        answered
    };
    assert_eq!(answered("off", json!({})), [false; 3]);
    assert_eq!(answered("strong", json!({})), [true, false, true]);
    assert_eq!(answered("all", json!({})), [true; 3]);
    // Where a person has marked something, that counts.
    let marked = json!({"hits": [{"time": 2.6}], "silences": [{"from": 5.5, "to": 6.0}]});
    assert_eq!(answered("all", marked), [false; 3]);
}

#[test]
fn a_hit_at_the_very_start_is_struck_there() {
    let starts: Vec<f64> = (0..12).map(|index| 0.37 * f64::from(index)).collect();
    let hits: Vec<Value> = starts.iter().map(|start| json!({"time": start})).collect();
    let mut job = job(&[("music.instruments", "drums")], json!({"hits": hits}));
    for start in starts {
        job.set_cut(cut(start, 7.5, (1, 1))).expect("a cut");
        run(&mut job, Stage::Score);
        let notes = onsets(job.score().expect("a score"));
        let struck = notes.iter().filter(|(time, _)| *time < 1e-3).count();
        assert!(struck >= 3, "{start}: {struck} strokes at the start");
        let written = job.analysis().drums.expect("drums").hits;
        let first = written.first().expect("a hit").time.seconds();
        assert!(
            (0.0..1e-6).contains(&first) && first.is_sign_positive(),
            "{start}: {first}"
        );
    }
}

#[test]
fn a_hit_near_the_end_is_the_end() {
    let end = 6.0;
    for hit in [5.61, 5.93] {
        let mut job = job(&[], json!({"hits": [{"time": hit}]}));
        job.set_cut(cut(0.0, end, (1, 1))).expect("a cut");
        run(&mut job, Stage::Audio);
        let notes = onsets(job.score().expect("a score"));
        let last = notes.last().expect("notes").0;
        assert!((last - hit).abs() < 2e-3, "{hit}: the last note is at {last}");
    }
}

#[test]
fn nothing_is_heard_in_a_silence_once_the_last_note_has_rung_out() {
    let mut job = job(&[], json!({"silences": [{"from": 3.0, "to": 5.0}]}));
    run(&mut job, Stage::Audio);
    let energy = energy(job.audio().expect("sound"));
    let mean = |from: usize, to: usize| energy[from..to].iter().sum::<f64>() / (to - from) as f64;
    let relative = 10.0 * (mean(4000, 4990) / mean(1000, 3000)).log10();
    eprintln!("the silence is {relative:.1} dB below what is before it");
    assert!(relative < -40.0, "{relative} dB");
    assert!(mean(5000, 6500) > 0.1 * mean(1000, 3000), "the music goes on");
}

#[test]
fn marks_travel_with_saved_stages_and_are_refused_where_they_have_no_effect() {
    let folder = tempfile::tempdir().expect("a folder");
    let saved = folder.path().join("music.json");
    let fields = json!({"beats": [{"time": 1.0123}], "hits": [{"time": HIT}]});
    let mut first = job(&[], fields.clone());
    run(&mut first, Stage::Music);
    first.save(&saved).expect("saved");
    run(&mut first, Stage::Score);
    let load = || Job::load(engine(1), first.settings().clone(), &saved).expect("loaded");
    let mut again = load();
    assert_eq!(again.marks(), &marks(fields));
    run(&mut again, Stage::Score);
    assert_eq!(again.score(), first.score());
    // Other hits only arrange again; other beats need the poses.
    let mut other = load();
    other
        .set_marks(marks(json!({"beats": [{"time": 1.0123}], "hits": [{"time": 3.5}]})))
        .expect("other hits");
    run(&mut other, Stage::Score);
    assert_eq!((other.music(), other.score() == first.score()), (first.music(), false));
    let error = other
        .set_marks(marks(json!({"beats": [{"time": 1.1}]})))
        .expect_err("no poses");
    assert!(
        matches!(&error, Error::Marks { .. }) && error.to_string().contains("without the poses"),
        "{error}"
    );
    // A number that a bar of three does not have.
    let mut three = job(
        &[("beats.per_bar", "3")],
        json!({"beats": [{"time": 1.0, "number": 4}]}),
    );
    let error = three.run(Stage::Rhythm, &Monitor::none()).expect_err("no fourth beat");
    assert_eq!(
        error.to_string(),
        "marks: fixed beat 1 of the clip has the number 4; expected 1 to 3, the beats in a bar that the setting \
         beats.per_bar gives"
    );
}
