//! Writes the chords of a phrase.

use super::form::{Form, Phrase};
use super::modes::{self, Function, Repertoire, Weighted, affinity, leads};
use super::{Draw, PHRASE, Piece, SectionKind, dominant_of, half_of, mood, pick};
use crate::drums::sampling::BarRandom;
use crate::settings::MusicSettings;
use crate::theory::{Chord, Key, Quality};

/// Mean energy below which a phrase is calm, and below which its half cadence also lasts two bars.
const CALM: f64 = 2.25;
const STILL: f64 = 1.5;

/// Minimum mean energy of a lively phrase, and the minimum length, seconds, of a bar that then has
/// room for two chords.
const LIVELY: f64 = 3.5;
const ROOMY_BAR: f64 = 2.2;

/// How often a bar of a lively phrase has two chords.
const SPLIT: f64 = 0.85;

/// Minimum length of a chord, seconds: if half a bar is shorter, bars are not divided.
const LEAST_CHORD: f64 = 0.7;

/// How often a period's cadence comes a bar early, so that the last bar can lead on.
const EARLY: f64 = 0.3;

/// How often a chord of a repeated phrase is replaced by another of the same function.
const VARIED: f64 = 0.35;

/// How often the second phrase of a period begins like the first.
const PARALLEL: f64 = 0.65;

/// Functions of the second and third chord of a phrase, between the first chord and the half
/// cadence, and how often each pair is chosen in plain and in colourful harmony, which tends to
/// prepare its dominants.
const MIDDLES: [([Function; 2], f64, f64); 5] = [
    ([Function::Tonic, Function::Subdominant], 0.4, 0.55),
    ([Function::Subdominant, Function::Tonic], 0.2, 0.1),
    ([Function::Subdominant, Function::Subdominant], 0.16, 0.2),
    ([Function::Tonic, Function::Tonic], 0.12, 0.1),
    ([Function::Dominant, Function::Tonic], 0.12, 0.05),
];

/// Chords of one bar, each with the step at which it begins.
type Bar = Vec<(usize, Chord)>;

/// Material shared by the sections of one kind.
#[derive(Debug, Clone, PartialEq)]
struct Material {
    /// Phrase that opens a period; ends on a half cadence.
    opening: [Chord; PHRASE],
    middle: [Function; 2],
    /// The first two chords of the phrase that closes it.
    closing: [Chord; 2],
}

/// Writes the chords of a piece.
pub(super) struct PhraseWriter<'a> {
    piece: Piece<'a>,
    repertoire: Repertoire,
    colour: f64,
    plagal_share: f64,
    seed: u64,
}

impl<'a> PhraseWriter<'a> {
    pub fn new(piece: &Piece<'a>, settings: &MusicSettings, key: Key, seed: u64) -> Self {
        let colour = modes::colour(piece.style);
        let sevenths = Draw::Sevenths.stream(seed, 0).uniform() < 0.1 + 0.9 * colour;
        Self {
            piece: *piece,
            repertoire: Repertoire::new(key, colour, sevenths),
            colour,
            plagal_share: mood::plagal_share(settings.mood),
            seed,
        }
    }

    /// The penultimate chord of the piece.
    pub fn home_dominant(&self) -> Chord {
        let random = &mut Draw::HomeDominant.stream(self.seed, 0);
        pick(random, &self.repertoire.authentic()).unwrap_or(dominant_of(self.repertoire.tonic()))
    }

    /// The chords of each bar of a piece of this form.
    pub fn write(&self, form: &Form) -> Vec<Bar> {
        let mut bars: Vec<Bar> = vec![vec![(0, self.repertoire.tonic())]; self.piece.pickup];
        if let Some(upbeat) = bars.last_mut() {
            *upbeat = vec![(0, self.home_dominant())];
        }
        for phrase in &form.phrases {
            let before = bars.last().and_then(|bar| bar.last()).map(|(_, chord)| *chord);
            bars.extend(self.phrase(phrase, before));
        }
        bars.truncate(self.piece.bars);
        bars
    }

    /// The four bars of a phrase; `before` is the preceding chord.
    fn phrase(&self, phrase: &Phrase, before: Option<Chord>) -> [Bar; PHRASE] {
        let material = self.varied(phrase, before);
        let calm = phrase.energy.is_some_and(|energy| energy < CALM);
        let still = phrase.energy.is_some_and(|energy| energy < STILL);
        let (mut bars, cadence) = if phrase.in_section.is_multiple_of(2) {
            (self.opening(phrase, &material, calm, still), None)
        } else {
            let (bars, cadence) = self.closing(phrase, &material, calm);
            (bars, Some(cadence))
        };
        let lively = phrase.energy.is_some_and(|energy| energy >= LIVELY);
        if lively && self.piece.bar_span() >= ROOMY_BAR {
            self.split(phrase, &mut bars, cadence);
        }
        bars
    }

