//! What went wrong, said in three sentences: what, what it means, what to do; and the exit code for a supervisor.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use fanal_gateway::config::enroll::Unenrolled;
use fanal_gateway::config::{Fault, Faults, Problem};
use fanal_gateway::daemon;
use fanal_gateway::directory::{Clash, MOST_PAIRS};
use fanal_gateway::store;
use fanal_gateway::words::{Language, say};
use fanal_protocol::region::Unlawful;

use super::airtime::{Unreadable, Unsendable};
use super::key::Unwritten;
use super::pair::Unpaired;
use super::simulate::{self, Broken, Flaws};

/// Exit codes of sysexits.h. A supervisor does not start the program again after a settings error.
const MISUSED: u8 = 64;
const DATA: u8 = 65;
const NO_INPUT: u8 = 66;
const SOFTWARE: u8 = 70;
const SYSTEM: u8 = 71;
const UNWRITABLE: u8 = 73;
const DISK: u8 = 74;
const LATER: u8 = 75;
const SETTINGS: u8 = 78;

/// A key of the catalogue, without `fault-`, and what its variables stand for.
pub(super) type Words = (&'static str, Vec<(&'static str, String)>);

/// A file, and a line in it if there is one to point at.
type Place<'a> = (&'a Path, Option<usize>);

/// Tells on standard error what went wrong.
pub(super) fn tell(error: &anyhow::Error, language: Language) -> ExitCode {
    let (text, code) = told(error, language);
    eprintln!("{text}");
    ExitCode::from(code)
}

/// Tells how the command line was wrong.
pub(super) fn misused(error: &clap::Error, language: Language) -> ExitCode {
    let text = error.to_string();
    // Behind the first paragraph clap repeats the usage.
    let detail = one_line(text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: "));
    eprintln!("{}", explained(&("usage", vec![("detail", detail)]), None, language));
    ExitCode::from(MISUSED)
}

/// What went wrong, in words, and the exit code.
pub(super) fn told(error: &anyhow::Error, language: Language) -> (String, u8) {
    let one = |words: Words, code| (explained(&words, None, language), code);
    if let Some(Faults(faults)) = error.downcast_ref() {
        return (of_faults(faults, language), SETTINGS);
    }
    if let Some(unwritten) = error.downcast_ref::<Unwritten>() {
        return one(of_key_file(unwritten), UNWRITABLE);
    }
    if let Some(unenrolled) = error.downcast_ref::<Unenrolled>() {
        return of_unenrolled(unenrolled, language);
    }
    if let Some(unpaired) = error.downcast_ref::<Unpaired>() {
        return one(of_unpaired(unpaired), DATA);
    }
    if let Some(flaws) = error.downcast_ref::<Flaws>() {
        return of_scenario(flaws, language);
    }
    if let Some(broken) = error.downcast_ref::<Broken>() {
        return one(("scenario-broken", vec![("what", broken.to_string())]), SOFTWARE);
    }
    if let Some(Unreadable { path, source }) = error.downcast_ref() {
        let values = vec![("path", path.display().to_string()), ("reason", source.to_string())];
        return one(("unreadable-texts", values), NO_INPUT);
    }
    if let Some(Unsendable { refused }) = error.downcast_ref() {
        return one(("unsendable", vec![("count", refused.to_string())]), DATA);
    }
    match error.downcast_ref::<daemon::Error>() {
        Some(daemon::Error::Store(error)) => {
            let (words, code) = of_store(error);
            one(words, code)
        }
        Some(daemon::Error::System { what, source }) => one(of_system(what, source), SYSTEM),
        Some(daemon::Error::Ended { part }) => one(("ended", vec![("part", (*part).into())]), SOFTWARE),
        None => one(("system", vec![("what", "fanal".into()), ("reason", format!("{error:#}"))]), SYSTEM),
    }
}

/// What the law says against a channel.
pub(super) fn unlawful(unlawful: Unlawful, language: Language) -> String {
    let (name, values) = of_unlawful(unlawful);
    let values: Vec<_> = values.into_iter().map(|(name, value)| (name, value.into())).collect();
    say(language, &format!("fault-{name}"), &values)
}

fn of_faults(faults: &[Fault], language: Language) -> String {
    let told = faults
        .iter()
        .map(|fault| explained(&of_problem(&fault.problem), Some((&fault.file, fault.line)), language));
    told.collect::<Vec<_>>().join("\n\n")
}

fn of_scenario(Flaws { file, flaws }: &Flaws, language: Language) -> (String, u8) {
    let told = flaws
        .iter()
        .map(|flaw| explained(&simulate::words(&flaw.problem), Some((file, flaw.line)), language));
    let code = flaws.iter().map(|flaw| simulate::code(&flaw.problem)).max().unwrap_or_default();
    (told.collect::<Vec<_>>().join("\n\n"), code)
}

fn explained((name, values): &Words, place: Option<Place<'_>>, language: Language) -> String {
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str().into())).collect();
    let mut what = say(language, &format!("fault-{name}"), &values);
    if let Some((file, line)) = place {
        let file = file.display().to_string();
        let place = [("file", file.into()), ("what", what.into())];
        what = match line {
            Some(line) => {
                let line = ("line", line.to_string().into());
                say(language, "cli-place", &[&place[..], &[line]].concat())
            }
            None => say(language, "cli-place-without-line", &place),
        };
    }
    let means = say(language, &format!("fault-{name}-means"), &values);
    let to_do = say(language, &format!("fault-{name}-todo"), &values);
    let means = say(language, "cli-means", &[("means", means.into())]);
    let to_do = say(language, "cli-todo", &[("todo", to_do.into())]);
    format!("{what}\n  {means}\n  {to_do}")
}

