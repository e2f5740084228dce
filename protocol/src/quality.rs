//! How well a frame was heard.

use serde::{Deserialize, Serialize};

/// Signal figures of one received frame, as the radio measured them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Quality {
    /// Received signal strength, dBm.
    pub rssi_dbm: i16,
    /// Signal-to-noise ratio in quarter decibels, as an SX126x reports it.
    pub snr_quarter_db: i8,
}

impl Quality {
    /// Signal-to-noise ratio in whole decibels, rounded towards zero.
    pub const fn snr_db(self) -> i8 {
        self.snr_quarter_db / 4
    }
}
