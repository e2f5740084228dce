//! Europe, 863–870 MHz: ERC recommendation 70-03 annex 1, EN 300 220-2, (EU) 2019/1345.
//!
//! The rules count effective radiated power, which is what a half-wave dipole (2.15 dBi) is fed with; with more gain,
//! as much less power. 500 kHz is left out: no row was written for it.

use super::{Bandwidth, Channel, Limit, Rate, Region, RegionCode, SpreadingFactor, SubBand};
use crate::time::Duration;

/// 25 mW is 13.98 dBm.
const LOW_POWER_DBM: i8 = 14;
/// 500 mW is 26.99 dBm.
const HIGH_POWER_DBM: i8 = 27;

const fn row(low_khz: u32, high_khz: u32, max_power_dbm: i8, permille: u16) -> SubBand {
    SubBand {
        low_hz: low_khz * 1_000,
        high_hz: high_khz * 1_000,
        max_power_dbm,
        limit: Limit::DutyCycle { permille, window: Duration::from_secs(3_600) },
        bandwidths: &[Bandwidth::Khz125, Bandwidth::Khz250],
        hopping_channels: 1,
    }
}

/// Europe.
pub(super) const EUROPE: Region = Region {
    code: RegionCode::Eu,
    sub_bands: &[
        row(863_000, 865_000, LOW_POWER_DBM, 1),
        row(865_000, 868_000, LOW_POWER_DBM, 10),
        row(868_000, 868_600, LOW_POWER_DBM, 10),
        row(868_700, 869_200, LOW_POWER_DBM, 1),
        row(869_400, 869_650, HIGH_POWER_DBM, 100),
        row(869_700, 870_000, LOW_POWER_DBM, 10),
    ],
    home: Channel {
        region: RegionCode::Eu,
        frequency_hz: 869_525_000,
        rate: Rate::new(SpreadingFactor::Sf10, Bandwidth::Khz250),
        power_dbm: 22,
    },
    clause: "ERC 70-03 annex 1, EN 300 220-2, (EU) 2019/1345",
};
