//! The share of a manifest's rows that one process renders.

use std::ops::Range;
use std::str::FromStr;

/// Maximum number of shares that a manifest may be divided into.
const MOST_CHUNKS: usize = 100_000;

/// One share of a manifest's rows, as `2/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number of the share, from 1.
    pub number: usize,
    /// Number of shares.
    pub of: usize,
}

impl Share {
    /// The rows of this share, if there are `rows` rows. A share is contiguous: neighbouring rows
    /// are often cuts of one video, whose poses are then found only once.
    pub fn share(self, rows: usize) -> Range<usize> {
        let until = |number: usize| rows * number / self.of;
        until(self.number - 1)..until(self.number)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            Some(Self { number, of })
        });
        numbers
            .filter(|chunk| (1..=chunk.of).contains(&chunk.number) && chunk.of <= MOST_CHUNKS)
            .ok_or_else(|| format!("expected I/N, with I from 1 to N and N up to {MOST_CHUNKS}, such as 2/5"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_contiguous_and_complete() {
        for (rows, of) in [(12, 3), (10, 3), (2, 5), (0, 2), (7, 7), (1, 1)] {
            let shares = (1..=of).flat_map(|number| Share { number, of }.share(rows));
            assert_eq!(
                shares.collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>(),
                "{rows} in {of}"
            );
        }
        assert_eq!("2/5".parse(), Ok(Share { number: 2, of: 5 }));
        for wrong in ["0/3", "4/3", "1/0", "1", "1/", "a/b", "-1/2", "1/100001"] {
            let error = wrong.parse::<Share>().expect_err(wrong);
            assert_eq!(
                error,
                "expected I/N, with I from 1 to N and N up to 100000, such as 2/5"
            );
        }
    }
}
