//! Time on air of a LoRa frame (Semtech's SX126x driver; AN1200.13 for SF7 and slower).

use super::rate::{Rate, SpreadingFactor};
use crate::time::Duration;

/// Whether the frame carries its own length and coding rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// It does.
    Explicit,
    /// Both ends know them beforehand.
    Implicit,
}

/// How long a frame of `payload_octets` occupies the channel, from the first preamble symbol to the last one of
/// the payload, rounded up to a whole microsecond.
///
/// Low-data-rate optimisation is on where a symbol lasts 16.38 ms or more, as the radio is configured.
/// Any number of octets is computed, not only what fits a frame; the result saturates.
pub const fn time_on_air(
    rate: Rate,
    preamble_symbols: u16,
    payload_octets: usize,
    header: Header,
    crc: bool,
) -> Duration {
    let factor = rate.spreading_factor.bits() as u64;
    let fast = factor <= SpreadingFactor::Sf6 as u64;

    let mut bits = (payload_octets as u64).saturating_mul(8);
    if crc {
        bits = bits.saturating_add(16);
    }
    if matches!(header, Header::Explicit) {
        bits = bits.saturating_add(20);
    }
    if !fast {
        bits = bits.saturating_add(8);
    }
    bits = bits.saturating_sub(4 * factor);

    let bits_per_block = if needs_low_data_rate_optimisation(&rate) { 4 * (factor - 2) } else { 4 * factor };
    let payload_symbols =
        bits.div_ceil(bits_per_block).saturating_mul(4 + rate.coding_rate.redundancy() as u64);

    // In quarters of a symbol: the sync word and start delimiter last 4.25 symbols, 6.25 at SF5 and SF6, and the
    // header block 8.
    let overhead = if fast { 4 * 8 + 25 } else { 4 * 8 + 17 };
    let quarters = payload_symbols.saturating_mul(4).saturating_add(4 * preamble_symbols as u64 + overhead);

    // A symbol is a whole number of microseconds for every rate; a quarter of one is a multiple of 16.
    let symbol = rate.symbol().as_micros() as u64;
    Duration::from_micros(quarters.saturating_mul(symbol).div_ceil(4))
}

/// Whether symbols are so long that the radio must spread each over two bits less (SX1261/2 data sheet, 6.1.1.4).
///
/// Both ends must agree: a radio driver asks here instead of deciding for itself.
pub const fn needs_low_data_rate_optimisation(rate: &Rate) -> bool {
    rate.symbol().as_micros() >= 16_380
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Bandwidth, CodingRate};

    fn micros(rate: &str, octets: usize) -> u128 {
        rate.parse::<Rate>().unwrap().time_on_air(octets).as_micros()
    }

    #[test]
    fn times_match_the_published_vectors() {
        // lora-modulation's own tests, which its authors checked against an operator's calculator.
        for (rate, octets, expected) in [
            ("SF9/125", 12, 144_384),
            ("SF7/250", 38, 41_088),
            ("SF7/125", 38, 82_176),
            ("SF8/125", 38, 143_872),
            ("SF9/125", 38, 267_264),
            ("SF10/125", 38, 493_568),
            ("SF11/125", 38, 1_069_056),
            ("SF12/125", 38, 1_974_272),
            ("SF7/250", 41, 43_648),
            ("SF11/125", 41, 1_150_976),
            ("SF12/125/4:8", 20, 1_712_128),
        ] {
            assert_eq!(micros(rate, octets), expected, "{rate}, {octets} octets");
        }
    }

    #[test]
    fn the_two_fastest_factors_follow_the_driver() {
        // Worked by hand: at SF5, 12 octets are 112 bits, 6 blocks of 20, 30 symbols; 8 + 14.25 + 30 = 52.25 of 64 us.
        assert_eq!(micros("SF5/500", 12), 3_344);
        // At SF6, 12 octets are 108 bits, 5 blocks of 24, 25 symbols; 8 + 14.25 + 25 = 47.25 of 512 us.
        assert_eq!(micros("SF6/125", 12), 24_192);
        // At SF6 with 4/8, 1 octet is 20 bits, one block, 8 symbols; 8 + 14.25 + 8 = 30.25 of 256 us.
        assert_eq!(micros("SF6/250/4:8", 1), 7_744);
        // At SF5, 255 octets are 2056 bits, 103 blocks, 515 symbols; 8 + 14.25 + 515 = 537.25 of 256 us.
        assert_eq!(micros("SF5/125", 255), 137_536);
    }

    #[test]
    fn every_rate_agrees_with_the_formula_in_floating_point() {
        for spreading_factor in SpreadingFactor::ALL {
            for bandwidth in Bandwidth::ALL {
                for coding_rate in CodingRate::ALL {
                    let rate = Rate { spreading_factor, bandwidth, coding_rate };
                    for octets in 0..=255 {
                        for (header, crc) in
                            [(Header::Explicit, true), (Header::Implicit, false), (Header::Implicit, true)]
                        {
                            let ours = time_on_air(rate, 16, octets, header, crc).as_secs_f64();
                            let theirs = published_formula(rate, 16.0, octets as f64, header, crc);
                            assert!((ours - theirs).abs() < 1e-6, "{rate} {octets} {header:?} {crc}");
                        }
                    }
                }
            }
        }
    }

    /// The formula as it is printed, term by term.
    fn published_formula(rate: Rate, preamble: f64, octets: f64, header: Header, crc: bool) -> f64 {
        let sf = f64::from(rate.spreading_factor.bits());
        let ts = sf.exp2() / f64::from(rate.bandwidth.hz());
        let n = 8.0 * octets + if crc { 16.0 } else { 0.0 } - 4.0 * sf
            + if header == Header::Explicit { 20.0 } else { 0.0 }
            + if sf >= 7.0 { 8.0 } else { 0.0 };
        let slow = matches!(
            (rate.spreading_factor, rate.bandwidth),
            (SpreadingFactor::Sf11, Bandwidth::Khz125)
                | (SpreadingFactor::Sf12, Bandwidth::Khz125 | Bandwidth::Khz250)
        );
        let den = if slow { 4.0 * (sf - 2.0) } else { 4.0 * sf };
        let blocks = (n.max(0.0) / den).ceil();
        let start = if sf <= 6.0 { 6.25 } else { 4.25 };
        (preamble + start + 8.0 + blocks * (4.0 + f64::from(rate.coding_rate.redundancy()))) * ts
    }

    #[test]
    fn absurd_lengths_saturate() {
        let rate = Rate::new(SpreadingFactor::Sf12, Bandwidth::Khz125);
        assert!(rate.time_on_air(usize::MAX) > rate.time_on_air(1 << 40));
    }
}
