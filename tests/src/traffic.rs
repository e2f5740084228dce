//! Texts both ways while something goes wrong, and what must have become of them at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use fanal_protocol::rand::Jitter;
use tokio::time::sleep;

use crate::household::{HANDHELDS, Household, PEOPLE, address};
use crate::journal::{Entry, What};
use crate::record::Record;

/// What a person's app shows reaches this process through a pipe, late on a busy machine; the radio's news do not.
const PIPE: Duration = Duration::from_secs(1);

/// Texts of one handheld that nobody has taken over, at most.
const UNCONFIRMED: usize = 6;
/// Texts of one handheld that may wait for their receipts, at most: the last of its 16 places stay free.
const ROOM: usize = 14;
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(20);

/// What to write, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Texts from people to handhelds.
    pub from_people: usize,
    /// Texts from handhelds to people.
    pub from_handhelds: usize,
    /// Time between two texts of the same direction.
    pub every: Duration,
    /// After so long without a receipt a person sends the same stanza again; `None`: never.
    pub again_after: Option<Duration>,
    /// Whether an app's word that it has a text may be lost: apps say it once, and a server that finds no gateway
    /// does not keep it. Such a text stays in custody, as far as its writer knows.
    pub apps_may_go_unheard: bool,
}

/// A text that a person has sent.
struct Sent {
    person: usize,
    handheld: usize,
    id: String,
    text: String,
    last: Instant,
}

/// A text that was typed on a handheld.
struct Typed {
    handheld: usize,
    person: usize,
    text: String,
}

/// Texts on their way.
pub struct Traffic {
    plan: Plan,
    jitter: Jitter,
    next_sent: Instant,
    next_typed: Instant,
    sent: Vec<Sent>,
    typed: Vec<Typed>,
    repeated: usize,
}

/// What was counted in the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Texts that people sent, and those of them that were taken.
    pub sent: usize,
    /// Of those, shown at the handheld.
    pub shown: usize,
    /// Stanzas that people sent once more.
    pub repeated: usize,
    /// Errors that people got for a text, because nobody was there to take it.
    pub refused: usize,
    /// Texts that were typed on handhelds, all of which became one bubble.
    pub typed: usize,
    /// Stanzas that brought such a text once more, under the same id: an app shows one bubble.
    pub raw_repeats: usize,
    /// Those of the texts typed that stay in custody, because the gateway did not hear the app.
    pub unheard: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, shown, repeated, refused, typed, raw_repeats, unheard } = self;
        write!(
            f,
            "{sent} texts to handhelds ({shown} shown once, {repeated} stanzas sent again, {refused} refused while \
             the gateway was away), {typed} texts to people (one bubble each, {raw_repeats} raw repeats, {unheard} apps \
             unheard)"
        )
    }
}

impl Traffic {
    /// Nothing is written yet.
    pub fn new(plan: Plan, seed: u64) -> Self {
        let now = Instant::now();
        let (sent, typed) = (Vec::new(), Vec::new());
        Self { plan, jitter: Jitter::new(seed), next_sent: now, next_typed: now, sent, typed, repeated: 0 }
    }

    /// Whether everything has been written.
    pub fn all_written(&self) -> bool {
        self.sent.len() == self.plan.from_people && self.typed.len() == self.plan.from_handhelds
    }

