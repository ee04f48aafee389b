//! Command lines that make a soundtrack again, as pages show them.

use crate::flags::flag_name;
use crate::units::time;
use kinescore::{Cut, FLICKS_PER_SECOND, Flicks, Speed};

/// What is the same in the command lines of all soundtracks of a clip.
#[derive(Default)]
pub struct Beginning {
    /// The command and its input.
    pub words: Vec<String>,
    /// The part of the media that is heard.
    pub cut: Cut,
    /// Flags with the names of files that it reads.
    pub places: Vec<(&'static str, String)>,
    /// The words at the end.
    pub end: Vec<String>,
}

impl Beginning {
    /// The command line for settings and the name of a file of marks, for a shell.
    pub fn line(&self, settings: &[(&'static str, String)], marks: Option<&str>) -> String {
        let mut words = vec!["kinescore".to_owned()];
        words.extend(self.words.iter().cloned());
        let Cut { start, end, speed } = self.cut;
        for (flag, time) in [("--start", start), ("--end", end)] {
            words.extend(time.into_iter().flat_map(|time| [flag.to_owned(), spelled(time)]));
        }
        if speed != Speed::NORMAL {
            words.extend(["--speed".to_owned(), speed.to_string()]);
        }
        for (flag, name) in &self.places {
            words.extend([(*flag).to_owned(), not_a_flag(name)]);
        }
        let set = settings.iter();
        words.extend(set.flat_map(|(key, value)| [format!("--{}", flag_name(key)), value.clone()]));
        words.extend(
            marks
                .into_iter()
                .flat_map(|name| ["--marks".to_owned(), not_a_flag(name)]),
        );
        words.extend(self.end.iter().cloned());
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A name that begins with a hyphen would be taken for a flag.
pub fn not_a_flag(name: &str) -> String {
    match name.strip_prefix('-') {
        Some(_) => format!("./{name}"),
        None => name.to_owned(),
    }
}

/// A time as the flags read it: in seconds, if these are exact.
fn spelled(flicks: Flicks) -> String {
    let seconds = flicks.seconds().to_string();
    match time(&seconds) {
        Ok(read) if read == flicks => seconds,
        _ => format!("{}/{FLICKS_PER_SECOND}", flicks.0),
    }
}

/// A word for a shell. No word here has the character that shells do not have.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    #[test]
    fn a_command_line_is_read_as_it_was_meant() {
        let beginning = Beginning {
            words: vec!["render".to_owned(), not_a_flag("-the dancer's.mp4")],
            cut: Cut {
                start: time("1:05.5").ok(),
                end: time("3003/40").ok(),
                speed: Speed::new(3, 2).expect("a speed"),
            },
            places: vec![("--soundfont", "my font's.sf2".to_owned())],
            end: vec!["--no-video".to_owned(), "--wav".to_owned(), "a b.wav".to_owned()],
        };
        let settings = [
            ("drums.style", "funk".to_owned()),
            ("seed", "17".to_owned()),
            ("music.chords", "Am F | C G".to_owned()),
            ("sound.loudness", "-20".to_owned()),
        ];
        let line = beginning.line(&settings, Some("-the dancer's.marks.json"));
        let words = shlex::split(&line).expect("words of a shell");
        assert_eq!(
            words,
            [
                "kinescore",
                "render",
                "./-the dancer's.mp4",
                "--start",
                "65.5",
                "--end",
                "75.075",
                "--speed",
                "3/2",
                "--soundfont",
                "my font's.sf2",
                "--style",
                "funk",
                "--seed",
                "17",
                "--chords",
                "Am F | C G",
                "--loudness",
                "-20",
                "--marks",
                "./-the dancer's.marks.json",
                "--no-video",
                "--wav",
                "a b.wav",
            ]
        );
        Cli::try_parse_from(&words).expect("a line that the program takes");
    }

    #[test]
    fn times_are_read_back_exactly() {
        assert_eq!(spelled(Flicks(FLICKS_PER_SECOND / 4)), "0.25");
        // Decimals of a late time would lose its last flicks.
        let late = Flicks(100_000_000 * FLICKS_PER_SECOND + 1);
        assert!(spelled(late).ends_with("/705600000"), "{}", spelled(late));
        for flicks in [
            Flicks(1),
            Flicks(FLICKS_PER_SECOND / 3),
            Flicks(FLICKS_PER_SECOND * 1001 / 24000),
            late,
        ] {
            let text = spelled(flicks);
            assert_eq!(time(&text), Ok(flicks), "{text}");
        }
    }
}
