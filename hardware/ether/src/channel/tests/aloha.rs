//! The model against theory: pure Aloha without capture, and a disc of nodes with it.

use std::f64::consts::TAU;

use fanal_protocol::region::CodingRate;

use super::*;

const FRAMES: u32 = 5_000;
const NODES: [usize; 4] = [100, 200, 400, 800];
const SUBURBAN: PathLoss = PathLoss::SuburbanMacro { transmitter_m: 1.0, receiver_m: 1.0 };

fn channel() -> Channel {
    let rate = Rate {
        spreading_factor: SpreadingFactor::Sf12,
        bandwidth: Bandwidth::Khz125,
        coding_rate: CodingRate::Cr4_8,
    };
    Channel { region: RegionCode::Eu, frequency_hz: 868_100_000, rate, power_dbm: 14 }
}

/// Frames on the air on average when each node sends 20 octets every 1e6 ms.
fn load(nodes: usize) -> f64 {
    nodes as f64 * channel().rate.time_on_air(20).as_secs_f64() / 1e3
}

/// Share of [`FRAMES`] frames that a gateway in the middle of a disc receives.
fn delivery_ratio(nodes: usize, reception: Reception, path_loss: PathLoss) -> f64 {
    let mut settings = Settings::room();
    settings.propagation = Propagation { path_loss, shadowing_db: 0.0 };
    settings.reception = Reception { failed_crc: false, ..reception };
    let mut ether = Ether::new(settings, 4);
    let mut jitter = Jitter::new(nodes as u64);
    let gateway = ether.join(Position::default());
    ether.listen(gateway, &channel(), Instant::ZERO).unwrap();
    for _ in 0..nodes {
        // Uniform in a disc whose edge is in range with either model (545 m with the shorter).
        let (radius, angle) = (540.0 * uniform(&mut jitter).sqrt(), TAU * uniform(&mut jitter));
        let node = ether.join(Position::new(radius * angle.cos(), radius * angle.sin()));
        assert!(ether.in_range(node, gateway, &channel()));
    }

    let mean_s = 1_000.0 / nodes as f64;
    let (mut now, mut received, mut sent) = (Instant::ZERO, 0u32, 0u32);
    while sent < FRAMES {
        now += Duration::from_secs_f64(-mean_s * (1.0 - uniform(&mut jitter)).ln());
        let node = StationId(1 + jitter.below(nodes as u64) as usize);
        sent += u32::from(ether.transmit(node, &[0; 20], &channel(), now).is_ok());
        while let Some(event) = ether.poll(now) {
            received += u32::from(matches!(event.what, What::Received { .. }));
        }
    }
    f64::from(received) / f64::from(sent)
}

/// Four standard deviations. Neighbouring frames share their fate: about twice the variance of independent draws.
fn tolerance(expected: f64) -> f64 {
    4.0 * (2.0 * expected * (1.0 - expected) / f64::from(FRAMES)).sqrt()
}

#[test]
fn without_capture_the_ratio_is_that_of_pure_aloha() {
    let reception = Reception { capture_db: None, ..Reception::SX126X };
    for nodes in NODES {
        let expected = (-2.0 * load(nodes)).exp();
        let measured = delivery_ratio(nodes, reception, PathLoss::BOR_2016);
        println!("{nodes} nodes: {measured:.3}, exp(-2G) = {expected:.3} +- {:.3}", tolerance(expected));
        assert!((measured - expected).abs() < tolerance(expected), "{nodes}: {measured} for {expected}");
    }
}

/// In a disc of radius 1 a node at `r` survives an interferer beyond `x·r`, where `x` is the ratio of distances that
/// makes the capture threshold; with `k = x²`, and `g` interferers on average in the vulnerable time, the ratio is
/// the mean of `exp(-g·min(1, k·r²))` over the disc.
fn disc(g: f64, k: f64) -> f64 {
    (1.0 - (-g).exp()) / (g * k) + (1.0 - 1.0 / k) * (-g).exp()
}

#[test]
fn with_capture_a_disc_delivers_what_theory_says() {
    let concentrator = Reception { demodulators: usize::MAX, ..Reception::SX126X };
    let symbols = channel().rate.time_on_air(20).as_secs_f64() / channel().rate.symbol().as_secs_f64();
    for (path_loss, per_decade_db) in [(PathLoss::BOR_2016, 20.8), (SUBURBAN, 44.9)] {
        let k = 10f64.powf(2.0 * 6.0 / per_decade_db);
        for nodes in NODES {
            // Three symbols of the preamble do not count.
            let g = load(nodes) * (2.0 - 3.0 / symbols);
            let (expected, measured) = (disc(g, k), delivery_ratio(nodes, concentrator, path_loss.clone()));
            println!("{per_decade_db} dB/decade, {nodes} nodes: {measured:.3}, theory {expected:.3}");
            assert!((measured - expected).abs() < tolerance(expected), "{nodes}: {measured} for {expected}");
        }
    }
}

/// The figures that other simulators give for a disc lie on those of a suburban path loss. A transceiver, which
/// follows one frame at a time, does a little worse than they say.
#[test]
fn the_known_figures_of_a_disc_are_met() {
    for (nodes, known) in NODES.into_iter().zip([0.80, 0.65, 0.44, 0.23]) {
        let concentrator = Reception { demodulators: 8, ..Reception::SX126X };
        let many = delivery_ratio(nodes, concentrator, SUBURBAN);
        let one = delivery_ratio(nodes, Reception::SX126X, SUBURBAN);
        println!("{nodes} nodes: {many:.3}, with one demodulator {one:.3}, known {known}");
        assert!((many - known).abs() < 0.04, "{nodes}: {many} for {known}");
        assert!(one <= many && one > many - 0.12, "{nodes}: {one} for {many}");
    }
}
