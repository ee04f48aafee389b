//! Frames as hosts push them, made by hand.

use super::*;

fn info(width: u32, height: u32) -> PushedInfo {
    PushedInfo {
        name: "host".into(),
        width,
        height,
        pixel_aspect: 1.0,
        frame_rate: None,
        duration: None,
    }
}

fn frame(time: f64, width: u32, height: u32, data: &[u8]) -> RawFrame<'_> {
    RawFrame {
        time: Instant::from_seconds(time),
        width,
        height,
        layout: Layout::Rgb,
        depth: Depth::U8,
        stride: 3 * width as isize,
        data,
    }
}

/// The single picture that comes out for a frame.
fn picture_of(frame: RawFrame<'_>) -> Picture {
    let (mut sink, mut source) = pushed(info(frame.width, frame.height), FileOptions::default()).expect("a queue");
    assert!(sink.push(&frame).expect("taken"));
    source.next_frame().expect("no error").expect("a frame").picture
}

#[test]
fn every_layout_and_depth_gives_the_same_picture_whichever_way_the_rows_lie() {
    let (width, height) = (20_usize, 16_usize);
    let colour = |x: usize, y: usize| [(13 * x) as u8, (15 * y) as u8, (7 * x + 5 * y) as u8];
    let expected: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| colour(x, y)))
        .collect();
    for layout in [Layout::Rgb, Layout::Bgr, Layout::Rgba, Layout::Bgra] {
        for depth in [Depth::U8, Depth::U16, Depth::F32] {
            for (padding, upwards) in [(0, false), (5, false), (0, true), (7, true)] {
                let mut rows: Vec<Vec<u8>> = Vec::new();
                for y in 0..height {
                    let mut row = Vec::new();
                    for x in 0..width {
                        let mut pixel = colour(x, y).to_vec();
                        if layout.is_reversed() {
                            pixel.reverse();
                        }
                        pixel.resize(layout.channels(), 99);
                        for value in pixel {
                            match depth {
                                Depth::U8 => row.push(value),
                                Depth::U16 => row.extend((u16::from(value) * 257).to_ne_bytes()),
                                Depth::F32 => row.extend((f32::from(value) / 255.0).to_ne_bytes()),
                            }
                        }
                    }
                    row.extend(vec![77; padding]);
                    rows.push(row);
                }
                if upwards {
                    rows.reverse();
                }
                let stride = rows[0].len() as isize;
                let mut data = rows.concat();
                data.truncate(data.len() - padding);
                let picture = picture_of(RawFrame {
                    time: Instant::ZERO,
                    width: width as u32,
                    height: height as u32,
                    layout,
                    depth,
                    stride: if upwards { -stride } else { stride },
                    data: &data,
                });
                assert_eq!((picture.width, picture.height), (width, height));
                assert_eq!(picture.rgb, expected, "{layout:?} {depth:?} {padding} {upwards}");
            }
        }
    }
}

