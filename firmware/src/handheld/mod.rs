//! The handheld: a person writes and reads messages over a serial port; the keys are here.
//!
//! ```text
//! line     octets to lines          command  lines to what they ask for
//! obey     carries commands out     news     carries out what the node says
//! pair     cards and invitations     entropy  randomness for keys
//! words    all that is said         screen   lines on their way out
//! ```
//!
//! Every answer is one line; lists are one line per entry. `docs/protocol.md` has the rules of the node within; the
//! text interface is described in `docs/handheld.md`.

mod command;
mod entropy;
mod line;
mod news;
mod obey;
mod pair;
mod screen;
mod words;

#[cfg(test)]
mod tests;

use embassy_futures::select::select;
use embedded_io_async::{Read, Write};
use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::mac::Mac;
use fanal_protocol::node::Node;
use fanal_protocol::pairing::MAX_CODE;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::Channel;
use fanal_protocol::time::{Duration, Instant, earliest};
use fanal_protocol::transport::MAX_LONG_TEXT_OCTETS;
use fanal_radio::Radio;

use crate::clock::Clock;
use crate::driver::{self, Role};
use crate::serial::Serial;
use crate::store::{MAX_CONTACTS, MAX_WAITING, Store};

use entropy::Pool;
use line::{Line, LineEditor};
use screen::Screen;
pub use words::Language;
use words::{Complaint, Phrase};

/// Frames that may wait for the air.
const QUEUE: usize = 8;
/// Octets of the longest line that can be typed: a name and a text, with room to be told that the text is too long. An
/// invitation is shorter.
const MAX_LINE: usize = MAX_LONG_TEXT_OCTETS + 256;
const _: () = assert!(MAX_CODE + 64 <= MAX_LINE);
/// Octets that wait for the serial port.
const SCREEN: usize = MAX_SHOWN + 512;
/// Octets of the longest line that is shown: a text of which each octet had to be replaced, and what stands before it.
const MAX_SHOWN: usize = 3 * MAX_LONG_TEXT_OCTETS + 128;
/// Long texts under way at one time, each way.
const MAX_LONG: usize = 1;
/// How long a message is tried, counted while the handheld is powered.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// Time between beacons, by which others know that this handheld is in reach.
const BEACON_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How often the age of waiting messages is written down, in minutes.
const AGE_STEP: u32 = 30;

/// Serves a person until the flash fails; the caller then resets the board.
///
/// All jitter follows from `seed` and the own address. `entropy`: 32 octets from a true random number generator, if
/// the board has one; without it the person must add some before a key can be made.
pub async fn run(
    radio: impl Radio,
    serial_in: impl Read,
    serial_out: impl Write,
    clock: &impl Clock,
    flash: impl NorFlash,
    seed: u64,
    entropy: Option<[u8; 32]>,
) {
    let serial = Serial::new();
    let work = async {
        let store = open(flash, &serial).await;
        let mut handheld = Handheld::new(store, seed, Pool::new(entropy), clock.now());
        handheld.begin(clock.now()).await;
        driver::run(&mut handheld, radio, &serial, clock).await;
    };
    select(work, serial.serve(serial_in, serial_out, clock)).await;
}

/// Opens the store. One that cannot be read is erased only when the person says so.
async fn open<F: NorFlash>(mut flash: F, serial: &Serial) -> Store<F> {
    let mut editor = LineEditor::<MAX_LINE>::new();
    loop {
        flash = match Store::open(flash).await {
            Ok(store) => return store,
            Err((flash, _)) => flash,
        };
        complain_of_damage(serial);
        let mut octets = [0; 1];
        loop {
            if serial.turn(&mut octets).await == 0 {
                continue;
            }
            match editor.push(octets[0]) {
                // Whether it worked shows when the store is opened again.
                Some(Line::Text("/erase")) => {
                    let _ = Store::erase(&mut flash).await;
                    break;
                }
                Some(_) => complain_of_damage(serial),
                None => {}
            }
        }
    }
}

/// Says so in all languages: which one the person speaks cannot be read.
fn complain_of_damage(serial: &Serial) {
    let mut screen = Screen::<512>::new();
    for language in [Language::French, Language::English] {
        screen.line(language.say(Phrase::Complaint(Complaint::StoreDamaged)));
    }
    let mut octets = [0; 512];
    let n = screen.poll_octets(&mut octets);
    serial.write(octets.get(..n).unwrap_or_default());
}

