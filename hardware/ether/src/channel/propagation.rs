//! How much of a signal is left when it arrives.

use std::collections::BTreeMap;

use fanal_protocol::rand::Jitter;
// Those of the standard library differ from system to system in the last bit, and with it whole simulations.
use libm::{cos, hypot, log, log10, pow};

use super::StationId;

/// A place on a flat map.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Position {
    /// Metres east of the origin.
    pub east_m: f64,
    /// Metres north of the origin.
    pub north_m: f64,
}

impl Position {
    /// The place `east_m` east and `north_m` north of the origin.
    pub const fn new(east_m: f64, north_m: f64) -> Self {
        Self { east_m, north_m }
    }

    /// Whether `other` is more than `distance_m` away.
    pub(super) fn is_beyond(self, other: Position, distance_m: f64) -> bool {
        let (east_m, north_m) = (self.east_m - other.east_m, self.north_m - other.north_m);
        east_m * east_m + north_m * north_m > distance_m * distance_m
    }

    /// Metres between two places.
    pub fn distance_m(self, other: Position) -> f64 {
        hypot(self.east_m - other.east_m, self.north_m - other.north_m)
    }
}

/// The mean loss between two places.
#[derive(Clone, PartialEq, Debug)]
pub enum PathLoss {
    /// `at_reference_db + per_decade_db · log10(d / reference_m)`.
    LogDistance {
        /// Where the loss was measured, metres.
        reference_m: f64,
        /// The loss there, dB.
        at_reference_db: f64,
        /// What ten times the distance adds, dB.
        per_decade_db: f64,
    },
    /// 3GPP's suburban macro cell (TR 25.996, section 5.2), with these antenna heights in metres.
    SuburbanMacro {
        /// Of the antenna that sends.
        transmitter_m: f64,
        /// Of the antenna that listens.
        receiver_m: f64,
    },
    /// Each link by itself, source first, dB. A link that is not listed does not exist.
    Table(BTreeMap<(StationId, StationId), f64>),
}

impl PathLoss {
    /// The built-up area of Bor et al., "Do LoRa low-power wide-area networks scale?" (MSWiM 2016), section 3.2:
    /// 127.41 dB at 40 m and 20.8 dB per decade.
    pub const BOR_2016: PathLoss =
        PathLoss::LogDistance { reference_m: 40.0, at_reference_db: 127.41, per_decade_db: 20.8 };

    /// Over the logarithm of the distance each model is a straight line: the loss at one metre and what each
    /// decade adds, dB. `None` for a table.
    fn line(&self, frequency_hz: u32) -> Option<(f64, f64)> {
        match *self {
            PathLoss::LogDistance { reference_m, at_reference_db, per_decade_db } => {
                Some((at_reference_db - per_decade_db * log10(reference_m), per_decade_db))
            }
            PathLoss::SuburbanMacro { transmitter_m, receiver_m } => {
                let frequency_mhz = f64::from(frequency_hz) / 1e6;
                let per_decade_db = 44.9 - 6.55 * log10(transmitter_m);
                let at_1_km_db = 45.5 + (35.46 - 1.1 * receiver_m) * log10(frequency_mhz)
                    - 13.82 * log10(receiver_m)
                    + 0.7 * receiver_m;
                Some((at_1_km_db - 3.0 * per_decade_db, per_decade_db))
            }
            PathLoss::Table(_) => None,
        }
    }
}

/// A path loss with shadowing: per pair of stations one normally distributed addition, the same both ways.
#[derive(Clone, PartialEq, Debug)]
pub struct Propagation {
    /// The mean.
    pub path_loss: PathLoss,
    /// Standard deviation around it, dB; 0 for none. Does not touch [`PathLoss::Table`].
    pub shadowing_db: f64,
}

impl Propagation {
    /// Everybody hears everybody at -80 dBm for 20 dBm sent: for tests that are not about distance.
    pub const fn room() -> Self {
        let path_loss =
            PathLoss::LogDistance { reference_m: 1.0, at_reference_db: 100.0, per_decade_db: 0.0 };
        Self { path_loss, shadowing_db: 0.0 }
    }

    /// Loss in dB from `source` at `from` to `destination` at `to`; infinite where there is no link.
    pub(super) fn loss_db(&self, source: End, destination: End, frequency_hz: u32, seed: u64) -> f64 {
        let Some((at_1_m_db, per_decade_db)) = self.path_loss.line(frequency_hz) else {
            let PathLoss::Table(links) = &self.path_loss else { return f64::INFINITY };
            return links.get(&(source.station, destination.station)).copied().unwrap_or(f64::INFINITY);
        };
        // Below a metre the models mean nothing.
        let distance_m = source.position.distance_m(destination.position).max(1.0);
        let mean = at_1_m_db + per_decade_db * log10(distance_m);
        if self.shadowing_db == 0.0 {
            return mean;
        }
        let (low, high) = (source.station.min(destination.station), source.station.max(destination.station));
        let pair = ((low.0 as u64) << 32) | high.0 as u64;
        // Twice through the generator, so that neighbouring pairs share nothing.
        let mut jitter = Jitter::new(Jitter::new(seed ^ pair.rotate_left(17)).next_u64() ^ pair);
        mean + self.shadowing_db * normal(&mut jitter)
    }

