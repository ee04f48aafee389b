//! Renders scores as sums of spans: spans in the store are reused, and the others are synthesised
//! in parallel.

use super::gain::GainCurve;
use super::plan::SpanPlan;
use super::sidechain::SideChain;
use super::spans::PartPlan;
use super::store::{Key, Sound, SpanStore};
use super::strip::{ChannelStrip, PartKind, Sort};
use super::synth::span_frames;
use super::{AudioBuffer, SoundFont, parallel};
use crate::error::{Error, Result};
use crate::progress::{Monitor, Stage};
use crate::score::Part;
use crate::time::{Instant, TempoMap};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Spans rendered before their sound is added to the mix. Spans that do not fit into the store are
/// held only until then: some 60 MB.
const BATCH: usize = 32;

/// Frames of the mix that are summed at a time: few enough to stay in a processor's cache.
const TILE: usize = 16_384;

/// The resources for rendering: the store of spans, which clones share, and a number of threads.
///
/// The samples do not depend on either.
#[derive(Debug, Clone)]
pub struct Synthesis {
    /// Spans synthesised before.
    pub store: SpanStore,
    /// Threads that work at the same time, at least 1.
    pub threads: usize,
}

impl Default for Synthesis {
    /// An empty store of the usual size, and as many threads as the machine has processors.
    fn default() -> Self {
        Self {
            store: SpanStore::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Progress of a render, reported to the monitor from all threads in ascending order.
struct Progress<'a> {
    monitor: &'a Monitor<'a>,
    /// Shares of the audio stage done before and after.
    range: (f64, f64),
    /// Frames of all spans that have to be synthesised.
    frames: f64,
    done: Mutex<f64>,
}

impl Progress<'_> {
    /// Reports more frames as done. Only one thread at a time, so that nothing is reported after a
    /// cancellation.
    fn add(&self, frames: usize) -> Result<()> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        self.monitor.check()?;
        *done += frames as f64;
        let share = (*done / self.frames).min(1.0);
        let (from, to) = self.range;
        self.monitor.progress(Stage::Audio, from + (to - from) * share)
    }
}

/// The score to play.
#[derive(Clone, Copy)]
pub(super) struct Played<'a> {
    pub font: &'a SoundFont,
    /// The parts that are heard.
    pub parts: &'a [Part],
    /// All parts of the score, which decide how each is mixed.
    pub score: &'a [Part],
    pub tempo_map: &'a TempoMap,
    /// The time of tick 0 on the media.
    pub start: Instant,
}

/// A span of one of several parts.
#[derive(Clone, Copy)]
struct PartSpan<'a> {
    part: usize,
    span: &'a SpanPlan,
}

/// A render in progress.
struct Rendering<'a> {
    plans: &'a [PartPlan<'a>],
    /// Frames in a span.
    length: usize,
    /// The render's number in the store.
    number: u64,
    progress: Progress<'a>,
    /// The synthesiser's font for each part, by the part's index.
    playable: BTreeMap<usize, Arc<rustysynth::SoundFont>>,
}

impl Synthesis {
    /// Plays parts and adds them to `mix`, a stereo buffer that begins with tick 0. Sound beyond
    /// the buffer's end is cut off.
    ///
    /// `range` is the share of the audio stage done before and after.
    ///
    /// # Errors
    /// [`Error::PresetMissing`] before anything is played, when there is no substitute for a part's
    /// preset; [`Error::SoundFontInvalid`] when a required sample is damaged; [`Error::Cancelled`],
    /// which leaves an unfinished mix.
    pub(super) fn add(
        &self,
        played: Played<'_>,
        mix: &mut AudioBuffer,
        monitor: &Monitor<'_>,
        range: (f64, f64),
    ) -> Result<()> {
        let Played { font, parts, .. } = played;
        if mix.channels != 2 {
            return Err(Error::Sound {
                reason: format!("a mix of {} channels; 2 are needed", mix.channels),
            });
        }
        let assigned = font.assign(parts)?;
        let sort = Sort::of(played.score);
        let plans = assigned.iter().map(|own| {
            let strip = ChannelStrip::of(PartKind::of(own.part.bank, own.part.program), sort);
            PartPlan::new((own.font, &own.part), strip, played.tempo_map, played.start, mix.rate)
        });
        let plans: Vec<PartPlan<'_>> = plans.collect();
        let side_chain = SideChain::of(played.score, played.tempo_map, sort, mix.frames(), mix.rate);
        let mut places: Vec<PartSpan<'_>> = plans
            .iter()
            .enumerate()
            .flat_map(|(part, plan)| plan.spans.iter().map(move |span| PartSpan { part, span }))
            .collect();
        // The order of the sum, regardless of what is there already.
        places.sort_by_key(|place| (place.span.index, place.part));

        let length = span_frames(mix.rate);
        let missing = places.iter().filter(|place| !self.store.has(&place.span.key)).count();
        let mut work = Rendering {
            plans: &plans,
            length,
            number: self.store.begin(),
            progress: Progress {
                monitor,
                range,
                frames: (missing.max(1) * length) as f64,
                done: Mutex::new(0.0),
            },
            playable: BTreeMap::new(),
        };
        work.progress.add(0)?;
        let origin = played.start.nearest_sample(mix.rate);
        for batch in places.chunks(BATCH) {
            let sounds = self.sounds(&mut work, batch)?;
            monitor.check()?;
            let heard: Vec<AudibleSpan<'_>> = batch
                .iter()
                .zip(&sounds)
                .map(|(place, sound)| {
                    let part = plans[place.part].part;
                    AudibleSpan {
                        first: place.span.index * length as i64 - origin,
                        volume: part.volume_ratio(),
                        gain: side_chain.gain(part.bank, part.program),
                        sound,
                    }
                })
                .collect();
            let tiles = mix.samples.chunks_mut(2 * TILE).zip((0..).step_by(TILE)).collect();
            parallel::each(self.threads, tiles, |(tile, first)| {
                let mut product = Vec::new();
                heard.iter().for_each(|sound| sound.add(tile, first, &mut product));
                Ok(())
            })?;
        }
        let held = self.store.usage();
        log::debug!(
            "spans of sound: {} rendered and {} reused so far, {} bytes held",
            held.made,
            held.found,
            held.bytes
        );
        monitor.progress(Stage::Audio, range.1)
    }

