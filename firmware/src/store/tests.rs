//! The store against a model of itself, with the power failing at every word written.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use embassy_futures::block_on;
use fanal_ether::flash::MemoryFlash;
use fanal_protocol::crypto::{Freshness, PublicKey};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::priority::Priority;
use fanal_protocol::rand::Jitter;

use super::*;
use crate::handheld::Language;

const PAGES: usize = TEXTS.0.end as usize / fanal_ether::flash::PAGE;
const OWN: NodeId = NodeId(0x0201);
const ALICE: NodeId = NodeId(0x0101);
const BRUNO: NodeId = NodeId(0x0202);

fn open(flash: MemoryFlash) -> Store<MemoryFlash> {
    match block_on(Store::open(flash)) {
        Ok(store) => store,
        Err((_, error)) => panic!("{error}"),
    }
}

fn contact(node: NodeId, name: &str, key: u8) -> Contact {
    Contact { node, name: name.try_into().unwrap(), key: PublicKey([key; 32]), via: None }
}

fn from(source: NodeId, counter: u32) -> MessageId {
    MessageId { source, destination: OWN, counter }
}

fn to(destination: NodeId, counter: u32) -> Outgoing {
    let id = MessageId { source: OWN, destination, counter };
    Outgoing { id, status: Status::Queued, accepted: 0, lifetime: 60, priority: Priority::Text }
}

/// A store that knows itself, Alice and Bruno.
fn set_up() -> Store<MemoryFlash> {
    let mut store = open(MemoryFlash::new(PAGES));
    block_on(async {
        store.change_settings(|settings| settings.node = Some(OWN)).await.unwrap();
        store.set_secret([7; 32]).await.unwrap();
        store.set_contact(contact(ALICE, "Alice", 1)).await.unwrap();
        store.set_contact(contact(BRUNO, "Bruno", 2)).await.unwrap();
    });
    store
}

fn reopened(store: Store<MemoryFlash>) -> Store<MemoryFlash> {
    open(store.close())
}

fn text_of(store: &mut Store<MemoryFlash>, number: u32) -> Option<String> {
    let mut buffer = MessageBuffer::new();
    match block_on(store.message(number, &mut buffer)).unwrap()? {
        Message::Incoming { text, .. } | Message::Outgoing { text, .. } => Some(text.to_string()),
    }
}

#[test]
fn settings_and_contacts_are_found_again() {
    let mut store = set_up();
    let channel = fanal_protocol::region::Channel::home(fanal_protocol::region::RegionCode::Eu);
    block_on(store.change_settings(|settings| {
        settings.language = Language::English;
        settings.channel = Some(channel);
        settings.network = Some([9; 16]);
        settings.chosen = Some(BRUNO);
    }))
    .unwrap();
    block_on(store.reserve(ALICE, 64)).unwrap();
    block_on(store.reserve(NodeId::BROADCAST, 32)).unwrap();
    block_on(store.set_minutes(1_234)).unwrap();
    let (settings, contacts): (_, Vec<_>) = (store.settings().clone(), store.contacts().cloned().collect());

    let store = reopened(store);
    assert_eq!(store.settings(), &settings);
    assert_eq!(store.settings().secret, Some([7; 32]));
    assert_eq!(store.contacts().cloned().collect::<Vec<_>>(), contacts);
    assert_eq!((store.next_counter(ALICE), store.next_counter(BRUNO)), (64, 0));
    assert_eq!((store.next_counter(NodeId::BROADCAST), store.minutes()), (32, 1_234));
}

#[test]
fn counters_never_go_back() {
    let mut store = set_up();
    block_on(store.reserve(ALICE, 64)).unwrap();
    block_on(store.reserve(ALICE, 32)).unwrap();
    assert_eq!(reopened(store).next_counter(ALICE), 64);
}

