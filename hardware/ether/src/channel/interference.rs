//! How much stronger than another a frame must be to survive it.

use fanal_protocol::region::{Channel, SpreadingFactor};

/// Rows: the wanted frame's spreading factor, SF7 to SF12. Columns: the interferer's. Least ratio of the wanted
/// signal to the interferer, dB. Croce et al., "Impact of LoRa imperfect orthogonality" (IEEE Communications
/// Letters 22/4, 2018), table I; the diagonal is replaced by the capture threshold of the settings.
const REJECTION_DB: [[f64; 6]; 6] = [
    [1.0, -8.0, -9.0, -9.0, -9.0, -9.0],
    [-11.0, 1.0, -11.0, -12.0, -13.0, -13.0],
    [-15.0, -13.0, 1.0, -13.0, -14.0, -15.0],
    [-19.0, -18.0, -17.0, 1.0, -17.0, -18.0],
    [-22.0, -22.0, -21.0, -20.0, 1.0, -20.0],
    [-25.0, -25.0, -25.0, -24.0, -23.0, 1.0],
];

/// Whether chirps of `b` look like those of `a`: the same slope in the same place.
pub(super) fn same_chirps(a: &Channel, b: &Channel) -> bool {
    // A quarter of the bandwidth is how far an SX126x still follows an offset.
    a.rate.spreading_factor == b.rate.spreading_factor
        && a.rate.bandwidth == b.rate.bandwidth
        && a.frequency_hz.abs_diff(b.frequency_hz) <= a.rate.bandwidth.hz() / 4
}

/// The least ratio of `wanted` to `other`, dB, at which `wanted` survives; `None` when they do not meet.
pub(super) fn rejection_db(wanted: &Channel, other: &Channel, capture_db: f64) -> Option<f64> {
    if same_chirps(wanted, other) {
        return Some(capture_db);
    }
    let reach_hz = (wanted.rate.bandwidth.hz() + other.rate.bandwidth.hz()) / 2;
    if wanted.frequency_hz.abs_diff(other.frequency_hz) >= reach_hz {
        return None;
    }
    let table = wanted.rate.bandwidth == other.rate.bandwidth
        && wanted.rate.spreading_factor != other.rate.spreading_factor
        && wanted.frequency_hz.abs_diff(other.frequency_hz) <= wanted.rate.bandwidth.hz() / 4;
    let (row, column) = (index(wanted.rate.spreading_factor), index(other.rate.spreading_factor));
    if table
        && row != column
        && let Some(rejection) = REJECTION_DB.get(row).and_then(|columns| columns.get(column))
    {
        return Some(*rejection);
    }
    // Nothing was measured for other bandwidths and shifted centres: chirps of another slope despread to noise.
    Some(f64::from(wanted.rate.snr_limit_quarter_db()) / 4.0)
}

/// The table's row; SF5 and SF6, which nobody has measured, have none.
fn index(factor: SpreadingFactor) -> usize {
    usize::from(factor.bits()).wrapping_sub(7)
}

#[cfg(test)]
mod tests {
    use fanal_protocol::region::{Bandwidth, CodingRate, Rate, RegionCode};

    use super::*;

    fn channel(spreading_factor: SpreadingFactor, bandwidth: Bandwidth, frequency_hz: u32) -> Channel {
        let rate = Rate { spreading_factor, bandwidth, coding_rate: CodingRate::Cr4_5 };
        Channel { region: RegionCode::Ca, frequency_hz, rate, power_dbm: 14 }
    }

    #[test]
    fn the_same_chirps_need_the_capture_threshold() {
        let a = channel(SpreadingFactor::Sf9, Bandwidth::Khz500, 915_000_000);
        assert_eq!(rejection_db(&a, &a, 6.0), Some(6.0));
    }

    #[test]
    fn other_spreading_factors_follow_the_table() {
        let a = channel(SpreadingFactor::Sf7, Bandwidth::Khz125, 868_100_000);
        let b = channel(SpreadingFactor::Sf12, Bandwidth::Khz125, 868_100_000);
        assert_eq!(rejection_db(&a, &b, 6.0), Some(-9.0));
        assert_eq!(rejection_db(&b, &a, 6.0), Some(-25.0));
    }

    #[test]
    fn what_was_never_measured_counts_as_noise() {
        let a = channel(SpreadingFactor::Sf5, Bandwidth::Khz125, 868_100_000);
        let b = channel(SpreadingFactor::Sf12, Bandwidth::Khz125, 868_100_000);
        assert_eq!(rejection_db(&a, &b, 6.0), Some(-2.5));
        let wide = channel(SpreadingFactor::Sf12, Bandwidth::Khz500, 868_100_000);
        assert_eq!(rejection_db(&b, &wide, 6.0), Some(-20.0));
    }

    #[test]
    fn separate_channels_do_not_meet() {
        let a = channel(SpreadingFactor::Sf9, Bandwidth::Khz125, 868_100_000);
        let b = channel(SpreadingFactor::Sf9, Bandwidth::Khz125, 868_300_000);
        assert_eq!(rejection_db(&a, &b, 6.0), None);
    }
}
