//! Runs a scenario and says what came of it.
//!
//! Both protocols get the same field, the same texts at the same times and the same power: these follow from the
//! scenario and the seed alone. What each figure of an [`Outcome`] counts is defined in `docs/simulator.md`.

mod field;
mod outcome;
mod reach;
#[cfg(test)]
mod tests;
mod traffic;

use fanal_protocol::time::{Duration, Instant};

use crate::scenario::{Protocol, Scenario};
use crate::station::Station;
use crate::world::World;
use field::Field;
pub use outcome::{Delays, Outcome};
use reach::Reach;
use traffic::Texts;

/// Runs `scenario` to its end. `progress` is told the virtual time every hundredth of the way.
///
/// # Panics
/// When an index of the scenario is not that of a node, or Fanal is to carry a text for everybody
/// ([`Scenario::has_rooms`]), which it cannot yet.
pub fn run(scenario: &Scenario, seed: u64, progress: impl FnMut(Instant)) -> Outcome {
    match scenario.protocol {
        Protocol::Fanal => {
            let mut world = World::<Station>::field(scenario, seed);
            let mut outcome = carry(&mut world, scenario, seed, progress);
            outcome.violations = world.report().violations;
            outcome
        }
        Protocol::ManagedFlood => carry(&mut field::flooding(scenario, seed), scenario, seed, progress),
    }
}

fn carry<S: crate::occupant::Occupant>(
    world: &mut World<S>,
    scenario: &Scenario,
    seed: u64,
    mut progress: impl FnMut(Instant),
) -> Outcome
where
    World<S>: Field,
{
    let (power, end) = (scenario.power(), Instant::ZERO + scenario.duration);
    world.plan_power(&power, end);
    let reach = Reach::new(world.neighbors(scenario), power);
    let mut texts = Texts::new(scenario, seed);
    let hundredth = (scenario.duration / 100).max(Duration::from_millis(1));
    let mut next_mark = Instant::ZERO;
    loop {
        let next = texts.at().filter(|at| *at < end).unwrap_or(end);
        while next_mark <= next {
            world.run_until(next_mark);
            progress(next_mark);
            next_mark += hundredth;
        }
        world.run_until(next);
        if next == end {
            return outcome::of(world, &reach, end);
        }
        if let Some(text) = texts.next() {
            world.write(text, scenario.lifetime);
        }
    }
}
