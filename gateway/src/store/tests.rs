use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;

use super::inbox::{Arrival, Taken};
use super::outbox::{Draft, Enqueued, Full, Limits, Progress};
use super::session::{Pair, Remembered, Window};
use super::*;

const PERSON: NodeId = NodeId(0x0101);
const HANDHELD: NodeId = NodeId(0x0201);
const KEYS: [u8; 64] = [7; 64];

fn open(directory: &tempfile::TempDir) -> SqliteStore {
    SqliteStore::open(&directory.path().join("fanal.sqlite"), Limits::default()).unwrap()
}

fn draft(stanza_id: &str) -> Draft {
    Draft {
        sender: "alice@fanal.lan".into(),
        recipient: "rosa@radio.fanal.lan".into(),
        stanza_id: Some(stanza_id.into()),
        repetition_key: Some(stanza_id.into()),
        replaces: None,
        reply_to: "alice@fanal.lan/phone".into(),
        source: PERSON,
        destination: HANDHELD,
        priority: Priority::Text,
        text: "Bonjour Rosa".into(),
        language: "fr".into(),
        accepted_ms: 1_000,
        lifetime_ms: 60_000,
        wants_receipt: true,
    }
}

async fn enqueue(store: &SqliteStore, draft: Draft) -> Enqueued {
    store.enqueue(vec![draft]).await.unwrap().remove(0)
}

async fn session(store: &SqliteStore, local: NodeId, remote: NodeId, keys: [u8; 64]) -> Remembered {
    store.open_sessions(vec![Pair { local, remote, keys }]).await.unwrap().remove(0)
}

fn arrival(counter: u32) -> Arrival {
    Arrival {
        id: MessageId { source: HANDHELD, destination: PERSON, counter },
        urgent: false,
        text: format!("numéro {counter}"),
        received_ms: 5_000,
        quality: Quality { rssi_dbm: -101, snr_quarter_db: -9 },
    }
}

fn id(counter: u32) -> MessageId {
    MessageId { source: PERSON, destination: HANDHELD, counter }
}

/// Until the previous handle's thread has let go of the file.
fn reopen(path: &Path) -> SqliteStore {
    for _ in 0..200 {
        match SqliteStore::open(path, Limits::default()) {
            Err(Error::InUse { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            other => return other.unwrap(),
        }
    }
    panic!("the store never let go of its file");
}

#[tokio::test]
async fn a_text_keeps_its_place_and_its_counter_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let Enqueued::Taken { row } = enqueue(&store, draft("a")).await else { panic!() };
    enqueue(&store, draft("b")).await;
    store.reserve(PERSON, HANDHELD, 64).await.unwrap();
    assert!(store.assign(row, id(3)).await.unwrap());
    assert!(!store.assign(row, id(4)).await.unwrap(), "a text has one counter for ever");
    assert!(store.advance(id(3), Progress::Sent).await.unwrap());
    assert_eq!(store.next_queued(PERSON, HANDHELD, 2_000).await.unwrap(), None, "one at a time");
    assert!(store.advance(id(3), Progress::InCustody(NodeId(0x0300))).await.unwrap());
    drop(store);

    let store = reopen(&directory.path().join("fanal.sqlite"));
    let resumed = store.under_way().await.unwrap();
    assert_eq!(resumed.len(), 1);
    assert_eq!((resumed[0].id(), resumed[0].progress), (Some(id(3)), Progress::InCustody(NodeId(0x0300))));
    assert_eq!(resumed[0].draft, draft("a"));
    assert!(store.advance(id(3), Progress::Delivered).await.unwrap());
    assert!(!store.advance(id(3), Progress::Expired).await.unwrap(), "an end is final");
    let next = store.next_queued(PERSON, HANDHELD, 2_000).await.unwrap().unwrap();
    assert_eq!(next.draft.stanza_id.as_deref(), Some("b"));
    assert_eq!(store.waiting().await.unwrap(), [(PERSON, HANDHELD)]);
    assert_eq!(session(&store, PERSON, HANDHELD, KEYS).await.reserved, 64);
}

#[tokio::test]
async fn the_same_stanza_is_taken_once_and_its_end_told_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let Enqueued::Taken { row } = enqueue(&store, draft("a")).await else { panic!() };
    assert_eq!(enqueue(&store, draft("a")).await, Enqueued::Duplicate { row });
    assert_eq!(store.depth().await.unwrap().outbox, 1);

    store.assign(row, id(0)).await.unwrap();
    store.advance(id(0), Progress::Delivered).await.unwrap();
    assert_eq!(store.untold(9).await.unwrap().len(), 1);
    store.told(vec![row]).await.unwrap();
    assert_eq!(store.untold(9).await.unwrap().len(), 0);

    let elsewhere = Draft { reply_to: "alice@fanal.lan/laptop".into(), ..draft("a") };
    assert_eq!(enqueue(&store, elsewhere).await, Enqueued::Duplicate { row });
    let again = store.untold(9).await.unwrap();
    assert_eq!((again.len(), again[0].draft.reply_to.as_str()), (1, "alice@fanal.lan/laptop"));
    assert_eq!(again[0].draft.text, "", "an ended text is not kept");
}

