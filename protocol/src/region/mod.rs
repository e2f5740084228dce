//! What the law allows where: bands, power, bandwidths and limits on time, as data.
//!
//! The device that drives the radio asks [`Channel::lawful`] before it uses a channel, whatever its host wants.
//! The rows are those of `docs/regulatory.md`; each region names its clauses.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Duration;

pub mod airtime;
mod ca_us;
mod eu868;
mod rate;

pub use crate::wire::MAX_FRAME;
pub use rate::{Bandwidth, CodingRate, InvalidRate, PREAMBLE_SYMBOLS, Rate, SpreadingFactor};

/// Where the station is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RegionCode {
    /// Canada.
    Ca,
    /// The United States.
    Us,
    /// The European Union and whoever else follows CEPT recommendation 70-03.
    Eu,
}

impl RegionCode {
    /// All of them.
    pub const ALL: [RegionCode; 3] = [Self::Ca, Self::Us, Self::Eu];

    /// Two capital letters, as `Display` and `FromStr` use them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "CA",
            Self::Us => "US",
            Self::Eu => "EU",
        }
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownRegion;

impl fmt::Display for UnknownRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a region is CA, US or EU")
    }
}

impl core::error::Error for UnknownRegion {}

impl FromStr for RegionCode {
    type Err = UnknownRegion;

    /// Reads two letters, capital or small.
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        Self::ALL.into_iter().find(|code| code.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownRegion)
    }
}

/// How much time a channel may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// As much as one likes.
    Unlimited,
    /// A share of every window, however it is placed.
    DutyCycle {
        /// The share, thousandths.
        permille: u16,
        /// The time that it is a share of.
        window: Duration,
    },
    /// A total in every window, however it is placed; so no frame may last longer than that either.
    Dwell {
        /// The total.
        limit: Duration,
        /// The time that it counts in.
        window: Duration,
    },
}

/// One row of the law: a stretch of spectrum and what may be done in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubBand {
    /// Lower edge, hertz.
    pub low_hz: u32,
    /// Upper edge, hertz.
    pub high_hz: u32,
    /// The most that may be fed to an antenna, dBm. See the region for the antenna that is assumed.
    pub max_power_dbm: i8,
    /// How much time may be used.
    pub limit: Limit,
    /// The bandwidths that this row is about.
    pub bandwidths: &'static [Bandwidth],
    /// The least number of channels that a station must hop over to make use of this row; 1 where it may stay on one.
    pub hopping_channels: u8,
}

impl SubBand {
    /// Whether a signal of this bandwidth around this frequency lies within the edges.
    fn holds(&self, frequency_hz: u32, bandwidth: Bandwidth) -> bool {
        let half = bandwidth.hz() / 2;
        frequency_hz.checked_sub(half).is_some_and(|low| low >= self.low_hz)
            && frequency_hz.checked_add(half).is_some_and(|high| high <= self.high_hz)
    }
}

/// The law of one region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// Which one.
    pub code: RegionCode,
    /// Its rows. A frequency may lie in several; the bandwidth tells them apart.
    pub sub_bands: &'static [SubBand],
    /// Where stations that know nothing else of each other meet.
    pub home: Channel,
    /// Where the rows come from.
    pub clause: &'static str,
}

impl Region {
    /// The law of the region that `code` names.
    pub const fn of(code: RegionCode) -> &'static Region {
        match code {
            RegionCode::Ca => &ca_us::CANADA,
            RegionCode::Us => &ca_us::UNITED_STATES,
            RegionCode::Eu => &eu868::EUROPE,
        }
    }
}

/// All that a radio must be set to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Whose law counts.
    pub region: RegionCode,
    /// Centre, hertz.
    pub frequency_hz: u32,
    /// Spreading factor, bandwidth and coding rate.
    pub rate: Rate,
    /// Power fed to the antenna, dBm.
    pub power_dbm: i8,
}

impl Channel {
    /// Where stations of a region meet.
    pub const fn home(region: RegionCode) -> Self {
        Region::of(region).home
    }