/// A list that is being shown, entry by entry as the serial port takes them.
enum Listing {
    /// From this line of the help on.
    Help(usize),
    /// From this contact on.
    Contacts(usize),
    /// The messages after this number.
    Messages(u32),
}

struct Handheld<F> {
    store: Store<F>,
    node: Option<Node<MAX_CONTACTS, MAX_WAITING, 0, MAX_LONG>>,
    /// Lives as long as the handheld: what it has spent of the airtime outlasts the settings.
    mac: Option<Mac<QUEUE>>,
    configure: Option<Channel>,
    editor: LineEditor<MAX_LINE>,
    screen: Screen<SCREEN>,
    listing: Option<Listing>,
    pool: Pool,
    seed: u64,
    /// Powered minutes of earlier runs, and when this one began.
    minutes_before: u32,
    started: Instant,
    failed: bool,
}

impl<F: NorFlash> Handheld<F> {
    fn new(store: Store<F>, seed: u64, pool: Pool, now: Instant) -> Self {
        Self {
            minutes_before: store.minutes(),
            store,
            node: None,
            mac: None,
            configure: None,
            editor: LineEditor::new(),
            screen: Screen::new(),
            listing: None,
            pool,
            seed,
            started: now,
            failed: false,
        }
    }

    /// The first lines, and the node if everything is set.
    async fn begin(&mut self, now: Instant) {
        self.say(Phrase::Welcome { version: crate::VERSION });
        self.restart_node(now).await;
        let missing = self.missing();
        if missing.any() {
            self.say(Phrase::Missing(missing));
        }
    }

    fn say(&mut self, phrase: Phrase<'_>) {
        let lost = self.screen.take_lost();
        if lost > 0 {
            let complaint = Phrase::Complaint(Complaint::LinesLost(lost));
            self.screen.line(self.store.settings().language.say(complaint));
        }
        self.screen.line(self.store.settings().language.say(phrase));
    }

    fn complain(&mut self, complaint: Complaint<'_>) {
        self.say(Phrase::Complaint(complaint));
    }

    /// The flash has failed: nothing can be promised any more.
    fn give_up(&mut self) {
        if !self.failed {
            self.failed = true;
            self.complain(Complaint::StoreFailed);
        }
    }

    /// Minutes that this handheld has been powered.
    fn minutes(&self, now: Instant) -> u32 {
        let here = now.saturating_since(self.started).as_secs() / 60;
        self.minutes_before.saturating_add(u32::try_from(here).unwrap_or(u32::MAX))
    }

    /// When the age of the waiting messages is to be written down.
    fn age_due(&self) -> Option<Instant> {
        if self.store.waiting() == 0 {
            return None;
        }
        let minutes = (self.store.minutes().saturating_add(AGE_STEP)).saturating_sub(self.minutes_before);
        Some(self.started + Duration::from_secs(u64::from(minutes) * 60))
    }
}

impl<F: NorFlash> Role<QUEUE> for Handheld<F> {
    fn mac(&mut self) -> Option<&mut Mac<QUEUE>> {
        self.mac.as_mut()
    }

    fn poll_channel(&mut self) -> Option<Channel> {
        self.configure.take()
    }

    async fn handle_octets(&mut self, octets: &[u8], now: Instant) {
        // The editor lends out its buffer: it leaves the handheld while it is at work.
        let mut editor = core::mem::take(&mut self.editor);
        for octet in octets {
            match editor.push(*octet) {
                Some(Line::Text(line)) => self.obey_line(line, now).await,
                Some(Line::TooLong) => self.complain(Complaint::LineTooLong),
                Some(Line::NotUtf8) => self.complain(Complaint::NotUtf8),
                None => {}
            }
        }
        self.editor = editor;
    }

    fn handle_frame(&mut self, octets: &[u8], quality: Quality, now: Instant) {
        if let Some(node) = &mut self.node {
            // A frame that is discarded has been counted by the node.
            let _ = node.handle_frame(octets, quality, now);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(node) = &mut self.node {
            node.handle_timeout(now);
        }
    }

    fn handle_configured(&mut self, _done: bool, _now: Instant) {}

    fn handle_radio_failed(&mut self, _now: Instant) {}

    async fn drain(&mut self, now: Instant) {
        self.carry_news(now).await;
        self.show_listing(now).await;
    }

    fn poll_octets(&mut self, out: &mut [u8]) -> usize {
        self.screen.poll_octets(out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let node = self.node.as_ref().and_then(|node| node.poll_timeout());
        earliest(node, self.age_due())
    }

    fn finished(&self) -> bool {
        self.failed
    }
}
