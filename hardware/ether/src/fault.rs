//! What goes wrong beyond physics: frames lost, doubled or damaged at will, per link.
//!
//! A damaged frame is handed over like a sound one, and a doubled one is heard again within
//! [`ECHO_WITHIN`]: a model of radios without a CRC, and of somebody who replays what was heard.

use std::collections::BTreeMap;

use fanal_protocol::rand::Jitter;
use fanal_protocol::time::Duration;

use crate::channel::StationId;
use crate::channel::uniform;

/// The longest time after which a doubled frame is heard again.
pub const ECHO_WITHIN: Duration = Duration::from_secs(2);

/// Probabilities for each frame on a link, 0.0 to 1.0.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Fault {
    /// It is not heard.
    pub loss: f64,
    /// It is heard again later.
    pub duplication: f64,
    /// Some of its bits are wrong, and the radio does not notice.
    pub corruption: f64,
}

impl Fault {
    /// Only losses.
    pub const fn loss(loss: f64) -> Self {
        Self { loss, duplication: 0.0, corruption: 0.0 }
    }
}

/// The faults of all links.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Faults {
    everywhere: Fault,
    links: BTreeMap<(StationId, StationId), Fault>,
}

impl Faults {
    /// The same faults on each link.
    pub const fn everywhere(fault: Fault) -> Self {
        Self { everywhere: fault, links: BTreeMap::new() }
    }

    /// From now on `fault` on all links that have none of their own.
    pub fn set_everywhere(&mut self, fault: Fault) {
        self.everywhere = fault;
    }

    /// From now on `fault` on the way from `source` to `destination`; `None` for that of all links.
    pub fn set_link(&mut self, source: StationId, destination: StationId, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.links.insert((source, destination), fault),
            None => self.links.remove(&(source, destination)),
        };
    }

    fn of(&self, source: StationId, destination: StationId) -> Fault {
        self.links.get(&(source, destination)).copied().unwrap_or(self.everywhere)
    }

    /// What becomes of one frame. The number of draws does not depend on the outcome.
    pub(crate) fn draw(&self, source: StationId, destination: StationId, jitter: &mut Jitter) -> Fate {
        let fault = self.of(source, destination);
        let (loss, duplication, corruption) = (uniform(jitter), uniform(jitter), uniform(jitter));
        let echo = jitter.duration_up_to(ECHO_WITHIN);
        Fate {
            lost: loss < fault.loss,
            corrupted: corruption < fault.corruption,
            echo: (duplication < fault.duplication).then_some(echo),
        }
    }
}

/// What the faults do to one frame on one link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) corrupted: bool,
    /// After this time it is heard again.
    pub(crate) echo: Option<Duration>,
}

/// Turns over one to four bits, never none.
pub(crate) fn flip_bits(octets: &mut [u8], jitter: &mut Jitter) {
    let bits = octets.len() as u64 * 8;
    // An odd number, so that bits hit twice cannot cancel out.
    for _ in 0..1 + 2 * jitter.below(2) {
        let bit = jitter.below(bits);
        if let Some(octet) = octets.get_mut((bit / 8) as usize) {
            *octet ^= 1 << (bit % 8);
        }
    }
}

/// Replaces about a quarter of the octets after the first symbols, as a collision does.
pub(crate) fn scramble(octets: &mut [u8], jitter: &mut Jitter) {
    for octet in octets.iter_mut() {
        if jitter.below(4) == 0 {
            *octet = jitter.next_u64() as u8;
        }
    }
    flip_bits(octets, jitter);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_its_own_overrides_the_rest() {
        let mut faults = Faults::everywhere(Fault::loss(1.0));
        faults.set_link(StationId(0), StationId(1), Some(Fault::default()));
        let mut jitter = Jitter::new(1);
        assert!(!faults.draw(StationId(0), StationId(1), &mut jitter).lost);
        assert!(faults.draw(StationId(1), StationId(0), &mut jitter).lost);
        faults.set_link(StationId(0), StationId(1), None);
        assert!(faults.draw(StationId(0), StationId(1), &mut jitter).lost);
    }

    #[test]
    fn damage_always_shows() {
        let mut jitter = Jitter::new(2);
        for len in 1..=255 {
            let mut octets = vec![0x55; len];
            flip_bits(&mut octets, &mut jitter);
            assert_ne!(octets, vec![0x55; len]);
        }
    }
}
