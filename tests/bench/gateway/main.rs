//! What the gateway adds to an XMPP server, and what it carries: round trips from Alice's app to a handheld and back,
//! beside a component that does nothing but answer; with a real Prosody and an air that takes no time.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../measure/mod.rs"]
mod measure;
mod modem;
mod site;

use std::path::Path;
use std::time::{Duration, Instant};

use fanal_gateway::config::Config;
use fanal_gateway::prosody::Error;
use fanal_gateway::store::outbox::Limits;
use fanal_gateway::store::{SqliteStore, Store};
use measure::{milliseconds, percentile};
use modem::{HANDHELDS, Modem};
use site::{Alice, Daemon, Trips};

/// Texts that Alice does not wait for when she is in a hurry.
const WINDOW: usize = 16;

/// How much is measured.
struct Amount {
    single: usize,
    pipelined: usize,
    warm_up: usize,
    commits: u32,
    idle: Duration,
}

/// The word that makes this program the daemon, with its settings in the file named next: what `fanal gateway` runs,
/// in a process of its own.
const DAEMON: &str = "--daemon";

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == DAEMON) {
        return daemon(Path::new(&arguments.next().unwrap()));
    }
    let amount = if measure::wanted() {
        Amount { single: 300, pipelined: 1_000, warm_up: 20, commits: 300, idle: Duration::from_secs(2) }
    } else {
        Amount { single: 1, pipelined: 2, warm_up: 0, commits: 1, idle: Duration::ZERO }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&amount));
}

fn daemon(settings: &Path) {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let config = Config::load(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(fanal_gateway::daemon::run(config)).unwrap();
}

async fn run(amount: &Amount) {
    let server = match site::server().await {
        Err(error @ Error::NotInstalled(_)) if measure::wanted() => {
            println!("\nThe gateway was not measured: {error}");
            return;
        }
        server => server.unwrap(),
    };
    let folder = tempfile::tempdir().unwrap();
    let commit = commit(folder.path(), amount.commits).await;
    let mut modem = Modem::plug_in(&folder.path().join("modem"));
    let daemon = Daemon::start(&server, folder.path()).await;
    site::attach_echo(&server).await;
    let mut alice = Alice::connect(&server).await;
    tokio::time::sleep(amount.idle).await;
    let idle = daemon.memory_mib("VmRSS");

    let (echo, first) = ([site::echo()], [site::handheld(0)]);
    let all: Vec<_> = (0..HANDHELDS).map(site::handheld).collect();
    alice.round_trips(&echo, amount.warm_up, 1).await;
    alice.round_trips(&all, amount.warm_up, 1).await;
    let nothing = alice.round_trips(&echo, amount.single, 1).await;
    let nothing_pipelined = alice.round_trips(&echo, amount.pipelined, WINDOW).await;
    let mut rows = vec![
        row("a component that only answers, one by one", &nothing, &nothing, None),
        row(
            &format!("a component that only answers, {WINDOW} under way"),
            &nothing_pipelined,
            &nothing_pipelined,
            None,
        ),
    ];

    let before = daemon.cpu_time();
    let single = alice.round_trips(&first, amount.single, 1).await;
    rows.push(row("gateway, one by one", &single, &nothing, Some(daemon.cpu_time() - before)));
    let before = daemon.cpu_time();
    let pair = alice.round_trips(&first, amount.pipelined, WINDOW).await;
    let cpu = daemon.cpu_time() - before;
    rows.push(row(
        &format!("gateway, {WINDOW} under way to one handheld"),
        &pair,
        &nothing_pipelined,
        Some(cpu),
    ));
    let before = daemon.cpu_time();
    let many = alice.round_trips(&all, amount.pipelined, WINDOW).await;
    let cpu = daemon.cpu_time() - before;
    let words = format!("gateway, {WINDOW} under way to {HANDHELDS} handhelds");
    rows.push(row(&words, &many, &nothing_pipelined, Some(cpu)));

    let (heard, proven) = from_the_air(&mut modem, &mut alice, amount.single).await;
    let columns = ["", "per second", "p50 ms", "p99 ms", "x answering", "CPU ms each"];
    let title = "From Alice's app to the handheld, the receipt back";
    measure::print_table(title, &columns, &rows);

    let rows = [
        figure("one commit on this disk", &commit),
        figure("from the handheld's frame to Alice's app", &heard),
        figure("from the handheld's frame to its receipt, by way of Alice's app", &proven),
    ];
    measure::print_table("The store, and the other way round", &["", "p50 ms", "p99 ms"], &rows);

    let rows = [
        vec!["idle".into(), idle],
        vec!["after the run".into(), daemon.memory_mib("VmRSS")],
        vec!["at most".into(), daemon.memory_mib("VmHWM")],
    ];
    measure::print_table("Resident memory of the daemon", &["", "MiB"], &rows);
    let added = percentile(&single.each, 0.5).saturating_sub(percentile(&nothing.each, 0.5));
    println!("\n  the gateway adds {} ms to a round trip (p50)", milliseconds(added));
}

fn row(words: &str, trips: &Trips, baseline: &Trips, cpu: Option<Duration>) -> Vec<String> {
    let rate = |trips: &Trips| trips.each.len() as f64 / trips.all.as_secs_f64();
    vec![
        words.into(),
        format!("{:.0}", rate(trips)),
        milliseconds(percentile(&trips.each, 0.5)),
        milliseconds(percentile(&trips.each, 0.99)),
        format!("{:.3}", rate(trips) / rate(baseline)),
        cpu.map_or("-".into(), |cpu| milliseconds(cpu / trips.each.len().max(1) as u32)),
    ]
}

fn figure(words: &str, samples: &[Duration]) -> Vec<String> {
    vec![words.into(), milliseconds(percentile(samples, 0.5)), milliseconds(percentile(samples, 0.99))]
}

/// One change after the other, each durable before the next: what a disk allows.
async fn commit(folder: &Path, count: u32) -> Vec<Duration> {
    let store = SqliteStore::open(&folder.join("commits.sqlite"), Limits::default()).unwrap();
    let mut each = Vec::new();
    for number in 1..=count {
        let started = Instant::now();
        store.tick(u64::from(number)).await.unwrap();
        each.push(started.elapsed());
    }
    each
}

/// Rosa writes; Alice's app says that it has her text; Rosa's handheld learns of it.
async fn from_the_air(modem: &mut Modem, alice: &mut Alice, count: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut heard, mut proven) = (Vec::new(), Vec::new());
    for number in 0..count {
        let started = Instant::now();
        modem.write(&format!("{number:0>5} Il neige ici, la route est ferm\u{e9}e."));
        let text = alice.text().await;
        heard.push(started.elapsed());
        alice.confirm(&text).await;
        modem.delivered.recv().await.unwrap();
        proven.push(started.elapsed());
    }
    (heard, proven)
}