#[test]
fn a_seventeenth_waiting_message_is_refused_and_the_ring_passes_waiting_ones_over() {
    let mut store = set_up();
    for counter in 0..MAX_WAITING as u32 {
        block_on(store.add_outgoing(to(ALICE, counter), "wait")).unwrap();
    }
    assert_eq!(block_on(store.add_outgoing(to(ALICE, 99), "one more")), Err(Error::Full));
    for counter in 0..3 * HISTORY as u32 {
        block_on(store.add_incoming(from(BRUNO, counter), false, "noise")).unwrap();
    }
    let mut store = reopened(store);
    assert!(store.waiting_numbers().into_iter().eq(1..=MAX_WAITING as u32));
    assert_eq!(text_of(&mut store, 1).as_deref(), Some("wait"));
}

#[test]
fn what_another_node_keeps_takes_no_waiting_place_until_there_are_too_many() {
    let mut store = set_up();
    let mut counters = 0..;
    while store.has_room() {
        let outgoing = to(ALICE, counters.next().unwrap());
        block_on(store.add_outgoing(outgoing, "kept elsewhere")).unwrap();
        block_on(store.set_status(outgoing.id, Status::InCustody(BRUNO))).unwrap();
    }
    assert_eq!(store.waiting(), MAX_UNCONFIRMED);
    assert_eq!(block_on(store.add_outgoing(to(ALICE, 999), "one more")), Err(Error::Full));
    for counter in 0..HISTORY as u32 {
        block_on(store.add_incoming(from(BRUNO, counter), false, "noise")).unwrap();
    }
    let mut store = reopened(store);
    assert!(store.waiting_numbers().into_iter().eq(1..=MAX_UNCONFIRMED as u32));
    block_on(store.set_status(to(ALICE, 7).id, Status::Delivered)).unwrap();
    assert!(store.has_room());
}

#[test]
fn states_are_kept_and_final_ones_free_the_place() {
    let mut store = set_up();
    let number = block_on(store.add_outgoing(to(ALICE, 0), "hello")).unwrap();
    let id = to(ALICE, 0).id;
    for status in [Status::Sent, Status::InCustody(NodeId(0x0100))] {
        assert_eq!(block_on(store.set_status(id, status)), Ok(Some(number)));
        assert_eq!(store.waiting(), 1);
    }
    let mut store = reopened(store);
    let mut buffer = MessageBuffer::new();
    let outgoing = Outgoing { status: Status::InCustody(NodeId(0x0100)), ..to(ALICE, 0) };
    let stored = block_on(store.message(number, &mut buffer)).unwrap();
    assert_eq!(stored, Some(Message::Outgoing { outgoing, text: "hello", cut: false }));
    block_on(store.set_status(id, Status::Delivered)).unwrap();
    assert_eq!(reopened(store).waiting(), 0);
    assert_eq!(block_on(set_up().set_status(id, Status::Delivered)), Ok(None));
}

#[test]
fn a_message_stays_marked_after_its_text_has_been_overwritten() {
    let mut store = set_up();
    block_on(store.add_incoming(from(ALICE, 5), false, "rare")).unwrap();
    for counter in 0..2 * HISTORY as u32 {
        block_on(store.add_incoming(from(BRUNO, counter), false, "noise")).unwrap();
    }
    let store = reopened(store);
    assert_eq!(store.window(ALICE).check(5), Freshness::Seen);
    assert_eq!(store.window(ALICE).check(4), Freshness::Fresh);
    assert_eq!(store.window(BRUNO).top(), Some(2 * HISTORY as u32 - 1));
}

#[test]
fn a_new_key_on_either_side_starts_the_marks_anew() {
    let mut store = set_up();
    block_on(store.add_incoming(from(ALICE, 5), false, "old key")).unwrap();
    block_on(store.set_contact(contact(ALICE, "Alicia", 1))).unwrap();
    assert_eq!(store.window(ALICE).check(5), Freshness::Seen, "another name is not another key");
    block_on(store.set_contact(contact(ALICE, "Alicia", 3))).unwrap();
    let mut store = reopened(store);
    assert_eq!(store.window(ALICE).check(5), Freshness::Fresh);
    block_on(store.add_incoming(from(ALICE, 5), false, "her new key")).unwrap();
    block_on(store.set_secret([8; 32])).unwrap();
    let store = reopened(store);
    assert_eq!(store.window(ALICE).check(5), Freshness::Fresh);
}

