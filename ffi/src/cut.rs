//! The part of the media that is heard, and its speed, in the units of hosts.

use crate::status::{Failure, Status};
use kinescore_core::{Cut, FLICKS_PER_SECOND, Flicks, Speed};

/// Flicks in a second: a flick is 1/705 600 000 s, so that a frame of any common frame rate,
/// including 1000/1001 rates, and a sample of any common sample rate is a whole number of flicks.
pub const KINESCORE_FLICKS_PER_SECOND: i64 = 705_600_000;
const _: () = assert!(KINESCORE_FLICKS_PER_SECOND == FLICKS_PER_SECOND);

/// The start of the media, for kinescore_job_set_cut.
pub const KINESCORE_MEDIA_START: i64 = i64::MIN;
/// The end of the media, for kinescore_job_set_cut.
pub const KINESCORE_MEDIA_END: i64 = i64::MAX;

/// Makes a cut from a host's numbers.
pub fn cut(start: i64, end: i64, speed_numerator: u32, speed_denominator: u32) -> Result<Cut, Failure> {
    let speed = Speed::new(speed_numerator, speed_denominator).ok_or_else(|| {
        Failure::new(
            Status::BadArgument,
            format!(
                "a speed of {speed_numerator}/{speed_denominator}; expected {}",
                Speed::ALLOWED
            ),
        )
    })?;
    Ok(Cut {
        start: (start != KINESCORE_MEDIA_START).then_some(Flicks(start)),
        end: (end != KINESCORE_MEDIA_END).then_some(Flicks(end)),
        speed,
    })
}
