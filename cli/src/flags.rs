//! Flags for settings, made from the library's table of settings: a new row there adds a flag here.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use kinescore::Settings;
use kinescore::settings::{Kind, Setting, Syntax, TABLE};
use std::sync::LazyLock;

/// Settings given on the command line, as text by key, in the order in which they are to be set.
#[derive(Debug, Default, Clone)]
pub struct SettingFlags(Vec<(String, String)>);

impl SettingFlags {
    /// The defaults with these settings applied, checked.
    pub fn settings(&self) -> kinescore::Result<Settings> {
        Settings::from_pairs(self.0.iter().map(|(key, value)| (key, value)))
    }

    /// The settings that were given, by their keys.
    #[cfg(feature = "timeline")]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The keys of these settings.
    pub fn keys(&self) -> Vec<String> {
        self.0.iter().map(|(key, _)| key.clone()).collect()
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        // Named flags come last, so that they override --set.
        self.0.extend(
            matches
                .get_many::<(String, String)>("set")
                .into_iter()
                .flatten()
                .cloned(),
        );
        if matches.get_flag("no-provenance") {
            self.0.push(("provenance".to_owned(), "off".to_owned()));
        }
        for setting in TABLE {
            if let Some(value) = matches.get_one::<String>(setting.key) {
                self.0.push((setting.key.to_owned(), value.clone()));
            }
        }
        Ok(())
    }
}

impl Args for SettingFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let defaults = Settings::default();
        let set = Arg::new("set")
            .long("set")
            .value_name("KEY=VALUE")
            .value_parser(key_value)
            .action(ArgAction::Append)
            .help("Set any setting by its key (see `kinescore settings`); the flags below take precedence")
            .help_heading("Settings");
        let nameless = Arg::new("no-provenance")
            .long("no-provenance")
            .action(ArgAction::SetTrue)
            .conflicts_with("provenance")
            .help("The same as --provenance off")
            .help_heading("Settings");
        TABLE
            .iter()
            .zip(FLAGS.iter())
            .fold(command.arg(set).arg(nameless), |command, (setting, flag)| {
                command.arg(setting_arg(setting, flag, &defaults))
            })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The flag of a setting: its key, without the stage if the rest is clear.
pub fn flag_name(key: &str) -> String {
    // If two settings have the same name, the drummer's gets the short flag.
    let unclear = key.ends_with(".rate") || ["music.temperature", "music.top_p"].contains(&key);
    let name = ["pose.", "drums.", "music.", "sound."]
        .iter()
        .find_map(|stage| key.strip_prefix(stage).filter(|_| !unclear))
        .unwrap_or(key);
    name.trim_end_matches(".source").replace(['.', '_'], "-")
}

/// Names of the flags in the order of the table: clap needs names that live as long as the program.
static FLAGS: LazyLock<Vec<String>> = LazyLock::new(|| TABLE.iter().map(|setting| flag_name(setting.key)).collect());

/// The values that a setting accepts, for help texts.
pub fn allowed(setting: &Setting) -> String {
    match setting.kind {
        // The range of a 64-bit number is of no use to the reader.
        Kind::Whole {
            least: 0,
            most: u64::MAX,
        } => "a whole number".to_owned(),
        _ => setting.allowed(),
    }
}

fn setting_arg(setting: &'static Setting, flag: &'static str, defaults: &Settings) -> Arg {
    let default = defaults.get(setting.key).unwrap_or_default();
    let allowed = allowed(setting);
    Arg::new(setting.key)
        .long(flag)
        .value_name(match setting.kind {
            Kind::Choice(_) => "WORD",
            Kind::List(_) => "WORDS",
            Kind::Text(Syntax::Key) => "KEY",
            Kind::Text(Syntax::Chords) => "CHORDS",
            Kind::Number { .. } | Kind::Whole { .. } | Kind::WholeOrAll { .. } => "NUMBER",
        })
        .value_parser(SettingText(setting))
        .hide_possible_values(true)
        // `--loudness -14`: a number below zero is a value, not a flag.
        .allow_negative_numbers(true)
        .help(format!("{} [{allowed}] [default: {default}]", setting.help))
        .help_heading("Settings")
}

/// Accepts any text, since the library checks values itself and gives better messages; provides the
/// words for completion.
#[derive(Clone)]
struct SettingText(&'static Setting);

impl TypedValueParser for SettingText {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        // Completing only `auto` would mislead: numbers and texts have other values, too.
        let words = match self.0.kind {
            Kind::Choice(_) | Kind::List(_) => self.0.words(),
            _ => return None,
        };
        Some(Box::new(words.into_iter().map(PossibleValue::new)))
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected KEY=VALUE, such as tempo=120".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::{CommandFactory, Parser};

    #[test]
    fn flags_have_short_names_and_take_precedence_over_set() {
        let names: Vec<String> = TABLE.iter().map(|s| flag_name(s.key)).collect();
        for expected in [
            "device",
            "seed",
            "quality",
            "pose-rate",
            "person",
            "beats",
            "tempo",
            "tempo-min",
            "tempo-max",
            "beats-per-bar",
            "style",
            "temperature",
            "top-p",
            "follow",
            "kit",
            "instruments",
            "mood",
            "key",
            "chords",
            "energy",
            "music-temperature",
            "music-top-p",
            "loudness",
            "original",
        ] {
            assert!(
                names.iter().any(|n| n == expected),
                "--{expected} is not among {names:?}"
            );
        }
        let cli = Cli::try_parse_from([
            "kinescore",
            "render",
            "a.mp4",
            "--seed",
            "7",
            "--set",
            "seed=3",
            "--set",
            "drums.style=jazz",
            "--loudness",
            "-20",
        ])
        .expect("a good line");
        let Command::Render(render) = cli.command else {
            panic!("render was asked for");
        };
        let settings = render.settings.settings().expect("good settings");
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        assert_eq!(settings.seed(), Some(7));
        assert_eq!(settings.drums().style, Some("jazz"));
        assert_eq!(settings.sound().loudness, -20.0);
    }

    #[test]
    fn help_lists_each_setting_with_its_default_and_the_values_allowed() {
        let mut command = Cli::command();
        let help = command
            .find_subcommand_mut("render")
            .expect("render is a command")
            .clone()
            .term_width(0)
            .render_long_help()
            .to_string();
        let defaults = Settings::default();
        for setting in TABLE {
            let default = defaults.get(setting.key).expect("a setting of the table");
            assert!(
                help.contains(&format!("--{} ", flag_name(setting.key))),
                "{}",
                setting.key
            );
            assert!(help.contains(setting.help), "{}", setting.key);
            assert!(help.contains(&format!("[default: {default}]")), "{}", setting.key);
        }
    }
}
