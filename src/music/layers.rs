//! The layers of a piece: which instruments play in each bar, and how loud.
//!
//! Instruments enter and leave with the intensity of the movement, in units of two bars. A piece
//! opens with fewer of them, and where the movement becomes much stronger, the bar before is thin
//! and everybody plays from there on. Decided on the bars of the media, so a cut changes nothing.

use super::harmony::{Harmony, SectionKind};
use crate::rhythm::alike::BarMovement;
use crate::settings::MusicSettings;
use crate::theory::{Instrument, Role};

/// Change of the movement, in octaves of the usual movement, over which the intensity rises or
/// falls by half of its range.
const OCTAVES: f64 = 1.2;

/// Intensity of bars in which nobody is seen.
const UNSEEN: f64 = 0.1;

/// How much softer the opening and contrasting sections are: the first two bars and the next two,
/// and sections away from home.
const OPENING: [f64; 2] = [0.25, 0.1];
const AWAY: f64 = 0.08;

/// Shortest pieces, in bars, in which the first two and the next two bars open.
const OPENED: [usize; 2] = [6, 10];

/// Bars of a unit.
const UNIT: usize = 2;

/// Rise of the intensity from one unit to the next that is an arrival.
const ARRIVAL: f64 = 0.2;

/// Range of the loudness over all intensities, dB.
const RANGE: f64 = 9.0;

/// Least intensity at which an instrument plays.
fn threshold(instrument: Instrument, players: &[Instrument]) -> f64 {
    let others = |role: Role| {
        players
            .iter()
            .any(|other| *other != instrument && other.profile().role == role)
    };
    match instrument.profile().role {
        Role::Pad => 0.0,
        Role::Comping if instrument == Instrument::Guitar && players.contains(&Instrument::Piano) => 0.45,
        Role::Comping if others(Role::Pad) => 0.25,
        Role::Comping => 0.0,
        Role::Bass => 0.3,
        Role::Melody => 0.3,
        Role::Ostinato => 0.4,
    }
}

/// The layers of a piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Layers {
    /// Intensity of each bar, 0 to 1.
    intensity: Vec<f64>,
    /// The instruments that play in each bar.
    playing: Vec<Vec<Instrument>>,
}

impl Layers {
    /// Decides the layers of a piece whose bars move as given, before the first whole one `pickup`
    /// bars. With `music.energy`, only the form matters.
    pub fn of(
        movement: &[BarMovement],
        pickup: usize,
        harmony: &Harmony,
        settings: &MusicSettings,
        players: &[Instrument],
    ) -> Self {
        let intensity = intensity(movement, pickup, harmony, settings);
        let units: Vec<(usize, f64)> = (0..intensity.len())
            .map(|bar| {
                let unit = bar.saturating_sub(pickup) / UNIT;
                let bars = intensity.iter().enumerate();
                let same: Vec<f64> = bars
                    .filter(|(other, _)| other.saturating_sub(pickup) / UNIT == unit)
                    .map(|(_, value)| *value)
                    .collect();
                (unit, same.iter().sum::<f64>() / same.len() as f64)
            })
            .collect();
        let arrives = |bar: usize| {
            let Some((unit, now)) = units.get(bar) else {
                return false;
            };
            let before = units.iter().rev().find(|(other, _)| other < unit);
            before.is_some_and(|(_, before)| now - before >= ARRIVAL)
        };
        let playing = (0..intensity.len())
            .map(|bar| {
                let at = units[bar].1;
                let builds = !arrives(bar) && arrives(bar + 1);
                let plays = |instrument: &&Instrument| {
                    let role = instrument.profile().role;
                    (arrives(bar) || at >= threshold(**instrument, players)) && !(builds && role == Role::Bass)
                };
                let mut playing: Vec<Instrument> = players.iter().filter(plays).copied().collect();
                // Something always sounds.
                if playing.is_empty() {
                    playing.extend(players.first());
                }
                playing
            })
            .collect();
        Self { intensity, playing }
    }

    /// Intensity of a bar, 0 to 1.
    pub fn intensity(&self, bar: usize) -> f64 {
        self.intensity.get(bar).copied().unwrap_or(0.5)
    }

    /// Whether an instrument plays in a bar.
    pub fn plays(&self, bar: usize, instrument: Instrument) -> bool {
        self.playing
            .get(bar)
            .is_some_and(|playing| playing.contains(&instrument))
    }

