//! What a scenario file means, checked to the end: all that is wrong with it is told at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::Path as FilePath;

use fanal_protocol::region::{Channel, RegionCode};
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::{MAX_TEXT_OCTETS, Role};
use toml::Spanned;

use super::problem::{Flaw, Flaws, Problem};
use super::{
    Fault, FaultKind, Link, MOST_ADDRESSES, Node, Path, Protocol, Scenario, Send, Traffic, TrafficKind, file,
};
use crate::channel::{PathLoss, Position, Propagation};
use crate::flood;

/// No scenario of ours is longer, octets.
const MOST_OCTETS: u64 = 64 << 20;
/// The longest time, seconds: a year.
const MOST_S: f64 = 366.0 * 86_400.0;
/// The shortest time that says anything, seconds.
const LEAST_S: f64 = 0.001;
/// One text is sent no more often.
const MOST_TIMES: f64 = 1e6;
/// A text is tried so long unless the scenario says otherwise, seconds.
const LIFETIME_S: f64 = 86_400.0;
/// Places on the map, metres from its origin.
const COORDINATES: RangeInclusive<f64> = -1e7..=1e7;
/// Height of an antenna unless the scenario says otherwise, metres.
const ANTENNA_M: f64 = 1.0;
/// The name that stands for everybody.
const EVERYBODY: &str = "*";

/// Reads the scenario in the file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &FilePath) -> Result<Scenario, Flaws> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST_OCTETS).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&text),
        Err(error) => {
            Err(vec![Flaw { line: None, problem: Problem::Unreadable { reason: error.to_string() } }])
        }
    }
    .map_err(|flaws| Flaws { file: path.into(), flaws })
}

/// Reads a scenario.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn parse(text: &str) -> Result<Scenario, Vec<Flaw>> {
    let mut check = Check { text, flaws: Vec::new(), names: BTreeMap::new() };
    let scenario = match toml::from_str::<file::File>(text) {
        Ok(file) => check.file(file),
        Err(error) => {
            let detail = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            check.flaw(error.span(), Problem::Syntax { detail });
            None
        }
    };
    check.flaws.sort_by_key(|flaw| flaw.line);
    match scenario {
        Some(scenario) if check.flaws.is_empty() => Ok(scenario),
        _ => Err(check.flaws),
    }
}

/// Goes through a file and remembers all that is wrong with it.
struct Check<'a> {
    text: &'a str,
    flaws: Vec<Flaw>,
    names: BTreeMap<String, usize>,
}

