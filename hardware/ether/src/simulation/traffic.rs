//! Who writes what to whom, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fanal_protocol::rand::Jitter;
use fanal_protocol::time::{Duration, Instant};

use crate::channel::uniform;
use crate::scenario::{Scenario, Send, Traffic, TrafficKind};

/// What people write when the length is all that matters.
const FILLER: &str = "on se retrouve au pont vers midi, apporte de l'eau, des piles et la lampe. ";

/// All texts of a scenario in order of time, made up as they are asked for.
pub(super) struct Texts<'a> {
    traffic: Option<Traffic>,
    filler: String,
    writers: Vec<Jitter>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The last one comes first.
    sends: Vec<&'a Send>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let mut sends: Vec<&Send> = scenario.sends.iter().collect();
        sends.sort_by_key(|send| send.at);
        sends.reverse();
        let writers =
            if scenario.traffic.is_some() && scenario.nodes.len() > 1 { scenario.nodes.len() } else { 0 };
        // Not the seeds of the stations: what is written must not depend on who carries it.
        let own = |writer: usize| Jitter::new(Jitter::new(seed ^ (writer as u64) << 40).next_u64() ^ 0x7E57);
        let octets = scenario.traffic.map_or(0, |traffic| traffic.text_octets);
        let mut texts = Self {
            traffic: scenario.traffic,
            filler: FILLER.chars().cycle().take(octets).collect(),
            writers: (0..writers).map(own).collect(),
            due: BinaryHeap::new(),
            sends,
        };
        for writer in 0..writers {
            texts.plan(writer, Instant::ZERO);
        }
        texts
    }

    fn plan(&mut self, writer: usize, after: Instant) {
        let (Some(traffic), Some(jitter)) = (self.traffic, self.writers.get_mut(writer)) else { return };
        let mean = traffic.period.as_secs_f64();
        let gap = Duration::from_secs_f64(-mean * libm::log(1.0 - uniform(jitter)));
        if after + gap <= traffic.until {
            self.due.push(Reverse((after + gap, writer)));
        }
    }

    /// When the next text is written.
    pub(super) fn at(&self) -> Option<Instant> {
        let planned = self.due.peek().map(|Reverse((at, _))| *at);
        fanal_protocol::time::earliest(planned, self.sends.last().map(|send| send.at))
    }

    /// The next text.
    pub(super) fn next(&mut self) -> Option<Send> {
        let planned = self.due.peek().map(|Reverse((at, _))| *at);
        if self.sends.last().is_some_and(|send| planned.is_none_or(|at| send.at <= at)) {
            return self.sends.pop().cloned();
        }
        let Reverse((at, source)) = self.due.pop()?;
        let others = self.writers.len() as u64 - 1;
        let drawn = self.writers.get_mut(source)?.below(others) as usize;
        let destination = match self.traffic?.kind {
            TrafficKind::Direct => Some(if drawn < source { drawn } else { drawn + 1 }),
            TrafficKind::Room => None,
        };
        self.plan(source, at);
        Some(Send { at, source, destination, text: self.filler.clone() })
    }
}
