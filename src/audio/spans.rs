//! Divides a part's notes into spans of equal length, each of which is synthesised separately.
//!
//! Spans lie on the timeline of the media and not on that of the clip, and a note belongs to the
//! span in which it begins, for as long as it sounds. So another cut, or a change of a note, does
//! not affect the spans of other notes, and the sound of a part is the sum of its spans' sounds.
//!
//! Notes outside a span affect its notes only as they would in a single synthesiser: by the end of
//! a note of the same key, and by a note of the same exclusive class that cuts them off (a closed
//! hi-hat an open one).

use super::SoundFont;
use super::plan::{Event, SpanPlan};
use super::store::Key;
use super::strip::ChannelStrip;
use super::synth::{Instrument, block, channel, span_frames};
use super::variants::variant;
use crate::score::{Note, Part};
use crate::time::{Instant, Rate, Span, TempoMap, Tick};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Must be raised when the same events give different samples than before.
const VERSION: u64 = 2;

/// How long after its end a note may still be cut off by one of a later span, seconds: a note that
/// rings for longer is left to ring.
const LONGEST_CHOKE: Span = Span::from_seconds(10.0);

/// A part as spans.
#[derive(Debug)]
pub(super) struct PartPlan<'a> {
    pub font: &'a SoundFont,
    pub part: &'a Part,
    pub instrument: Instrument,
    pub strip: ChannelStrip,
    /// Spans in which notes begin, in order.
    pub spans: Vec<SpanPlan>,
}

/// A note on the timeline of the media, in frames.
struct PlacedNote {
    from: i64,
    to: i64,
    channel: u8,
    key: u8,
    velocity: u8,
}

impl<'a> PartPlan<'a> {
    /// Divides a part whose tick 0 lies at `start` on the media.
    pub fn new(
        (font, part): (&'a SoundFont, &'a Part),
        strip: ChannelStrip,
        tempo_map: &TempoMap,
        start: Instant,
        rate: Rate,
    ) -> Self {
        let instrument = Instrument::of(part, font, rate);
        let chokes = font.chokes(part.bank, part.program);
        let class_of = |note: &Note| chokes.classes(note.pitch, note.velocity).into_iter().collect();
        let spans = spans(part, tempo_map, start, rate, class_of);
        let spans = spans
            .into_iter()
            .map(|(index, events)| SpanPlan {
                index,
                key: key(font, &instrument, &strip, &events),
                events,
            })
            .collect();
        Self {
            font,
            part,
            instrument,
            strip,
            spans,
        }
    }
}

fn key(font: &SoundFont, instrument: &Instrument, strip: &ChannelStrip, events: &[(usize, Event)]) -> Key {
    let mut hash = Sha256::new();
    hash.update(font.identity());
    hash.update(VERSION.to_le_bytes());
    for number in instrument.numbers() {
        hash.update(number.to_le_bytes());
    }
    hash.update(format!("{strip:?}"));
    for (at, event) in events {
        hash.update((*at as u64).to_le_bytes());
        hash.update(event.numbers());
    }
    hash.finalize().into()
}

/// Events of all spans in which notes begin. `classes` gives the exclusive classes of a note.
fn spans(
    part: &Part,
    tempo_map: &TempoMap,
    start: Instant,
    rate: Rate,
    classes: impl Fn(&Note) -> Vec<i16>,
) -> Vec<(i64, Vec<(usize, Event)>)> {
    let length = span_frames(rate) as i64;
    let sample = |tick| (start + (tempo_map.instant(tick) - Instant::ZERO)).nearest_sample(rate);
    let notes: Vec<(PlacedNote, Vec<i16>)> = part
        .notes
        .iter()
        .map(|note| {
            let placed = PlacedNote {
                from: sample(note.onset),
                to: sample(Tick(note.onset.0.saturating_add(note.ticks))),
                channel: channel(part.bank, note.pitch) as u8,
                key: note.pitch,
                velocity: note.velocity,
            };
            (placed, classes(note))
        })
        .collect();
    let ends = Ends::of(&notes);
    let block = block(part) as i64;
    let patience = rate.count(LONGEST_CHOKE) as i64;
    let mut spans = Vec::new();
    let mut first = 0;
    while let Some((note, _)) = notes.get(first) {
        let index = note.from.div_euclid(length);
        let begin = index * length;
        let count = notes[first..]
            .iter()
            .take_while(|(note, _)| note.from < begin + length)
            .count();
        let (own, later) = notes[first..].split_at(count);
        // At the nearest block of the synthesiser, whose blocks begin with the span.
        let place = |sample: i64| ((sample - begin + block / 2) / block * block) as usize;
        let mut events = Vec::with_capacity(2 * own.len());
        let mut open = BTreeMap::new();
        for (note, classes) in own {
            let (channel, key, velocity) = (note.channel, note.key, note.velocity);
            let at = place(note.from);
            let variant = variant(part.bank, key, rate.span(note.from as f64));
            let on = Event::On {
                channel,
                key,
                velocity,
                variant,
            };
            events.push((at, on));
            let own_end = place(note.to).max(at + block as usize);
            let end = ends.after(note, |end| place(end) > at).map_or(own_end, place);
            events.push((end.min(own_end), Event::Off { channel, key }));
            for class in classes {
                let latest = open.entry((channel, *class)).or_insert(note.to);
                *latest = note.to.max(*latest);
            }
        }
        for (note, classes) in later {
            open.retain(|_, latest| note.from < *latest + patience);
            if open.is_empty() {
                break;
            }
            for class in classes.iter().copied() {
                let channel = note.channel;
                if open.remove(&(channel, class)).is_some() {
                    events.push((place(note.from), Event::Choke { channel, class }));
                }
            }
        }
        events.sort_unstable();
        events.dedup();
        spans.push((index, events));
        first += count;
    }
    spans
}

/// When notes of each channel and key end, in rising order.
struct Ends(BTreeMap<(u8, u8), Vec<i64>>);

impl Ends {
    fn of(notes: &[(PlacedNote, Vec<i16>)]) -> Self {
        let mut ends = BTreeMap::<_, Vec<i64>>::new();
        for (note, _) in notes {
            ends.entry((note.channel, note.key)).or_default().push(note.to);
        }
        ends.values_mut().for_each(|ends| ends.sort_unstable());
        Self(ends)
    }

    /// The first end of a note of this note's key after its onset: the synthesiser ends all notes
    /// of a key together.
    fn after(&self, note: &PlacedNote, after: impl Fn(i64) -> bool) -> Option<i64> {
        let ends = self.0.get(&(note.channel, note.key))?;
        let from = ends.partition_point(|end| *end <= note.from);
        ends[from..].iter().copied().find(|end| after(*end))
    }
}

#[cfg(test)]
#[path = "spans_tests.rs"]
mod tests;