impl Check<'_> {
    /// `None` only when there is a flaw.
    fn file(&mut self, file: file::File) -> Option<Scenario> {
        let duration = self.time("duration_s", &file.duration_s, LEAST_S);
        let lifetime = match &file.lifetime_s {
            Some(lifetime) => self.time("lifetime_s", lifetime, LEAST_S),
            None => Duration::from_secs_f64(LIFETIME_S),
        };
        let protocol = match file.protocol {
            file::Protocol::Fanal => Protocol::Fanal,
            file::Protocol::ManagedFlood => Protocol::ManagedFlood,
        };
        let channel = self.channel(&file.radio);
        // Names first: everything else refers to them.
        for (index, node) in file.node.iter().enumerate() {
            self.name(&node.name, index);
        }
        let nodes = file.node.iter().map(|node| self.node(node)).collect();
        let path = self.path(&file);
        let traffic = file.traffic.as_ref().map(|traffic| self.traffic(traffic, protocol, duration));
        let sends = file.send.iter().flat_map(|send| self.send(send, protocol)).collect();
        let faults = file.fault.iter().filter_map(|fault| self.fault(fault)).collect();
        let channel = channel?;
        let scenario =
            Scenario { protocol, duration, lifetime, channel, path, nodes, traffic, sends, faults };
        if scenario.nodes.len() < 2 {
            self.flaw(None, Problem::TooFewNodes);
        }
        if scenario.addresses() > MOST_ADDRESSES {
            self.flaw(None, Problem::TooManyNodes { most: MOST_ADDRESSES });
        }
        Some(scenario)
    }

    fn flaw(&mut self, span: Option<Range<usize>>, problem: Problem) {
        // Defaults have no place in the text.
        let line = span
            .filter(|span| *span != (0..0))
            .and_then(|span| self.text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        self.flaws.push(Flaw { line, problem });
    }

    /// The number, or the nearest one that is possible.
    fn number(&mut self, name: &'static str, number: &Spanned<f64>, range: RangeInclusive<f64>) -> f64 {
        let (least, most, found) = (*range.start(), *range.end(), *number.get_ref());
        if range.contains(&found) {
            return found;
        }
        self.flaw(Some(number.span()), Problem::OutOfRange { name, found, least, most });
        least
    }

    fn time(&mut self, name: &'static str, seconds: &Spanned<f64>, least_s: f64) -> Duration {
        Duration::from_secs_f64(self.number(name, seconds, least_s..=MOST_S))
    }

    fn instant(&mut self, name: &'static str, seconds: &Spanned<f64>) -> Instant {
        Instant::ZERO + self.time(name, seconds, 0.0)
    }

    fn channel(&mut self, radio: &file::Radio) -> Option<Channel> {
        let found = radio.region.get_ref();
        let Ok(region) = found.parse::<RegionCode>() else {
            self.flaw(Some(radio.region.span()), Problem::InvalidRegion { found: found.clone() });
            return None;
        };
        let mut channel = Channel::home(region);
        if let Some(rate) = &radio.rate {
            match rate.get_ref().parse() {
                Ok(rate) => channel.rate = rate,
                Err(_) => {
                    let found = rate.get_ref().clone();
                    self.flaw(Some(rate.span()), Problem::InvalidRate { found });
                }
            }
        }
        channel.power_dbm = radio.power_dbm.unwrap_or(channel.power_dbm);
        Some(channel)
    }

    fn path(&mut self, file: &file::File) -> Path {
        let antenna_m = match &file.radio.antenna_m {
            Some(height) => self.number("antenna_m", height, 0.1..=1e4),
            None => ANTENNA_M,
        };
        let shadowing_db = match &file.path.sigma_db {
            Some(sigma) => self.number("sigma_db", sigma, 0.0..=40.0),
            None => 0.0,
        };
        let path_loss = match file.path.model {
            file::Model::LogDistance => PathLoss::BOR_2016,
            file::Model::Suburban => {
                PathLoss::SuburbanMacro { transmitter_m: antenna_m, receiver_m: antenna_m }
            }
            file::Model::Table => return Path::Table(self.links(&file.link)),
        };
        if let Some(link) = file.link.first() {
            self.flaw(Some(link.a.span()), Problem::LinksWithoutTable);
        }
        Path::Model(Propagation { path_loss, shadowing_db })
    }

    fn links(&mut self, links: &[file::Link]) -> Vec<Link> {
        let mut known = BTreeSet::new();
        links
            .iter()
            .filter_map(|link| {
                let loss = self.number("loss", &link.loss, 0.0..=1.0);
                let (a, b) = self.pair(&link.a, &link.b)?;
                if !known.insert((a.min(b), a.max(b))) {
                    let (a, b) = (link.a.get_ref().clone(), link.b.get_ref().clone());
                    self.flaw(Some(link.a.span()), Problem::LinkTwice { a, b });
                }
                Some(Link { a, b, loss })
            })
            .collect()
    }

    fn name(&mut self, name: &Spanned<String>, index: usize) {
        let text = name.get_ref();
        if text.is_empty() || text == EVERYBODY {
            self.flaw(Some(name.span()), Problem::NoName);
        } else if self.names.insert(text.clone(), index).is_some() {
            self.flaw(Some(name.span()), Problem::NodeTwice { name: text.clone() });
        }
    }

    /// The place of the node of this name.
    fn find(&mut self, name: &Spanned<String>) -> Option<usize> {
        let found = self.names.get(name.get_ref()).copied();
        if found.is_none() {
            self.flaw(Some(name.span()), Problem::UnknownNode { name: name.get_ref().clone() });
        }
        found
    }

    /// Two different nodes.
    fn pair(&mut self, a: &Spanned<String>, b: &Spanned<String>) -> Option<(usize, usize)> {
        let (a, b, at) = (self.find(a), self.find(b), b);
        let pair = a.zip(b)?;
        if pair.0 == pair.1 {
            self.flaw(Some(at.span()), Problem::SameEnds { name: at.get_ref().clone() });
            return None;
        }
        Some(pair)
    }

    fn node(&mut self, node: &file::Node) -> Node {
        let mut coordinate = |name, at: &Option<Spanned<f64>>| match at {
            Some(metres) => self.number(name, metres, COORDINATES),
            None => 0.0,
        };
        let position = Position::new(coordinate("x", &node.x), coordinate("y", &node.y));
        let role = match node.role {
            file::Role::Handheld => Role::Handheld,
            file::Role::Relay => Role::Relay,
            file::Role::Gateway => Role::Gateway,
        };
        let on = node.on.as_ref().map(|windows| self.windows(windows));
        Node { position, role, on }
    }

    /// Windows in order of time, none of which begins before the last one ends.
    fn windows(&mut self, windows: &[Spanned<[f64; 2]>]) -> Vec<(Instant, Instant)> {
        let mut ended = 0.0;
        let mut checked = Vec::new();
        for window in windows {
            let [from, to] = *window.get_ref();
            // A number that is none is not in order either.
            if ended <= from && from < to && to <= MOST_S {
                let instant = |seconds| Instant::ZERO + Duration::from_secs_f64(seconds);
                checked.push((instant(from), instant(to)));
                ended = to;
            } else {
                self.flaw(Some(window.span()), Problem::Window { from, to });
            }
        }
        checked
    }

    fn traffic(&mut self, traffic: &file::Traffic, protocol: Protocol, duration: Duration) -> Traffic {
        let most = longest_text(protocol);
        let octets = self.number("text_bytes", &traffic.text_bytes, 1.0..=most as f64);
        let kind = match traffic.kind.get_ref() {
            file::Kind::Direct => TrafficKind::Direct,
            file::Kind::Room => {
                self.rooms(traffic.kind.span(), protocol);
                TrafficKind::Room
            }
        };
        let until = match &traffic.until_s {
            Some(until) => self.instant("until_s", until),
            None => Instant::ZERO + duration,
        };
        let period = self.time("period_s", &traffic.period_s, LEAST_S);
        Traffic { kind, period, text_octets: octets as usize, until }
    }

    /// A text, as often as it is sent; none only when there is a flaw.
    fn send(&mut self, send: &file::Send, protocol: Protocol) -> Vec<Send> {
        let times = send.times.as_ref().map_or(1.0, |times| self.number("times", times, 1.0..=MOST_TIMES));
        let every =
            send.every_s.as_ref().map_or(Duration::ZERO, |every| self.time("every_s", every, LEAST_S));
        let first = self.first_send(send, protocol);
        let again =
            |number: u32| first.as_ref().map(|first| Send { at: first.at + every * number, ..first.clone() });
        (0..times as u32).filter_map(again).collect()
    }

    fn first_send(&mut self, send: &file::Send, protocol: Protocol) -> Option<Send> {
        let at = self.instant("at_s", &send.at_s);
        let (octets, most) = (send.text.get_ref().len(), longest_text(protocol));
        if !(1..=most).contains(&octets) {
            self.flaw(Some(send.text.span()), Problem::TextLength { octets, most });
        }
        let (source, destination) = if send.destination.get_ref() == EVERYBODY {
            self.rooms(send.destination.span(), protocol);
            (self.find(&send.source)?, None)
        } else {
            let (source, destination) = self.pair(&send.source, &send.destination)?;
            (source, Some(destination))
        };
        Some(Send { at, source, destination, text: send.text.get_ref().clone() })
    }

    fn rooms(&mut self, span: Range<usize>, protocol: Protocol) {
        if protocol == Protocol::Fanal {
            self.flaw(Some(span), Problem::NoRooms);
        }
    }

    fn fault(&mut self, fault: &file::Fault) -> Option<Fault> {
        let at = self.instant("at_s", &fault.at_s);
        let what = match fault.what {
            file::What::Crash => FaultKind::Crash,
            file::What::Off => FaultKind::Off,
            file::What::On => FaultKind::On,
        };
        Some(Fault { at, node: self.find(&fault.node)?, what })
    }
}

fn longest_text(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Fanal => MAX_TEXT_OCTETS,
        Protocol::ManagedFlood => flood::MAX_TEXT_OCTETS,
    }
}
