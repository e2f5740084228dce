//! `fanal airtime`: what a text costs on the air.
//!
//! Each line of the input is a text by itself. What cannot be sent is told with its line, and the others go on.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use fanal_gateway::words::{Language, say};
use fanal_protocol::region::{Channel, Rate, RegionCode};
use fanal_protocol::time::Duration;
use fanal_protocol::wire::{self, MAX_TEXT_OCTETS, direct, text};
use serde::Serialize;

use super::simulate::decimal;

pub(super) const NAME: &str = "airtime";

/// Octets of one line that are looked at: no text is nearly as long.
const MOST_LINE_OCTETS: u64 = 1 << 20;

pub(super) fn command(language: Language) -> Command {
    let option = |name: &'static str, value: &'static str, key: &str| {
        Arg::new(name).long(name).value_name(value).help(say(language, key, &[]))
    };
    Command::new(NAME)
        .about(say(language, "airtime-about", &[]))
        .arg(option("rate", "RATE", "airtime-rate").value_parser(value_parser!(Rate)))
        .arg(
            option("region", "CA|US|EU", "airtime-region")
                .value_parser(value_parser!(RegionCode))
                .default_value("CA")
                .hide_default_value(true),
        )
        .arg(option("text", "TEXT", "airtime-text"))
        .arg(option("file", "FILE", "airtime-file").value_parser(value_parser!(PathBuf)))
        .arg(
            Arg::new("json").long("json").help(say(language, "airtime-json", &[])).action(ArgAction::SetTrue),
        )
        .group(ArgGroup::new("input").args(["text", "file"]).required(true))
}

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let region = matches.get_one::<RegionCode>("region").copied().unwrap_or(RegionCode::Ca);
    let rate = matches.get_one::<Rate>("rate").copied().unwrap_or(Channel::home(region).rate);
    let mut sheet = Sheet { rate, language, json: matches.get_flag("json"), rows: 0, refused: 0 };
    let mut out = io::stdout().lock();
    match matches.get_one::<PathBuf>("file") {
        Some(path) => {
            let unreadable = |source| Unreadable { path: path.clone(), source };
            let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
            let mut number = 0;
            while let Some(line) = next_line(&mut lines).map_err(unreadable)? {
                number += 1;
                sheet.line(&line, number, &mut out)?;
            }
        }
        None => {
            let text = matches.get_one::<String>("text").map(String::as_str).unwrap_or_default();
            for (line, number) in text.split('\n').zip(1..) {
                sheet.line(line.as_bytes(), number, &mut out)?;
            }
        }
    }
    match sheet.refused {
        0 => Ok(()),
        refused => Err(Unsendable { refused }.into()),
    }
}

/// The next line without its end, cut off after [`MOST_LINE_OCTETS`]; `None` at the end of the file.
fn next_line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    from.by_ref().take(MOST_LINE_OCTETS).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 == MOST_LINE_OCTETS {
        skip_line(from)?;
    }
    let end = line.iter().rposition(|octet| !matches!(octet, b'\n' | b'\r')).map_or(0, |last| last + 1);
    line.truncate(end);
    Ok(Some(line))
}

/// Passes over the rest of a line without keeping it.
fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = from.fill_buf()?;
        let (length, ends) = match buffer.iter().position(|octet| *octet == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        from.consume(length);
        if ends {
            return Ok(());
        }
    }
}

/// What one text costs. The names are those of `--json`.
#[derive(Serialize, PartialEq, Debug)]
struct Cost {
    text_bytes: usize,
    coded_bytes: usize,
    /// Routed, as it goes over relays.
    frame_bytes: usize,
    time_on_air_ms: f64,
    /// As it goes to a neighbor.
    direct_bytes: usize,
    direct_ms: f64,
    /// The answer of a destination in reach.
    ack_bytes: usize,
    ack_ms: f64,
    /// To a neighbor, with the answer.
    exchange_ms: f64,
}

/// Why a line is not a text that can be sent.
#[derive(PartialEq, Debug)]
enum Refused {
    NotUtf8,
    TooLong { octets: usize },
}

fn cost(line: &[u8], rate: Rate) -> Result<Cost, Refused> {
    let text_bytes = line.len();
    if text_bytes > MAX_TEXT_OCTETS {
        return Err(Refused::TooLong { octets: text_bytes });
    }
    if str::from_utf8(line).is_err() {
        return Err(Refused::NotUtf8);
    }
    let millis = |time: Duration| time.as_micros() as f64 / 1e3;
    // Texts travel as they are.
    let coded_bytes = text_bytes;
    let (frame_bytes, direct_bytes) = (text::OVERHEAD + coded_bytes, direct::OVERHEAD + coded_bytes);
    let ack_bytes = wire::Ack::OCTETS;
    let [frame, direct, ack] = [frame_bytes, direct_bytes, ack_bytes].map(|octets| rate.time_on_air(octets));
    Ok(Cost {
        text_bytes,
        coded_bytes,
        frame_bytes,
        time_on_air_ms: millis(frame),
        direct_bytes,
        direct_ms: millis(direct),
        ack_bytes,
        ack_ms: millis(ack),
        exchange_ms: millis(direct + ack),
    })
}

