use super::*;

mod mesh;

use mesh::{LONGEST, Mesh};

#[test]
fn probe() {
    for (size, reach) in [(10, 2.0), (30, 2.0), (60, 2.0), (10, 0.4), (30, 0.25), (60, 0.17)] {
        for seed in 0..3 {
            let mut mesh = Mesh::scattered(size, reach, seed);
            let took = mesh.converge(LONGEST * 6);
            let start = mesh.traffic;
            let (mut worst, mut sum, mut n) = (1.0f64, 0.0, 0);
            let t0 = mesh.now;
            for _ in 0..24 {
                mesh.run_until(mesh.now + Duration::from_secs(300));
                let (c, r) = mesh.coverage();
                let share = r as f64 / c as f64;
                worst = worst.min(share);
                sum += share;
                n += 1;
            }
            let end = mesh.traffic;
            let hours = (mesh.now - t0).as_secs_f64() / 3600.0;
            let entries: usize = (0..size).map(|s| mesh.station(s).routes().count()).sum::<usize>() / size;
            std::println!(
                "{size} {reach} seed {seed}: {took:?} start {start:?}; then per node-hour beacons {:.1} octets {:.0} airtime {:.2}s; worst {worst:.4} mean {:.5} routes {entries}",
                (end.beacons - start.beacons) as f64 / hours / size as f64,
                (end.octets - start.octets) as f64 / hours / size as f64,
                (end.airtime - start.airtime).as_secs_f64() / hours / size as f64,
                sum / n as f64
            );
        }
    }
}
