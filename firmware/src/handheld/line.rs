//! From octets to lines: the smallest line editor that a terminal and a program can both talk to.
//!
//! CR, LF or both end a line; empty lines count for nothing, so CRLF is one end. Backspace and DEL take back a
//! character, Ctrl-U the line. Escape sequences (arrow keys, ECMA-48 section 5) are swallowed, other control
//! octets too. Nothing is echoed.

use heapless::Vec;

/// What one line turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line<'a> {
    /// A line of text, never empty, without control octets.
    Text(&'a str),
    /// More octets than the editor holds; none of them is kept.
    TooLong,
    /// Octets that are not UTF-8.
    NotUtf8,
}

/// Where in an escape sequence the input stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// In none.
    Outside,
    /// After ESC.
    Begun,
    /// In a control sequence, up to its final octet.
    Control,
    /// In a control string, up to BEL or ESC.
    String,
    /// One more octet belongs to it.
    Last,
}

/// Collects one line of at most `N` octets.
pub(super) struct LineEditor<const N: usize> {
    line: Vec<u8, N>,
    too_long: bool,
    escape: Escape,
    finished: bool,
}

impl<const N: usize> LineEditor<N> {
    /// An editor at the beginning of a line.
    pub(super) const fn new() -> Self {
        Self { line: Vec::new(), too_long: false, escape: Escape::Outside, finished: false }
    }

    /// Takes one octet; returns the line that it ends, if it ends one.
    pub(super) fn push(&mut self, octet: u8) -> Option<Line<'_>> {
        if self.finished {
            self.clear();
        }
        if matches!(octet, b'\r' | b'\n') {
            return self.end();
        }
        match self.escape {
            Escape::Outside => self.edit(octet),
            Escape::Begun => {
                self.escape = match octet {
                    b'[' => Escape::Control,
                    b'O' | b'N' => Escape::Last,
                    b']' | b'P' | b'X' | b'^' | b'_' => Escape::String,
                    ESC => Escape::Begun,
                    // Intermediate octets go on, anything else is final.
                    0x20..=0x2F => Escape::Last,
                    _ => Escape::Outside,
                };
            }
            Escape::Control if matches!(octet, 0x40..=0x7E) => self.escape = Escape::Outside,
            Escape::Control | Escape::String if octet == ESC => self.escape = Escape::Begun,
            Escape::String if octet == BEL => self.escape = Escape::Outside,
            Escape::Control | Escape::String => {}
            Escape::Last => self.escape = Escape::Outside,
        }
        None
    }

    fn edit(&mut self, octet: u8) {
        match octet {
            ESC => self.escape = Escape::Begun,
            BACKSPACE | DELETE => self.erase_character(),
            KILL => self.clear(),
            b'\t' => self.append(b' '),
            0x00..=0x1F => {}
            _ => self.append(octet),
        }
    }

    fn append(&mut self, octet: u8) {
        self.too_long |= self.line.push(octet).is_err();
    }

    fn erase_character(&mut self) {
        // The rest of a UTF-8 sequence, then its first octet.
        while let Some(octet) = self.line.pop() {
            if !matches!(octet, 0x80..=0xBF) {
                break;
            }
        }
    }

    fn clear(&mut self) {
        self.line.clear();
        self.too_long = false;
        self.escape = Escape::Outside;
        self.finished = false;
    }

    fn end(&mut self) -> Option<Line<'_>> {
        self.finished = true;
        if self.too_long {
            return Some(Line::TooLong);
        }
        match core::str::from_utf8(&self.line) {
            Ok("") => None,
            Ok(text) => Some(Line::Text(text)),
            Err(_) => Some(Line::NotUtf8),
        }
    }
}

impl<const N: usize> Default for LineEditor<N> {
    fn default() -> Self {
        Self::new()
    }
}

const BEL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;
const KILL: u8 = 0x15;
const ESC: u8 = 0x1B;
const DELETE: u8 = 0x7F;

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    fn lines(input: &[u8]) -> Vec<String> {
        let mut editor = LineEditor::<32>::new();
        let mut lines = Vec::new();
        for octet in input {
            match editor.push(*octet) {
                Some(Line::Text(text)) => lines.push(text.to_string()),
                Some(other) => lines.push(std::format!("{other:?}")),
                None => {}
            }
        }
        lines
    }

    #[test]
    fn any_line_end_will_do_and_empty_lines_are_nothing() {
        assert_eq!(lines(b"one\rtwo\nthree\r\n\r\n\nfour\n"), ["one", "two", "three", "four"]);
    }

    #[test]
    fn backspace_takes_back_a_whole_character() {
        assert_eq!(lines("été\x7f\x7f\x08\x08ou\u{20ac}\x08i\n".as_bytes()), ["oui"]);
        assert_eq!(lines(b"wrong\x15right\n"), ["right"]);
    }

    #[test]
    fn escape_sequences_leave_no_trace() {
        assert_eq!(
            lines(b"a\x1b[Ab\x1b[1;5Cc\x1bOPd\x1b]0;title\x07e\x1b]8;;x\x1b\\f\x1b(Bg\n"),
            ["abcdefg"]
        );
    }

    #[test]
    fn a_line_end_closes_an_unfinished_escape_sequence() {
        assert_eq!(lines(b"one\x1b]never closed\ntwo\n\x1b[\nthree\n"), ["one", "two", "three"]);
    }

    #[test]
    fn control_octets_are_dropped_and_a_tab_is_a_space() {
        assert_eq!(lines(b"\0a\x01\x02\tb\x0e\n"), ["a b"]);
    }

    #[test]
    fn a_line_beyond_the_bound_is_refused_whole_and_the_next_one_is_fine() {
        let mut input = std::vec![b'x'; 10_000];
        input.extend_from_slice(b"\nshort\n");
        assert_eq!(lines(&input), ["TooLong", "short"]);
    }

    #[test]
    fn octets_that_are_not_utf8_are_refused() {
        assert_eq!(lines(b"a\xff\xfeb\nok\n"), ["NotUtf8", "ok"]);
        assert_eq!(lines(b"cut \xc3\nok\n"), ["NotUtf8", "ok"]);
    }

    #[test]
    fn every_octet_in_every_state_is_taken_without_harm() {
        let mut noise = fanal_protocol::rand::Jitter::new(1);
        let mut editor = LineEditor::<16>::new();
        for _ in 0..200_000 {
            if let Some(Line::Text(text)) = editor.push(noise.next_u64() as u8) {
                assert!(!text.is_empty() && !text.contains(|c: char| c.is_ascii_control()));
            }
        }
    }
}
