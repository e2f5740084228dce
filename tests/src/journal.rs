//! What people saw, in the order in which they saw it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

/// Nothing that is waited for takes longer, unless it is stuck.
pub const SOON: Duration = Duration::from_secs(40);

/// One thing that somebody saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Since the journal began.
    pub at: Duration,
    /// Who saw it: the name of a handheld or of a person.
    pub who: String,
    /// What.
    pub what: What,
}

/// What can be seen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A handheld shows a text that has arrived: `<Alice> Bonjour`.
    Shown {
        /// The sender's name in the handheld's list.
        from: String,
        /// What it says.
        text: String,
    },
    /// A handheld shows what has become of a text of its own: `[+] 7 …`.
    State {
        /// The text's number on that handheld.
        number: u32,
        /// The sign between the brackets.
        sign: char,
    },
    /// A handheld shows any other line.
    Line(String),
    /// A person's app says something, as `tests/clients/person.py` describes it.
    App(Value),
}

impl What {
    /// What a line of a handheld means. `docs/handheld.md`, "Lines".
    pub fn of_line(line: &str) -> Self {
        let line = line.trim_end();
        if let Some((from, text)) = line.strip_prefix('<').and_then(|rest| rest.split_once("> ")) {
            return Self::Shown { from: from.into(), text: text.into() };
        }
        Self::state(line).unwrap_or_else(|| Self::Line(line.into()))
    }

    fn state(line: &str) -> Option<Self> {
        let mut signs = line.strip_prefix('[')?.chars();
        let sign = signs.next()?;
        let (number, rest) = signs.as_str().strip_prefix("] ")?.split_once(' ')?;
        // `[+] 7 @Alice …` is a line of the list of messages, not news.
        (!rest.starts_with('@')).then_some(Self::State { number: number.parse().ok()?, sign })
    }

    /// A field of what an app said, if it is this kind of event.
    pub fn app(&self, event: &str, field: &str) -> Option<&str> {
        match self {
            Self::App(value) if value["event"] == event => value[field].as_str(),
            _ => None,
        }
    }
}

/// A journal that several people write. Clones are the same journal.
#[derive(Clone)]
pub struct Journal {
    began: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { began: Instant::now(), entries: Arc::default() }
    }
}

impl Journal {
    /// Adds an entry.
    pub fn note(&self, who: &str, what: What) {
        let entry = Entry { at: self.began.elapsed(), who: who.into(), what };
        self.entries.lock().unwrap().push(entry);
    }

    /// Lends all entries.
    pub fn read<T>(&self, reader: impl FnOnce(&[Entry]) -> T) -> T {
        reader(&self.entries.lock().unwrap())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.read(<[Entry]>::len)
    }

    /// Whether nobody has seen anything yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until `found` finds something among the entries after the first `after`.
    ///
    /// # Panics
    /// When that does not come [`SOON`].
    pub async fn until<T>(&self, after: usize, what: &str, mut found: impl FnMut(&Entry) -> Option<T>) -> T {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(found) = self.read(|entries| entries[after..].iter().find_map(&mut found)) {
                return found;
            }
            assert!(Instant::now() < deadline, "this never came: {what}\n{}", self.tail(60));
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The texts that this handheld has shown, in order.
    pub fn shown(&self, handheld: &str) -> Vec<String> {
        let text = |entry: &Entry| match &entry.what {
            What::Shown { text, .. } if entry.who == handheld => Some(text.clone()),
            _ => None,
        };
        self.read(|entries| entries.iter().filter_map(text).collect())
    }

    /// The last entries, for people.
    pub fn tail(&self, count: usize) -> String {
        let mut text = String::new();
        self.read(|entries| {
            for Entry { at, who, what } in &entries[entries.len().saturating_sub(count)..] {
                let _ = writeln!(text, "{:9.3} {who:>6} {what:?}", at.as_secs_f64());
            }
        });
        text
    }
}