fn of_problem(problem: &Problem) -> Words {
    match problem {
        Problem::Unreadable { reason } => ("unreadable", vec![("reason", reason.clone())]),
        Problem::Syntax { detail } => ("syntax", vec![("detail", one_line(detail))]),
        Problem::InvalidLanguage { found } => ("language", vec![("found", found.clone())]),
        Problem::NotLoopback { found } => ("not-loopback", vec![("found", found.clone())]),
        Problem::InvalidDomain { found } => ("domain", vec![("found", found.clone())]),
        Problem::OneSecret => ("one-secret", vec![]),
        Problem::ShortSecret { found } => ("short-secret", vec![("found", found.to_string())]),
        Problem::OpenSecret { path } => ("open-secret", vec![("path", path.display().to_string())]),
        Problem::UnreadableSecret { path, reason } => {
            ("unreadable-secret", vec![("path", path.display().to_string()), ("reason", reason.clone())])
        }
        Problem::InvalidKeyFile { path, source } => {
            ("key-file", vec![("path", path.display().to_string()), ("digits", source.digits.to_string())])
        }
        Problem::InvalidPublicKey(source) => ("public-key", vec![("digits", source.digits.to_string())]),
        Problem::InvalidNode { found, .. } => ("node", vec![("found", found.clone())]),
        Problem::InvalidRegion { found, .. } => ("region", vec![("found", found.clone())]),
        Problem::InvalidRate { found, .. } => ("rate", vec![("found", found.clone())]),
        Problem::Unlawful(unlawful) => of_unlawful(*unlawful),
        Problem::InvalidBaud { found } => ("baud", vec![("found", found.to_string())]),
        Problem::InvalidJid { found } => ("jid", vec![("found", found.clone())]),
        Problem::Clash(clash) => of_clash(clash),
    }
}

/// The parser explains itself over several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_unlawful(unlawful: Unlawful) -> Words {
    match unlawful {
        Unlawful::OutsideBands { .. } => ("unlawful-band", vec![]),
        Unlawful::BandwidthForbidden { bandwidth } => {
            ("unlawful-bandwidth", vec![("khz", (bandwidth.hz() / 1_000).to_string())])
        }
        Unlawful::HoppingRequired { bandwidth, channels } => (
            "unlawful-hopping",
            vec![("khz", (bandwidth.hz() / 1_000).to_string()), ("channels", channels.to_string())],
        ),
        Unlawful::PowerTooHigh { max_power_dbm } => {
            ("unlawful-power", vec![("max", max_power_dbm.to_string())])
        }
    }
}

fn of_clash(clash: &Clash) -> Words {
    match clash {
        Clash::NodeTaken { node, by } => ("node-taken", vec![("node", node.to_string()), ("by", by.clone())]),
        Clash::NameTaken { name, by } => ("name-taken", vec![("name", name.clone()), ("by", by.clone())]),
        Clash::KeyTaken { by } => ("key-taken", vec![("by", by.clone())]),
        Clash::WeakKey => ("weak-key", vec![]),
        Clash::OwnDomain { jid } => ("own-domain", vec![("jid", jid.to_string())]),
        Clash::NoPerson { jid } => ("no-person", vec![("jid", jid.to_string())]),
        Clash::UnusableName => ("name-unusable", vec![]),
        Clash::TooMany => ("too-many", vec![("max", MOST_PAIRS.to_string())]),
    }
}