    /// Whether a station that stays on this channel may transmit on it, and for how much of the time.
    ///
    /// # Errors
    /// The first rule that the channel breaks.
    pub fn lawful(&self) -> Result<Limit, Unlawful> {
        let sub_bands = Region::of(self.region).sub_bands;
        let bandwidth = self.rate.bandwidth;

        if !sub_bands.iter().any(|row| (row.low_hz..=row.high_hz).contains(&self.frequency_hz)) {
            return Err(Unlawful::OutsideBands { frequency_hz: self.frequency_hz });
        }
        let row = sub_bands
            .iter()
            .find(|row| row.holds(self.frequency_hz, bandwidth) && row.bandwidths.contains(&bandwidth))
            .ok_or(Unlawful::BandwidthForbidden { bandwidth })?;
        if row.hopping_channels > 1 {
            return Err(Unlawful::HoppingRequired { bandwidth, channels: row.hopping_channels });
        }
        if self.power_dbm > row.max_power_dbm {
            return Err(Unlawful::PowerTooHigh { max_power_dbm: row.max_power_dbm });
        }
        Ok(row.limit)
    }
}

impl fmt::Display for Channel {
    /// `CA 915.500 MHz SF9/500 22 dBm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, frequency_hz, rate, power_dbm } = self;
        write!(f, "{region} {} {rate} {power_dbm} dBm", Megahertz(*frequency_hz))
    }
}

/// A frequency to the kilohertz, rounded down.
struct Megahertz(u32);

impl fmt::Display for Megahertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} MHz", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

/// Why nothing may be transmitted on a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Unlawful {
    /// The frequency is in no band of the region.
    OutsideBands {
        /// The frequency.
        frequency_hz: u32,
    },
    /// No row allows this bandwidth at this frequency, or the signal reaches over the edge of the band.
    BandwidthForbidden {
        /// The bandwidth.
        bandwidth: Bandwidth,
    },
    /// This bandwidth is for stations that hop; Fanal stays on its channel.
    HoppingRequired {
        /// The bandwidth.
        bandwidth: Bandwidth,
        /// The least number of channels to hop over.
        channels: u8,
    },
    /// The power is above what is allowed.
    PowerTooHigh {
        /// What is allowed, dBm.
        max_power_dbm: i8,
    },
}

impl fmt::Display for Unlawful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OutsideBands { frequency_hz } => {
                write!(f, "{} is outside every band of this region", Megahertz(frequency_hz))
            }
            Self::BandwidthForbidden { bandwidth } => {
                write!(f, "a bandwidth of {} kHz is not allowed at this frequency", bandwidth.hz() / 1_000)
            }
            Self::HoppingRequired { bandwidth, channels } => write!(
                f,
                "a bandwidth of {} kHz is only for stations that hop over {channels} channels or more here",
                bandwidth.hz() / 1_000
            ),
            Self::PowerTooHigh { max_power_dbm } => {
                write!(f, "the power is above the {max_power_dbm} dBm that are allowed here")
            }
        }
    }
}

impl core::error::Error for Unlawful {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn channel(region: RegionCode, frequency_hz: u32, rate: &str, power_dbm: i8) -> Channel {
        Channel { region, frequency_hz, rate: rate.parse().unwrap(), power_dbm }
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn home_channels_are_lawful() {
        assert_eq!(Channel::home(RegionCode::Ca).lawful(), Ok(Limit::Unlimited));
        assert_eq!(Channel::home(RegionCode::Us).lawful(), Ok(Limit::Unlimited));
        assert_eq!(
            Channel::home(RegionCode::Eu).lawful(),
            Ok(Limit::DutyCycle { permille: 100, window: HOUR })
        );
        assert_eq!(Channel::home(RegionCode::Eu).to_string(), "EU 869.525 MHz SF10/250 22 dBm");
    }

    #[test]
    fn regions_agree_with_their_code() {
        for code in RegionCode::ALL {
            assert_eq!(Region::of(code).code, code);
            assert_eq!(Region::of(code).home.region, code);
            assert_eq!(code.to_string().parse(), Ok(code));
        }
        assert_eq!("ca".parse(), Ok(RegionCode::Ca));
        assert_eq!("UK".parse::<RegionCode>(), Err(UnknownRegion));
    }