    /// Factor on the velocities of a bar. The amplitude of a note is the square of its velocity.
    pub fn gain(&self, bar: usize) -> f32 {
        let decibels = RANGE * (self.intensity(bar) - 0.5);
        10.0_f64.powf(decibels / 40.0) as f32
    }
}

fn intensity(movement: &[BarMovement], pickup: usize, harmony: &Harmony, settings: &MusicSettings) -> Vec<f64> {
    let of_movement = |bar: &BarMovement| match settings.energy {
        Some(fixed) => fixed,
        None if bar.level <= 0.0 => UNSEEN,
        None => 0.5 + 0.5 * (bar.level.log2() / OCTAVES).clamp(-1.0, 1.0),
    };
    let plain: Vec<f64> = movement.iter().map(of_movement).collect();
    let count = plain.len();
    (0..count)
        .map(|bar| {
            // A bar counts as much as its neighbours together.
            let near = [bar.saturating_sub(1), bar, bar, (bar + 1).min(count - 1)];
            let smooth = near.iter().map(|bar| plain[*bar]).sum::<f64>() / near.len() as f64;
            let unit = bar.saturating_sub(pickup) / UNIT;
            let opens = OPENED.get(unit).is_some_and(|least| count >= *least);
            let opening = if opens { OPENING[unit] } else { 0.0 };
            let kind = harmony.kinds.get(harmony.section_of(bar));
            let away = kind.is_some_and(|kind| *kind != SectionKind::Home);
            (smooth - opening - if away { AWAY } else { 0.0 }).clamp(0.0, 1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::harmony::{self, Piece};
    use crate::settings::Settings;
    use crate::theory::Palette;
    use crate::time::Tempo;
    use Instrument::{Bass, Guitar, Lead, Pad, Piano};

    fn layers(levels: &[f64], players: &[Instrument], energy: Option<&str>) -> Layers {
        let mut settings = Settings::default();
        if let Some(energy) = energy {
            settings.set("music.energy", energy).expect("an energy");
        }
        let energies = vec![3; levels.len()];
        let piece = Piece {
            bars: levels.len(),
            pickup: 0,
            beats_per_bar: 4,
            bar_energy: &energies,
            tempo: Tempo::from_bpm(120.0),
            style: "pop",
        };
        let harmony = harmony::compose(&piece, settings.music(), 1);
        let movement: Vec<BarMovement> = levels.iter().map(|level| BarMovement::steady(*level, 16)).collect();
        Layers::of(&movement, 0, &harmony, settings.music(), players)
    }

    #[test]
    fn a_piece_opens_with_fewer_instruments() {
        let even = layers(&[1.0; 12], &[Piano, Guitar, Bass, Lead, Pad], None);
        let playing = |bar: usize| even.playing[bar].len();
        assert_eq!(even.playing[0], [Piano, Pad]);
        assert!(playing(2) > playing(0) && playing(4) == 5, "{:?}", even.playing);
        assert!(even.gain(0) < even.gain(4));
    }

    #[test]
    fn a_short_piece_has_no_opening() {
        let short = layers(&[1.0; 4], &[Piano, Bass, Lead, Pad], None);
        assert!(
            short.playing.iter().all(|playing| playing.len() == 4),
            "{:?}",
            short.playing
        );
    }

    #[test]
    fn instruments_leave_where_the_body_hardly_moves_and_come_back_with_it() {
        let mut levels = [1.2; 16];
        levels[8..12].fill(0.2);
        let made = layers(&levels, Palette::Pop.players(), None);
        assert!(made.plays(6, Bass) && !made.plays(10, Bass) && made.plays(13, Bass));
        assert!(made.plays(10, Pad), "the harmony stays");
        assert!(!made.plays(11, Bass) && made.playing[12].len() == 4, "an arrival");
        assert!(made.gain(10) < 0.85 && made.gain(14) > 1.0);
    }

    #[test]
    fn where_nobody_is_seen_something_still_sounds() {
        for players in [&[Bass][..], &[Lead], &[Piano, Bass]] {
            let made = layers(&[0.0; 8], players, None);
            assert!(made.playing.iter().all(|playing| !playing.is_empty()));
        }
        assert!(layers(&[1.0; 8], &[], None).playing.iter().all(Vec::is_empty));
    }

    #[test]
    fn a_fixed_energy_replaces_that_of_the_movement() {
        let lively = layers(&[0.2; 8], &[Piano, Bass], Some("1"));
        assert!(lively.gain(6) > 1.2 && lively.plays(6, Bass));
        assert!(layers(&[3.0; 8], &[Piano, Bass], Some("0")).gain(6) < 0.8);
    }
}
