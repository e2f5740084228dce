//! The ether in real time, on tokio: firmware in this process and firmware behind a serial line share one air.
//!
//! [`Air::station`] gives a [`Radio`](fanal_radio::Radio) to firmware that runs as a task; [`Air::serve`] does the
//! same at the far end of a tunnel, for firmware in an emulator. Under a paused tokio clock everything is as
//! deterministic as the core ([`crate::channel`]).

mod radio;
#[cfg(test)]
mod tests;
mod tunnel;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fanal_protocol::quality::Quality;
use fanal_protocol::region::Channel;
use fanal_protocol::time::Instant;
use tokio::sync::{Notify, broadcast};

use crate::channel::{Ether, Event, Miss, Position, Settings, StationId, What};
use crate::fault::Fault;
pub use radio::LiveRadio;

/// Frames that a station keeps for its firmware; the oldest makes room for the newest.
const KEPT_FRAMES: usize = 8;
/// Observations that a slow observer may be behind before it loses some.
const OBSERVATIONS: usize = 1024;

/// A shared medium in real time. Clones are the same air; it lasts as long as one of them, or one of its radios.
#[derive(Clone)]
pub struct Air(Arc<Shared>);

struct Shared {
    started: tokio::time::Instant,
    core: Mutex<Core>,
    /// Something was told to the ether: its next deadline may have changed.
    changed: Arc<Notify>,
    observers: broadcast::Sender<Observation>,
}

struct Core {
    ether: Ether,
    stations: Vec<Station>,
}

/// A station and what its firmware waits for.
struct Station {
    name: Arc<str>,
    on: bool,
    /// Counts the radios that were given out for this station: only the last one works.
    radio: u64,
    channel: Option<Channel>,
    doing: Doing,
    kept: VecDeque<(Quality, Arc<[u8]>)>,
    news: Arc<Notify>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Nothing but listening, perhaps.
    Nothing,
    Transmitting,
    Detecting,
    /// The transmission has ended; its radio has not been told.
    Transmitted,
    /// As above, the channel was busy or not.
    Detected(bool),
    /// The power went off in the middle.
    Failed,
}

/// Something that an observer of the air sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// When, since the air began.
    pub at: Instant,
    /// The name of the station.
    pub station: Arc<str>,
    /// What it does or has done.
    pub what: Observed,
}

/// The kinds of [`Observation`].
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// It began to transmit.
    Transmits {
        /// The frame.
        frame: Arc<[u8]>,
        /// Where, how fast and how loud.
        channel: Channel,
        /// When its last symbol leaves.
        until: Instant,
    },
    /// It heard a frame.
    Received {
        /// The name of the sender.
        source: Arc<str>,
        /// What was heard.
        frame: Arc<[u8]>,
        /// How well.
        quality: Quality,
        /// Nothing was damaged.
        intact: bool,
    },
    /// It did not hear a frame that was strong enough.
    Missed {
        /// The name of the sender.
        source: Arc<str>,
        /// Why.
        reason: Miss,
    },
    /// It was switched on or off.
    Power {
        /// On.
        on: bool,
    },
}

