//! Players: the drummers and recording sessions that the velocity and offset network can imitate.

use super::vocabulary::Vocabulary;
use crate::error::Result;
use crate::table::read_table;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The players of the velocity and offset network, and the player of each style.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Players {
    /// Names by number; the first is "unknown".
    players: Vec<String>,
    /// For each style, the number of the player who played most of it in the training data.
    style_player: BTreeMap<String, usize>,
}

impl Players {
    /// Reads and checks the players' file; each style of `vocabulary` must have a player.
    ///
    /// # Errors
    /// [`Error::Manifest`] when the file does not fit this version of the library or the
    /// vocabulary.
    pub(super) fn read(path: &Path, vocabulary: &Vocabulary) -> Result<Self> {
        read_table(path, |players: &Self| players.check(vocabulary.styles()))
    }

    fn check(&self, styles: &[String]) -> Result<(), String> {
        if self.players.first().map(String::as_str) != Some("unknown") {
            return Err(format!(
                "the first player must be 'unknown', not {:?}",
                self.players.first()
            ));
        }
        let number_of = |style: &String| self.style_player.get(style).copied();
        for style in styles {
            match number_of(style) {
                None => return Err(format!("style_player has no '{style}', which is in the vocabulary")),
                Some(number) if number >= self.players.len() => {
                    return Err(format!(
                        "style_player has player {number} for '{style}'; expected 0 to {}",
                        self.players.len() - 1
                    ));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The number of a style's player; 0, unknown, for a style that has none.
    pub(super) fn of_style(&self, style: &str) -> usize {
        self.style_player.get(style).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn players(json: serde_json::Value) -> Players {
        serde_json::from_value(json).expect("players")
    }

    #[test]
    fn a_style_is_played_by_its_player() {
        let players = players(serde_json::json!({
            "players": ["unknown", "drummer1", "drummer1/session2"], "style_player": {"unknown": 1, "rock": 2}
        }));
        let styles = ["unknown".to_owned(), "rock".to_owned()];
        assert_eq!(players.check(&styles), Ok(()));
        assert_eq!(
            (
                players.of_style("unknown"),
                players.of_style("rock"),
                players.of_style("polka")
            ),
            (1, 2, 0)
        );
    }

    #[test]
    fn a_table_that_does_not_fit_is_refused_with_the_value_met() {
        let styles = ["unknown".to_owned(), "rock".to_owned()];
        let refused = |json| players(json).check(&styles).expect_err("a table that does not fit");
        let missing = refused(serde_json::json!({"players": ["unknown"], "style_player": {"unknown": 0}}));
        assert!(missing.contains("'rock'"), "{missing}");
        let beyond = refused(serde_json::json!({"players": ["unknown"], "style_player": {"unknown": 0, "rock": 7}}));
        assert!(beyond.contains('7') && beyond.contains("0 to 0"), "{beyond}");
        let nameless = refused(serde_json::json!({"players": [], "style_player": {}}));
        assert!(nameless.contains("'unknown'"), "{nameless}");
    }
}
