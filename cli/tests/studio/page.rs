//! Who is let in, how the program starts and ends.

use crate::client::Studio;
use crate::common::{Home, folder, kinescore, listing, make_clip, run, text, walkers};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn studio() -> Studio {
    Studio::start(&mut kinescore(&["studio", text(&walkers()), "--no-open"]))
}

#[test]
fn strangers_are_refused_and_the_page_is_told_why() {
    let studio = studio();
    let (port, page) = (studio.port, studio.path(""));
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    studio.get("").expect(200);
    let other = "0".repeat(studio.token.len());
    for path in [
        "/",
        "/api/clip",
        "/index.html",
        &format!("/{other}/"),
        &format!("/{other}/api/clip"),
    ] {
        let answer = studio.send("GET", path, "", b"").expect(403);
        assert!(
            answer.json()["error"]
                .as_str()
                .is_some_and(|text| text.contains("token")),
            "{path}"
        );
    }
    for headers in [
        String::new(),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1:{}\r\n", port ^ 1),
        format!("{host}Origin: http://evil.example\r\n"),
        format!("{host}Origin: null\r\n"),
        format!("{host}Origin: http://127.0.0.1:{}\r\n", port ^ 1),
    ] {
        studio.send_raw("GET", &page, &headers, b"").expect(403);
    }
    studio
        .send_raw(
            "GET",
            &page,
            &format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"),
            b"",
        )
        .expect(200);

    for headers in [
        format!("{host}Host: evil.example\r\n"),
        format!("Host: evil.example\r\n{host}"),
        format!("{host}{host}"),
    ] {
        studio.send_raw("GET", &page, &headers, b"").expect(400);
    }
    for name in ["evil.example".to_owned(), format!("127.0.0.1:{port}")] {
        let absolute = format!("http://{name}{page}");
        studio.send_raw("GET", &absolute, &host, b"").expect(400);
    }

    let render = studio.path("api/render");
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ] {
        studio.send("POST", &render, kind, b"{}").expect(415);
    }
    let json = "Content-Type: application/json\r\n";
    let large = vec![b' '; (1 << 20) + 1];
    studio.send("POST", &render, json, &large).expect(413);
    studio.send("POST", &render, json, b"").expect(400);
    studio.send("POST", &render, json, b"[]").expect(400);
    studio.get("api/render").expect(405);
    studio.get("api/none").expect(404);
    studio.get("../Cargo.toml").expect(404);
    studio.get("%2e%2e%2fCargo.toml").expect(404);

    for inner in ["", "api/clip", "api/none", "api/events"] {
        let method = if inner == "api/events" { "HEAD" } else { "GET" };
        let answer = studio.send(method, &studio.path(inner), "", b"");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{inner}"
        );
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{inner}");
        }
    }
    let without_slash = studio.send("GET", page.trim_end_matches('/'), "", b"").expect(303);
    assert_eq!(without_slash.header("location"), Some(&*page));
    assert_eq!(studio.get("").header("content-type"), Some("text/html; charset=utf-8"));
}

#[test]
fn the_clip_and_the_settings_are_known_at_once() {
    let (video, place) = (walkers(), folder());
    let mut command = kinescore(&["studio", text(&video), "--no-open", "--start", "1.5", "--style", "funk"]);
    let studio = Studio::start(command.env("TMPDIR", place.path()));
    let clip = studio.get("api/clip").expect(200).json();
    assert_eq!(
        (&clip["name"], &clip["start"]),
        (&"walking-two-people.mp4".into(), &1.5.into())
    );
    let settings = studio.get("api/settings").expect(200).json();
    let groups = settings["groups"].as_array().expect("groups");
    let drums = groups.iter().find(|group| group["name"] == "drums").expect("the drums");
    assert_eq!(
        (&drums["settings"][0]["key"], &drums["settings"][0]["value"]),
        (&"drums.style".into(), &"funk".into())
    );

    // The video, whole and in ranges.
    let bytes = std::fs::read(&video).expect("the clip");
    let whole = studio.get("api/video").expect(200);
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert!(whole.body == bytes);
    let part = |range: &str| studio.send("GET", &studio.path("api/video"), &format!("Range: {range}\r\n"), b"");
    let middle = part("bytes=1000-1999").expect(206);
    assert_eq!(
        middle.header("content-range"),
        Some(&*format!("bytes 1000-1999/{}", bytes.len()))
    );
    assert!(middle.body == bytes[1000..2000]);
    assert!(part("bytes=-10").expect(206).body == bytes[bytes.len() - 10..]);
    part(&format!("bytes={}-", bytes.len())).expect(416);
}

