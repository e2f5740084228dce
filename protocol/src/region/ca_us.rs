//! Canada and the United States, 902–928 MHz: 47 CFR 15.247 and RSS-247, which agree on these rows.
//!
//! Powers are conducted, with an antenna of 6 dBi at most; with more gain, as much less power.

use super::{Bandwidth, Channel, Limit, Rate, Region, RegionCode, SpreadingFactor, SubBand};
use crate::time::Duration;

/// One watt.
const ONE_WATT_DBM: i8 = 30;
/// 250 mW is 23.98 dBm.
const QUARTER_WATT_DBM: i8 = 24;
/// How long a hopping station may stay on one channel in each of the windows below.
const DWELL: Duration = Duration::from_millis(400);

const ROWS: &[SubBand] = &[
    // Digital modulation: 6 dB bandwidth of 500 kHz or more, 8 dBm in any 3 kHz. One watt spread over 500 kHz is
    // 7.8 dBm in 3 kHz. 15.247(a)(2), (b)(3), (e); RSS-247 5.2, 5.4 d).
    SubBand {
        low_hz: 902_000_000,
        high_hz: 928_000_000,
        max_power_dbm: ONE_WATT_DBM,
        limit: Limit::Unlimited,
        bandwidths: &[Bandwidth::Khz500],
        hopping_channels: 1,
    },
    // Hopping, 20 dB bandwidth below 250 kHz. 15.247(a)(1)(i), (b)(2); RSS-247 5.1 c), 5.4 a).
    SubBand {
        low_hz: 902_000_000,
        high_hz: 928_000_000,
        max_power_dbm: ONE_WATT_DBM,
        limit: Limit::Dwell { limit: DWELL, window: Duration::from_secs(20) },
        bandwidths: &[Bandwidth::Khz125],
        hopping_channels: 50,
    },
    // Hopping, 20 dB bandwidth from 250 to 500 kHz, from 25 channels; one watt from 50. The same clauses.
    SubBand {
        low_hz: 902_000_000,
        high_hz: 928_000_000,
        max_power_dbm: QUARTER_WATT_DBM,
        limit: Limit::Dwell { limit: DWELL, window: Duration::from_secs(10) },
        bandwidths: &[Bandwidth::Khz250],
        hopping_channels: 25,
    },
];

/// 915.5 MHz: above the uplinks of LoRaWAN (to 914.9 MHz), below its downlinks (from 923.3 MHz).
const fn home(region: RegionCode) -> Channel {
    Channel {
        region,
        frequency_hz: 915_500_000,
        rate: Rate::new(SpreadingFactor::Sf9, Bandwidth::Khz500),
        power_dbm: 22,
    }
}

/// Canada.
pub(super) const CANADA: Region = Region {
    code: RegionCode::Ca,
    sub_bands: ROWS,
    home: home(RegionCode::Ca),
    clause: "RSS-247 sections 5.1, 5.2, 5.4",
};

/// The United States.
pub(super) const UNITED_STATES: Region = Region {
    code: RegionCode::Us,
    sub_bands: ROWS,
    home: home(RegionCode::Us),
    clause: "47 CFR 15.247 (a), (b), (e)",
};