#[tokio::test]
async fn the_repetition_key_tells_a_duplicate_and_the_stanza_id_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let Enqueued::Taken { row } = enqueue(&store, draft("a")).await else { panic!() };
    let renamed = Draft { stanza_id: Some("other".into()), ..draft("a") };
    assert_eq!(enqueue(&store, renamed).await, Enqueued::Duplicate { row });
    let other = Draft { repetition_key: Some("other".into()), ..draft("a") };
    assert!(matches!(enqueue(&store, other).await, Enqueued::Taken { .. }));
    let elsewhere = Draft { recipient: "bob@radio.fanal.lan".into(), ..draft("a") };
    assert!(matches!(enqueue(&store, elsewhere).await, Enqueued::Taken { .. }));
}

#[tokio::test]
async fn texts_without_an_id_are_never_duplicates() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    for _ in 0..2 {
        let nameless = Draft { repetition_key: None, ..draft("") };
        assert!(matches!(enqueue(&store, nameless).await, Enqueued::Taken { .. }));
    }
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_still_waits() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    enqueue(&store, draft("a")).await;
    let correction = |name: &str, replaced: &str| Draft { replaces: Some(replaced.into()), ..draft(name) };
    assert!(matches!(enqueue(&store, correction("b", "a")).await, Enqueued::Taken { .. }));
    assert_eq!(store.depth().await.unwrap().outbox, 1);
    let next = store.next_queued(PERSON, HANDHELD, 2_000).await.unwrap().unwrap();
    assert_eq!(next.draft.stanza_id.as_deref(), Some("b"));
    assert_eq!(store.untold(9).await.unwrap(), [], "the first one has not failed, it was taken back");
    store.assign(next.row, id(0)).await.unwrap();
    enqueue(&store, correction("c", "b")).await;
    assert_eq!(store.depth().await.unwrap().outbox, 2, "what is on the air stays");
}

#[tokio::test]
async fn a_delivered_text_without_a_wish_for_a_receipt_ends_in_silence() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let quiet = Draft { wants_receipt: false, ..draft("a") };
    let Enqueued::Taken { row } = enqueue(&store, quiet.clone()).await else { panic!() };
    store.assign(row, id(0)).await.unwrap();
    store.advance(id(0), Progress::Delivered).await.unwrap();
    assert_eq!(store.untold(9).await.unwrap(), []);
    enqueue(&store, quiet).await;
    assert_eq!(store.untold(9).await.unwrap(), []);
}

#[tokio::test]
async fn every_bound_refuses_and_leaves_room_for_emergencies() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { sender: 10, handheld: 20, gateway: 30 };
    let store = SqliteStore::open(&directory.path().join("s"), limits).unwrap();
    let fill = async |sender: &str, destination: u16, priority: Priority| {
        let mut taken = 0;
        loop {
            let draft = Draft {
                sender: sender.into(),
                repetition_key: None,
                destination: NodeId(destination),
                priority,
                ..draft("")
            };
            match enqueue(&store, draft).await {
                Enqueued::Taken { .. } => taken += 1,
                Enqueued::Refused(full) => return (taken, full),
                Enqueued::Duplicate { .. } => panic!(),
            }
        }
    };
    assert_eq!(fill("a@x", 1, Priority::Text).await, (9, Full::Sender));
    assert_eq!(fill("a@x", 1, Priority::Emergency).await, (1, Full::Sender));
    assert_eq!(fill("b@x", 1, Priority::Text).await, (8, Full::Handheld));
    assert_eq!(fill("b@x", 2, Priority::Text).await, (1, Full::Sender));
    assert_eq!(fill("c@x", 2, Priority::Text).await, (8, Full::Gateway));
    assert_eq!(fill("d@x", 3, Priority::Emergency).await, (3, Full::Gateway));
    assert_eq!(store.depth().await.unwrap().outbox, 30);
    let lengths = store.lengths().await.unwrap();
    assert_eq!(lengths, [(NodeId(1), 18), (NodeId(2), 9), (NodeId(3), 3)]);
    assert_eq!(store.expire(70_000).await.unwrap(), 30);
    assert_eq!(store.depth().await.unwrap().outbox, 0, "what has ended takes no room");
    assert_eq!(fill("a@x", 1, Priority::Text).await.0, 9);
}

