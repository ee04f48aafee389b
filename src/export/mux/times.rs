//! Determines presentation timestamps for videos that lack them: raw streams, packets before time
//! zero of a Matroska file, reordered pictures in AVI.

use crate::error::Result;
use crate::progress::Monitor;
use crate::video::media::{media_error, no_video, open_media_with, picture_stream};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec;
use std::path::Path;

/// Timestamps of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// Presentation timestamp.
    pub(super) shown: i64,
    /// Decoding timestamp: not after the presentation timestamp, and later than that of the
    /// previous packet.
    pub(super) decoded: i64,
}

/// The known facts about a packet.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Presentation timestamp, if the file has one.
    shown: Option<i64>,
    /// Decoding timestamp, if the file has one.
    decoded: Option<i64>,
    /// Number of its picture in presentation order; `None` if it did not yield a picture.
    place: Option<usize>,
}

/// Timestamps of all packets of a file's video stream, in the file's order, multiplied by
/// `divisor`. The presentation order is found by decoding; `first` is the timestamp of the first
/// shown frame if the file has none.
///
/// Memory: 56 bytes per frame while it runs.
pub(super) fn of(path: &Path, complete: bool, divisor: i64, first: i64, monitor: &Monitor<'_>) -> Result<Vec<Times>> {
    let refuse = |e: ffmpeg::Error| media_error(path, "finding the presentation order of its pictures", e);
    let mut input = open_media_with(path, complete)?;
    let (stream, rate, tick, mut decoder) = {
        let Some(stream) = picture_stream(&input) else {
            return Err(no_video(path, &input));
        };
        let context = codec::Context::from_parameters(stream.parameters()).map_err(refuse)?;
        let rate = [stream.avg_frame_rate(), stream.rate()].map(f64::from);
        let decoder = context.decoder().video().map_err(refuse)?;
        (stream.index(), rate, f64::from(stream.time_base()), decoder)
    };
    let mut packets: Vec<Known> = Vec::new();
    let mut shown = 0;
    let mut longest = 0;
    let mut picture = ffmpeg::frame::Video::empty();
    let mut receive = |decoder: &mut codec::decoder::Video, packets: &mut Vec<Known>| {
        while decoder.receive_frame(&mut picture).is_ok() {
            let index = picture.pts().and_then(|number| usize::try_from(number).ok());
            if let Some(packet) = index.and_then(|index| packets.get_mut(index)) {
                packet.place = Some(shown);
                shown += 1;
            }
        }
    };
    for (_, mut packet) in input.packets() {
        monitor.check()?;
        if packet.stream() != stream {
            continue;
        }
        longest = longest.max(packet.duration());
        // The decoder passes a packet's timestamp on to its picture; here, it is the packet's
        // number.
        let number = packets.len() as i64;
        packets.push(Known {
            shown: packet.pts().map(|t| t.saturating_mul(divisor)),
            decoded: packet.dts().map(|t| t.saturating_mul(divisor)),
            place: None,
        });
        packet.set_pts(Some(number));
        packet.set_dts(Some(number));
        if decoder.send_packet(&packet).is_ok() {
            receive(&mut decoder, &mut packets);
        }
    }
    if decoder.send_eof().is_ok() {
        receive(&mut decoder, &mut packets);
    }
    let by_rate = rate.into_iter().find(|rate| (1e-2..1e5).contains(rate)).unwrap_or(25.0);
    let step = match longest {
        1.. => longest.saturating_mul(divisor),
        _ => ((divisor as f64 / (by_rate * tick)).round() as i64).max(1),
    };
    Ok(complete_times(&packets, step, first))
}