    /// A phrase that ends open, on a half cadence.
    fn opening(&self, phrase: &Phrase, material: &Material, calm: bool, still: bool) -> [Bar; PHRASE] {
        let [first, second, third, last] = material.opening;
        let whole = |chords: [Chord; PHRASE]| chords.map(|chord| vec![(0, chord)]);
        if still {
            return whole([first, first, last, last]);
        }
        if calm {
            // The chord in between prepares the dominant.
            let other = match material.middle {
                [_, Function::Subdominant] if third.root != first.root => third,
                [Function::Subdominant, _] => second,
                _ => {
                    let random = &mut Draw::Passing.stream(self.seed, phrase.number);
                    self.choose(random, self.repertoire.of(Function::Subdominant), first, &[last], true)
                }
            };
            return whole([first, first, other, last]);
        }
        whole([first, second, third, last])
    }

    /// A phrase that closes a period, and the bar in which its cadence resolves: authentic or
    /// plagal, in the last bar, whose second half leads on, or in the bar before, so that the whole
    /// last bar leads on.
    fn closing(&self, phrase: &Phrase, material: &Material, calm: bool) -> ([Bar; PHRASE], usize) {
        let random = &mut Draw::Cadence.stream(self.seed, phrase.number);
        let plagal = random.uniform() < self.plagal_share;
        let halves = self.piece.bar_span() >= 2.0 * LEAST_CHORD;
        let early = random.uniform() < EARLY && !calm || !halves;
        let [first, mut second] = material.closing;
        let tonic = self.repertoire.tonic();
        // Before an early cadence there is one chord, which prepares it: I V I V would alternate
        // between two chords.
        let function = if plagal { Function::Tonic } else { Function::Subdominant };
        let start = self.choose(random, self.repertoire.of(function), tonic, &[], true);
        let from = match (early, calm) {
            (true, _) => start,
            (false, true) => first,
            (false, false) => second,
        };
        let cadences = if plagal {
            self.repertoire.plagal()
        } else {
            self.repertoire.authentic()
        };
        let cadence = self.choose(random, cadences, from, &[], true);
        if second.root == cadence.root && !early && !calm {
            second = self.choose(random, self.repertoire.of(Function::Tonic), first, &[cadence], false);
        }
        let lead = self.lead(phrase);
        let whole = |chord| vec![(0, chord)];
        if early {
            return ([whole(start), whole(cadence), whole(tonic), whole(lead)], 2);
        }
        let turn = vec![(0, tonic), (half_of(self.piece.steps_per_bar()), lead)];
        let second = if calm { first } else { second };
        ([whole(first), whole(second), whole(cadence), turn], 3)
    }

    /// The chord with which a phrase that closes a period leads on: to the first chord of the next
    /// section if one is planned, else to home.
    fn lead(&self, phrase: &Phrase) -> Chord {
        let random = &mut Draw::Lead.stream(self.seed, phrase.number);
        let target = phrase
            .next
            .map_or(self.repertoire.tonic(), |kind| self.first_chord(kind));
        let mut choices: Vec<Weighted> = self
            .repertoire
            .of(Function::Dominant)
            .into_iter()
            .filter(|(chord, _)| leads(*chord, target) && chord.quality != Quality::Diminished)
            .collect();
        if target != self.repertoire.tonic() {
            choices.push((dominant_of(target), 0.6 + self.colour));
        }
        pick(random, &choices).unwrap_or(dominant_of(target))
    }

    /// The chord with which sections of a kind begin.
    fn first_chord(&self, kind: SectionKind) -> Chord {
        self.material(kind).opening[0]
    }

    fn middle(&self, random: &mut BarRandom) -> [Function; 2] {
        let weighted =
            MIDDLES.map(|(pair, plain, colourful)| (pair, plain * (1.0 - self.colour) + colourful * self.colour));
        pick(random, &weighted).unwrap_or(MIDDLES[0].0)
    }

    /// Writes the material of the sections of a kind.
    fn material(&self, kind: SectionKind) -> Material {
        let random = &mut Draw::Material.stream(self.seed, kind as usize);
        let first = pick(random, &self.repertoire.openings(kind)).unwrap_or(self.repertoire.tonic());
        let middle = self.middle(random);
        let second = self.choose(random, self.repertoire.of(middle[0]), first, &[], false);
        // After a dominant, the third chord does not repeat the first, or the phrase would
        // alternate between two chords.
        let without = if middle[0] == Function::Dominant {
            Some(first)
        } else {
            None
        };
        let third = self.choose(random, self.repertoire.of(middle[1]), second, without.as_slice(), true);
        let last = self.choose(random, self.repertoire.of(Function::Dominant), third, &[second], false);
        let parallel = random.uniform() < PARALLEL;
        let other = self.choose(random, self.repertoire.of(Function::Tonic), last, &[], false);
        let start = if parallel { first } else { other };
        let [towards, _] = self.middle(random);
        let function = if towards == Function::Tonic {
            Function::Tonic
        } else {
            Function::Subdominant
        };
        let next = self.choose(random, self.repertoire.of(function), start, &[], false);
        // The phrases of a parallel period share their first two bars; a dominant there is reserved
        // for the half cadence.
        let next = if parallel && middle[0] != Function::Dominant {
            second
        } else {
            next
        };
        Material {
            opening: [first, second, third, last],
            middle,
            closing: [start, next],
        }
    }