    /// Writes for so long.
    pub async fn run(&mut self, house: &mut Household, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.step(house).await;
            sleep(GLANCE).await;
        }
    }

    async fn step(&mut self, house: &mut Household) {
        let now = Instant::now();
        if now >= self.next_sent && self.sent.len() < self.plan.from_people {
            self.next_sent = now + self.plan.every;
            let (person, handheld) = (self.draw(PEOPLE.len()), self.draw(HANDHELDS.len()));
            let number = self.sent.len();
            let (id, text) = (format!("m{number}"), format!("de {} no {number}, ça va?", PEOPLE[person].0));
            house.people[person].write(&address(HANDHELDS[handheld].0), &id, &text);
            self.sent.push(Sent { person, handheld, id, text, last: now });
        }
        if now >= self.next_typed && self.typed.len() < self.plan.from_handhelds {
            self.next_typed = now + self.plan.every;
            let (person, handheld) = (self.draw(PEOPLE.len()), self.draw(HANDHELDS.len()));
            let name = HANDHELDS[handheld].0;
            let confirmed = house.journal.read(|entries| self.known_elsewhere(entries, name));
            let here = self.typed.iter().filter(|typed| typed.handheld == handheld).count();
            let unheard = house.journal.read(|entries| here - states(entries, name, '+').len().min(here));
            if here < confirmed + UNCONFIRMED && unheard < ROOM {
                let text = format!("de {name} no {}, tout va bien", self.typed.len());
                house.desks[handheld].type_line(&format!("@{} {text}", PEOPLE[person].0)).await;
                self.typed.push(Typed { handheld, person, text });
            }
        }
        if let Some(patience) = self.plan.again_after {
            let receipts = house.journal.read(receipts);
            for sent in &mut self.sent {
                if sent.last.elapsed() > patience && !receipts.contains_key(sent.id.as_str()) {
                    house.people[sent.person].write(
                        &address(HANDHELDS[sent.handheld].0),
                        &sent.id,
                        &sent.text,
                    );
                    sent.last = Instant::now();
                    self.repeated += 1;
                }
            }
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.jitter.below(below as u64) as usize
    }

    /// Goes on until everything is written and its end is known; `accepted` are the stanzas that count, all of them
    /// if there is none.
    ///
    /// # Panics
    /// When something does not come within `patience`.
    pub async fn settle(&mut self, house: &mut Household, accepted: Option<&Record>, patience: Duration) {
        let until = Instant::now() + patience;
        let ids = accepted.map(Record::ids);
        loop {
            self.step(house).await;
            let missing = house.journal.read(|entries| self.missing(entries, ids.as_ref()));
            if self.all_written() && missing.is_empty() {
                return;
            }
            assert!(
                Instant::now() < until,
                "lost, or not in time: {missing:?}\n{}\n{}",
                house.log_tail(),
                house.journal.tail(60)
            );
            sleep(GLANCE).await;
        }
    }

    /// How many texts of this handheld have come as far as they surely come.
    fn known_elsewhere(&self, entries: &[Entry], handheld: &str) -> usize {
        let mut known = states(entries, handheld, '+');
        if self.plan.apps_may_go_unheard {
            known.extend(states(entries, handheld, '='));
        }
        known.len()
    }

    fn missing(&self, entries: &[Entry], accepted: Option<&BTreeSet<&str>>) -> Vec<String> {
        let receipts = receipts(entries);
        let counts = |sent: &&Sent| accepted.is_none_or(|accepted| accepted.contains(sent.id.as_str()));
        let unanswered =
            self.sent.iter().filter(counts).filter(|sent| !receipts.contains_key(sent.id.as_str()));
        let mut missing: Vec<String> = unanswered.map(|sent| format!("receipt for {}", sent.id)).collect();
        for (handheld, (name, _)) in HANDHELDS.iter().enumerate() {
            let typed = self.typed.iter().filter(|typed| typed.handheld == handheld).count();
            let delivered = self.known_elsewhere(entries, name);
            if delivered < typed {
                missing.push(format!("{} of {typed} deliveries on {name}", typed - delivered));
            }
        }
        let read = |typed: &&Typed| !entries.iter().any(|entry| text_of(entry) == Some(&typed.text));
        missing.extend(self.typed.iter().filter(read).map(|typed| typed.text.clone()));
        missing
    }

    /// Checks what the gateway, which was just killed, has promised against what it has on its disk.
    ///
    /// # Panics
    /// When it has promised more than it keeps.
    pub fn check_promises(&self, house: &Household, record: &Record) {
        house.journal.read(|entries| {
            for id in receipts(entries).keys() {
                let kept = record.outbox.iter().any(|(_, known, delivered)| known == id && *delivered);
                assert!(kept, "a receipt for {id}, which the disk does not know as delivered");
            }
            for (name, node) in HANDHELDS {
                let mut taken = states(entries, name, '=');
                taken.extend(states(entries, name, '+'));
                let kept = record.inbox.get(&node.0).copied().unwrap_or(0);
                assert!(
                    taken.len() <= kept as usize,
                    "{name} was promised {} texts, {kept} are kept",
                    taken.len()
                );
            }
        });
    }

    /// Checks the whole story: nothing lost, nothing doubled, no state that lied, order kept where it is promised.
    ///
    /// `accepted`: nothing was sent twice, and exactly these count.
    ///
    /// # Panics
    /// When it is another story.
    pub fn verdict(&self, house: &Household, accepted: Option<&Record>) -> Figures {
        let ids = accepted.map(Record::ids);
        let mut figures = Figures { repeated: self.repeated, typed: self.typed.len(), ..Figures::default() };
        house.journal.read(|entries| {
            self.check_shown(entries, ids.as_ref(), &mut figures);
            self.check_bubbles(entries, &mut figures);
        });
        figures
    }

    fn check_shown(&self, entries: &[Entry], accepted: Option<&BTreeSet<&str>>, figures: &mut Figures) {
        let receipts = receipts(entries);
        for sent in &self.sent {
            let (user, handheld) = (PEOPLE[sent.person].0, HANDHELDS[sent.handheld].0);
            let is_here =
                |entry: &Entry| matches!(&entry.what, What::Shown { text, .. } if *text == sent.text);
            let places: Vec<usize> = (0..entries.len()).filter(|&place| is_here(&entries[place])).collect();
            let errors = entries.iter().filter(|entry| entry.what.app("error", "id") == Some(&sent.id));
            let mut refused = 0;
            for error in errors {
                let condition = error.what.app("error", "condition");
                assert_eq!(condition, Some("remote-server-timeout"), "{}: {error:?}", sent.id);
                refused += 1;
            }
            figures.sent += 1;
            figures.refused += refused;
            let counts = accepted.is_none_or(|accepted| accepted.contains(sent.id.as_str()));
            assert_eq!(places.len(), usize::from(counts), "{} ({}) was shown so often", sent.id, sent.text);
            assert_eq!(receipts.contains_key(sent.id.as_str()), counts, "the receipt for {}", sent.id);
            if !counts {
                continue;
            }
            assert!(accepted.is_none() || refused == 0, "{} was refused, and shown", sent.id);
            figures.shown += 1;
            assert_eq!(entries[places[0]].who, handheld);
            let told = receipts[sent.id.as_str()];
            let (told, shown) = (&entries[told], &entries[places[0]]);
            assert!(told.at + PIPE > shown.at, "the receipt for {} came before it was shown", sent.id);
            assert_eq!(told.who, user);
        }
        // What the server has lost on the way is sent again, and then comes later.
        if self.repeated == 0 {
            self.check_order(entries, &HANDHELDS.map(|(name, _)| name), |handheld, person| {
                let mine = self.sent.iter().filter(|sent| (sent.handheld, sent.person) == (handheld, person));
                mine.map(|sent| sent.text.as_str()).collect()
            });
        }
    }

    /// Nothing of one writer to one reader overtakes anything.
    fn check_order<'a>(
        &self,
        entries: &[Entry],
        readers: &[&str],
        written: impl Fn(usize, usize) -> Vec<&'a str>,
    ) {
        for (reader, name) in readers.iter().enumerate() {
            let seen: Vec<&str> =
                entries.iter().filter(|entry| entry.who == *name).filter_map(text_of).collect();
            for writer in 0..2 {
                let firsts = written(reader, writer).into_iter();
                let places: Vec<usize> =
                    firsts.filter_map(|text| seen.iter().position(|seen| *seen == text)).collect();
                assert!(places.is_sorted(), "out of order at {name}: {seen:?}");
            }
        }
    }

    fn check_bubbles(&self, entries: &[Entry], figures: &mut Figures) {
        // The numbers on a handheld follow the order in which texts were typed there.
        let mut numbers: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (handheld, (name, _)) in HANDHELDS.iter().enumerate() {
            let queued = states(entries, name, '.').into_keys().collect();
            numbers.insert(handheld, queued);
            for sign in ['x', '!'] {
                assert!(states(entries, name, sign).is_empty(), "{name} has given up a text");
            }
        }
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for typed in &self.typed {
            let (user, handheld) = (PEOPLE[typed.person].0, HANDHELDS[typed.handheld].0);
            let turn = taken.entry(typed.handheld).or_default();
            let number = numbers[&typed.handheld][*turn];
            *turn += 1;
            let here = |entry: &Entry| entry.what.app("message", "text") == Some(&typed.text);
            let places: Vec<usize> = (0..entries.len()).filter(|&place| here(&entries[place])).collect();
            let bubbles: BTreeSet<&str> =
                places.iter().filter_map(|&place| entries[place].what.app("message", "id")).collect();
            assert_eq!(bubbles.len(), 1, "{}: {bubbles:?}", typed.text);
            figures.raw_repeats += places.len() - 1;
            let first = &entries[places[0]];
            assert_eq!(first.who, user);
            let from = first.what.app("message", "from").unwrap_or_default();
            assert_eq!(from.split('/').next(), Some(address(handheld).as_str()));
            match states(entries, handheld, '+').get(&number) {
                Some(delivered) => {
                    let text = &typed.text;
                    assert!(
                        entries[*delivered].at + PIPE > first.at,
                        "{handheld} said that {text} was delivered before it was"
                    );
                }
                None => figures.unheard += 1,
            }
        }
        self.check_order(entries, &PEOPLE.map(|(user, _)| user), |person, handheld| {
            let mine = self.typed.iter().filter(|typed| (typed.person, typed.handheld) == (person, handheld));
            mine.map(|typed| typed.text.as_str()).collect()
        });
    }
}

fn text_of(entry: &Entry) -> Option<&str> {
    match &entry.what {
        What::Shown { text, .. } => Some(text),
        what => what.app("message", "text"),
    }
}

/// The texts of a handheld that have got this sign, by their number there, and where that was said first.
fn states(entries: &[Entry], handheld: &str, wanted: char) -> BTreeMap<u32, usize> {
    let mut states = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        match entry.what {
            What::State { number, sign } if sign == wanted && entry.who == handheld => {
                states.entry(number).or_insert(place);
            }
            _ => {}
        }
    }
    states
}

/// The stanzas for which somebody has got a receipt, and where that was first.
fn receipts(entries: &[Entry]) -> BTreeMap<String, usize> {
    let mut receipts = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        if let Some(id) = entry.what.app("receipt", "id") {
            receipts.entry(id.to_owned()).or_insert(place);
        }
    }
    receipts
}

/// A seed: that of `FANAL_SEED`, or one that was never used before. It is printed, to be seen when the test fails.
pub fn seed() -> u64 {
    let given = std::env::var("FANAL_SEED").ok().and_then(|text| text.parse().ok());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = given.unwrap_or(since.as_nanos() as u64 & 0xFFFF_FFFF);
    println!("FANAL_SEED={seed}");
    seed
}