impl Air {
    /// A silent air, whose time begins now.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let changed = Arc::new(Notify::new());
        let (observers, _) = broadcast::channel(OBSERVATIONS);
        let core = Core { ether: Ether::new(settings, seed), stations: Vec::new() };
        let started = tokio::time::Instant::now();
        let shared =
            Arc::new(Shared { started, core: Mutex::new(core), changed: changed.clone(), observers });
        tokio::spawn(drive(Arc::downgrade(&shared), changed));
        Self(shared)
    }

    /// The radio of the station `name`, which stands at `position`, switched on. If there was a radio of that name,
    /// its station is moved and reset, and the former radio answers `Disconnected` from now on.
    pub fn station(&self, name: &str, position: Position) -> LiveRadio {
        let now = self.0.now();
        let mut core = self.0.core();
        let index = match core.stations.iter().position(|station| &*station.name == name) {
            Some(index) => {
                core.ether.stop(StationId(index), now);
                core.ether.move_to(StationId(index), position);
                index
            }
            None => {
                // Stations here and in the ether are numbered alike: both only ever grow, and together.
                core.ether.join(position);
                core.stations.push(Station {
                    name: name.into(),
                    on: true,
                    radio: 0,
                    channel: None,
                    doing: Doing::Nothing,
                    kept: VecDeque::new(),
                    news: Arc::new(Notify::new()),
                });
                core.stations.len() - 1
            }
        };
        let former = &mut core.stations[index];
        former.news.notify_one();
        let news = Arc::new(Notify::new());
        let name = former.name.clone();
        let radio = former.radio + 1;
        *former = Station {
            name,
            on: former.on,
            radio,
            channel: None,
            doing: Doing::Nothing,
            kept: VecDeque::new(),
            news: news.clone(),
        };
        drop(core);
        self.0.changed.notify_one();
        LiveRadio::new(self.0.clone(), index, radio, news)
    }

    /// Of all frames on all links, this share (0.0 to 1.0) is lost from now on; nothing else goes wrong.
    pub fn set_loss(&self, loss: f64) {
        self.set_fault(Fault::loss(loss));
    }

    /// What goes wrong on all links from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.0.core().ether.faults_mut().set_everywhere(fault);
    }

    /// Switches a station's radio off (in the middle of whatever it does) or on again. While it is off it hears
    /// nothing and its firmware gets `Hardware` errors. `false`: there is no such station.
    pub fn set_power(&self, name: &str, on: bool) -> bool {
        let now = self.0.now();
        let mut core = self.0.core();
        let Some(index) = core.stations.iter().position(|station| &*station.name == name) else {
            return false;
        };
        let station = &mut core.stations[index];
        if station.on != on {
            station.on = on;
            station.kept.clear();
            if matches!(station.doing, Doing::Transmitting | Doing::Detecting) {
                station.doing = Doing::Failed;
            }
            station.news.notify_one();
            let observation =
                Observation { at: now, station: station.name.clone(), what: Observed::Power { on } };
            core.ether.stop(StationId(index), now);
            drop(core);
            self.0.changed.notify_one();
            // Nobody may be observing.
            let _ = self.0.observers.send(observation);
        }
        true
    }

    /// All that happens from now on. An observer that is 1024 observations behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Observation> {
        self.0.observers.subscribe()
    }

    /// Time since the air began.
    pub fn now(&self) -> Instant {
        self.0.now()
    }
}

/// Tells the ether when time has passed, and everybody what came of it, until nobody holds the air any more.
async fn drive(shared: Weak<Shared>, changed: Arc<Notify>) {
    loop {
        let deadline = {
            let Some(shared) = shared.upgrade() else { return };
            shared.pump()
        };
        match deadline {
            Some(deadline) => tokio::select! {
                () = tokio::time::sleep_until(deadline) => {}
                () = changed.notified() => {}
            },
            None => changed.notified().await,
        }
    }
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Hands out what has come to pass; returns when to come back.
    fn pump(&self) -> Option<tokio::time::Instant> {
        let mut core = self.core();
        while let Some(event) = core.ether.poll(self.now()) {
            if let Some(observation) = core.tell(event) {
                // Nobody may be observing.
                let _ = self.observers.send(observation);
            }
        }
        let deadline = core.ether.poll_timeout()?;
        Some(self.started + std::time::Duration::from_micros(deadline.as_micros()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

impl Core {
    fn tell(&mut self, event: Event) -> Option<Observation> {
        let name_of = |source: StationId| self.stations.get(source.0).map(|station| station.name.clone());
        let what = match event.what {
            What::Began { ref frame, channel, until, .. } => {
                Some(Observed::Transmits { frame: frame.clone(), channel, until })
            }
            What::Received { source, ref frame, quality, intact, .. } => {
                Some(Observed::Received { source: name_of(source)?, frame: frame.clone(), quality, intact })
            }
            What::Missed { source, reason, .. } => {
                Some(Observed::Missed { source: name_of(source)?, reason })
            }
            What::Transmitted { .. } | What::Cad { .. } => None,
        };
        let station = self.stations.get_mut(event.station.0)?;
        match event.what {
            What::Transmitted { .. } if station.doing == Doing::Transmitting => {
                station.doing = Doing::Transmitted;
            }
            What::Cad { busy } if station.doing == Doing::Detecting => station.doing = Doing::Detected(busy),
            What::Received { frame, quality, .. } if station.on => {
                if station.kept.len() == KEPT_FRAMES {
                    station.kept.pop_front();
                }
                station.kept.push_back((quality, frame));
            }
            _ => {}
        }
        station.news.notify_one();
        Some(Observation { at: event.at, station: station.name.clone(), what: what? })
    }
}