#[test]
fn floats_beyond_full_scale_are_clipped_and_nan_is_black() {
    let values = [-1.0_f32, 0.5, 2.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let data: Vec<u8> = (0..16 * 16 * 3).flat_map(|i| values[i % 6].to_ne_bytes()).collect();
    let picture = picture_of(RawFrame {
        depth: Depth::F32,
        stride: 3 * 4 * 16,
        ..frame(0.0, 16, 16, &data)
    });
    assert_eq!(picture.rgb[..6], [0, 128, 255, 0, 255, 0]);
}

#[test]
fn large_frames_shrink_to_the_long_side_by_area_and_pixels_become_square() {
    // Columns of black and white: their mean is grey.
    let (width, height) = (1920, 200);
    let data: Vec<u8> = (0..width * height)
        .flat_map(|i| [if i % 2 == 0 { 0 } else { 255 }; 3])
        .collect();
    let frame = frame(0.0, width as u32, height as u32, &data);
    let picture = picture_of(frame);
    assert_eq!((picture.width, picture.height), (960, 100));
    assert!(picture.rgb.iter().all(|value| (127..=128).contains(value)));

    let narrow = PushedInfo {
        pixel_aspect: 0.5,
        ..info(width as u32, height as u32)
    };
    let (mut sink, mut source) = pushed(narrow, FileOptions::default()).expect("a queue");
    sink.push(&frame).expect("taken");
    assert_eq!((source.clip().width, source.clip().height), (960, 200));
    let shown = source.next_frame().expect("no error").expect("a frame");
    assert_eq!(
        (shown.picture.width, shown.picture.height, shown.scale),
        (960, 200, 1.0)
    );

    let wide = PushedInfo {
        pixel_aspect: 2.0,
        ..info(400, 200)
    };
    let (mut sink, mut source) = pushed(wide, FileOptions::default()).expect("a queue");
    let data = vec![200; 400 * 200 * 3];
    sink.push(&self::frame(0.0, 400, 200, &data)).expect("taken");
    let shown = source.next_frame().expect("no error").expect("a frame");
    assert_eq!((shown.picture.width, shown.picture.height), (800, 200));
    assert!(shown.picture.rgb.iter().all(|value| *value == 200));
}

#[test]
fn a_frame_that_does_not_fit_is_refused_by_number_with_both_values_and_leaves_no_trace() {
    let data = vec![0; 3 * 32 * 32];
    let bounded = PushedInfo {
        duration: Some(Span::from_seconds(4.0)),
        ..info(32, 32)
    };
    let (mut sink, mut source) = pushed(bounded, FileOptions::default()).expect("a queue");
    let good = frame(1.5, 32, 32, &data);
    assert!(sink.push(&good).expect("taken"));
    for (bad, parts) in [
        (good, &["frame 2", "1.5 s, is not after", "previous frame, 1.5 s"][..]),
        (frame(1.25, 32, 32, &data), &["1.25 s", "1.5 s"]),
        (frame(f64::NAN, 32, 32, &data), &["NaN"]),
        (frame(-0.5, 32, 32, &data), &["-0.5 s", "0 to 86400"]),
        (frame(4.0, 32, 32, &data), &["4 s, is not within the clip's 4 s"]),
        (frame(2.0, 16, 32, &data), &["16×32", "32×32"]),
        (
            RawFrame {
                stride: 95,
                ..frame(2.0, 32, 32, &data)
            },
            &["95 bytes", "96"],
        ),
        (
            RawFrame {
                stride: -95,
                ..frame(2.0, 32, 32, &data)
            },
            &["-95 bytes", "96"],
        ),
        (
            RawFrame {
                stride: 97,
                ..frame(2.0, 32, 32, &data)
            },
            &["3072 bytes", "3103"],
        ),
        (
            RawFrame {
                stride: isize::MIN,
                ..frame(2.0, 32, 32, &data)
            },
            &["too many"],
        ),
        (frame(2.0, 32, 32, &data[1..]), &["3071 bytes", "3072"]),
    ] {
        let error = sink.push(&bad).expect_err("refused").to_string();
        for part in parts {
            assert!(error.contains(part), "'{part}' is not in: {error}");
        }
    }
    assert!(sink.push(&frame(2.0, 32, 32, &data)).expect("taken"));
    assert!(sink.end().expect("long enough"));
    let times: Vec<f64> = std::iter::from_fn(|| source.next_frame().expect("no error"))
        .map(|frame| frame.time.seconds())
        .collect();
    assert_eq!(times, [1.5, 2.0]);
    assert_eq!(source.clip().duration.seconds(), 4.0);
    assert!(source.next_frame().expect("no error").is_none());
}

#[test]
fn announced_properties_must_be_possible() {
    for (wrong, part) in [
        (info(8, 64), "8×64 pixels; expected 16 to 16384"),
        (info(64, 20_000), "64×20000"),
        (
            PushedInfo {
                pixel_aspect: 0.0,
                ..info(64, 64)
            },
            "pixel aspect of 0",
        ),
        (
            PushedInfo {
                pixel_aspect: f64::NAN,
                ..info(64, 64)
            },
            "NaN",
        ),
        (
            PushedInfo {
                pixel_aspect: 0.2,
                ..info(64, 64)
            },
            "12×64",
        ),
        (
            PushedInfo {
                frame_rate: Some(-1.0),
                ..info(64, 64)
            },
            "-1 frames per second",
        ),
        (
            PushedInfo {
                duration: Some(Span::from_seconds(1.0)),
                ..info(64, 64)
            },
            "1.00 s of video",
        ),
        (
            PushedInfo {
                duration: Some(Span::from_seconds(f64::NAN)),
                ..info(64, 64)
            },
            "NaN s",
        ),
        (
            PushedInfo {
                duration: Some(Span::from_seconds(1e6)),
                ..info(64, 64)
            },
            "at most 86400 s",
        ),
    ] {
        let error = pushed(wrong, FileOptions::default())
            .err()
            .expect("refused")
            .to_string();
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
}

#[test]
fn the_length_comes_from_the_frames_and_those_beyond_the_rate_are_dropped() {
    let data = vec![0; 3 * 16 * 16];
    let (mut sink, mut source) = pushed(info(16, 16), FileOptions::default()).expect("a queue");
    let reader = std::thread::spawn(move || {
        let mut count = 0;
        while source.next_frame().expect("no error").is_some() {
            count += 1;
        }
        (count, source.clip().clone())
    });
    for index in 0..180 {
        assert!(
            sink.push(&frame(f64::from(index) / 60.0, 16, 16, &data))
                .expect("taken")
        );
    }
    assert!(sink.end().expect("3 s"));
    let (count, clip) = reader.join().expect("no panic");
    assert_eq!(count, 90);
    assert!((clip.duration.seconds() - 3.0).abs() < 1e-9, "{:?}", clip.duration);
    assert!((clip.frame_rate - 60.0).abs() < 1e-6);

    let (sink, _source) = pushed(info(16, 16), FileOptions::default()).expect("a queue");
    assert!(matches!(sink.end(), Err(Error::NoFrames { .. })));
    let (mut sink, _source) = pushed(info(16, 16), FileOptions::default()).expect("a queue");
    sink.push(&frame(0.0, 16, 16, &data)).expect("taken");
    assert!(matches!(sink.end(), Err(Error::ClipTooShort { .. })));
}

#[test]
fn either_end_notices_that_the_other_is_gone() {
    let data = vec![0; 3 * 16 * 16];
    let (mut sink, source) = pushed(info(16, 16), FileOptions::default()).expect("a queue");
    drop(source);
    assert!(!sink.push(&frame(0.0, 16, 16, &data)).expect("a good frame"));
    let (sink, mut source) = pushed(info(16, 16), FileOptions::default()).expect("a queue");
    drop(sink);
    assert!(matches!(source.next_frame(), Err(Error::Cancelled)));
    assert!(source.next_frame().expect("no error").is_none());
}