#[test]
fn there_is_room_for_all_the_longest_messages_for_ever() {
    let mut store = set_up();
    let text = "é".repeat(fanal_protocol::wire::MAX_TEXT_OCTETS / 2);
    for counter in 0..400 {
        block_on(store.add_outgoing(to(ALICE, counter), &text)).unwrap();
        block_on(store.set_status(to(ALICE, counter).id, Status::InCustody(BRUNO))).unwrap();
        block_on(store.set_status(to(ALICE, counter).id, Status::Delivered)).unwrap();
        block_on(store.reserve(BRUNO, counter)).unwrap();
    }
    let mut store = reopened(store);
    assert_eq!(text_of(&mut store, 400), Some(text));
    assert_eq!(store.number_after(0), Some(401 - HISTORY as u32));
}

#[test]
fn a_long_text_is_found_whole_again_and_all_of_its_counters_are_marked() {
    for octets in [242, 483, 1_024, 4_096] {
        let mut store = set_up();
        // Two octets each, so that nothing ends where a record does.
        let text: String =
            core::iter::once('x').chain("é".repeat(octets / 2 - 1).chars()).chain(['.']).collect();
        block_on(store.add_incoming(from(BRUNO, 7), false, &text)).unwrap();
        block_on(store.add_outgoing(to(ALICE, 9), &text)).unwrap();
        let mut store = reopened(store);
        assert_eq!(text_of(&mut store, 1).as_ref(), Some(&text));
        assert_eq!(text_of(&mut store, 2).as_ref(), Some(&text));
        let count = octets.div_ceil(fanal_protocol::wire::MAX_PIECE_OCTETS) as u32;
        let seen = |counter: &u32| store.window(BRUNO).check(*counter) == Freshness::Seen;
        assert!((0..64).filter(seen).eq(7..7 + count), "{octets} octets");
        block_on(store.set_status(to(ALICE, 9).id, Status::Delivered)).unwrap();
        let mut store = reopened(store);
        assert_eq!(text_of(&mut store, 2).as_ref(), Some(&text));
    }
}

#[test]
fn the_oldest_long_texts_keep_their_beginnings_but_one_that_is_to_be_sent_stays_whole() {
    let mut store = set_up();
    let text = |number: u32| -> String { format!("{number} ").repeat(800) };
    block_on(store.add_outgoing(to(ALICE, 0), &text(1))).unwrap();
    for number in 2..60 {
        block_on(store.add_incoming(from(BRUNO, 20 * number), false, &text(number))).unwrap();
    }
    let mut store = reopened(store);
    assert_eq!(text_of(&mut store, 1), Some(text(1)));
    for number in 2..60 {
        let found = text_of(&mut store, number).unwrap();
        let whole = number > 60 - u32::from(texts::PLACES);
        assert_eq!(found == text(number), whole, "{number}");
        assert!(text(number).starts_with(&found) && found.len() >= 234);
    }
}

#[test]
fn what_another_firmware_left_where_long_texts_go_is_erased_and_nothing_else() {
    use embedded_storage_async::nor_flash::NorFlash;

    let mut store = set_up();
    block_on(store.add_incoming(from(BRUNO, 0), false, "court")).unwrap();
    let mut flash = store.close();
    block_on(flash.write(TEXTS.0.start, &[0x5A; TEXTS_OCTETS as usize])).unwrap();
    let mut store = open(flash);
    assert_eq!(text_of(&mut store, 1).as_deref(), Some("court"));
    let text = "long ".repeat(100);
    block_on(store.add_incoming(from(BRUNO, 1), false, &text)).unwrap();
    assert_eq!(text_of(&mut reopened(store), 2), Some(text));
}

