//! A world made after a scenario, for either protocol.

use std::collections::BTreeMap;

use fanal_protocol::id::NodeId;
use fanal_protocol::priority::Priority;
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::Role;

use crate::channel::{PathLoss, Propagation, Settings, StationId};
use crate::fault::Fault;
use crate::flood::Flooder;
use crate::occupant::Occupant;
use crate::scenario::{Path, Scenario, Send};
use crate::station::{Letter, Setup, Station};
use crate::world::World;

/// Time between the beacons of gateways and handhelds alike.
const BEACON_INTERVAL: Duration = Duration::from_secs(600);
/// Where the addresses of gateways begin. Each has sixteen, whose first is its own; the others follow behind them.
const FIRST_ADDRESS: u16 = 0x0100;
/// Loss of a listed link, dB: well above every rate's sensitivity, and the same for all.
const LISTED_DB: f64 = 100.0;

/// What a simulation asks of a world.
pub(super) trait Field {
    /// Gives a text to its writer.
    fn write(&mut self, text: Send, lifetime: Duration);
}

impl World<Station> {
    /// The nodes of a scenario, switched off.
    pub(super) fn field(scenario: &Scenario, seed: u64) -> Self {
        let mut world = World::new(settings(scenario), scenario.channel, seed).without_history();
        for (node, address) in scenario.nodes.iter().zip(addresses(scenario)) {
            let setup = match node.role {
                Role::Gateway => Setup::gateway(address, node.position),
                Role::Relay => Setup::relay(address, node.position),
                role => Setup { role, ..Setup::handheld(address, node.position) },
            };
            world.add(Setup { beacon_interval: BEACON_INTERVAL, ..setup });
        }
        set_faults(&mut world, scenario);
        world
    }

    /// Where a person at this node is reached: behind a gateway it is not the gateway's own address.
    fn person(&self, node: usize) -> (StationId, NodeId) {
        let station = StationId(node);
        let setup = self.station(station).setup();
        let person = if setup.role == Role::Gateway { NodeId(setup.node.0 | 1) } else { setup.node };
        (station, person)
    }
}

impl Field for World<Station> {
    fn write(&mut self, Send { source, destination, text, .. }: Send, lifetime: Duration) {
        let destination = destination.expect("a scenario with rooms is not for this protocol");
        let (near, far) = (self.person(source), self.person(destination));
        // Where there is no room for one more acquaintance the station refuses the letter, and that is counted.
        self.introduce(near, far);
        let letter = Letter { source: near.1, destination: far.1, text, lifetime, priority: Priority::Text };
        self.send(near.0, letter, Duration::ZERO);
    }
}

/// The nodes of a scenario as flooding nodes, switched off.
pub(super) fn flooding(scenario: &Scenario, seed: u64) -> World<Flooder> {
    let mut world = World::flooding(settings(scenario), scenario.channel, seed).without_history();
    for (node, address) in scenario.nodes.iter().zip(addresses(scenario)) {
        world.add_flooder(address, node.position);
    }
    set_faults(&mut world, scenario);
    world
}

impl Field for World<Flooder> {
    fn write(&mut self, Send { source, destination, text, .. }: Send, lifetime: Duration) {
        let node = |node: usize| self.station(StationId(node)).node();
        let (source, destination, station) =
            (node(source), destination.map_or(NodeId::BROADCAST, node), StationId(source));
        let letter = Letter { source, destination, text, lifetime, priority: Priority::Text };
        self.send(station, letter, Duration::ZERO);
    }
}

impl<S: Occupant> World<S> {
    /// Switches the stations on and off at these times. Whoever is on at the end stays so: what it still sees to is
    /// asked then.
    pub(super) fn plan_power(&mut self, power: &[Vec<(Instant, Instant)>], end: Instant) {
        for (station, intervals) in power.iter().enumerate() {
            for (from, to) in intervals {
                self.power(StationId(station), true, *from - Instant::ZERO);
                if *to < end {
                    self.power(StationId(station), false, *to - Instant::ZERO);
                }
            }
        }
    }

    pub(super) fn run_until(&mut self, until: Instant) {
        self.run_for(until - self.now());
    }

    /// Who hears each station, as far as a frame can get through.
    pub(super) fn neighbors(&mut self, scenario: &Scenario) -> Vec<Vec<usize>> {
        let nodes = scenario.nodes.len();
        let Path::Table(links) = &scenario.path else {
            let hear = |node: usize| self.audience(StationId(node)).iter().map(|station| station.0).collect();
            return (0..nodes).map(hear).collect();
        };
        let mut neighbors = vec![Vec::new(); nodes];
        for link in links.iter().filter(|link| link.loss < 1.0) {
            neighbors[link.a].push(link.b);
            neighbors[link.b].push(link.a);
        }
        neighbors
    }
}

fn settings(scenario: &Scenario) -> Settings {
    let propagation = match &scenario.path {
        Path::Model(propagation) => propagation.clone(),
        Path::Table(links) => {
            let both = |link: &crate::scenario::Link| {
                let (a, b) = (StationId(link.a), StationId(link.b));
                [((a, b), LISTED_DB), ((b, a), LISTED_DB)]
            };
            let table = BTreeMap::from_iter(links.iter().flat_map(both));
            Propagation { path_loss: PathLoss::Table(table), shadowing_db: 0.0 }
        }
    };
    Settings { propagation, ..Settings::room() }
}

fn set_faults<S: Occupant>(world: &mut World<S>, scenario: &Scenario) {
    let Path::Table(links) = &scenario.path else { return };
    for link in links.iter().filter(|link| link.loss > 0.0) {
        let (a, b) = (StationId(link.a), StationId(link.b));
        for (source, destination) in [(a, b), (b, a)] {
            world.faults_mut().set_link(source, destination, Some(Fault::loss(link.loss)));
        }
    }
}

fn addresses(scenario: &Scenario) -> impl Iterator<Item = NodeId> {
    let gateways = scenario.nodes.iter().filter(|node| node.role == Role::Gateway).count();
    let (mut gateway, mut other) = (FIRST_ADDRESS, FIRST_ADDRESS + 16 * gateways as u16);
    scenario.nodes.iter().map(move |node| {
        let (next, step) = if node.role == Role::Gateway { (&mut gateway, 16) } else { (&mut other, 1) };
        // The address of a house is a gateway's: what has no way of its own is sent there.
        if step == 1 && next.is_multiple_of(16) {
            *next += 1;
        }
        *next += step;
        NodeId(*next - step)
    })
}