/// Timestamps for packets in decoding order; pictures whose timestamp is not known are `step` apart
/// from their neighbours, and the first is shown at `first` if none is known.
fn complete_times(packets: &[Known], step: i64, first: i64) -> Vec<Times> {
    // Numbers of the packets in presentation order. A packet without a picture keeps its place.
    let mut order: Vec<usize> = (0..packets.len()).collect();
    let place = |index: usize| packets.get(index).and_then(|p| p.place).unwrap_or(index);
    order.sort_by_key(|index| (place(*index), *index));
    let known = |index: &usize| packets.get(*index).and_then(|packet| packet.shown);
    let anchor = order
        .iter()
        .enumerate()
        .find_map(|(at, index)| Some((at, known(index)?)));
    let (at, time) = anchor.unwrap_or((0, first));
    let mut next = time.saturating_sub(step.saturating_mul(at as i64));
    // A file with only decoding timestamps shows its pictures one after the other at the same pace.
    let clock: Option<Vec<i64>> = packets.iter().map(|packet| packet.decoded).collect();
    let clock = clock.filter(|clock| anchor.is_none() && clock.is_sorted());
    let by_clock = |place: usize| {
        let clock = clock.as_ref()?;
        Some(first.saturating_add(clock.get(place)?.saturating_sub(*clock.first()?)))
    };
    let mut shown = vec![0; packets.len()];
    for (place, index) in order.iter().enumerate() {
        let time = known(index).or_else(|| by_clock(place)).unwrap_or(next);
        if let Some(shown) = shown.get_mut(*index) {
            *shown = time;
        }
        next = time.saturating_add(step);
    }
    // Decoding is ahead of presentation by as much as any picture needs.
    let mut sorted = shown.clone();
    sorted.sort_unstable();
    let mut rank = vec![0; packets.len()];
    for (place, index) in order.iter().enumerate() {
        if let Some(rank) = rank.get_mut(*index) {
            *rank = place;
        }
    }
    let ahead = rank
        .iter()
        .enumerate()
        .map(|(n, rank)| n.saturating_sub(*rank))
        .max()
        .unwrap_or(0);
    let decoded = |number: usize| match number.checked_sub(ahead) {
        Some(place) => sorted.get(place).copied().unwrap_or(next),
        None => sorted.first().map_or(first, |time| {
            time.saturating_sub(step.saturating_mul((ahead - number) as i64))
        }),
    };
    let times = shown.iter().enumerate().map(|(number, shown)| Times {
        shown: *shown,
        decoded: decoded(number).min(*shown),
    });
    times.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(places: &[usize], shown: &[Option<i64>]) -> Vec<(i64, i64)> {
        let known: Vec<Known> = places
            .iter()
            .zip(shown)
            .map(|(place, shown)| Known {
                shown: *shown,
                decoded: None,
                place: Some(*place),
            })
            .collect();
        let times = complete_times(&known, 10, 100);
        times.iter().map(|t| (t.shown, t.decoded)).collect()
    }

    #[test]
    fn a_stream_without_times_is_shown_evenly_in_the_order_of_its_pictures() {
        // Decoded as I P B B, shown as I B B P.
        assert_eq!(
            completed(&[0, 3, 1, 2], &[None; 4]),
            [(100, 90), (130, 100), (110, 110), (120, 120)]
        );
        assert_eq!(completed(&[0, 1], &[None; 2]), [(100, 100), (110, 110)]);
        assert!(completed(&[], &[]).is_empty());
    }

    #[test]
    fn pictures_follow_the_clock_of_decoding_where_that_is_all_there_is() {
        let known = |(place, decoded): (usize, i64)| Known {
            shown: None,
            decoded: Some(decoded),
            place: Some(place),
        };
        let times = complete_times(&[(0, 0), (2, 2), (1, 4), (3, 10)].map(known), 1, 7);
        assert_eq!(times.iter().map(|t| t.shown).collect::<Vec<_>>(), [7, 11, 9, 17]);
        assert!(times.windows(2).all(|w| w[0].decoded < w[1].decoded), "{times:?}");
    }

    #[test]
    fn times_before_the_first_known_one_lead_up_to_it() {
        let times = completed(&[0, 2, 1, 4, 3], &[None, None, None, Some(45), Some(35)]);
        assert_eq!(times.iter().map(|t| t.0).collect::<Vec<_>>(), [5, 25, 15, 45, 35]);
        assert!(times.windows(2).all(|w| w[0].1 < w[1].1), "{times:?}");
        assert!(times.iter().all(|t| t.1 <= t.0), "{times:?}");
    }
}