#[tokio::test]
async fn what_waits_too_long_expires_but_what_is_under_way_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let Enqueued::Taken { row } = enqueue(&store, draft("a")).await else { panic!() };
    enqueue(&store, draft("b")).await;
    store.assign(row, id(0)).await.unwrap();
    assert_eq!(store.expire(60_999).await.unwrap(), 0);
    assert_eq!(store.expire(61_000).await.unwrap(), 1);
    let ended = store.untold(9).await.unwrap();
    assert_eq!((ended.len(), ended[0].progress), (1, Progress::Expired));
    assert_eq!(store.under_way().await.unwrap()[0].lifetime_left_ms(31_000), 30_000);
}

#[tokio::test]
async fn an_urgent_text_does_not_wait_for_another_that_is_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let urgent = |key: &str| Draft { priority: Priority::Emergency, ..draft(key) };
    let next = async || store.next_queued(PERSON, HANDHELD, 2_000).await.unwrap();
    enqueue(&store, draft("a")).await;
    let first = next().await.unwrap();
    store.assign(first.row, id(0)).await.unwrap();
    enqueue(&store, draft("b")).await;
    assert!(next().await.is_none());
    enqueue(&store, urgent("sos")).await;
    enqueue(&store, urgent("sos again")).await;
    let second = next().await.unwrap();
    assert_eq!(second.draft.stanza_id.as_deref(), Some("sos"));
    store.assign(second.row, id(1)).await.unwrap();
    assert!(next().await.is_none(), "urgent ones keep their order");
}

#[tokio::test]
async fn one_sender_has_few_urgent_texts_open() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let urgent = |number: u32| Draft { priority: Priority::Emergency, ..draft(&format!("sos {number}")) };
    for number in 0..8 {
        assert!(matches!(enqueue(&store, urgent(number)).await, Enqueued::Taken { .. }));
    }
    assert_eq!(enqueue(&store, urgent(8)).await, Enqueued::Refused(Full::Urgent));
    assert!(matches!(enqueue(&store, draft("bonjour")).await, Enqueued::Taken { .. }));
}

#[tokio::test]
async fn an_urgent_arrival_is_remembered_as_such_and_handed_over_first() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, [1; 64]).await;
    let window = |top| Window { top: Some(top), bits: 1 };
    store.receive(arrival(0), window(0)).await.unwrap();
    store.receive(Arrival { urgent: true, ..arrival(1) }, window(1)).await.unwrap();
    let told: Vec<_> = store.unhanded(9, 9_000).await.unwrap();
    let told: Vec<_> = told.iter().map(|entry| (entry.arrival.id.counter, entry.arrival.urgent)).collect();
    assert_eq!(told, [(1, true), (0, false)]);
}

#[tokio::test]
async fn the_urgent_goes_first_then_the_older() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    enqueue(&store, draft("a")).await;
    enqueue(&store, Draft { priority: Priority::Emergency, ..draft("sos") }).await;
    for expected in ["sos", "a"] {
        let next = store.next_queued(PERSON, HANDHELD, 2_000).await.unwrap().unwrap();
        assert_eq!(next.draft.stanza_id.as_deref(), Some(expected));
        store.give_up(next.row).await.unwrap();
    }
    assert_eq!(store.untold(9).await.unwrap()[0].progress, Progress::Failed);
}