    /// The sounds of spans, in their order.
    fn sounds(&self, work: &mut Rendering<'_>, batch: &[PartSpan<'_>]) -> Result<Vec<Sound>> {
        let mut sounds: HashMap<Key, Option<Sound>> = HashMap::new();
        let mut missing = Vec::new();
        for place in batch {
            let key = place.span.key;
            // A span that occurs twice is synthesised once.
            sounds.entry(key).or_insert_with(|| {
                let sound = self.store.get(work.number, &key);
                if sound.is_none() {
                    missing.push(*place);
                }
                sound
            });
        }
        self.load(work, &missing)?;
        let made = parallel::each(self.threads, missing, |place| {
            let Some(playable) = work.playable.get(&place.part) else {
                return Ok((place.span.key, Sound::default()));
            };
            let mut said = 0;
            let PartPlan {
                instrument,
                font,
                strip,
                ..
            } = &work.plans[place.part];
            let samples = instrument.play(playable, place.span, font, |frames| {
                let own = frames.min(work.length);
                let more = own - said;
                said = own;
                work.progress.add(more)
            })?;
            let sound: Sound = strip.process(&samples, instrument.rate()).into();
            self.store.put(work.number, place.span.key, &sound);
            Ok((place.span.key, sound))
        })?;
        sounds.extend(made.into_iter().map(|(key, sound)| (key, Some(sound))));
        let found = |place: &PartSpan<'_>| sounds.get(&place.span.key).cloned().flatten().unwrap_or_default();
        Ok(batch.iter().map(found).collect())
    }

    /// Loads the samples for the parts of missing spans, for all notes of a part, since other spans
    /// may be missing next.
    fn load(&self, work: &mut Rendering<'_>, missing: &[PartSpan<'_>]) -> Result<()> {
        let wanted: BTreeSet<usize> = missing.iter().map(|place| place.part).collect();
        let wanted = wanted
            .into_iter()
            .filter(|part| !work.playable.contains_key(part))
            .collect();
        let loaded = parallel::each(self.threads, wanted, |index: usize| {
            work.progress.add(0)?;
            let PartPlan { font, part, .. } = &work.plans[index];
            Ok((index, font.for_notes(part.bank, part.program, &part.notes)?))
        })?;
        work.playable.extend(loaded);
        Ok(())
    }
}

/// A span's sound in the mix.
struct AudibleSpan<'a> {
    /// Frame of the mix at which it begins; less than 0 where the clip begins within it.
    first: i64,
    volume: f32,
    /// A gain over the time of the mix, if it is not 1 throughout.
    gain: Option<&'a GainCurve>,
    sound: &'a [f32],
}

impl AudibleSpan<'_> {
    /// Adds the span's share of a piece of the mix that begins at a frame. `product` is room for
    /// samples.
    fn add(&self, tile: &mut [f32], frame: usize, product: &mut Vec<f32>) {
        let ahead = 2 * (self.first - frame as i64);
        let (skipped, late) = match usize::try_from(ahead) {
            Ok(late) => (0, late),
            Err(_) => (ahead.unsigned_abs() as usize, 0),
        };
        if let (Some(tile), Some(sound)) = (tile.get_mut(late..), self.sound.get(skipped..)) {
            let mut sound = &sound[..sound.len().min(tile.len())];
            if let Some(gain) = self.gain {
                product.clear();
                product.extend_from_slice(sound);
                gain.apply(product, 2, frame + late / 2);
                sound = product;
            }
            for (sum, sample) in tile.iter_mut().zip(sound) {
                *sum += self.volume * sample;
            }
        }
    }
}
