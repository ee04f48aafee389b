//! A number that belongs to a movement: other movements have other numbers, and the same movement
//! has the same one on every machine.

use super::curve::Curve;

/// Numbers are below this, so that they are easy to read and to type.
const NUMBERS: u64 = 1_000_000;

/// Levels in an octave of speed. They are coarse, since the last bits of poses differ between
/// processors.
const LEVELS: f64 = 2.0;

// The FNV-1a hash of 64 bits (Fowler, Noll, Vo; RFC 9923).
const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The number of a movement, from its mean in each second.
pub(super) fn fingerprint(movement: &Curve) -> u64 {
    let second = (movement.rate.hz().round() as usize).max(1);
    let hash = movement.values.chunks(second).fold(OFFSET_BASIS, |hash, values| {
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
        let level = (LEVELS * (1.0 + mean.max(0.0)).log2()).round() as u8;
        (hash ^ u64::from(level)).wrapping_mul(PRIME)
    });
    // The low bits alone depend little on the last values.
    (hash ^ (hash >> 32)) % NUMBERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;

    fn curve(speed: impl Fn(f64) -> f64) -> Curve {
        Curve {
            rate: Rate::from_hz(60.0),
            values: (0..600).map(|i| speed(f64::from(i) / 60.0) as f32).collect(),
        }
    }

    #[test]
    fn a_movement_has_its_own_number_whatever_its_last_bits() {
        let walk = |t: f64| 20.0 + 15.0 * t.sin();
        let number = fingerprint(&curve(walk));
        assert!(number < NUMBERS);
        assert_eq!(number, fingerprint(&curve(|t| walk(t) * 1.000_001)));
        let numbers: std::collections::BTreeSet<u64> = (1..=50)
            .map(|i| fingerprint(&curve(|t| 20.0 + 15.0 * (t * f64::from(i) / 9.0).sin())))
            .collect();
        assert!(numbers.len() > 45, "{}", numbers.len());
    }

    #[test]
    fn odd_curves_have_numbers_too() {
        for values in [vec![], vec![f32::NAN; 9], vec![f32::INFINITY; 9], vec![0.0; 3]] {
            let rate = Rate::from_hz(60.0);
            assert!(fingerprint(&Curve { rate, values }) < NUMBERS);
        }
    }
}