#[test]
fn a_flash_full_of_noise_is_refused_or_erased_but_never_panics() {
    use embedded_storage_async::nor_flash::NorFlash;

    for seed in 0..20 {
        let mut noise = Jitter::new(seed);
        let mut flash = MemoryFlash::new(PAGES);
        let octets: Vec<u8> = (0..PAGES * fanal_ether::flash::PAGE).map(|_| noise.next_u64() as u8).collect();
        block_on(flash.write(0, &octets)).unwrap();
        let mut flash = match block_on(Store::open(flash)) {
            Ok(store) => store.close(),
            Err((flash, _)) => flash,
        };
        block_on(Store::erase(&mut flash)).unwrap();
        assert_eq!(open(flash).settings(), &Settings::default());
    }
}

fn is_long(text: &str) -> bool {
    text.len() > fanal_protocol::wire::MAX_TEXT_OCTETS
}

/// Others for each `which`.
fn letters(which: u8) -> impl Iterator<Item = char> {
    ('a'..='z').cycle().skip(which.into()).step_by(3)
}

/// What a store should hold.
#[derive(Clone, Default)]
struct Model {
    messages: BTreeMap<u32, (MessageId, Option<Status>, String)>,
    counter: u32,
    minutes: u32,
}

#[derive(Clone, Debug)]
enum Step {
    Receive(MessageId, String),
    Send(Outgoing, String),
    Settle(MessageId, Status),
    Reserve(u32),
    Age(u32),
}

/// The life of a handheld, as steps that follow from a seed.
struct Life {
    noise: Jitter,
    received: u32,
    sent: u32,
}

impl Life {
    fn next(&mut self, model: &Model) -> Step {
        let most = if self.noise.below(8) == 0 { 900 } else { fanal_protocol::wire::MAX_TEXT_OCTETS as u64 };
        let text = letters(self.noise.below(26) as u8).take(1 + self.noise.below(most) as usize).collect();
        let waiting: Vec<_> = model
            .messages
            .values()
            .filter_map(|(id, status, _)| status.filter(|status| status.waits()).map(|_| *id))
            .collect();
        match self.noise.below(10) {
            0..4 => {
                // Room for the counters of a long one.
                self.received += 20;
                let source = if self.received.is_multiple_of(200) { ALICE } else { BRUNO };
                Step::Receive(from(source, self.received), text)
            }
            4..7 if model.has_room() => {
                // A node has no more than one long text under way.
                let long = |(_, status, text): &(_, Option<Status>, String)| {
                    status.is_some_and(|status| status.is_ours_alone()) && is_long(text)
                };
                let one = model.messages.values().any(long);
                let text = if one { text.chars().take(100).collect() } else { text };
                self.sent += 20;
                Step::Send(to(ALICE, self.sent), text)
            }
            4..8 if !waiting.is_empty() => {
                let id = waiting[self.noise.below(waiting.len() as u64) as usize];
                let states = [Status::InCustody(BRUNO), Status::Delivered, Status::Expired];
                Step::Settle(id, states[self.noise.below(3) as usize])
            }
            8 => Step::Reserve(model.counter + 32),
            _ => Step::Age(model.minutes + 30),
        }
    }
}

fn carry_out(store: &mut Store<MemoryFlash>, step: &Step) -> Result<Option<u32>, Error> {
    block_on(async {
        match step {
            Step::Receive(id, text) => store.add_incoming(*id, false, text).await.map(Some),
            Step::Send(outgoing, text) => store.add_outgoing(*outgoing, text).await.map(Some),
            Step::Settle(id, status) => store.set_status(*id, *status).await,
            Step::Reserve(until) => store.reserve(ALICE, *until).await.map(|()| None),
            Step::Age(minutes) => store.set_minutes(*minutes).await.map(|()| None),
        }
    })
}