/// What is printed, line by line.
struct Sheet {
    rate: Rate,
    language: Language,
    json: bool,
    rows: usize,
    refused: usize,
}

impl Sheet {
    fn line(&mut self, line: &[u8], number: usize, out: &mut impl Write) -> anyhow::Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        match cost(line, self.rate) {
            Ok(cost) if self.json => writeln!(out, "{}", serde_json::to_string(&cost)?)?,
            Ok(cost) => self.row(&cost, line, out)?,
            Err(refused) => {
                self.refused += 1;
                let number = ("line", number.to_string().into());
                let told = match refused {
                    Refused::NotUtf8 => say(self.language, "airtime-not-utf8", &[number]),
                    Refused::TooLong { octets } => {
                        let octets = ("octets", octets.to_string().into());
                        let most = ("most", MAX_TEXT_OCTETS.to_string().into());
                        say(self.language, "airtime-too-long", &[number, octets, most])
                    }
                };
                eprintln!("{told}");
            }
        }
        Ok(())
    }

    fn row(&mut self, cost: &Cost, line: &[u8], out: &mut impl Write) -> io::Result<()> {
        if self.rows == 0 {
            let rate = ("rate", self.rate.to_string().into());
            writeln!(out, "{}", say(self.language, "airtime-heading", &[rate]))?;
        }
        self.rows += 1;
        let Cost { text_bytes, coded_bytes, frame_bytes, direct_bytes, ack_bytes, .. } = cost;
        let [time, direct, ack, exchange] =
            [cost.time_on_air_ms, cost.direct_ms, cost.ack_ms, cost.exchange_ms]
                .map(|millis| decimal(millis, 1, self.language));
        let text: String =
            String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).take(40).collect();
        writeln!(
            out,
            "{text_bytes:>6} {coded_bytes:>6} {frame_bytes:>6} {time:>9} {direct_bytes:>6} {direct:>9} {ack_bytes:>6} \
             {ack:>9} {exchange:>9}  {text}"
        )
    }
}

/// The file with the texts cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for Unreadable {}

/// Some lines are no texts that can be sent; each was told.
#[derive(Debug)]
pub(super) struct Unsendable {
    pub(super) refused: usize,
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines are no texts", self.refused)
    }
}

impl std::error::Error for Unsendable {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_costs_its_frame_and_a_receipt() {
        let rate: Rate = "SF9/500".parse().unwrap();
        let cost = cost("où ?".as_bytes(), rate).unwrap();
        // 16 octets: 128 + 16 - 36 + 20 + 8 = 136 bits, 4 blocks of 36, 20 symbols and 20.25 before them, 1.024 ms each.
        let expected = Cost {
            text_bytes: 5,
            coded_bytes: 5,
            frame_bytes: 16,
            time_on_air_ms: 41.216,
            // 112 bits, 4 blocks all the same.
            direct_bytes: 13,
            direct_ms: 41.216,
            ack_bytes: 5,
            // 48 bits, 2 blocks.
            ack_ms: 30.976,
            exchange_ms: 72.192,
        };
        assert_eq!(cost, expected);
        assert_eq!(super::cost(&[b'x'; 238], rate), Err(Refused::TooLong { octets: 238 }));
        assert_eq!(super::cost(&[0xFF], rate), Err(Refused::NotUtf8));
        assert!(super::cost(&[b'x'; 237], rate).is_ok());
    }

    /// The comparison of `docs/performance.md`: SF11 at 250 kHz, where other meshes are at home.
    #[test]
    fn forty_octets_to_a_neighbor_and_back_take_less_than_760_ms_at_sf11_250() {
        let rate: Rate = "SF11/250".parse().unwrap();
        let cost = cost("On arrive à la cabane, tout va bien ici".as_bytes(), rate).unwrap();
        assert_eq!((cost.text_bytes, cost.direct_bytes, cost.ack_bytes), (40, 48, 5));
        assert!(cost.exchange_ms < 760.0, "{cost:?}");
    }

    #[test]
    fn lines_of_any_length_and_end_are_told_apart() {
        let mut file = b"un\r\ndeux\n\n".to_vec();
        file.extend(vec![b'x'; MOST_LINE_OCTETS as usize + 5]);
        file.extend(b"\ntrois");
        let mut from = BufReader::with_capacity(7, &file[..]);
        let mut lengths = Vec::new();
        while let Some(line) = next_line(&mut from).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [2, 4, 0, MOST_LINE_OCTETS as usize, 5]);
    }
}
