//! What the person reads: whole lines, waiting until the serial port takes them.

use core::fmt::{self, Write};

use heapless::Deque;

/// Lines on their way out, at most `N` octets of them.
pub(super) struct Screen<const N: usize> {
    octets: Deque<u8, N>,
    lost: u32,
}

impl<const N: usize> Screen<N> {
    /// A screen with nothing on it.
    pub(super) const fn new() -> Self {
        Self { octets: Deque::new(), lost: 0 }
    }

    /// Writes one line, or nothing and counts it when there is no room for the whole of it.
    pub(super) fn line(&mut self, text: impl fmt::Display) {
        let before = self.octets.len();
        let written = write!(Appender(&mut self.octets), "{text}\r\n");
        if written.is_err() {
            while self.octets.len() > before {
                self.octets.pop_back();
            }
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Octets that still fit.
    pub(super) fn room(&self) -> usize {
        N - self.octets.len()
    }

    /// How many lines found no room since this was last asked.
    pub(super) fn take_lost(&mut self) -> u32 {
        core::mem::take(&mut self.lost)
    }

    /// Moves what waits into `out`; returns how much of it was filled.
    pub(super) fn poll_octets(&mut self, out: &mut [u8]) -> usize {
        let n = out.len().min(self.octets.len());
        for (place, octet) in out.iter_mut().zip(core::iter::from_fn(|| self.octets.pop_front())) {
            *place = octet;
        }
        n
    }
}

impl<const N: usize> Default for Screen<N> {
    fn default() -> Self {
        Self::new()
    }
}

struct Appender<'a, const N: usize>(&'a mut Deque<u8, N>);

impl<const N: usize> Write for Appender<'_, N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().try_for_each(|octet| self.0.push_back(octet).map_err(|_| fmt::Error))
    }
}

/// Somebody else's text, shown so that it can neither steer the terminal nor reverse what stands beside it.
///
/// Control characters (C0, DEL, C1), bidirectional controls (UAX 9), line and paragraph separators and
/// characters that are invisible by purpose become U+FFFD. The joiners that emoji are made of stay.
pub(super) struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(if steers(c) { char::REPLACEMENT_CHARACTER } else { c }))
    }
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        )
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    fn shown<const N: usize>(screen: &mut Screen<N>) -> String {
        let mut text = std::vec::Vec::new();
        let mut chunk = [0; 7];
        loop {
            match screen.poll_octets(&mut chunk) {
                0 => return String::from_utf8(text).unwrap(),
                n => text.extend_from_slice(&chunk[..n]),
            }
        }
    }

    #[test]
    fn lines_come_out_in_order_and_whole() {
        let mut screen = Screen::<32>::new();
        screen.line("première");
        screen.line(2);
        assert_eq!(shown(&mut screen), "première\r\n2\r\n");
    }

    #[test]
    fn a_line_without_room_is_dropped_whole_and_counted() {
        let mut screen = Screen::<16>::new();
        screen.line("0123456789");
        screen.line("abcdef");
        screen.line("ab");
        assert_eq!(screen.take_lost(), 1);
        assert_eq!(screen.take_lost(), 0);
        assert_eq!(shown(&mut screen), "0123456789\r\nab\r\n");
        assert_eq!(screen.room(), 16);
    }

    #[test]
    fn texts_cannot_steer_the_terminal() {
        assert_eq!(Plain("a\x1b[2Jb\r\nc\u{9b}d\x7f").to_string(), "a�[2Jb��c�d�");
        assert_eq!(Plain("\u{202e}evil\u{2066}\u{200f}").to_string(), "�evil��");
        assert_eq!(Plain("\u{2028}<Alice> faux").to_string(), "�<Alice> faux");
        assert_eq!(Plain("ça va 👩\u{200d}🚒 ?").to_string(), "ça va 👩\u{200d}🚒 ?");
    }
}
