//! The depth of the arrangement, converted to amounts.

/// The usual depth, at which the movement decides who plays where, and the greatest, at which it
/// also decides when.
const USUAL: f64 = 2.0;
const MOST: f64 = 4.0;

/// Gain of strokes that are not on an accent: at the usual depth, and at the greatest.
const ASIDE: (f32, f32) = (0.85, 0.72);

/// Gain of the backbone at the greatest depth.
const BACKBONE: f32 = 0.77;

/// Distance, in seconds, at which a stroke and its accent are heard as simultaneous. From the usual
/// depth on, no stroke that answers an accent is played farther away from it.
const TOGETHER: f64 = 0.020;

/// Depth of the arrangement, 0 to 4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Depth(f64);

impl Depth {
    /// The depth nearest to a number; 0 for NaN.
    pub fn new(follow: f64) -> Self {
        Self(if follow.is_finite() {
            follow.clamp(0.0, MOST)
        } else {
            0.0
        })
    }

    /// Whether the movement is answered at all.
    pub fn answers(self) -> bool {
        self.0 > 0.0
    }

    /// Rises from 0 to 1 at the usual depth.
    pub fn usual(self) -> f64 {
        (self.0 / USUAL).min(1.0)
    }

    /// Rises from 0 at the usual depth to 1 at the greatest.
    fn beyond(self) -> f32 {
        ((self.0 - USUAL) / (MOST - USUAL)).clamp(0.0, 1.0) as f32
    }

    /// How far, in seconds, a note `apart` seconds from an accent moves towards it: at the usual
    /// depth half the way, and then any distance beyond what is heard as simultaneous; at the
    /// greatest depth all the way.
    pub fn pull(self, apart: f64) -> f64 {
        let share = self.0 / MOST;
        let left = (apart.abs() * (1.0 - share)).min(TOGETHER / self.usual().max(1e-9));
        (apart.abs() - left).max(0.0).copysign(apart)
    }

    /// Least strength of an accent that is answered.
    pub fn least_strength(self) -> f32 {
        1.0 - self.usual() as f32
    }

    /// Gain of strokes that are not on an accent.
    pub fn aside(self, is_backbone: bool) -> f32 {
        let (usual, most) = if is_backbone { (1.0, BACKBONE) } else { ASIDE };
        let at_usual = 1.0 + (usual - 1.0) * self.usual() as f32;
        at_usual + (most - usual) * self.beyond()
    }

    /// Gain of what is on no accent where the body is braked so sharply, 0 to 1; `range` is where
    /// it is not braked and where it is braked most, at the usual depth.
    pub fn swell(self, braked: f32, range: (f32, f32)) -> f32 {
        self.towards(1.0, range.0 + (range.1 - range.0) * braked)
    }

    /// A value between `from` and `to`, which it reaches at the usual depth.
    pub fn towards(self, from: f32, to: f32) -> f32 {
        from + (to - from) * self.usual() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_go_half_way_and_all_the_way() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        near(Depth::new(2.0).pull(0.030), 0.015);
        near(Depth::new(2.0).pull(-0.030), -0.015);
        near(Depth::new(2.0).pull(0.060), 0.040);
        near(Depth::new(4.0).pull(0.060), 0.060);
        near(Depth::new(1.0).pull(0.040), 0.010);
        near(Depth::new(2.0).pull(0.0), 0.0);
    }

    #[test]
    fn gains_fall_with_depth() {
        assert_eq!(Depth::new(0.0).aside(false), 1.0);
        assert_eq!(Depth::new(2.0).aside(false), 0.85);
        assert!((Depth::new(4.0).aside(false) - 0.72).abs() < 1e-6);
        assert_eq!(Depth::new(2.0).aside(true), 1.0);
        assert!((Depth::new(4.0).aside(true) - 0.77).abs() < 1e-6);
        assert_eq!(Depth::new(f64::NAN), Depth::new(-1.0));
        assert_eq!(Depth::new(9.0), Depth::new(4.0));
    }
}
