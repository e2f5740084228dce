//! How fast the air is used: spreading factor, bandwidth, coding rate (SX1261/2 data sheet, section 6.1).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::airtime::{self, Header};
use crate::time::Duration;

/// Symbols of preamble before each frame, without the sync word.
pub const PREAMBLE_SYMBOLS: u16 = 8;

/// Bits per symbol; one step more is about 2.5 dB of reach for almost twice the time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum SpreadingFactor {
    /// 32 chips per symbol.
    Sf5 = 5,
    /// 64 chips per symbol.
    Sf6 = 6,
    /// 128 chips per symbol.
    Sf7 = 7,
    /// 256 chips per symbol.
    Sf8 = 8,
    /// 512 chips per symbol.
    Sf9 = 9,
    /// 1024 chips per symbol.
    Sf10 = 10,
    /// 2048 chips per symbol.
    Sf11 = 11,
    /// 4096 chips per symbol.
    Sf12 = 12,
}

impl SpreadingFactor {
    /// All of them, the fastest first.
    pub const ALL: [SpreadingFactor; 8] =
        [Self::Sf5, Self::Sf6, Self::Sf7, Self::Sf8, Self::Sf9, Self::Sf10, Self::Sf11, Self::Sf12];

    /// Bits per symbol, 5 to 12.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// The factor with this many bits per symbol, if there is one.
    pub fn of(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.bits() == bits)
    }
}

/// Width of the chirp.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Bandwidth {
    /// 125 kHz.
    Khz125,
    /// 250 kHz.
    Khz250,
    /// 500 kHz.
    Khz500,
}

impl Bandwidth {
    /// All of them, the narrowest first.
    pub const ALL: [Bandwidth; 3] = [Self::Khz125, Self::Khz250, Self::Khz500];

    /// Width in hertz.
    pub const fn hz(self) -> u32 {
        match self {
            Self::Khz125 => 125_000,
            Self::Khz250 => 250_000,
            Self::Khz500 => 500_000,
        }
    }

    /// Thermal noise in this width at 17 °C, quarter decibels above that in 1 Hz, rounded to the nearest.
    const fn noise_quarter_db(self) -> i16 {
        match self {
            Self::Khz125 => 204,
            Self::Khz250 => 216,
            Self::Khz500 => 228,
        }
    }
}

/// Share of redundancy in the payload.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum CodingRate {
    /// Four bits carried by five.
    Cr4_5 = 1,
    /// Four bits carried by six.
    Cr4_6 = 2,
    /// Four bits carried by seven.
    Cr4_7 = 3,
    /// Four bits carried by eight.
    Cr4_8 = 4,
}

impl CodingRate {
    /// All of them, the least redundant first.
    pub const ALL: [CodingRate; 4] = [Self::Cr4_5, Self::Cr4_6, Self::Cr4_7, Self::Cr4_8];

    /// Redundant bits for each four, 1 to 4.
    pub const fn redundancy(self) -> u8 {
        self as u8
    }
}

/// A rate: what both ends must agree on to hear each other at all.
///
/// Written `SF9/500` with coding rate 4/5, else `SF12/125/4:8`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// Bits per symbol.
    pub spreading_factor: SpreadingFactor,
    /// Width of the chirp.
    pub bandwidth: Bandwidth,
    /// Share of redundancy.
    pub coding_rate: CodingRate,
}

impl Rate {
    /// A rate with coding rate 4/5.
    pub const fn new(spreading_factor: SpreadingFactor, bandwidth: Bandwidth) -> Self {
        Self { spreading_factor, bandwidth, coding_rate: CodingRate::Cr4_5 }
    }

    /// Duration of one symbol, 64 µs to 32.768 ms; a whole number of microseconds for every rate.
    pub const fn symbol(&self) -> Duration {
        let chips = 1_000_000u64 << self.spreading_factor.bits();
        Duration::from_micros(chips / self.bandwidth.hz() as u64)
    }

    /// Time on air of a frame of `payload_octets` as Fanal sends it: preamble of [`PREAMBLE_SYMBOLS`], explicit
    /// header, CRC.
    pub const fn time_on_air(&self, payload_octets: usize) -> Duration {
        airtime::time_on_air(*self, PREAMBLE_SYMBOLS, payload_octets, Header::Explicit, true)
    }

    /// The least signal-to-noise ratio at which a frame is still read, quarter decibels: -10 (SF5) to -80 (SF12).
    ///
    /// SX1261/2 data sheet, section 6.1.1.1.
    pub const fn snr_limit_quarter_db(&self) -> i8 {
        -10 * (self.spreading_factor.bits() as i8 - 4)
    }

