//! Times and sizes in the form that users type.

use kinescore::{FLICKS_PER_SECOND, Flicks};

/// Reads `SS`, `MM:SS` or `HH:MM:SS`, the seconds with decimals, or a ratio of seconds; exactly.
pub fn time(text: &str) -> Result<Flicks, String> {
    let wrong =
        || "expected seconds, MM:SS or HH:MM:SS, such as 65.5 or 1:05.5, or a ratio such as 3003/24000".to_owned();
    let parts: Vec<&str> = text.split(':').collect();
    let [whole @ .., last] = parts.as_slice() else {
        return Err(wrong());
    };
    if whole.len() > 2 || !last.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds: Flicks = last.parse().map_err(|_| wrong())?;
    let mut minutes = 0;
    for (place, part) in whole.iter().enumerate() {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        if place > 0 && number >= 60 {
            return Err("minutes after hours must be at most 59".to_owned());
        }
        minutes = minutes * 60 + i64::from(number);
    }
    let minute = 60 * FLICKS_PER_SECOND;
    if !whole.is_empty() && seconds >= Flicks(minute) {
        return Err("seconds after minutes must be at most 59.999".to_owned());
    }
    let total = minutes
        .checked_mul(minute)
        .and_then(|flicks| flicks.checked_add(seconds.0));
    total.map(Flicks).ok_or_else(wrong)
}

/// A number of bytes: `1048576`, `500M`, `1.5G`; the units are powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let refuse = || "expected bytes, or a number with K, M, G or T, such as 500M".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match text[digits.len()..]
        .to_ascii_uppercase()
        .trim_end_matches("IB")
        .trim_end_matches('B')
    {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(refuse()),
    };
    let number: f64 = digits.parse().map_err(|_| refuse())?;
    let bytes = number * 1024_f64.powi(power);
    if (0.0..=9e15).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_usual_forms() {
        let seconds = |text| time(text).map(Flicks::seconds);
        assert_eq!(seconds("5"), Ok(5.0));
        assert_eq!(seconds("65.25"), Ok(65.25));
        assert_eq!(seconds("1:05.5"), Ok(65.5));
        assert_eq!(seconds("01:00:00.001"), Ok(3600.001));
        assert_eq!(time("1001/24000"), Ok(Flicks(29_429_400)));
        for wrong in [
            "", "-1", "1:75", "1:61:00", "a", "1:2:3:4", "nan", "inf", "1e999", ":5", "5:", "1/0",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in [
            ("1048576", 1 << 20),
            ("500M", 500 << 20),
            ("1.5G", 3 << 29),
            ("2KiB", 2048),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "M", "-1", "1X", "1e99", "nan"] {
            let error = size(wrong).expect_err(wrong);
            assert!(
                error.contains("expected bytes, or a number with K, M, G or T"),
                "{error}"
            );
        }
    }
}
