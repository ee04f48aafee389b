//! Removes overlaps of notes of the same pitch: an instrument, and a MIDI channel, can sound each
//! pitch only once at a time.

use super::Note;

/// Sorts the notes by onset, then pitch, and ends each note where the next of the same pitch
/// begins, at the latest. Of several that begin together, the longest is kept, and of equally long
/// ones the loudest.
pub(crate) fn in_turn(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by_key(|note| {
        let longest = std::cmp::Reverse((note.ticks, note.velocity));
        (note.pitch, note.onset, longest)
    });
    notes.dedup_by_key(|note| (note.pitch, note.onset));
    for index in 1..notes.len() {
        let next = notes[index];
        let note = &mut notes[index - 1];
        if note.pitch == next.pitch {
            note.ticks = note.ticks.min(next.onset.0 - note.onset.0);
        }
    }
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tick;

    #[test]
    fn a_note_ends_where_the_next_of_its_pitch_begins() {
        let note = |onset, ticks, pitch, velocity| Note {
            onset: Tick(onset),
            ticks,
            pitch,
            velocity,
        };
        let notes = vec![
            note(480, 100, 60, 90),
            note(0, 960, 60, 90),
            note(0, 500, 64, 50),
            note(0, 400, 64, 90),
            note(480, 100, 60, 99),
            note(580, 20, 60, 1),
        ];
        assert_eq!(
            in_turn(notes),
            [
                note(0, 480, 60, 90),
                note(0, 500, 64, 50),
                note(480, 100, 60, 99),
                note(580, 20, 60, 1)
            ]
        );
    }
}