    /// The weakest signal that is still read, dBm, rounded up: -174 + 10 lg(bandwidth) + 6 (noise figure) + SNR limit.
    pub const fn sensitivity_dbm(&self) -> i16 {
        let quarters =
            4 * (-174 + 6) + self.bandwidth.noise_quarter_db() + self.snr_limit_quarter_db() as i16;
        // The sum is negative for every rate, and division truncates towards zero: this rounds up.
        quarters / 4
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SF{}/{}", self.spreading_factor.bits(), self.bandwidth.hz() / 1_000)?;
        match self.coding_rate {
            CodingRate::Cr4_5 => Ok(()),
            other => write!(f, "/4:{}", 4 + other.redundancy()),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidRate;

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a rate is written SF9/500 or SF12/125/4:8 (SF5 to SF12; 125, 250 or 500 kHz; 4:5 to 4:8)",
        )
    }
}

impl core::error::Error for InvalidRate {}

impl FromStr for Rate {
    type Err = InvalidRate;

    /// Reads what `Display` writes; `sf` may be in small letters, and `/4:5` may be spelt out.
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let mut parts = text.split('/');
        let (Some(factor), Some(width), redundancy, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidRate);
        };
        let spreading_factor = match factor.split_at_checked(2) {
            Some((prefix, bits)) if prefix.eq_ignore_ascii_case("SF") => {
                digits(bits).and_then(|bits| SpreadingFactor::of(u8::try_from(bits).ok()?))
            }
            _ => None,
        };
        let bandwidth = digits(width)
            .and_then(|khz| Bandwidth::ALL.into_iter().find(|b| b.hz() / 1_000 == u32::from(khz)));
        let coding_rate = match redundancy {
            None => Some(CodingRate::Cr4_5),
            Some(share) => share
                .strip_prefix("4:")
                .and_then(digits)
                .and_then(|n| CodingRate::ALL.into_iter().find(|c| 4 + u16::from(c.redundancy()) == n)),
        };
        match (spreading_factor, bandwidth, coding_rate) {
            (Some(spreading_factor), Some(bandwidth), Some(coding_rate)) => {
                Ok(Self { spreading_factor, bandwidth, coding_rate })
            }
            _ => Err(InvalidRate),
        }
    }
}

/// A decimal number without sign or leading zero: one way to write each rate.
fn digits(text: &str) -> Option<u16> {
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn rates_read_as_they_are_written() {
        for spreading_factor in SpreadingFactor::ALL {
            for bandwidth in Bandwidth::ALL {
                for coding_rate in CodingRate::ALL {
                    let rate = Rate { spreading_factor, bandwidth, coding_rate };
                    assert_eq!(rate.to_string().parse(), Ok(rate));
                }
            }
        }
        assert_eq!(Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500).to_string(), "SF9/500");
        assert_eq!("sf12/125/4:8".parse::<Rate>().unwrap().to_string(), "SF12/125/4:8");
        assert_eq!("SF7/250/4:5".parse::<Rate>().unwrap().to_string(), "SF7/250");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for bad in [
            "",
            "SF9",
            "SF4/125",
            "SF13/125",
            "SF9/126",
            "SF9/500/",
            "SF9/500/4:9",
            "SF9/500/5:5",
            "SF9/500/4:5/",
            "SF09/500",
            "SF+9/500",
            "9/500",
            "S\u{e9}9/500",
            "SF9/ 500",
            "SF9/500/4:",
            "SF265/125",
            "SF99999/125",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(InvalidRate), "{bad}");
        }
    }

    #[test]
    fn symbols_last_two_to_the_spreading_factor_over_the_bandwidth() {
        assert_eq!(Rate::new(SpreadingFactor::Sf5, Bandwidth::Khz500).symbol(), Duration::from_micros(64));
        assert_eq!(
            Rate::new(SpreadingFactor::Sf12, Bandwidth::Khz125).symbol(),
            Duration::from_micros(32_768)
        );
    }

    #[test]
    fn limits_follow_the_data_sheet() {
        let limits = SpreadingFactor::ALL.map(|sf| Rate::new(sf, Bandwidth::Khz125).snr_limit_quarter_db());
        assert_eq!(limits, [-10, -20, -30, -40, -50, -60, -70, -80]);
        assert_eq!(Rate::new(SpreadingFactor::Sf12, Bandwidth::Khz125).sensitivity_dbm(), -137);
        assert_eq!(Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500).sensitivity_dbm(), -123);
    }
}