#[test]
fn ctrl_c_in_the_middle_of_the_analysis_ends_it_within_a_second_and_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let (clips, place) = (folder(), folder());
        let clip = make_clip(clips.path(), "long.mp4", "-stream_loop 8 -i {} -c copy");
        let mut command = kinescore(&["studio", text(&clip), "--no-open"]);
        let studio = Studio::start(command.env("TMPDIR", place.path()));
        let analysing = |state: &serde_json::Value| state["state"] == "analysing" && state["done"].as_f64() > Some(0.0);
        let state = studio.wait("the analysis", analysing);
        assert_eq!(
            (&state["stage"], &state["take"]),
            (&"pose".into(), &serde_json::Value::Null)
        );
        assert!(!listing(place.path()).is_empty(), "the session has a folder");
        let (took, code) = studio.end(signal);
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(listing(place.path()), []);
    }
}

#[test]
fn what_cannot_be_opened_is_reported_before_there_is_a_page() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    run(&["studio", text(&walkers()), "--no-open", "--port", &port])
        .expect(2)
        .reports(&[&port, "another program uses it", "--port"]);
    run(&["studio", "none.mp4", "--no-open"])
        .expect(3)
        .reports(&["none.mp4"]);
    let place = folder();
    let note = place.path().join("note.mp4");
    std::fs::write(&note, "not a video").expect("a file");
    run(&["studio", text(&note), "--no-open"])
        .expect(3)
        .reports(&["note.mp4"]);
    let clip = walkers();
    let with = |args: &[&str]| run(&[&["studio", text(&clip), "--no-open"], args].concat());
    with(&["--style", "polka"])
        .expect(2)
        .reports(&["drums.style = 'polka'"]);
    with(&["--start", "3", "--end", "2"])
        .expect(2)
        .reports(&["--start 3", "--end 2"]);
    with(&["--start", "100"]).expect(2).reports(&["--start"]);
    with(&["--marks", text(&note)])
        .expect(3)
        .reports(&["note.mp4", "not JSON"]);
    with(&["--port", "70000"]).expect(2).reports(&["70000"]);
    with(&["--models", "none"]).expect(6).reports(&["none"]);
}

#[test]
fn a_clip_without_a_person_is_reported_on_the_page() {
    let place = folder();
    let empty = make_clip(
        place.path(),
        "empty.mp4",
        "-f lavfi -i color=gray:size=320x240:rate=25:duration=3",
    );
    let studio = Studio::start(&mut kinescore(&["studio", text(&empty), "--no-open"]));
    let state = studio.wait("the failure", |state| state["state"] == "failed");
    assert_eq!(state["error"]["kind"], "no_person");
    let message = state["error"]["message"].as_str().expect("a sentence");
    assert!(message.contains("no person found in any of the 75 frames"), "{message}");
    studio.get("api/poses").expect(404);
    studio.get("api/people").expect(404);
    studio.get("api/takes/1/wav").expect(404);
    assert_eq!(studio.end("-TERM").1, Some(0));
}

#[test]
fn the_browser_is_opened_at_an_address_that_is_valid_once() {
    let home = Home(folder());
    home.put(
        "bin/xdg-open",
        "#!/bin/sh\nprintf '%s' \"$*\" > \"$HOME/new\"\n/bin/mv \"$HOME/new\" \"$HOME/opened\"\n",
    );
    let opener = home.at("bin/xdg-open");
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let studio = Studio::start(&mut home.command(&["studio", text(&walkers())]));
    let end = Instant::now() + Duration::from_secs(60);
    let opened = loop {
        match std::fs::read_to_string(home.at("opened")) {
            Ok(text) => break text,
            Err(_) => assert!(Instant::now() < end, "no browser is opened"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(
        !opened.contains(&studio.token),
        "others can read the arguments of a browser"
    );
    let path = opened
        .strip_prefix(&format!("http://127.0.0.1:{}", studio.port))
        .expect("this server");
    let answer = studio.send("GET", path, "", b"").expect(303);
    assert_eq!(answer.header("location"), Some(&*studio.path("")));
    studio.send("GET", path, "", b"").expect(403);
}
