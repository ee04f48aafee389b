//! Exact times on an editor's timeline: flicks, speeds as ratios, and the part of a media file that
//! is heard.
//!
//! Editors place cuts on frames of rates such as 24000/1001, which decimal fractions cannot
//! represent. A sum of rounded seconds would drift by a sample after a few cuts; whole numbers of a
//! fine unit do not.

use super::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Flicks in a second. A frame at 24, 25, 30, 48, 50, 60, 90, 100 or 120 frames per second, or at
/// one of these rates times 1000/1001, is a whole number of flicks, and so is a sample at 44.1, 48,
/// 88.2 or 96 kHz (the unit was published by Facebook in 2018).
pub const FLICKS_PER_SECOND: i64 = 705_600_000;

/// An exact instant or length, in units of 1/[`FLICKS_PER_SECOND`] second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flicks(pub i64);

impl Flicks {
    /// The start of the media.
    pub const ZERO: Self = Self(0);

    /// The flick nearest to a number of seconds, limited to the range of flicks (413 years).
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * FLICKS_PER_SECOND as f64).round() as i64)
    }

    /// The flick nearest to `numerator / denominator` seconds; `None` when the denominator is not
    /// above 0, or the time is too long for a number of flicks.
    pub fn from_ratio(numerator: i64, denominator: i64) -> Option<Self> {
        if denominator <= 0 {
            return None;
        }
        let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
        let twice = 2 * numerator * i128::from(FLICKS_PER_SECOND) + denominator;
        i64::try_from(twice.div_euclid(2 * denominator)).ok().map(Self)
    }

    /// As seconds, to the precision of floating point.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / FLICKS_PER_SECOND as f64
    }

    /// As an instant with the same origin.
    pub fn instant(self) -> Instant {
        Instant::from_seconds(self.seconds())
    }
}

impl std::ops::Sub for Flicks {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds, with decimals, or a ratio of two whole numbers (`300300/24000`).
impl FromStr for Flicks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (numerator, denominator) =
            ratio(text).ok_or("expected seconds with decimals, or a ratio such as 3003/24000")?;
        Self::from_ratio(numerator, denominator).ok_or_else(|| "too long".to_owned())
    }
}

/// Playback speed as an exact ratio: 2/1 is twice as fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Speed {
    numerator: u32,
    denominator: u32,
}

/// Slowest and fastest speed: beyond them, no tempo is heard as music.
const SLOWEST: u64 = 4;
const FASTEST: u64 = 4;

impl Speed {
    /// The media's own speed.
    pub const NORMAL: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// The values allowed, in words.
    pub const ALLOWED: &'static str = "1/4 to 4";

    /// `numerator / denominator` times the media's own speed, in lowest terms; `None` when it is
    /// not [allowed](Self::ALLOWED).
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        Self::lowest(numerator.into(), denominator.into())
    }

    fn lowest(n: u64, d: u64) -> Option<Self> {
        if n == 0 || d == 0 || n.checked_mul(SLOWEST)? < d || n > d.checked_mul(FASTEST)? {
            return None;
        }
        let divisor = common_divisor(n, d);
        Some(Self {
            numerator: u32::try_from(n / divisor).ok()?,
            denominator: u32::try_from(d / divisor).ok()?,
        })
    }

    /// Numerator and denominator, in lowest terms.
    pub fn ratio(self) -> (u32, u32) {
        (self.numerator, self.denominator)
    }

    /// As a factor.
    pub fn factor(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::NORMAL
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// A factor with decimals (`0.5`), a ratio (`3/2`) or a percentage (`150%`).
impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, hundred) = text.strip_suffix('%').map_or((text, 1), |number| (number, 100));
        ratio(number)
            .and_then(|(n, d)| Self::lowest(u64::try_from(n).ok()?, u64::try_from(d).ok()?.checked_mul(hundred)?))
            .ok_or_else(|| format!("expected {}, such as 0.5, 3/2 or 150%", Self::ALLOWED))
    }
}

impl TryFrom<(u32, u32)> for Speed {
    type Error = String;

    fn try_from((numerator, denominator): (u32, u32)) -> Result<Self, String> {
        Self::new(numerator, denominator)
            .ok_or_else(|| format!("a speed of {numerator}/{denominator}; expected {}", Self::ALLOWED))
    }
}

impl From<Speed> for (u32, u32) {
    fn from(speed: Speed) -> Self {
        speed.ratio()
    }
}

/// The part of a media file that is heard, and its speed: a clip on an editor's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Start on the media.
    pub start: Flicks,
    /// End on the media.
    pub end: Flicks,
    /// Playback speed.
    pub speed: Speed,
}

impl Window {
    /// Length as heard: its length on the media divided by its speed.
    pub fn length(&self) -> Span {
        Span::from_seconds((self.end - self.start).seconds() / self.speed.factor())
    }

    /// Its start on a timeline on which the whole media is heard at this speed.
    pub fn offset(&self) -> Instant {
        Instant::from_seconds(self.start.seconds() / self.speed.factor())
    }

    /// The time from the window's start at which an instant of a clip is heard, if the clip begins
    /// at `clip_start` on the media. Negative before the window.
    pub fn heard(&self, clip_start: Instant, instant: Instant) -> Instant {
        let on_media = clip_start.seconds() + instant.seconds();
        Instant::from_seconds((on_media - self.start.seconds()) / self.speed.factor())
    }
}

