//! Comma-separated values, record by record, with the line that each begins on, for error messages.

use std::iter::Peekable;
use std::str::Chars;

/// One row of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Line that it begins on, from 1.
    pub line: usize,
    /// Its fields; fields without quotation marks are trimmed.
    pub fields: Vec<String>,
}

/// Why a text is not a table.
#[derive(Debug, PartialEq, Eq)]
pub struct CsvFault {
    /// Line, from 1.
    pub line: usize,
    /// Number of the field in its row, from 0.
    pub field: usize,
    /// The value found, and the value expected.
    pub what: &'static str,
}

/// The rows of a text in the format of RFC 4180; blank lines are skipped.
pub struct Records<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl<'a> Records<'a> {
    /// Begins at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            line: 1,
        }
    }

    fn record(&mut self) -> Result<Record, CsvFault> {
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            fields.push(self.field(fields.len())?);
            match self.rest.peek() {
                Some(',') => self.step(),
                _ => break,
            }
        }
        self.end_of_line();
        Ok(Record { line, fields })
    }

    fn field(&mut self, number: usize) -> Result<String, CsvFault> {
        self.skip_blanks();
        if self.rest.peek() == Some(&'"') {
            return self.quoted(number);
        }
        let mut text = String::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, ',' | '\n' | '\r')) {
            text.push(c);
        }
        text.truncate(text.trim_end().len());
        Ok(text)
    }

    fn quoted(&mut self, number: usize) -> Result<String, CsvFault> {
        let line = self.line;
        let fault = |line, what| CsvFault {
            line,
            field: number,
            what,
        };
        self.step();
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => {
                    return Err(fault(
                        line,
                        "a quotation mark is never closed; expected two, around the whole value",
                    ));
                }
                Some('"') if self.rest.peek() == Some(&'"') => {
                    self.step();
                    text.push('"');
                }
                Some('"') => break,
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    text.push(c);
                }
            }
        }
        self.skip_blanks();
        match self.rest.peek() {
            None | Some(',' | '\n' | '\r') => Ok(text),
            Some(_) => Err(fault(
                self.line,
                "text follows a closing quotation mark; expected a comma or the end of the line (write a quotation mark inside a value twice)",
            )),
        }
    }

    fn step(&mut self) {
        self.rest.next();
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
    }

    /// `\n`, `\r\n`, or the `\r` of old Macs.
    fn end_of_line(&mut self) {
        let ended = self.rest.next_if_eq(&'\r').is_some() | self.rest.next_if_eq(&'\n').is_some();
        self.line += usize::from(ended);
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, CsvFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest.peek()?;
            match self.record() {
                Ok(record) if record.fields.iter().all(String::is_empty) && record.fields.len() == 1 => {}
                other => return Some(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, CsvFault> {
        Records::new(text)
            .map(|record| record.map(|record| (record.line, record.fields)))
            .collect()
    }

    #[test]
    fn rows_are_read_in_the_forms_of_spreadsheets_and_people() {
        let rows =
            read("path, in\r\n\r\n\"a, \"\"b\"\".mp4\", 1.5 \nc.mp4,\n\"two\nlines\" ,2\rlast,3").expect("a table");
        let of = |line, a: &str, b: &str| (line, vec![a.to_owned(), b.to_owned()]);
        assert_eq!(
            rows,
            [
                of(1, "path", "in"),
                of(3, "a, \"b\".mp4", "1.5"),
                of(4, "c.mp4", ""),
                of(5, "two\nlines", "2"),
                of(7, "last", "3"),
            ]
        );
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("\n \n"), Ok(vec![]));
    }

    #[test]
    fn a_text_that_is_not_a_table_is_reported_with_its_place() {
        let open = read("a,b\n1,\"2\n3").expect_err("an open quotation mark");
        assert_eq!((open.line, open.field), (2, 1));
        assert!(open.what.contains("never closed"));
        let after = read("a\n\"1\" 2").expect_err("text after the mark");
        assert_eq!((after.line, after.field), (2, 0));
        assert!(after.what.contains("follows"));
    }
}
