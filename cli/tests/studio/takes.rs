//! Takes: made, corrected, compared.

use crate::client::Studio;
use crate::common::{kinescore, text, walkers};
use serde_json::{Value, json};

fn studio(args: &[&str]) -> Studio {
    let clip = walkers();
    Studio::start(&mut kinescore(&[&["studio", text(&clip), "--no-open"], args].concat()))
}

fn times(values: &Value) -> Vec<f64> {
    let values = values.as_array().expect("a list").iter();
    values.map(|value| value["time"].as_f64().expect("a time")).collect()
}

#[test]
fn a_take_is_made_corrected_and_compared() {
    let studio = studio(&["--seed", "5", "--start", "1"]);
    let first = studio.ready(1);
    assert_eq!(
        (&first["take"], &first["revision"], &first["error"]),
        (&json!(1), &json!(1), &Value::Null)
    );
    assert!(first["poses"].as_u64() > Some(0) && first["stage"].is_null());
    let marks = json!({"format": "kinescore-marks", "version": 1});
    assert_eq!(
        first["takes"],
        json!([{"id": 1, "version": 1, "seed": 5, "label": "Take 1", "settings": {"seed": "5"}, "marks": marks}])
    );

    // Everything is in the time of the media, which begins a second before what is heard.
    let shown = studio.get("api/takes/1/analysis").expect(200).json();
    assert_eq!(shown["start"], 1.0);
    let beats = times(&shown["analysis"]["beats"]);
    assert!(beats.len() > 5 && beats[0] >= 1.0 && beats[0] < 2.5, "{beats:?}");
    let drums = times(&shown["drums"]);
    let listed = times(&shown["analysis"]["drums"]["hits"]);
    assert_eq!(drums.len(), listed.len());
    let nearest = |all: &[f64], time: f64| all.iter().map(|one| (one - time).abs()).fold(f64::INFINITY, f64::min);
    assert!(drums.iter().all(|time| nearest(&listed, *time) < 1e-3));
    let parts: Vec<&str> = shown["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(parts.contains(&"drums") && parts.len() > 2, "{parts:?}");
    let instruments = shown["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .filter_map(|note| note["instrument"].as_str());
    assert!(instruments.clone().count() > 10 && instruments.clone().all(|name| parts.contains(&name)));
    let duration = shown["duration"].as_f64().expect("a length");
    let peaks = &shown["peaks"];
    assert_eq!((&peaks["rate"], &peaks["start"]), (&json!(100.0), &json!(1.0)));
    let peaks = peaks["values"].as_array().expect("peaks");
    assert_eq!(peaks.len(), (duration * 100.0).ceil() as usize);
    let loudest = peaks.iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    let true_peak = shown["loudness"]["peak"].as_f64().expect("a level");
    let lower = 20.0 * loudest.log10() - true_peak;
    assert!((-1.5..0.1).contains(&lower), "{loudest} at {true_peak} dBTP");
    assert!(
        shown["movement"]["values"]
            .as_array()
            .is_some_and(|values| values.len() > 300)
    );
    assert!(
        shown["loudness"]["integrated"]
            .as_f64()
            .is_some_and(|level| (level + 16.0).abs() < 2.0)
    );

    // A hit replaces the take; the beats stay.
    let hit = 0.5 * (beats[4] + beats[5]) + 0.07;
    let order = json!({"settings": {"seed": "5"}, "marks": {"hits": [{"time": hit}]}});
    let state = studio.render(&order);
    assert_eq!(
        (&state["takes"][0]["id"], &state["takes"][0]["version"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(state["takes"][0]["marks"]["hits"][0]["time"], hit);
    let marked = studio.get("api/takes/1/analysis").expect(200).json();
    assert_eq!(times(&marked["analysis"]["beats"]), beats);
    assert!(nearest(&drums, hit) > 0.005 && nearest(&times(&marked["drums"]), hit) < 0.005);

    // Another take stays beside it, until the oldest of 16 goes.
    let state = studio.render(&json!({"settings": {"seed": "6", "music.instruments": "drums"}, "new_take": true}));
    assert_eq!(
        (&state["take"], state["takes"].as_array().map(Vec::len)),
        (&json!(2), Some(2))
    );
    assert_eq!(state["takes"][1]["seed"], 6);
    assert_eq!(
        studio.get("api/takes/2/analysis").expect(200).json()["parts"],
        json!(["drums"])
    );
    for _ in 3..18 {
        studio.render(&json!({"settings": {"seed": "6", "music.instruments": "drums"}, "new_take": true}));
    }
    let state = studio.ready(1);
    let ids: Vec<_> = state["takes"]
        .as_array()
        .expect("takes")
        .iter()
        .map(|take| take["id"].clone())
        .collect();
    assert_eq!((ids.len(), &ids[0], &ids[15]), (16, &json!(2), &json!(17)));
    let gone = studio.get("api/takes/1/analysis").expect(404).json();
    assert!(
        gone["error"]
            .as_str()
            .is_some_and(|text| text.contains("there is no such take; there are: 2, 3, "))
    );
}

#[test]
fn the_newest_request_wins_and_what_is_refused_changes_nothing() {
    let studio = studio(&["--seed", "1"]);
    studio.ready(1);
    for (order, field) in [
        (json!({"settings": {"drums.style": "polka"}}), json!("drums.style")),
        (json!({"settings": {"drums.stile": "rock"}}), json!("drums.stile")),
        (json!({"settings": {"device": "cpu"}}), json!("device")),
        (json!({"settings": {"tempo.min": "170"}}), json!("tempo.min")),
        (json!({"marks": {"hits": [{"time": -1}]}}), json!("marks")),
        (
            json!({"marks": {"hits": [{"time": 1, "answer": ["flute"]}]}}),
            json!("marks"),
        ),
        (json!({"take": true}), Value::Null),
    ] {
        let answer = studio.post("api/render", &order).expect(400).json();
        assert!(answer["error"].as_str().is_some_and(|text| text.len() > 20), "{answer}");
        assert_eq!(answer["field"], field, "{answer}");
    }
    let state = studio.ready(1);
    assert_eq!(
        (&state["revision"], &state["takes"][0]["version"]),
        (&json!(1), &json!(1))
    );

    // Of several requests at once, only the last gives a take.
    let ask = |seed: u64| {
        let order = json!({"settings": {"seed": seed.to_string()}, "new_take": true});
        studio.post("api/render", &order).expect(202).json()["revision"]
            .as_u64()
            .expect("a number")
    };
    let revisions: Vec<u64> = (101..=105).map(ask).collect();
    assert_eq!(revisions, [2, 3, 4, 5, 6]);
    let state = studio.ready(6);
    let seeds: Vec<_> = state["takes"]
        .as_array()
        .expect("takes")
        .iter()
        .map(|take| take["seed"].clone())
        .collect();
    assert_eq!(seeds, [json!(1), json!(105)]);

    // What is cancelled leaves the takes as they were. Poses of another rate take their time.
    studio
        .post(
            "api/render",
            &json!({"settings": {"pose.rate": "20"}, "new_take": true}),
        )
        .expect(202);
    studio.wait("the analysis", |state| {
        state["state"] == "analysing" && state["done"].as_f64() > Some(0.0)
    });
    studio.post("api/cancel", &json!({})).expect(202);
    let state = studio.wait("the end", |state| state["state"] == "cancelled");
    assert_eq!(
        (&state["revision"], state["takes"].as_array().map(Vec::len)),
        (&json!(7), Some(2))
    );

    // A failure does so as well, and says what was wrong.
    studio
        .post("api/render", &json!({"settings": {"pose.person": "9"}}))
        .expect(202);
    let state = studio.wait("the end", |state| state["state"] == "failed");
    assert_eq!(
        (&state["error"]["kind"], state["takes"].as_array().map(Vec::len)),
        (&json!("other"), Some(2))
    );
    let message = state["error"]["message"].as_str().expect("a sentence");
    assert!(message.contains("person 9 was requested"), "{message}");
    studio.get("api/takes/2/wav").expect(200);
    let state = studio.render(&json!({"settings": {"seed": "105"}}));
    assert_eq!(
        (&state["error"], &state["takes"][1]["version"]),
        (&Value::Null, &json!(2))
    );
}

#[test]
fn people_are_shown_and_chosen_by_a_click() {
    let studio = studio(&["--instruments", "drums"]);
    studio.ready(1);
    let poses = studio.get("api/poses").expect(200).json();
    let frames = poses["times"].as_array().expect("times").len();
    assert!(frames > 180 && poses["people"] == 2, "{frames}");
    let points = poses["points"].as_array().expect("points");
    assert_eq!(points.len(), frames);
    let seen = points
        .iter()
        .filter(|point| point.as_array().is_some_and(|numbers| numbers.len() == 51));
    assert!(seen.count() > 100);

    let people = studio.get("api/people").expect(200).json();
    assert_eq!((&people[0]["person"], &people[1]["person"]), (&json!(1), &json!(2)));
    let second = &people[1];
    let at = second["times"].as_array().expect("times").len() / 2;
    let number = |place: usize| second["boxes"][at][place].as_f64().expect("a number");
    let (x, y) = ((number(0) + number(2)) / 2.0, (number(1) + number(3)) / 2.0);
    let click = |x: f64, y: f64| studio.post("api/person", &json!({"time": second["times"][at], "x": x, "y": y}));
    assert_eq!(click(x, y).expect(200).json(), json!({"person": 2}));
    click(-500.0, y).expect(404);
    studio.post("api/person", &json!({"time": 1.0})).expect(400);

    // The take of another person has other poses.
    let state = studio.render(&json!({"settings": {"pose.person": "2", "music.instruments": "drums"}}));
    assert_eq!(state["poses"], 2);
    let others = studio.get("api/poses").expect(200).json();
    assert!(others["times"] == poses["times"] && others["points"] != poses["points"]);
    let state = studio.render(&json!({"settings": {"pose.person": "all", "music.instruments": "drums"}}));
    assert_eq!(state["poses"], 3);
    let all = studio.get("api/poses").expect(200).json();
    assert!(all["points"] == poses["points"] && all["others"][0] == others["points"]);
}