fn of_store(error: &store::Error) -> (Words, u8) {
    let path = |path: &std::path::Path| ("path", path.display().to_string());
    match error {
        store::Error::InUse { path: file } => (("store-in-use", vec![path(file)]), LATER),
        store::Error::Damaged { path: file, report } => {
            (("store-damaged", vec![path(file), ("report", one_line(report))]), SETTINGS)
        }
        store::Error::TooNew { path: file, found, known } => (
            ("store-too-new", vec![path(file), ("found", found.to_string()), ("known", known.to_string())]),
            SETTINGS,
        ),
        store::Error::LibraryTooOld { found } => {
            (("store-library", vec![("found", (*found).into())]), SETTINGS)
        }
        store::Error::Open { path: file, source } => {
            (("store-open", vec![path(file), ("reason", source.to_string())]), DISK)
        }
        store::Error::Database { source, .. } => {
            (("store-failed", vec![("reason", source.to_string())]), DISK)
        }
        store::Error::Impossible { .. } | store::Error::Stopped => {
            (("store-failed", vec![("reason", error.to_string())]), DISK)
        }
    }
}

fn of_key_file(Unwritten { path, source }: &Unwritten) -> Words {
    let path = ("path", path.display().to_string());
    match source.kind() {
        io::ErrorKind::AlreadyExists => ("key-exists", vec![path]),
        _ => ("key-unwritten", vec![path, ("reason", source.to_string())]),
    }
}

fn of_unenrolled(unenrolled: &Unenrolled, language: Language) -> (String, u8) {
    let path = |path: &Path| ("path", path.display().to_string());
    let one = |words: Words, code| (explained(&words, None, language), code);
    match unenrolled {
        Unenrolled::Settings(Faults(faults)) => (of_faults(faults, language), SETTINGS),
        Unenrolled::Clash(clash) => one(of_clash(clash), DATA),
        Unenrolled::OtherKey { name } => one(("other-key", vec![("name", name.clone())]), DATA),
        Unenrolled::Unusual { path: file } => one(("unusual-settings", vec![path(file)]), SETTINGS),
        Unenrolled::Unwritten { path: file, source } => {
            one(("settings-unwritten", vec![path(file), ("reason", source.to_string())]), UNWRITABLE)
        }
    }
}

fn of_unpaired(unpaired: &Unpaired) -> Words {
    match unpaired {
        Unpaired::NoCode => ("no-code", vec![]),
        Unpaired::Version { found } => ("code-version", vec![("found", found.to_string())]),
        Unpaired::Damaged => ("code-damaged", vec![]),
        Unpaired::NotAHandheld => ("code-of-gateway", vec![]),
        Unpaired::NoName => ("no-name", vec![]),
        Unpaired::NoPersons => ("no-persons", vec![]),
        Unpaired::UnknownHandheld { name } => ("unknown-handheld", vec![("name", name.clone())]),
        Unpaired::ForGateways { node } => ("node-for-gateways", vec![("node", node.to_string())]),
        Unpaired::AddressTaken { node, by } => {
            ("node-taken", vec![("node", node.to_string()), ("by", by.clone())])
        }
    }
}