#[tokio::test]
async fn an_arrival_and_its_window_are_one_change() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, KEYS).await;
    let window = Window { top: Some(9), bits: u64::MAX };
    assert_eq!(store.receive(arrival(9), window).await.unwrap(), Taken::New);
    assert_eq!(store.receive(arrival(9), window).await.unwrap(), Taken::Known);
    drop(store);
    let store = reopen(&directory.path().join("fanal.sqlite"));
    let remembered = session(&store, PERSON, HANDHELD, KEYS).await;
    assert_eq!(remembered, Remembered { reserved: 0, window, new_keys: false });
    let waiting = store.unhanded(9, 6_000).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].arrival, arrival(9));
}

#[tokio::test]
async fn a_text_from_the_air_is_handed_confirmed_and_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, KEYS).await;
    store.receive(arrival(0), Window::default()).await.unwrap();
    let text = store.unhanded(9, 6_000).await.unwrap().remove(0);
    let name = text.arrival.id;
    assert!(store.returned(name, 10_000).await.unwrap(), "the server had no place for it");
    assert_eq!(store.unhanded(9, 69_999).await.unwrap(), []);
    let again = store.unhanded(9, 70_000).await.unwrap().remove(0);
    assert_eq!(again.refusals, 1);
    store.handed(vec![again.row]).await.unwrap();
    assert_eq!(store.unhanded(9, u64::MAX).await.unwrap(), []);
    assert!(store.confirm(name).await.unwrap());
    assert!(store.confirm(name).await.unwrap(), "the radio sender still does not know");
    assert_eq!(store.unclosed(9).await.unwrap(), [name]);
    store.close(name).await.unwrap();
    assert!(!store.confirm(name).await.unwrap());
    assert_eq!(store.unclosed(9).await.unwrap(), []);
    let unknown = MessageId { counter: 77, ..name };
    assert!(!store.confirm(unknown).await.unwrap(), "nobody sent that");
}

#[tokio::test]
async fn a_handheld_paired_anew_counts_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, KEYS).await;
    store.reserve(PERSON, HANDHELD, 128).await.unwrap();
    store.receive(arrival(0), Window { top: Some(0), bits: 1 }).await.unwrap();
    store.confirm(arrival(0).id).await.unwrap();
    let remembered = session(&store, PERSON, HANDHELD, [8; 64]).await;
    assert_eq!(remembered, Remembered { reserved: 128, window: Window::default(), new_keys: true });
    assert_eq!(store.unclosed(9).await.unwrap(), [], "a receipt under old keys helps nobody");
    assert_eq!(store.receive(arrival(0), Window::default()).await.unwrap(), Taken::New);
}

#[tokio::test]
async fn a_reservation_never_goes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, KEYS).await;
    store.reserve(PERSON, HANDHELD, 128).await.unwrap();
    store.reserve(PERSON, HANDHELD, 64).await.unwrap();
    store.reserve(NodeId(0x0100), NodeId::BROADCAST, u32::MAX).await.unwrap();
    assert_eq!(session(&store, PERSON, HANDHELD, KEYS).await.reserved, 128);
    let beacon = session(&store, NodeId(0x0100), NodeId::BROADCAST, KEYS).await;
    assert_eq!(beacon.reserved, u32::MAX);
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    session(&store, PERSON, HANDHELD, KEYS).await;
    let Enqueued::Taken { row } = enqueue(&store, draft("ended")).await else { panic!() };
    store.give_up(row).await.unwrap();
    store.told(vec![row]).await.unwrap();
    let Enqueued::Taken { row } = enqueue(&store, draft("untold")).await else { panic!() };
    store.give_up(row).await.unwrap();
    enqueue(&store, draft("open")).await;
    store.receive(arrival(0), Window::default()).await.unwrap();
    let week = 7 * 24 * 60 * 60 * 1_000;
    assert_eq!(store.purge(1_000 + week).await.unwrap(), 0, "a week of memory is promised");
    assert_eq!(store.purge(10 * week).await.unwrap(), 1);
    assert_eq!(store.unhanded(9, u64::MAX).await.unwrap().len(), 1);
    assert!(matches!(enqueue(&store, draft("ended")).await, Enqueued::Taken { .. }));
    assert!(matches!(enqueue(&store, draft("open")).await, Enqueued::Duplicate { .. }));
}

