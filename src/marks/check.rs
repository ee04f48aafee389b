//! Checks marks, which people write.

use super::{HitMark, Marks, SAME_ACCENT};
use crate::limits::{
    Allowed, BEAT_GAPS, BEATS_PER_BAR, HIT_GAPS, LONGEST_LABEL, MARK_TIMES, MOST_MARKS, SHARES, SILENCES,
};
use crate::shown;
use crate::time::Instant;

type Checked = Result<(), String>;

impl Marks {
    /// Refuses what no clip can have. The error begins with the path of the field.
    ///
    /// # Errors
    /// The field, its value, and the values allowed.
    pub fn check(&self) -> Checked {
        for (field, count) in [
            ("beats", self.beats.len()),
            ("hits", self.hits.len()),
            ("silences", self.silences.len()),
            ("accents.removed", self.accents.removed.len()),
            ("accents.moved", self.accents.moved.len()),
        ] {
            MOST_MARKS.check(format_args!("the number of {field}"), count)?;
        }
        let numbers = Allowed::new(1, BEATS_PER_BAR.most(), "");
        for (index, beat) in self.beats.iter().enumerate() {
            if let Some(number) = beat.number {
                numbers.check(format_args!("beats[{index}].number"), number)?;
            }
        }
        rising("beats", self.beats.iter().map(|beat| beat.time), BEAT_GAPS)?;
        for (index, hit) in self.hits.iter().enumerate() {
            self.check_hit(index, hit)?;
        }
        rising("hits", self.hits.iter().map(|hit| hit.time), HIT_GAPS)?;
        self.check_silences()?;
        for (index, time) in self.accents.removed.iter().enumerate() {
            MARK_TIMES.check(format_args!("accents.removed[{index}]"), time.seconds())?;
        }
        for (index, moved) in self.accents.moved.iter().enumerate() {
            MARK_TIMES.check(format_args!("accents.moved[{index}].from"), moved.from.seconds())?;
            MARK_TIMES.check(format_args!("accents.moved[{index}].to"), moved.to.seconds())?;
        }
        self.check_accents()
    }

    /// Refuses two corrections of the same accent that contradict each other.
    fn check_accents(&self) -> Checked {
        let removed = self.accents.removed.iter().enumerate();
        let removed = removed.map(|(index, time)| (time.seconds(), format!("accents.removed[{index}]"), false));
        let moved = self.accents.moved.iter().enumerate();
        let moved = moved.map(|(index, moved)| (moved.from.seconds(), format!("accents.moved[{index}].from"), true));
        let mut all: Vec<(f64, String, bool)> = removed.chain(moved).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Removing an accent twice changes nothing.
        let contradict =
            |pair: &&[(f64, String, bool)]| (pair[0].2 || pair[1].2) && pair[1].0 - pair[0].0 <= SAME_ACCENT.seconds();
        match all.windows(2).find(contradict) {
            Some([(first, one, _), (second, other, _)]) => Err(format!(
                "{one} is {} s and {other} {} s, which are the same accent; expected times more than {} s apart; leave \
                 out one of the two",
                shown::number(*first),
                shown::number(*second),
                shown::number(SAME_ACCENT.seconds())
            )),
            _ => Ok(()),
        }
    }

    fn check_hit(&self, index: usize, hit: &HitMark) -> Checked {
        SHARES.check(format_args!("hits[{index}].strength"), f64::from(hit.strength))?;
        let length = hit.label.chars().count();
        if length > LONGEST_LABEL || hit.label.chars().any(char::is_control) {
            return Err(format!(
                "hits[{index}].label is '{}'; expected at most {LONGEST_LABEL} characters without control characters",
                shown::text(&hit.label)
            ));
        }
        let twice = |(at, answer)| hit.answer[..at].contains(answer);
        if hit.answer.is_empty() || hit.answer.iter().enumerate().any(twice) {
            return Err(format!(
                "hits[{index}].answer has {}; expected one or more of drums, chord and stop, each once",
                shown::count(hit.answer.len(), "item")
            ));
        }
        let silent = |silence: &&super::SilenceMark| silence.from <= hit.time && hit.time < silence.to;
        match self.silences.iter().find(silent) {
            Some(silence) => Err(format!(
                "hits[{index}].time is {} s, within the silence from {} s to {} s; move one of the two",
                shown::number(hit.time.seconds()),
                shown::number(silence.from.seconds()),
                shown::number(silence.to.seconds())
            )),
            None => Ok(()),
        }
    }