/// A number with decimals, or a ratio of whole numbers, as numerator and denominator.
fn ratio(text: &str) -> Option<(i64, i64)> {
    if let Some((numerator, denominator)) = text.split_once('/') {
        let whole = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse::<i64>().ok())?
        };
        let denominator = whole(denominator)?;
        return (denominator > 0).then_some((whole(numerator)?, denominator));
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(digits(whole) && digits(decimals)) || whole.len() + decimals.len() == 0 {
        return None;
    }
    // Digits after the twelfth decimal are less than a flick.
    let decimals = &decimals[..decimals.len().min(12)];
    let denominator = 10_i64.pow(u32::try_from(decimals.len()).ok()?);
    let number = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i64>().ok()
        }
    };
    let numerator = number(whole)?
        .checked_mul(denominator)?
        .checked_add(number(decimals)?)?;
    Some((numerator, denominator))
}

/// Greatest common divisor, by Euclid; at least 1.
fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;
    use proptest::prelude::*;

    /// The length of a window in samples, by whole numbers, rounded to the nearest (a half: up).
    fn samples(window: Window, rate: Rate) -> usize {
        let (n, d) = (i128::from(window.speed.numerator), i128::from(window.speed.denominator));
        let samples = i128::from((window.end - window.start).0) * d * i128::from(rate.hz() as i64);
        let unit = n * i128::from(FLICKS_PER_SECOND);
        usize::try_from((2 * samples + unit).div_euclid(2 * unit)).unwrap_or(0)
    }

    fn window(start: i64, end: i64, speed: (u32, u32)) -> Window {
        Window {
            start: Flicks(start),
            end: Flicks(end),
            speed: Speed::new(speed.0, speed.1).expect("a speed"),
        }
    }

    #[test]
    fn frames_and_samples_are_whole_numbers_of_flicks() {
        for (numerator, denominator) in [
            (1, 24),
            (1001, 24_000),
            (1, 25),
            (1001, 30_000),
            (1, 44_100),
            (1, 96_000),
        ] {
            let flicks = Flicks::from_ratio(numerator, denominator).expect("short");
            assert_eq!(
                i128::from(flicks.0) * i128::from(denominator),
                i128::from(numerator) * i128::from(FLICKS_PER_SECOND)
            );
        }
        assert_eq!(Flicks::from_ratio(1, 0), None);
        assert_eq!(Flicks::from_ratio(i64::MAX, 1), None);
        assert_eq!(Flicks::from_seconds(0.5), Flicks(FLICKS_PER_SECOND / 2));
    }

    #[test]
    fn times_and_speeds_are_read_exactly() {
        assert_eq!("3003/24000".parse(), Ok(Flicks(88_288_200)));
        assert_eq!("12.5".parse(), Ok(Flicks(25 * FLICKS_PER_SECOND / 2)));
        assert_eq!(".25".parse(), Ok(Flicks(FLICKS_PER_SECOND / 4)));
        assert_eq!(
            "0.1000000000000000000000001".parse(),
            Ok(Flicks(FLICKS_PER_SECOND / 10))
        );
        for wrong in [
            "",
            ".",
            "-1",
            "1e3",
            "1/0",
            "1/",
            "/2",
            "a",
            "1.5/2",
            "99999999999999999999",
        ] {
            assert!(wrong.parse::<Flicks>().is_err(), "{wrong}");
        }
        let speed = |text: &str| text.parse::<Speed>().map(Speed::ratio);
        assert_eq!(speed("0.5"), Ok((1, 2)));
        assert_eq!(speed("150%"), Ok((3, 2)));
        assert_eq!(speed("24000/25025"), Ok((960, 1001)));
        assert_eq!(speed("4"), Ok((4, 1)));
        for wrong in ["0", "0.24", "4.01", "1/0", "%", "fast", "-1"] {
            assert!(speed(wrong).is_err_and(|e| e.contains("1/4 to 4")), "{wrong}");
        }
        assert_eq!(Speed::new(2, 4).map(|s| s.to_string()).as_deref(), Some("1/2"));
        assert!(serde_json::from_str::<Speed>("[9,1]").is_err());
        assert_eq!(serde_json::from_str::<Speed>("[6,4]").expect("a speed").ratio(), (3, 2));
    }

    #[test]
    fn a_window_is_as_long_as_its_part_of_the_media_over_its_speed() {
        // 100 frames at 24000/1001 per second at half speed.
        let frame = 1001 * FLICKS_PER_SECOND / 24_000;
        let window = window(7 * frame, 107 * frame, (1, 2));
        assert_eq!(samples(window, Rate::from_hz(48_000.0)), 400_400);
        assert!((window.length().seconds() - 200.0 * 1001.0 / 24_000.0).abs() < 1e-12);
        // Second 1 of the media is heard 2 × (1 s − 7 frames) after the window's start.
        let heard = window.heard(Instant::from_seconds(0.25), Instant::from_seconds(0.75));
        assert!((heard.seconds() - 2.0 * (1.0 - 7.0 * 1001.0 / 24_000.0)).abs() < 1e-12);
        assert!((window.offset().seconds() - 14.0 * 1001.0 / 24_000.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_length_in_seconds_gives_the_exact_number_of_samples(
            start in 0_i64..3_600 * FLICKS_PER_SECOND,
            length in 2 * FLICKS_PER_SECOND..3_600 * FLICKS_PER_SECOND,
            numerator in 1_u32..500,
            denominator in 1_u32..500,
            rate in prop::sample::select(vec![44_100.0, 48_000.0, 96_000.0]),
        ) {
            prop_assume!(Speed::new(numerator, denominator).is_some());
            let window = window(start, start + length, (numerator, denominator));
            let rate = Rate::from_hz(rate);
            prop_assert_eq!(window.length().to_samples(rate), samples(window, rate));
        }
    }
}