impl Model {
    fn has_room(&self) -> bool {
        let states = || self.messages.values().filter_map(|(_, status, _)| *status);
        states().filter(|status| status.is_ours_alone()).count() < MAX_WAITING
            && states().filter(|status| status.waits()).count() < MAX_UNCONFIRMED
    }

    /// `number` as the store gave it, or would have given it.
    fn note(&mut self, step: &Step, number: u32) {
        match step {
            Step::Receive(id, text) => {
                self.messages.insert(number, (*id, None, text.clone()));
            }
            Step::Send(outgoing, text) => {
                self.messages.insert(number, (outgoing.id, Some(Status::Queued), text.clone()));
            }
            Step::Settle(id, status) => {
                let found = self.messages.values_mut().find(|(known, old, _)| known == id && old.is_some());
                found.unwrap().1 = Some(*status);
            }
            Step::Reserve(until) => self.counter = *until,
            Step::Age(minutes) => self.minutes = *minutes,
        }
    }

    /// What differs, if anything. Messages whose place in the ring was needed are forgotten first. Reading all texts
    /// takes its time: unless `thorough`, only those that waited or came last are read.
    fn differs(&mut self, store: &mut Store<MemoryFlash>, thorough: bool) -> Option<String> {
        let mut newest = BTreeMap::new();
        for number in self.messages.keys() {
            newest.insert(*number as usize % HISTORY, *number);
        }
        self.messages.retain(|number, _| newest.get(&(*number as usize % HISTORY)) == Some(number));

        let mut buffer = MessageBuffer::new();
        let mut number = 0;
        let mut expected = self.messages.iter();
        while let Some(next) = store.number_after(number) {
            number = next;
            let Some((&wanted, (id, status, text))) = expected.next() else {
                return Some(format!("{number} is too many"));
            };
            let waits = status.is_some_and(|status| status.waits());
            if store.waiting_numbers().contains(&number) != waits || number != wanted {
                return Some(format!("{number} instead of {wanted}, or another state than {status:?}"));
            }
            if !thorough && !waits && Some(number) < newest.values().max().copied() {
                continue;
            }
            let (id_found, status_found, found, cut) = match block_on(store.message(number, &mut buffer))
                .unwrap()
                .unwrap()
            {
                Message::Incoming { id, text, cut, .. } => (id, None, text, cut),
                Message::Outgoing { outgoing, text, cut } => (outgoing.id, Some(outgoing.status), text, cut),
            };
            // Of a long text the beginning is left when later ones have needed its place. One place may have been that of an
            // older one which was still to be sent then, another that of one whose writing a power cut ended.
            let later = self.messages.range(number + 1..).filter(|(_, (_, _, text))| is_long(text)).count();
            let may_be_cut =
                later + 2 >= usize::from(texts::PLACES) && !status.is_some_and(|s| s.is_ours_alone());
            let right = if cut { may_be_cut && text.starts_with(found) } else { text == found };
            let found = (number, id_found, status_found);
            if !right || found != (wanted, *id, *status) {
                return Some(format!("{found:?} instead of {wanted} {id} {status:?}, {cut} {}", text.len()));
            }
        }
        if let Some((number, _)) = expected.next() {
            return Some(format!("{number} is lost"));
        }
        let found = (store.next_counter(ALICE), store.minutes());
        (found != (self.counter, self.minutes)).then(|| format!("{found:?}"))
    }
}

