//! `fanal demo`: the whole chain on one machine, with a simulated air. It alone in this package knows simulated
//! hardware and firmware.
//!
//! ```text
//! site     the household: accounts, keys, settings      node    firmware under power, the air between
//! desk     handhelds and their text interfaces          line    what a handheld prints, for programs
//! script   --json: events out, commands in              talk    the demo for people
//! ```

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use fanal_ether::channel::Settings;
use fanal_ether::live::Air;
use fanal_gateway::config::Config;
use fanal_gateway::prosody::Prosody;
use fanal_gateway::words::{Language, say};
use fanal_gateway::{daemon, shutdown};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::sync::mpsc;

use super::log;

mod desk;
mod line;
mod node;
mod script;
mod site;
mod talk;

use desk::{Desk, Printed};
use line::Line;
use node::{Powered, Workshop};
use site::{HANDHELDS, Site};

pub(super) const NAME: &str = "demo";

/// Lines of handhelds that wait to be shown.
const PRINTED: usize = 256;

/// What runs the nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Firmware {
    /// Threads of this program.
    Host,
    /// The Cortex-M images, in an emulator.
    Qemu,
}

pub(super) fn command(language: Language) -> Command {
    let option = |name: &'static str, value: &'static str, key: &str| {
        Arg::new(name).long(name).value_name(value).help(say(language, key, &[]))
    };
    Command::new(NAME)
        .about(say(language, "demo-about", &[]))
        .arg(option("dir", "DIR", "demo-dir").value_parser(value_parser!(PathBuf)))
        .arg(option("port", "PORT", "demo-port").value_parser(value_parser!(u16).range(1..)))
        .arg(option("seed", "N", "demo-seed").value_parser(value_parser!(u64)))
        .arg(
            option("firmware", "host|qemu", "demo-firmware")
                .value_parser(["host", "qemu"])
                .default_value("host")
                .hide_default_value(true)
                .hide_possible_values(true),
        )
        .arg(
            option("loss", "0..1", "demo-loss")
                .value_parser(loss)
                .default_value("0")
                .hide_default_value(true),
        )
        .arg(Arg::new("json").long("json").help(say(language, "demo-json", &[])).action(ArgAction::SetTrue))
}

fn loss(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(loss) if (0.0..=1.0).contains(&loss) => Ok(loss),
        _ => Err("0..1".into()),
    }
}

/// Octets. A node is made on the stack before it goes where it lives, and without optimisation several times over.
const STACK: usize = 8 << 20;

pub(super) fn run(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(demonstrate(matches, language));
    // A thread that waits for the keyboard would otherwise hold up the end.
    runtime.shutdown_background();
    ended
}

async fn demonstrate(matches: &ArgMatches, language: Language) -> anyhow::Result<()> {
    let json = matches.get_flag("json");
    let (folder, _temporary) = folder(matches.get_one::<PathBuf>("dir"))?;
    let site = Site::open(&folder)?;
    log::to_file(&site.path("fanal.log"))?;
    if !json {
        println!("{}", say(language, "demo-starting", &[("folder", folder.display().to_string().into())]));
    }

    let prosody = Prosody::start(&site.plan(matches.get_one::<u16>("port").copied())).await?;
    let seed = match matches.get_one::<u64>("seed") {
        Some(seed) => *seed,
        None => getrandom::u64().map_err(io::Error::from)?,
    };
    let qemu = matches.get_one::<String>("firmware").is_some_and(|firmware| firmware == "qemu");
    let air = Air::new(Settings::room(), seed);
    air.set_loss(matches.get_one::<f64>("loss").copied().unwrap_or_default());
    let workshop = Workshop {
        air,
        firmware: if qemu { Firmware::Qemu } else { Firmware::Host },
        images: if qemu { build_images(json)? } else { PathBuf::new() },
        folder,
        seed,
    };

    let modem = workshop.modem(&site.path("modem"))?;
    let (printer, printed) = mpsc::channel(PRINTED);
    let mut desks = Vec::new();
    let mut keys = Vec::new();
    for handheld in &HANDHELDS {
        let (desk, key) = Desk::set_up(handheld, &workshop, &site, language, printer.clone()).await?;
        desks.push(desk);
        keys.push((handheld, key));
    }
    let settings = site.configure(prosody.component_address(), language, &keys)?;
    let gateway = tokio::spawn(daemon::run(Config::load(&settings)?));

    let house = House { site, workshop, modem: Some(modem), desks, printer, prosody };
    let input = BufReader::new(tokio::io::stdin()).lines();
    let talk = async {
        if json {
            script::run(house, printed, input).await
        } else {
            talk::run(house, printed, input, language).await
        }
    };
    tokio::select! {
        ended = talk => ended,
        ended = gateway => Ok(ended.context("the gateway")??),
        ended = shutdown::requested() => Ok(ended?),
    }
}

/// The folder of this run; a temporary one goes away at the end.
fn folder(chosen: Option<&PathBuf>) -> io::Result<(PathBuf, Option<TempDir>)> {
    match chosen {
        Some(chosen) => {
            std::fs::create_dir_all(chosen)?;
            Ok((chosen.canonicalize()?, None))
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("fanal-demo-").tempdir()?;
            Ok((temporary.path().into(), Some(temporary)))
        }
    }
}

/// Builds the emulator's images from the sources of this program, and returns their folder.
fn build_images(quiet: bool) -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join("firmware/build");
    let mut build = Process::new(&script);
    // Those of the compiler that runs this program would confuse the other one.
    build.arg("qemu").env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    if quiet {
        build.stdout(Stdio::null());
    }
    let status = build.status().with_context(|| script.display().to_string())?;
    if !status.success() {
        bail!("firmware/build qemu: {status}");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("firmware/thumbv7em-none-eabihf/firmware"))
}

/// Everything that runs.
struct House {
    site: Site,
    workshop: Workshop,
    modem: Option<Powered>,
    desks: Vec<Desk>,
    printer: mpsc::Sender<Printed>,
    prosody: Prosody,
}

type Input = Lines<BufReader<Stdin>>;

impl House {
    fn desk(&mut self, name: &str) -> Option<&mut Desk> {
        self.desks.iter_mut().find(|desk| desk.handheld.name.eq_ignore_ascii_case(name))
    }

    /// Switches a handheld or the modem. `false`: there is no such node.
    async fn power(&mut self, node: &str, on: bool) -> io::Result<bool> {
        if node.eq_ignore_ascii_case("modem") {
            if !on {
                // Waits for the modem's thread, which another thread of the runtime can do without.
                let modem = self.modem.take();
                tokio::task::spawn_blocking(move || drop(modem)).await?;
            } else if self.modem.is_none() {
                self.modem = Some(self.workshop.modem(&self.site.path("modem"))?);
            }
            return Ok(true);
        }
        let printer = self.printer.clone();
        let Some(desk) = self.desks.iter_mut().find(|desk| desk.handheld.name.eq_ignore_ascii_case(node))
        else {
            return Ok(false);
        };
        if on {
            desk.switch_on(&self.workshop, printer)?;
        } else {
            desk.switch_off();
        }
        Ok(true)
    }
}
