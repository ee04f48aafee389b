//! Edits: a trim keeps the notes of every remaining bar, a change of speed re-times them, and the
//! sound is exactly as long as the cut, to the sample.
#![allow(clippy::expect_used, clippy::panic)] // helpers of tests may panic

mod support;

use kinescore::pipeline::{Cut, Job};
use kinescore::progress::Stage;
use kinescore::score::Score;
use kinescore::time::{FLICKS_PER_SECOND, Flicks, STEPS_PER_BEAT, Speed, Tick};
use kinescore::{Error, Monitor, Settings};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use support::{engine, root};

/// Length of the media that is cut, seconds, and its slowly varying tempo.
const LENGTH: f64 = 62.3;
const BPM: f64 = 112.0;

/// A rhythm of about a minute, in the form saved by the rhythm stage.
fn rhythm_file(folder: &Path) -> std::path::PathBuf {
    let golden = root().join("tests/fixtures/golden/rhythm.json");
    let mut saved: Value = serde_json::from_str(&std::fs::read_to_string(golden).expect("golden")).expect("JSON");
    let mut random = random(3);
    let mut beats = vec![];
    let mut time = 0.41;
    while time < LENGTH {
        beats.push(json!({"time": time, "number": (beats.len() + 2) % 4 + 1}));
        time += 60.0 / BPM * (1.0 + 0.03 * (beats.len() as f64 / 9.0).sin());
    }
    let accents: Vec<Value> = beats
        .windows(2)
        .flat_map(|pair| {
            let time = |beat: &Value| beat["time"].as_f64().expect("a time");
            let (from, to) = (time(&pair[0]), time(&pair[1]));
            (0..4)
                .map(move |step| from + (to - from) * f64::from(step) / 4.0)
                .collect::<Vec<_>>()
        })
        .filter(|_| uniform(&mut random) < 0.25)
        .map(|time| json!({"time": time + 0.01, "strength": 0.4 + 0.006 * (time % 90.0), "kind": "impact"}))
        .collect();
    let rate = saved["rhythm"]["movement"]["rate"].as_f64().expect("a rate");
    let movement: Vec<f64> = (0..(LENGTH * rate) as usize)
        .map(|i| 16.0 + 9.0 * (i as f64 / rate / 8.0).sin())
        .collect();
    saved["clip"]["duration"] = json!(LENGTH);
    saved["rhythm"]["beats"] = json!(beats);
    saved["rhythm"]["accents"] = json!(accents);
    saved["rhythm"]["tempo"] = json!(BPM);
    saved["rhythm"]["movement"]["values"] = json!(movement);
    let path = folder.join("rhythm.json");
    std::fs::write(&path, saved.to_string()).expect("written");
    path
}

fn random(seed: u8) -> ChaCha8Rng {
    ChaCha8Rng::from_seed([seed; 32])
}

fn uniform(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / f64::from(u32::MAX)
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.set("device", "cpu").expect("a device");
    settings
        .set("music.instruments", "drums,piano,guitar,bass")
        .expect("instruments");
    settings
}

/// A job with composed music for all instruments, composed once for all tests.
fn job() -> Job {
    static WRITTEN: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = WRITTEN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let rhythm = rhythm_file(folder.path());
        let mut job = Job::load(engine(1), settings(), &rhythm).expect("a rhythm");
        job.run(Stage::Music, &Monitor::none()).expect("music");
        job.save(&folder.path().join("music.json")).expect("saved");
        folder
    });
    Job::load(engine(1), settings(), &folder.path().join("music.json")).expect("music")
}

fn cut(job: &mut Job, cut: Cut) -> Score {
    job.set_cut(cut).expect("a cut inside");
    job.run(Stage::Score, &Monitor::none()).expect("a score");
    job.score().expect("a score").clone()
}

fn trim(start: f64, end: f64) -> Cut {
    Cut {
        start: Some(Flicks::from_seconds(start)),
        end: Some(Flicks::from_seconds(end)),
        ..Cut::default()
    }
}

/// The notes of a bar, by part: onset on the media in microseconds, pitch, velocity, and length in
/// ticks.
type Bar = Vec<(String, i64, u8, u8, u32)>;