    /// A distance, metres, beyond which no loss is `reach_db` or less, whatever the shadow.
    pub(super) fn never_reaches_m(&self, frequency_hz: u32, reach_db: f64) -> f64 {
        match self.path_loss.line(frequency_hz) {
            Some((at_1_m_db, per_decade_db)) if per_decade_db > 0.0 => {
                let most_db = reach_db + self.shadowing_db * MOST_DEVIATIONS;
                // A little more, for the rounding of either formula.
                pow(10.0, (most_db - at_1_m_db) / per_decade_db).max(1.0) * 1.001
            }
            _ => f64::INFINITY,
        }
    }
}

/// [`normal`] gives nothing further from zero: the square root of 2 · 53 · ln 2 is 8.57.
const MOST_DEVIATIONS: f64 = 8.6;

/// One end of a link.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) station: StationId,
    pub(super) position: Position,
}

/// A uniform number in `0.0..1.0`.
pub(crate) fn uniform(jitter: &mut Jitter) -> f64 {
    (jitter.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A standard normal number (Box and Muller, 1958).
fn normal(jitter: &mut Jitter) -> f64 {
    let radius = (-2.0 * log(1.0 - uniform(jitter))).sqrt();
    radius * cos(std::f64::consts::TAU * uniform(jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(station: usize, east_m: f64) -> End {
        End { station: StationId(station), position: Position::new(east_m, 0.0) }
    }

    #[test]
    fn log_distance_meets_its_reference_and_its_decade() {
        let propagation = Propagation { path_loss: PathLoss::BOR_2016, shadowing_db: 0.0 };
        let at = |metres| propagation.loss_db(end(0, 0.0), end(1, metres), 868_000_000, 1);
        assert!((at(40.0) - 127.41).abs() < 1e-9);
        assert!((at(400.0) - 148.21).abs() < 1e-9);
        assert!(at(0.0).is_finite());
    }

    /// By hand for 1 m antennas and 915 MHz at 1 km: 45.5 + 34.36 · lg 915 + 0.7 = 147.95 dB.
    #[test]
    fn suburban_macro_follows_its_formula() {
        let path_loss = PathLoss::SuburbanMacro { transmitter_m: 1.0, receiver_m: 1.0 };
        let propagation = Propagation { path_loss, shadowing_db: 0.0 };
        let loss = propagation.loss_db(end(0, 0.0), end(1, 1000.0), 915_000_000, 1);
        assert!((loss - 147.95).abs() < 0.05, "{loss}");
    }

    #[test]
    fn shadowing_is_the_same_both_ways_and_has_its_deviation() {
        let propagation = Propagation { path_loss: PathLoss::BOR_2016, shadowing_db: 3.57 };
        let mut squares = 0.0;
        for station in 1..2_000 {
            let there = propagation.loss_db(end(0, 0.0), end(station, 40.0), 868_000_000, 7);
            let back = propagation.loss_db(end(station, 40.0), end(0, 0.0), 868_000_000, 7);
            assert_eq!(there, back);
            squares += (there - 127.41).powi(2);
        }
        let deviation = (squares / 1_999.0).sqrt();
        assert!((deviation - 3.57).abs() < 0.2, "{deviation}");
    }

    #[test]
    fn nothing_within_reach_is_left_out() {
        let mut jitter = Jitter::new(5);
        let positions: Vec<Position> = (0..300)
            .map(|_| Position::new(4_000.0 * uniform(&mut jitter), 4_000.0 * uniform(&mut jitter)))
            .collect();
        for shadowing_db in [0.0, 3.57] {
            let propagation = Propagation { path_loss: PathLoss::BOR_2016, shadowing_db };
            let found = propagation.links(StationId(7), positions.iter().copied(), 868_000_000, 150.0, 3);
            let loss = |to: usize| {
                let end = |station: usize| End { station: StationId(station), position: positions[station] };
                propagation.loss_db(end(7), end(to), 868_000_000, 3)
            };
            let expected: Vec<usize> = (0..300).filter(|to| *to != 7 && loss(*to) <= 150.0).collect();
            assert_eq!(found.iter().map(|link| link.to.0).collect::<Vec<_>>(), expected);
            assert!((1..250).contains(&expected.len()), "{}", expected.len());
        }
    }

    #[test]
    fn a_table_knows_no_other_links() {
        let links = BTreeMap::from([((StationId(0), StationId(1)), 120.0)]);
        let propagation = Propagation { path_loss: PathLoss::Table(links), shadowing_db: 9.0 };
        assert_eq!(propagation.loss_db(end(0, 0.0), end(1, 0.0), 915_000_000, 1), 120.0);
        assert_eq!(propagation.loss_db(end(1, 0.0), end(0, 0.0), 915_000_000, 1), f64::INFINITY);
    }
}
