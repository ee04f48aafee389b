//! What was found in editors.

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Complete and usable.
    Good,
    /// To know: an editor without Kinescore, for example.
    Note,
    /// Missing, damaged or not usable.
    Bad,
}

/// Something that was found in an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Good, bad, or neither.
    pub state: State,
    /// The editor.
    pub editor: String,
    /// What was found; for a bad finding, the last line says what to do.
    pub text: String,
}

/// Findings in their order.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    fn add(&mut self, state: State, editor: &str, text: String) {
        self.0.push(Finding {
            state,
            editor: editor.to_owned(),
            text,
        });
    }

    pub(super) fn good(&mut self, editor: &str, text: impl Into<String>) {
        self.add(State::Good, editor, text.into());
    }

    pub(super) fn note(&mut self, editor: &str, text: impl Into<String>) {
        self.add(State::Note, editor, text.into());
    }

    /// What is wrong, and the command or action that mends it.
    pub(super) fn bad(&mut self, editor: &str, what: impl AsRef<str>, mend: impl AsRef<str>) {
        self.add(State::Bad, editor, format!("{}\n{}", what.as_ref(), mend.as_ref()));
    }

    /// Whether nothing bad was found for an editor since there were `before` findings.
    pub(super) fn all_well_since(&self, before: usize) -> bool {
        self.0[before..].iter().all(|finding| finding.state != State::Bad)
    }
}

/// A command that mends something, as a line for people.
pub(super) fn run(command: &str) -> String {
    format!("to mend it: {command}")
}