/// Whole bars of a score by number on the media, without those of the ending, which may include the
/// two bars before the last onset.
fn bars(score: &Score, job: &Job, cut: Cut) -> BTreeMap<usize, Bar> {
    let speed = cut.speed.factor();
    let start = cut.start.map_or(0.0, Flicks::seconds);
    let on_media = |tick: Tick| start + speed * score.tempo_map.instant(tick).seconds();
    let grid = job.rhythm().expect("a rhythm");
    let downbeats: Vec<f64> = grid
        .beats
        .iter()
        .filter(|b| b.number == 1)
        .map(|b| b.time.seconds())
        .collect();
    let last = score
        .parts
        .iter()
        .filter_map(|part| part.notes.last())
        .map(|note| on_media(note.onset));
    let last = last.fold(0.0, f64::max);
    // A note on the beat may be played slightly early.
    let early = 0.5 * 60.0 / BPM / STEPS_PER_BEAT as f64;
    let bar = 4.0 * 60.0 / BPM;
    let first_whole = start + 60.0 / BPM * 1.1 + early;
    let mut bars = BTreeMap::new();
    for (number, pair) in downbeats.windows(2).enumerate() {
        if pair[0] < first_whole || pair[1] > last - 1.05 * bar {
            continue;
        }
        let mut notes = Bar::new();
        let mut held = 0.0_f64;
        for part in &score.parts {
            for note in &part.notes {
                let onset = on_media(note.onset);
                if onset >= pair[0] - early && onset < pair[1] - early {
                    // A held chord may reach into the ending, which is the cut's own.
                    held = held.max(on_media(Tick(note.onset.0 + note.ticks)));
                    notes.push((
                        part.name.clone(),
                        (onset * 1e6).round() as i64,
                        note.pitch,
                        note.velocity,
                        note.ticks,
                    ));
                }
            }
        }
        notes.sort();
        if held > last - 0.05 * bar {
            continue;
        }
        bars.insert(number, notes);
    }
    bars
}

/// The same notes: pitches, velocities and lengths equal, onsets within a microsecond of the media.
fn assert_same(a: &Bar, b: &Bar, what: &str) {
    let plain = |bar: &Bar| -> Vec<_> { bar.iter().map(|n| (n.0.clone(), n.2, n.3, n.4)).collect() };
    assert_eq!(plain(a), plain(b), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert!((a.1 - b.1).abs() <= 2, "{what}: {a:?} {b:?}");
    }
}

#[test]
fn fifty_random_trims_keep_every_bar_that_they_share() {
    let mut job = job();
    let whole = cut(&mut job, Cut::default());
    let all = bars(&whole, &job, Cut::default());
    assert!(
        all.len() >= 25 && all.values().all(|bar| bar.len() > 8),
        "music in every bar"
    );
    let mut random = random(7);
    let (mut shared, mut scores) = (0, vec![(Cut::default(), all)]);
    for number in 0..50 {
        // Head, tail, and both, by amounts that do not coincide with a frame or beat.
        let (head, tail) = (uniform(&mut random) * 20.0, LENGTH - uniform(&mut random) * 20.0);
        let trimmed = match number % 3 {
            0 => Cut {
                end: None,
                ..trim(head, tail)
            },
            1 => Cut {
                start: None,
                ..trim(head, tail)
            },
            _ => trim(head, tail),
        };
        let score = cut(&mut job, trimmed);
        let window = job.clip().duration;
        assert_eq!(score.duration, window);
        let own = bars(&score, &job, trimmed);
        for (other, known) in &scores {
            for (bar, notes) in &own {
                if let Some(expected) = known.get(bar) {
                    assert_same(notes, expected, &format!("bar {bar} of {trimmed:?} beside {other:?}"));
                    shared += 1;
                }
            }
        }
        scores.push((trimmed, own));
    }
    assert!(shared > 10_000, "{shared} bars were compared");
    // Extended again, it is the same as before.
    assert_eq!(cut(&mut job, Cut::default()), whole);
}

#[test]
fn the_ending_is_arranged_for_each_cut() {
    let mut job = job();
    for end in [20.0, 20.7, 31.3, 44.4] {
        let score = cut(&mut job, trim(3.3, end));
        let seconds = end - 3.3;
        assert!((score.duration.seconds() - seconds).abs() < 1e-9);
        for part in &score.parts {
            let last = part.notes.last().expect("notes");
            let onset = score.tempo_map.instant(last.onset).seconds();
            // A strong accent leaves 0.15 s, less what its answer is late.
            assert!(
                (0.08..3.0).contains(&(seconds - onset)),
                "{}: the last note {onset:.2} s into {seconds} s",
                part.name
            );
        }
    }
}

#[test]
fn a_change_of_speed_retimes_the_same_notes() {
    let mut job = job();
    let normal = bars(&cut(&mut job, trim(5.0, 50.0)), &job, trim(5.0, 50.0));
    for (numerator, denominator) in [(1, 2), (2, 3), (24_000, 25_025), (3, 2), (2, 1)] {
        let faster = Cut {
            speed: Speed::new(numerator, denominator).expect("a speed"),
            ..trim(5.0, 50.0)
        };
        let score = cut(&mut job, faster);
        let length = 45.0 * f64::from(denominator) / f64::from(numerator);
        assert!((score.duration.seconds() - length).abs() < 1e-9);
        let own = bars(&score, &job, faster);
        let mut compared = 0;
        for (bar, notes) in &own {
            if let Some(expected) = normal.get(bar) {
                assert_same(notes, expected, &format!("bar {bar} at {numerator}/{denominator}"));
                compared += 1;
            }
        }
        assert!(compared >= 15, "{compared} bars at {numerator}/{denominator}");
    }
}