#[tokio::test]
async fn a_clock_that_was_set_moves_every_deadline_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    enqueue(&store, draft("a")).await;
    assert_eq!(store.seen().await.unwrap(), 0);
    store.tick(2_000).await.unwrap();
    store.shift_clock(1_000_000).await.unwrap();
    assert_eq!(store.seen().await.unwrap(), 1_002_000);
    assert_eq!(store.expire(1_060_000).await.unwrap(), 0);
    assert_eq!(store.expire(1_061_000).await.unwrap(), 1);
}

#[tokio::test]
async fn the_file_is_private_and_has_one_user() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    enqueue(&store, draft("a")).await;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let second = SqliteStore::open(&directory.path().join("fanal.sqlite"), Limits::default());
    assert!(matches!(second, Err(Error::InUse { .. })));
}

#[tokio::test]
async fn a_damaged_or_later_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = directory.path().join("garbage");
    std::fs::write(&garbage, "this is not a database, it is a sentence that goes on ".repeat(99)).unwrap();
    assert!(matches!(SqliteStore::open(&garbage, Limits::default()), Err(Error::Damaged { .. })));

    let later = directory.path().join("later");
    rusqlite::Connection::open(&later).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(&later, Limits::default());
    assert!(matches!(refused, Err(Error::TooNew { found: 99, known: 3, .. })));

    let nowhere = directory.path().join("no/such/folder/file");
    assert!(matches!(SqliteStore::open(&nowhere, Limits::default()), Err(Error::Open { .. })));
}

#[tokio::test]
async fn a_failure_stops_the_store_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let row = {
        let Enqueued::Taken { row } = enqueue(&store, draft("a")).await else { panic!() };
        row
    };
    store.assign(row, id(0)).await.unwrap();
    let Enqueued::Taken { row } = enqueue(&store, draft("b")).await else { panic!() };
    // The same counter twice is a programming error that the database refuses.
    assert!(matches!(store.assign(row, id(0)).await, Err(Error::Database { .. })));
    assert!(matches!(store.depth().await, Err(Error::Database { .. })), "the cause is named to everyone");
}

#[tokio::test]
async fn many_writers_share_commits() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..1_000 {
        let store = store.clone();
        writers.spawn(async move { enqueue(&store, draft(&number.to_string())).await });
    }
    while let Some(done) = writers.join_next().await {
        assert!(matches!(done.unwrap(), Enqueued::Taken { .. }));
    }
    assert_eq!(store.depth().await.unwrap().outbox, 1_000);
}

const VICTIM: &str = "FANAL_TEST_STORE_OF_THE_VICTIM";

/// Not a test of its own: the process that the next test kills while it writes.
#[test]
fn victim_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(VICTIM) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = reopen(Path::new(&path));
        session(&store, PERSON, HANDHELD, KEYS).await;
        for number in 0u32.. {
            let waiting = store.depth().await.unwrap().outbox;
            assert!(waiting < 1_900, "the test should have killed this long ago");
            enqueue(&store, draft(&format!("{}-{number}", std::process::id()))).await;
            store.receive(arrival(number), Window { top: Some(number), bits: 1 }).await.unwrap();
            println!("committed {number}");
            std::io::stdout().flush().unwrap();
        }
    });
}

#[test]
fn whatever_was_committed_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fanal.sqlite");
    let mut promised = 0u64;
    for round in 1..=4 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::victim_writes_until_it_is_killed", "--nocapture"])
            .env(VICTIM, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let mut committed = 0;
        for line in lines.by_ref() {
            if line.unwrap().contains("committed") {
                committed += 1;
                if committed >= 20 * round {
                    break;
                }
            }
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        // What it wrote into the pipe before it died was committed too.
        committed += lines.map_while(Result::ok).filter(|line| line.contains("committed")).count() as u64;
        assert!(committed >= 20 * round);
        promised += committed;

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = reopen(&directory.path().join("fanal.sqlite"));
            let waiting = store.depth().await.unwrap().outbox;
            assert!(waiting >= promised, "{waiting} of {promised} promised");
            let remembered = session(&store, PERSON, HANDHELD, KEYS).await;
            let inbox = store.unhanded(u32::MAX, u64::MAX).await.unwrap();
            let top = remembered.window.top.unwrap();
            assert!(inbox.iter().any(|entry| entry.arrival.id.counter == top), "a window without its text");
            promised = waiting;
        });
    }
}