/// After each step of a long life the power fails at each of its words in turn. Whatever was accepted before is
/// there afterwards; the step itself has happened or it has not; and the next one works.
#[test]
fn a_power_cut_at_any_word_loses_and_doubles_nothing() {
    // Steps that write one record, and such that reuse a page besides.
    let (lives, ordinary, turnovers) =
        if std::env::var_os("FANAL_LONG").is_some() { (3, 10, 2) } else { (1, 6, 1) };
    for seed in 0..lives {
        let mut life = Life { noise: Jitter::new(seed), received: 0, sent: 0 };
        let mut model = Model::default();
        let mut store = set_up();
        // Until both areas have begun to be used again.
        for _ in 0..700 {
            let step = life.next(&model);
            let number = carry_out(&mut store, &step).unwrap();
            model.note(&step, number.unwrap_or(0));
        }
        assert_eq!(model.differs(&mut store, true), None);
        let (mut plain, mut turned) = (0, 0);
        while plain < ordinary || turned < turnovers {
            let step = life.next(&model);
            let before = store.close();
            store = open(before.clone());
            let steps_before = before.steps();
            let number = carry_out(&mut store, &step).unwrap().unwrap_or(0);
            let mut done = model.clone();
            done.note(&step, number);
            let mut flash = store.close();
            let words = flash.steps() - steps_before;
            let erased =
                flash.contents().iter().zip(before.contents()).any(|(after, before)| after & !before != 0);
            let (tried, limit) = if erased { (&mut turned, turnovers) } else { (&mut plain, ordinary) };
            *tried += 1;
            for cut in 0..if *tried > limit { 0 } else { words } {
                let mut torn = before.clone();
                torn.cut_power_after(cut);
                let mut store = open(torn);
                assert!(carry_out(&mut store, &step).is_err(), "cut {cut} of {step:?} went unnoticed");
                let mut torn = store.close();
                torn.restore_power();
                check_after_cut(torn, &step, &model, &done, cut);
            }
            flash.restore_power();
            store = open(flash);
            model = done;
        }
    }
}

fn check_after_cut(torn: MemoryFlash, step: &Step, before: &Model, after: &Model, cut: u64) {
    let mut store = open(torn);
    let thorough = cut.is_multiple_of(16);
    let undone = before.clone().differs(&mut store, thorough);
    let done = after.clone().differs(&mut store, thorough);
    assert!(undone.is_none() || done.is_none(), "cut {cut} of {step:?}: neither {undone:?} nor {done:?}");
    let held = if undone.is_none() { before } else { after };
    for (id, ..) in held.messages.values().filter(|(_, status, _)| status.is_none()) {
        assert_ne!(store.window(id.source).check(id.counter), Freshness::Fresh, "{id} could come again");
    }
    if let (Step::Receive(id, _), None) = (step, &undone) {
        assert_eq!(store.window(id.source).check(id.counter), Freshness::Fresh, "{id} could not come again");
    }
    // It goes on: the same step again, as it would be after a retransmission.
    if undone.is_none() {
        let mut now = before.clone();
        let number = carry_out(&mut store, step).unwrap();
        now.note(step, number.unwrap_or(0));
        assert_eq!(
            now.differs(&mut open(store.close()), thorough),
            None,
            "cut {cut} of {step:?}, then again"
        );
    }
}

/// Counters are taken, reserved in blocks, and the power fails all the time.
#[test]
fn no_counter_is_ever_used_twice() {
    let mut noise = Jitter::new(3);
    let mut flash = set_up().close();
    let mut last_used = None;
    for _ in 0..400 {
        flash.cut_power_after(noise.below(60));
        let mut store = match block_on(Store::open(flash)) {
            Ok(store) => store,
            Err((failed, _)) => {
                flash = failed;
                flash.restore_power();
                continue;
            }
        };
        let mut next = store.next_counter(ALICE);
        let mut reserved = next;
        loop {
            if next == reserved {
                if block_on(store.reserve(ALICE, reserved + 8)).is_err() {
                    break;
                }
                reserved += 8;
            }
            assert!(last_used.is_none_or(|last| next > last), "{next} was used before");
            last_used = Some(next);
            next += 1;
        }
        flash = store.close();
        flash.restore_power();
    }
    assert!(last_used.is_some_and(|last| last > 1_000));
}