#[test]
fn sound_is_as_long_as_the_cut_to_the_sample() {
    let folder = tempfile::tempdir().expect("a folder");
    let rhythm = rhythm_file(folder.path());
    let mut random = random(11);
    for rate in ["44100", "48000", "96000"] {
        let mut settings = Settings::default();
        settings.set("sound.rate", rate).expect("a rate");
        settings.set("music.instruments", "drums").expect("instruments");
        let mut job = Job::load(engine(1), settings, &rhythm).expect("a rhythm");
        for (numerator, denominator) in [(1, 1), (1, 2), (1001, 1000)] {
            let frame = 1001 * FLICKS_PER_SECOND / 24_000;
            let first = (uniform(&mut random) * 1000.0) as i64;
            let odd = Cut {
                start: Some(Flicks(first * frame)),
                end: Some(Flicks((first + 61) * frame + 7)),
                speed: Speed::new(numerator, denominator).expect("a speed"),
            };
            job.set_cut(odd).expect("inside");
            job.run(Stage::Audio, &Monitor::none()).expect("sound");
            // The length over the speed, rounded to the nearest sample (a half: up), by whole
            // numbers.
            let length = odd.end.expect("an end") - odd.start.expect("a start");
            let (above, below) = odd.speed.ratio();
            let samples = i128::from(length.0) * i128::from(below) * rate.parse::<i128>().expect("a rate");
            let unit = i128::from(above) * i128::from(FLICKS_PER_SECOND);
            assert_eq!(
                job.audio().expect("sound").frames() as i128,
                (2 * samples + unit).div_euclid(2 * unit),
                "{odd:?} at {rate}"
            );
        }
    }
}

#[test]
fn results_are_in_the_time_of_the_cut() {
    let mut job = job();
    let whole = job.analysis();
    let half = Cut {
        speed: Speed::new(1, 2).expect("a speed"),
        ..trim(10.0, 20.0)
    };
    job.set_cut(half).expect("inside");
    let analysis = job.analysis();
    assert_eq!(analysis.clip.duration.seconds(), 20.0);
    assert_eq!(analysis.tempo_bpm, Some(BPM / 2.0));
    let within = |time: f64| (0.0..20.0).contains(&time);
    assert!(analysis.beats.iter().all(|beat| within(beat.time.seconds())));
    let expected = whole.beats.iter().filter(|b| (10.0..20.0).contains(&b.time.seconds()));
    assert_eq!(analysis.beats.len(), expected.count());
    let hits = analysis.drums.expect("drums").hits;
    assert!(hits.len() > 20 && hits.iter().all(|hit| within(hit.time.seconds())));
    let chords = analysis.music.expect("music").chords;
    assert!(
        chords.len() > 1 && chords[0].time.seconds() <= 0.0 && chords[1].time.seconds() > 0.0,
        "{chords:?}"
    );
}

#[test]
fn impossible_cuts_are_refused_and_the_previous_one_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut job = Job::load(engine(1), Settings::default(), &rhythm_file(folder.path())).expect("a rhythm");
    job.set_cut(trim(4.0, 9.0)).expect("inside");
    let far = Cut {
        end: None,
        ..trim(70.0, 0.0)
    };
    for wrong in [
        trim(9.0, 4.0),
        trim(60.0, 70.0),
        far,
        trim(-1.0, 9.0),
        trim(i64::MAX as f64, i64::MAX as f64),
    ] {
        assert!(matches!(job.set_cut(wrong), Err(Error::CutOutside { .. })), "{wrong:?}");
    }
    assert!(matches!(job.set_cut(trim(4.0, 5.0)), Err(Error::ClipTooShort { .. })));
    let hasty = Cut {
        speed: Speed::new(4, 1).expect("a speed"),
        ..trim(4.0, 9.0)
    };
    let error = job.set_cut(hasty).map_err(|error| error.to_string());
    assert!(
        matches!(&error, Err(text) if text.contains("at speed 4; at least 2 s")),
        "{error:?}"
    );
    assert_eq!(job.cut(), trim(4.0, 9.0));
    assert_eq!(job.clip().duration.seconds(), 5.0);
}

#[test]
fn a_saved_job_remembers_its_cut_and_can_be_cut_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = job();
    let score = cut(&mut first, trim(4.0, 19.0));
    let path = folder.path().join("score.json");
    first.save(&path).expect("saved");
    let mut again = Job::load(engine(1), first.settings().clone(), &path).expect("loaded");
    assert_eq!(again.cut(), trim(4.0, 19.0));
    assert_eq!(again.score(), Some(&score));
    let other = cut(&mut again, trim(2.5, 30.0));
    assert_eq!(other, cut(&mut first, trim(2.5, 30.0)));
    let error = again.write_video(&folder.path().join("x.mp4"), &Monitor::none());
    assert!(
        matches!(error, Err(Error::StageMissing { .. })),
        "nothing was played yet"
    );
    let half = Cut {
        speed: Speed::new(1, 2).expect("a speed"),
        ..Cut::default()
    };
    again.set_cut(half).expect("a cut");
    let error = again.write_video(&folder.path().join("x.mp4"), &Monitor::none());
    assert!(matches!(error, Err(Error::PictureSpeed { .. })));
}