    #[test]
    fn rows_are_well_formed() {
        for code in RegionCode::ALL {
            for row in Region::of(code).sub_bands {
                assert!(row.low_hz < row.high_hz && row.hopping_channels >= 1 && !row.bandwidths.is_empty());
                if let Limit::DutyCycle { permille, window } = row.limit {
                    assert!((1..1_000).contains(&permille) && window == HOUR);
                }
            }
        }
    }

    #[test]
    fn european_sub_bands_have_their_own_duty_cycle() {
        for (frequency_hz, permille) in [
            (863_100_000, 1),
            (864_937_500, 1),
            (865_062_500, 10),
            (867_900_000, 10),
            (868_100_000, 10),
            (868_537_500, 10),
            (868_762_500, 1),
            (869_137_500, 1),
            (869_525_000, 100),
            (869_762_500, 10),
            (869_937_500, 10),
        ] {
            let limit = channel(RegionCode::Eu, frequency_hz, "SF9/125", 14).lawful();
            assert_eq!(limit, Ok(Limit::DutyCycle { permille, window: HOUR }), "{frequency_hz}");
        }
    }

    #[test]
    fn signals_must_lie_within_the_edges_of_a_sub_band() {
        let forbidden = |bandwidth| Err(Unlawful::BandwidthForbidden { bandwidth });
        assert_eq!(
            channel(RegionCode::Eu, 869_524_999, "SF9/250", 14).lawful(),
            forbidden(Bandwidth::Khz250)
        );
        assert_eq!(
            channel(RegionCode::Eu, 868_600_000, "SF9/125", 14).lawful(),
            forbidden(Bandwidth::Khz125)
        );
        assert_eq!(
            channel(RegionCode::Us, 927_750_001, "SF9/500", 14).lawful(),
            forbidden(Bandwidth::Khz500)
        );
        assert_eq!(channel(RegionCode::Us, 927_750_000, "SF9/500", 14).lawful(), Ok(Limit::Unlimited));
    }

    #[test]
    fn frequencies_outside_every_band_are_refused() {
        for (region, frequency_hz) in [
            (RegionCode::Eu, 915_500_000),
            (RegionCode::Eu, 868_650_000),
            (RegionCode::Eu, 869_300_000),
            (RegionCode::Ca, 869_525_000),
            (RegionCode::Us, 0),
            (RegionCode::Us, u32::MAX),
        ] {
            assert_eq!(
                channel(region, frequency_hz, "SF9/500", 0).lawful(),
                Err(Unlawful::OutsideBands { frequency_hz })
            );
        }
    }

    #[test]
    fn power_stops_at_the_limit_of_the_row() {
        let mut home = Channel::home(RegionCode::Eu);
        home.power_dbm = 27;
        assert!(home.lawful().is_ok());
        home.power_dbm = 28;
        assert_eq!(home.lawful(), Err(Unlawful::PowerTooHigh { max_power_dbm: 27 }));
        let mut home = Channel::home(RegionCode::Ca);
        home.power_dbm = 31;
        assert_eq!(home.lawful(), Err(Unlawful::PowerTooHigh { max_power_dbm: 30 }));
        assert_eq!(
            home.lawful().unwrap_err().to_string(),
            "the power is above the 30 dBm that are allowed here"
        );
    }

    #[test]
    fn a_narrow_signal_on_one_fixed_channel_is_unlawful_in_north_america() {
        for region in [RegionCode::Ca, RegionCode::Us] {
            for (rate, bandwidth, channels) in
                [("SF11/250", Bandwidth::Khz250, 25), ("SF9/125", Bandwidth::Khz125, 50)]
            {
                assert_eq!(
                    channel(region, 915_500_000, rate, 0).lawful(),
                    Err(Unlawful::HoppingRequired { bandwidth, channels })
                );
            }
        }
    }
}