    fn check_silences(&self) -> Checked {
        let mut before = None;
        for (index, silence) in self.silences.iter().enumerate() {
            let (from, to) = (silence.from.seconds(), silence.to.seconds());
            MARK_TIMES.check(format_args!("silences[{index}].from"), from)?;
            MARK_TIMES.check(format_args!("silences[{index}].to"), to)?;
            if !SILENCES.holds((silence.to - silence.from).seconds()) {
                return Err(format!(
                    "silences[{index}].to is {} s, {} s after its start; expected {SILENCES}",
                    shown::number(to),
                    shown::number((silence.to - silence.from).seconds())
                ));
            }
            if let Some(before) = before
                && silence.from < before
            {
                return Err(format!(
                    "silences[{index}].from is {} s; it must not be before the end of the previous silence, {} s",
                    shown::number(from),
                    shown::number(before.seconds())
                ));
            }
            before = Some(silence.to);
        }
        Ok(())
    }
}

/// Checks times, and that each is so much later than the one before.
fn rising(list: &str, times: impl Iterator<Item = Instant>, gaps: Allowed<f64>) -> Checked {
    let mut before: Option<Instant> = None;
    for (index, time) in times.enumerate() {
        MARK_TIMES.check(format_args!("{list}[{index}].time"), time.seconds())?;
        if let Some(before) = before
            && !gaps.holds((time - before).seconds())
        {
            return Err(format!(
                "{list}[{index}].time is {} s, and that of the one before it {} s; expected at least {} s later, in \
                 rising order",
                shown::number(time.seconds()),
                shown::number(before.seconds()),
                gaps.least()
            ));
        }
        before = Some(time);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{HitAnswer, TempoFactor};
    use super::*;
    use crate::time::Span;
    use serde_json::json;

    fn marks(json: serde_json::Value) -> Result<Marks, String> {
        let marks: Marks = serde_json::from_value(json).map_err(|e| e.to_string())?;
        marks.check().map(|()| marks)
    }

    #[test]
    fn marks_are_read_with_their_defaults_and_written_as_they_were_read() {
        let written = json!({
            "beats": [{"time": 1.0}, {"time": 2.0, "number": 3}],
            "hits": [{"time": 4.0, "strength": 0.5, "label": "jump", "answer": ["chord", "stop"]}],
            "silences": [{"from": 5.0, "to": 6.0}],
            "tempo_factor": 2.0,
            "accents": {"removed": [1.5], "moved": [{"from": 3.0, "to": 3.25}]},
        });
        let read = marks(written.clone()).expect("marks");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
        assert_eq!(read.tempo_factor, TempoFactor::Double);
        let short = marks(json!({"beats": [{"time": 1, "number": "downbeat"}], "hits": [{"time": 2}]})).expect("marks");
        assert_eq!(short.beats[0].number, Some(1));
        assert_eq!(
            (short.hits[0].strength, &short.hits[0].answer[..]),
            (1.0, &[HitAnswer::Drums][..])
        );
        assert!(marks(json!({})).expect("none").is_empty());
        let accents = json!({"accents": {"removed": [1, 1], "moved": [{"from": 1.0625, "to": 2}]}});
        marks(accents).expect("two accents, one of them removed twice");
    }

    #[test]
    fn what_no_clip_can_have_is_refused_with_its_field() {
        let hit = |time: f64| json!({"time": time});
        for (json, sentence) in [
            (
                json!({"beats": [{"time": -0.5}]}),
                "beats[0].time is -0.5 s; expected 0 to 1000000 s",
            ),
            (
                json!({"beats": [{"time": 1}, {"time": 1.0625}]}),
                "beats[1].time is 1.0625 s, and that of the one before it 1 s; expected at least 0.1 s later, in rising order",
            ),
            (
                json!({"beats": [{"time": 1, "number": 5}]}),
                "beats[0].number is 5; expected 1 to 4",
            ),
            (
                json!({"hits": [hit(2.0), hit(1.0)]}),
                "hits[1].time is 1 s, and that of the one before it 2 s; expected at least 0.05 s later, in rising order",
            ),
            (
                json!({"hits": [{"time": 2, "strength": 1.5}]}),
                "hits[0].strength is 1.5; expected 0 to 1",
            ),
            (
                json!({"hits": [{"time": 2, "answer": []}]}),
                "hits[0].answer has 0 items; expected one or more of drums, chord and stop, each once",
            ),
            (
                json!({"hits": [{"time": 2, "answer": ["drums", "drums"]}]}),
                "hits[0].answer has 2 items; expected one or more of drums, chord and stop, each once",
            ),
            (
                json!({"hits": [{"time": 2, "label": "a\nb"}]}),
                "hits[0].label is 'a\\nb'; expected at most 80 characters without control characters",
            ),
            (
                json!({"hits": [hit(5.5)], "silences": [{"from": 5, "to": 6}]}),
                "hits[0].time is 5.5 s, within the silence from 5 s to 6 s; move one of the two",
            ),
            (
                json!({"silences": [{"from": 6, "to": 5}]}),
                "silences[0].to is 5 s, -1 s after its start; expected 0.05 to 1000000 s",
            ),
            (
                json!({"silences": [{"from": 5, "to": 6}, {"from": 5.5, "to": 7}]}),
                "silences[1].from is 5.5 s; it must not be before the end of the previous silence, 6 s",
            ),
            (
                json!({"accents": {"removed": [1e9]}}),
                "accents.removed[0] is 1000000000 s; expected 0 to 1000000 s",
            ),
            (
                json!({"accents": {"moved": [{"from": 1, "to": -1}]}}),
                "accents.moved[0].to is -1 s; expected 0 to 1000000 s",
            ),
            (
                json!({"accents": {"removed": [1, 3.25], "moved": [{"from": 5, "to": 6}, {"from": 3.28125, "to": 4}]}}),
                "accents.removed[1] is 3.25 s and accents.moved[1].from 3.28125 s, which are the same accent; expected \
                 times more than 0.05 s apart; leave out one of the two",
            ),
            (
                json!({"accents": {"moved": [{"from": 2, "to": 3}, {"from": 2, "to": 4}]}}),
                "accents.moved[0].from is 2 s and accents.moved[1].from 2 s, which are the same accent; expected times \
                 more than 0.05 s apart; leave out one of the two",
            ),
        ] {
            assert_eq!(marks(json), Err(sentence.to_owned()));
        }
        let many: Vec<_> = (0..10_001).map(|i| hit(f64::from(i))).collect();
        assert_eq!(
            marks(json!({ "hits": many })),
            Err("the number of hits is 10001; expected 0 to 10000".to_owned())
        );
        for unknown in [
            json!({"beat": []}),
            json!({"tempo_factor": 3}),
            json!({"hits": [{"time": 1, "answer": ["flute"]}]}),
        ] {
            marks(unknown).expect_err("not a mark");
        }
    }

    /// As JSON, without the last bits of differences.
    fn rounded(marks: &Marks) -> String {
        let text = serde_json::to_string(marks).expect("JSON");
        text.replace("0.40000000000000036", "0.4")
    }

    #[test]
    fn marks_of_a_clip_are_in_its_time_and_within_it() {
        let all = marks(json!({
            "beats": [{"time": 9}, {"time": 11}, {"time": 21}],
            "hits": [{"time": 10.5}, {"time": 30}],
            "silences": [{"from": 8, "to": 9}, {"from": 9.5, "to": 10.4}],
            "accents": {"removed": [12, 40], "moved": [{"from": 13, "to": 14}, {"from": 19, "to": 20.5}]},
        }))
        .expect("marks");
        let own = all.within(Instant::from_seconds(10.0), Span::from_seconds(10.0));
        let expected = json!({
            "beats": [{"time": 1.0}],
            "hits": [{"time": 0.5, "strength": 1.0, "answer": ["drums"]}],
            "silences": [{"from": -0.5, "to": 0.4}],
            "accents": {"removed": [2.0], "moved": [{"from": 3.0, "to": 4.0}, {"from": 9.0, "to": 10.5}]},
        });
        let written: serde_json::Value = serde_json::from_str(&rounded(&own)).expect("JSON");
        assert_eq!(written, expected);
    }
}