fn of_system(what: &str, source: &io::Error) -> Words {
    ("system", vec![("what", what.into()), ("reason", source.to_string())])
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use fanal_protocol::id::NodeId;
    use fanal_protocol::region::Bandwidth;

    use super::*;

    /// One of each.
    fn problems() -> Vec<Problem> {
        let found = || String::from("trouvaille");
        let path = || PathBuf::from("fichier");
        let source = "x".parse::<fanal_protocol::crypto::PublicKey>().unwrap_err();
        vec![
            Problem::Unreadable { reason: found() },
            Problem::Syntax { detail: "unknown\n  field".into() },
            Problem::InvalidLanguage { found: found() },
            Problem::NotLoopback { found: found() },
            Problem::InvalidDomain { found: found() },
            Problem::OneSecret,
            Problem::ShortSecret { found: 3 },
            Problem::OpenSecret { path: path() },
            Problem::UnreadableSecret { path: path(), reason: found() },
            Problem::InvalidKeyFile { path: path(), source },
            Problem::InvalidPublicKey(source),
            Problem::InvalidNode { found: found(), source: fanal_protocol::id::InvalidNodeId },
            Problem::InvalidRegion { found: found(), source: fanal_protocol::region::UnknownRegion },
            Problem::InvalidRate { found: found(), source: fanal_protocol::region::InvalidRate },
            Problem::Unlawful(Unlawful::OutsideBands { frequency_hz: 1 }),
            Problem::Unlawful(Unlawful::BandwidthForbidden { bandwidth: Bandwidth::Khz125 }),
            Problem::Unlawful(Unlawful::HoppingRequired { bandwidth: Bandwidth::Khz125, channels: 50 }),
            Problem::Unlawful(Unlawful::PowerTooHigh { max_power_dbm: 30 }),
            Problem::InvalidBaud { found: 1 },
            Problem::InvalidJid { found: found() },
            Problem::Clash(Clash::NodeTaken { node: NodeId(1), by: found() }),
            Problem::Clash(Clash::NameTaken { name: found(), by: found() }),
            Problem::Clash(Clash::KeyTaken { by: found() }),
            Problem::Clash(Clash::WeakKey),
            Problem::Clash(Clash::OwnDomain { jid: "a@b".parse().unwrap() }),
            Problem::Clash(Clash::NoPerson { jid: "b".parse().unwrap() }),
            Problem::Clash(Clash::UnusableName),
            Problem::Clash(Clash::TooMany),
        ]
    }

    fn store_errors() -> Vec<store::Error> {
        let path = || PathBuf::from("fichier");
        vec![
            store::Error::InUse { path: path() },
            store::Error::Damaged { path: path(), report: "*** in database".into() },
            store::Error::TooNew { path: path(), found: 9, known: 1 },
            store::Error::LibraryTooOld { found: "3.1" },
            store::Error::Open { path: path(), source: Arc::new(io::ErrorKind::NotFound.into()) },
            store::Error::Impossible { column: "outbox.state" },
            store::Error::Stopped,
        ]
    }

    fn unenrolled() -> Vec<Unenrolled> {
        let fault = Fault { file: "f".into(), line: None, problem: Problem::OneSecret };
        vec![
            Unenrolled::Settings(Faults(vec![fault])),
            Unenrolled::Clash(Clash::WeakKey),
            Unenrolled::OtherKey { name: "Rosa".into() },
            Unenrolled::Unusual { path: "fichier".into() },
            Unenrolled::Unwritten { path: "fichier".into(), source: io::ErrorKind::NotFound.into() },
        ]
    }

    fn speaks(text: &str) {
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains("fault-") && !text.contains("cli-") && !text.contains('$'), "{text}");
    }

    #[test]
    fn every_trouble_says_what_it_is_what_it_means_and_what_to_do() {
        for language in Language::ALL {
            for problem in problems() {
                let fault = Fault { file: "fanal.toml".into(), line: Some(7), problem };
                let (text, code) = told(&Faults(vec![fault]).into(), language);
                speaks(&text);
                assert!(text.contains("fanal.toml") && text.contains('7'), "{text}");
                assert_eq!(code, SETTINGS);
            }
            for error in store_errors() {
                speaks(&told(&daemon::Error::Store(error).into(), language).0);
            }
            for kind in [io::ErrorKind::AlreadyExists, io::ErrorKind::NotFound] {
                speaks(&told(&Unwritten { path: "k".into(), source: kind.into() }.into(), language).0);
            }
            for unenrolled in unenrolled() {
                speaks(&told(&unenrolled.into(), language).0);
            }
            for unpaired in Unpaired::examples() {
                speaks(&told(&unpaired.into(), language).0);
            }
            speaks(&told(&daemon::Error::Ended { part: "radio" }.into(), language).0);
            speaks(&told(&anyhow::anyhow!("strange"), language).0);
            speaks(&told(&Broken(Vec::new()).into(), language).0);
            speaks(&told(&Unsendable { refused: 2 }.into(), language).0);
            let source = io::ErrorKind::NotFound.into();
            speaks(&told(&Unreadable { path: "textes".into(), source }.into(), language).0);
        }
    }

    #[test]
    fn several_faults_stand_apart() {
        let fault = || Fault { file: "f".into(), line: None, problem: Problem::OneSecret };
        let (text, _) = told(&Faults(vec![fault(), fault()]).into(), Language::English);
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
    }
}
