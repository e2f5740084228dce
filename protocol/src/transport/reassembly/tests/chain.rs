//! What a long text costs over several hops that lose frames: the airtime of all stations, beside that of a path which
//! loses nothing.
//!
//! A model, not the simulator: losses are independent, nothing collides, nothing overtakes. It shows what the protocol
//! itself spends.

use super::*;
use crate::wire::text::OVERHEAD;
use crate::wire::{Receipt, Status, TAG_OCTETS};

/// What a station does about a fragment that it does not hear forwarded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hop {
    /// Nothing: the destination will ask for it.
    Once,
    /// Repeats it once; a station that has it already says so with an ack. The last hop, where nothing is forwarded,
    /// is left to the destination.
    RepeatsUnheard,
    /// As that, and the destination acks every fragment to the station before it.
    AckedAtTheEnd,
}

const ACK_OCTETS: usize = 1 + TAG_OCTETS;

struct Chain {
    hops: u32,
    /// Per thousand.
    loss: u64,
    hop: Hop,
    dice: Jitter,
    airtime: Duration,
}

impl Chain {
    /// One transmission of so many octets: whether it is heard.
    fn transmit(&mut self, octets: usize) -> bool {
        self.airtime += rate().time_on_air(octets);
        self.is_heard()
    }

    fn is_heard(&mut self) -> bool {
        self.dice.below(1000) >= self.loss
    }

    /// From end to end without repetitions, as answers go.
    fn answer(&mut self, octets: usize) -> bool {
        (0..self.hops).all(|_| self.transmit(octets))
    }

    fn fragment(&mut self, octets: usize) -> bool {
        (1..=self.hops).all(|hop| self.fragment_over(hop == self.hops, octets))
    }

    fn fragment_over(&mut self, last: bool, octets: usize) -> bool {
        let heard = self.transmit(octets);
        let noticed = match (self.hop, last) {
            (Hop::Once, _) | (Hop::RepeatsUnheard, true) => return heard,
            (Hop::RepeatsUnheard | Hop::AckedAtTheEnd, false) => heard && self.is_heard(),
            (Hop::AckedAtTheEnd, true) => heard && self.transmit(ACK_OCTETS),
        };
        if noticed {
            return true;
        }
        let again = self.transmit(octets);
        if again && heard {
            self.transmit(ACK_OCTETS);
        }
        heard || again
    }
}

/// Sends one text; the airtime of all stations.
fn send(text: &[u8], hops: u8, loss: u64, hop: Hop, seed: u64) -> Duration {
    let dice = Jitter::new(seed);
    let mut chain = Chain { hops: hops.into(), loss, hop, dice, airtime: Duration::ZERO };
    let cut = Cut::of(text.len()).unwrap();
    let pace = Pace::over(hops, rate());
    let mut source = Sending::new(cut, pace);
    let mut destination = Reassembly::<1>::new();
    let (mut jitter, mut token, mut now, mut durable) = (Jitter::new(!seed), 0, NOW, false);
    loop {
        let mut status = None;
        if let Some(due) = source.next(now) {
            token += 1;
            source.handed_out(due, token);
            let piece = match due {
                Due::Fragment(index) => cut.piece(text, index),
                Due::Poll => None,
            };
            let octets = piece.map_or(OVERHEAD, |piece| OVERHEAD + 1 + piece.octets.len());
            now += rate().time_on_air(octets);
            source.handle_transmitted(token, rate(), &mut jitter, now);
            let arrived = if piece.is_some() { chain.fragment(octets) } else { chain.answer(octets) };
            if !arrived {
                continue;
            }
            if let Some(piece) = piece {
                let gathered = destination.insert(ID, piece, pace.patience, now);
                durable |= matches!(gathered, Ok(Gathered::Complete { .. }));
            } else if !durable {
                status = destination.handle_poll(ID, now);
            }
            if durable && chain.answer(Receipt::OCTETS) {
                return chain.airtime;
            }
        } else {
            let next = [source.poll_timeout(), destination.poll_timeout()].into_iter().flatten().min();
            now = next.expect("somebody waits for something").max(now);
            status = destination.poll_status(now).map(|(_, missing)| missing);
            source.handle_timeout(now);
        }
        if let Some(missing) = status {
            let proof = [0; TAG_OCTETS];
            let status = Status { hop_limit: 7, next_hop: 0, destination: ID.source, proof, missing };
            let octets = status.emit(&mut [0; Status::MAX_OCTETS]).unwrap();
            if chain.answer(octets) {
                source.handle_status(missing);
            }
        }
    }
}

/// Mean and ninety-fifth percentile of the airtime, in parts of that without losses.
fn ratio(len: usize, hops: u8, loss: u64, hop: Hop) -> (f64, f64) {
    let text = text(len);
    let free = send(&text, hops, 0, Hop::Once, 0).as_secs_f64();
    let mut ratios: Vec<f64> =
        (0..1000).map(|seed| send(&text, hops, loss, hop, seed).as_secs_f64() / free).collect();
    ratios.sort_by(f64::total_cmp);
    (ratios.iter().sum::<f64>() / ratios.len() as f64, ratios[ratios.len() * 95 / 100])
}

#[test]
fn a_path_without_losses_carries_each_fragment_once_and_one_receipt() {
    let frames = 4 * 3 * rate().time_on_air(OVERHEAD + 1 + 205).as_micros()
        + 3 * rate().time_on_air(OVERHEAD + 1 + 204).as_micros()
        + 3 * rate().time_on_air(Receipt::OCTETS).as_micros();
    assert_eq!(send(&text(1024), 3, 0, Hop::Once, 7).as_micros(), frames);
}

/// Seeds are fixed: a change of the protocol shows here what it costs.
#[test]
fn a_kilobyte_over_three_hops_that_lose_a_tenth_takes_at_most_1_4_times_the_airtime() {
    let table = [
        // octets, hops, loss: mean and 95th percentile, by what the hops do
        ((1024, 1, 100), ["1.13 1.47", "1.13 1.47", "1.31 1.70"]),
        ((1024, 3, 100), ["1.33 1.86", "1.31 1.78", "1.28 1.60"]),
        ((4096, 3, 100), ["1.27 1.51", "1.29 1.50", "1.26 1.40"]),
        ((1024, 3, 200), ["1.93 3.00", "1.79 2.71", "1.61 2.16"]),
        ((1024, 6, 100), ["1.75 2.63", "1.42 1.95", "1.32 1.67"]),
    ];
    for ((len, hops, loss), expected) in table {
        for (hop, expected) in [Hop::Once, Hop::RepeatsUnheard, Hop::AckedAtTheEnd].into_iter().zip(expected)
        {
            let (mean, worst) = ratio(len, hops, loss, hop);
            let found = std::format!("{mean:.2} {worst:.2}");
            assert_eq!(found, expected, "{len} octets, {hops} hops, {loss} of 1000 lost, {hop:?}");
            assert!((len, hops, loss) != (1024, 3, 100) || mean <= 1.4, "{hop:?}: {mean}");
        }
    }
}