    /// The material of a phrase's section, varied for the phrase: a first chord to which `before`
    /// leads if a section begins unplanned, and sometimes another second chord if the material has
    /// been heard before.
    fn varied(&self, phrase: &Phrase, before: Option<Chord>) -> Material {
        let mut material = self.material(phrase.kind);
        let random = &mut Draw::Variation.stream(self.seed, phrase.number);
        let heard = phrase.in_section >= 2 || phrase.kind == SectionKind::Home && phrase.in_section != phrase.number;
        let vary = heard && random.uniform() < VARIED;
        if let Some(before) = before.filter(|before| phrase.sudden && !leads(*before, material.opening[0])) {
            let mut tonics: Vec<Weighted> = self.repertoire.of(Function::Tonic);
            tonics.retain(|(chord, _)| leads(before, *chord));
            material.opening[0] = pick(random, &tonics).unwrap_or(self.repertoire.tonic());
        }
        let [first, second, third, last] = &mut material.opening;
        if vary || second == first {
            let others = self.repertoire.of(material.middle[0]);
            *second = self.choose(random, others, *first, &[*second, *third], false);
        }
        if vary || second.root == third.root {
            let others = self.repertoire.of(material.middle[1]);
            *third = self.choose(random, others, *second, &[*first, *last], true);
        }
        material
    }

    /// Draws a chord to follow `from`, by its weight and by how naturally it follows; if possible,
    /// with a root other than that of `from`, and none of `without`. Diminished chords, which need
    /// to resolve, only if `diminished` allows them.
    fn choose(
        &self,
        random: &mut BarRandom,
        choices: Vec<Weighted>,
        from: Chord,
        without: &[Chord],
        diminished: bool,
    ) -> Chord {
        let allowed = |chord: Chord| chord.root != from.root && (diminished || chord.quality != Quality::Diminished);
        let mut weighted: Vec<Weighted> = choices
            .into_iter()
            .filter(|(chord, _)| allowed(*chord))
            .map(|(chord, weight)| (chord, weight * affinity(from, chord)))
            .collect();
        if weighted.iter().any(|(chord, _)| !without.contains(chord)) {
            weighted.retain(|(chord, _)| !without.contains(chord));
        }
        pick(random, &weighted).unwrap_or_else(|| {
            let tonic = self.repertoire.tonic();
            if from.root == tonic.root {
                dominant_of(tonic)
            } else {
                tonic
            }
        })
    }

    /// Gives bars of a lively phrase a second chord that leads to the next bar's. A chord of
    /// dominant function leads on at the end of its bar, so the added chord comes before it; `home`
    /// is the bar in which a cadence resolves.
    fn split(&self, phrase: &Phrase, bars: &mut [Bar; PHRASE], home: Option<usize>) {
        let random = &mut Draw::Passing.stream(self.seed, phrase.number);
        let half = half_of(self.piece.steps_per_bar());
        for place in 0..PHRASE - 1 {
            let wanted = random.uniform() < SPLIT;
            let [(0, now)] = bars[place][..] else {
                continue;
            };
            if !wanted || home == Some(place) {
                continue;
            }
            let next = bars[place + 1][0].1;
            let leads_on = home == Some(place + 1) || self.has_function(now, Function::Dominant);
            let before = place.checked_sub(1).and_then(|before| bars[before].last());
            match before {
                Some((_, before)) if leads_on => {
                    let approach = self.passing(random, *before, now);
                    bars[place] = vec![(0, approach), (half, now)];
                }
                _ => {
                    let passing = self.passing(random, now, next);
                    bars[place].push((half, passing));
                }
            }
        }
    }

    fn has_function(&self, chord: Chord, function: Function) -> bool {
        self.repertoire.of(function).iter().any(|(c, _)| *c == chord)
    }

    /// A chord between two others: of tonic or subdominant function, or of dominant function if it
    /// leads to the second.
    fn passing(&self, random: &mut BarRandom, from: Chord, to: Chord) -> Chord {
        let mut choices: Vec<Weighted> = [Function::Tonic, Function::Subdominant, Function::Dominant]
            .into_iter()
            .flat_map(|function| {
                let mut chords = self.repertoire.of(function);
                chords.retain(|(chord, _)| function != Function::Dominant || leads(*chord, to));
                chords
            })
            .filter(|(chord, _)| chord.root != to.root)
            .map(|(chord, weight)| (chord, weight * affinity(chord, to)))
            .collect();
        if to.root != self.repertoire.key.tonic && to.quality != Quality::Diminished {
            choices.push((dominant_of(to), 0.6 * self.colour));
        }
        self.choose(random, choices, from, &[to], false)
    }
}
