//! Writes a handheld that was paired into the settings file, and nothing else in it.
//!
//! The file is replaced in one step, so that a power cut leaves the former one or the new one; and only when the new one has
//! been read back and checked as a whole. Its owner stays, its mode becomes 0640 or what it was if that is less.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use fanal_protocol::crypto::PublicKey;
use fanal_protocol::id::NodeId;

use super::{Config, Faults, MOST_OCTETS, Problem, file};
use crate::directory::Clash;

/// What became of a handheld.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enrolled {
    /// It has been added.
    New,
    /// It was there, with this key.
    Known,
    /// Its former key has been replaced.
    Replaced,
}

/// Why a handheld is not written into the settings.
#[derive(Debug, thiserror::Error)]
pub enum Unenrolled {
    /// The settings were wrong before.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// It does not fit beside the others.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// It is known with another key, and nobody said that this one may be replaced.
    #[error("{name} has another key")]
    OtherKey {
        /// Who.
        name: String,
    },
    /// The file is written in a way that nothing can be added to, or has gone while it was read.
    #[error("nothing can be added to {path}", path = path.display())]
    Unusual {
        /// Which file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}", path = path.display())]
    Unwritten {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Adds a handheld to the settings in the file at `path`; with `replace`, it may have another key there.
///
/// # Errors
///
/// [`Unenrolled`]; the file is as it was.
pub fn enroll(
    path: &Path,
    name: &str,
    node: NodeId,
    key: PublicKey,
    replace: bool,
) -> Result<Enrolled, Unenrolled> {
    let unwritten = |source| Unenrolled::Unwritten { path: path.into(), source };
    // Whoever else enrolls a handheld now waits until the file is replaced.
    let target = fs::canonicalize(path).map_err(unwritten)?;
    let (old, text) = locked(&target).map_err(unwritten)?;
    let mut config = Config::load(path)?;

    let (enrolled, new) = match config.directory.handheld_at(node) {
        Some(known) if known.public_key == key => return Ok(Enrolled::Known),
        Some(known) if !replace => return Err(Unenrolled::OtherKey { name: known.name.clone() }),
        Some(_) => (Enrolled::Replaced, with_key(&text, node, key)),
        None => {
            config.directory.add_handheld(name, node, key)?;
            (Enrolled::New, Some(with_handheld(&text, name, node, key)))
        }
    };
    let unusual = || Unenrolled::Unusual { path: path.into() };
    let new = new.ok_or_else(unusual)?;
    let read_back = Config::parse(&new, path, true).map_err(|Faults(faults)| {
        let clash = faults.into_iter().find_map(|fault| match fault.problem {
            Problem::Clash(clash) => Some(clash),
            _ => None,
        });
        clash.map_or_else(unusual, Unenrolled::Clash)
    })?;
    match read_back.directory.handheld_at(node) {
        Some(handheld) if handheld.public_key == key => {}
        _ => return Err(unusual()),
    }
    rewrite(&target, &old, &new).map_err(unwritten)?;
    Ok(enrolled)
}

/// The file at `path` and what it says, locked against others who would rewrite it.
fn locked(path: &Path) -> io::Result<(File, String)> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        // While this one waited, somebody may have put another file in its place.
        if file.metadata()?.ino() != fs::metadata(path)?.ino() {
            continue;
        }
        let mut text = String::new();
        (&file).take(MOST_OCTETS).read_to_string(&mut text)?;
        return Ok((file, text));
    }
}

/// Puts a file with this text in the place of the `old` one at `path`.
fn rewrite(path: &Path, old: &File, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let old = old.metadata()?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    let own = new.as_file().metadata()?;
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().set_permissions(Permissions::from_mode(0o600 | old.permissions().mode() & 0o040))?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn with_handheld(text: &str, name: &str, node: NodeId, key: PublicKey) -> String {
    let name = quoted(name.trim());
    let end_of_line = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end_of_line}\n[[handheld]]\nname = {name}\nnode = \"{node}\"\npublic_key = \"{key}\"\n")
}

/// `None` if the place of the key cannot be told.
fn with_key(text: &str, node: NodeId, key: PublicKey) -> Option<String> {
    let file: file::File = toml::from_str(text).ok()?;
    let handheld = file.handheld.into_iter().find(|handheld| handheld.node.get_ref().parse() == Ok(node))?;
    let place = handheld.public_key.span();
    Some([text.get(..place.start)?, &quoted(&key.to_string()), text.get(place.end..)?].concat())
}

/// As a basic string (TOML 1.0). Names hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use fanal_protocol::crypto::SecretKey;

    use super::super::tests::{Place, TEXT};
    use super::*;

    fn key(seed: u8) -> PublicKey {
        SecretKey::from_bytes([seed; 32]).public()
    }

    fn place(text: &str) -> (Place, PathBuf) {
        let place = Place::new();
        place.write("fanal.toml", 0o644, text);
        let path = place.path("fanal.toml");
        (place, path)
    }

    #[test]
    fn a_handheld_is_added_and_everything_else_stays() {
        let (_place, path) = place(TEXT.trim_end());
        let node = NodeId(0x0203);
        let name = r#"C:\ "Grand-père""#;
        assert_eq!(enroll(&path, name, node, key(3), false).unwrap(), Enrolled::New);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(TEXT), "{text}");
        let config = Config::load(&path).unwrap();
        let handheld = config.directory.handheld_at(node).unwrap();
        assert_eq!((handheld.name.as_str(), handheld.public_key), (name, key(3)));
        assert_eq!(config.directory.handhelds().count(), 2);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(enroll(&path, "other", node, key(3), false).unwrap(), Enrolled::Known);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_file_that_only_its_owner_reads_stays_so_and_a_link_stays_a_link() {
        let (place, path) = place(TEXT);
        place.write("fanal.toml", 0o600, TEXT);
        let link = place.path("link.toml");
        std::os::unix::fs::symlink("fanal.toml", &link).unwrap();
        enroll(&link, "Marc", NodeId(0x0203), key(3), false).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().contains("Marc"));
    }

    #[test]
    fn another_key_is_refused_unless_it_is_meant() {
        let (_place, path) = place(TEXT);
        let rosa = NodeId(0x0201);
        let refused = enroll(&path, "Rosa Tremblay", rosa, key(3), false).unwrap_err();
        assert!(matches!(refused, Unenrolled::OtherKey { name } if name == "Rosa Tremblay"));
        assert_eq!(fs::read_to_string(&path).unwrap(), TEXT);
        assert_eq!(enroll(&path, "", rosa, key(3), true).unwrap(), Enrolled::Replaced);
        let expected = TEXT
            .replace("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f", &key(3).to_string());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn what_clashes_is_refused_with_and_without_leave_and_changes_nothing() {
        let (_place, path) = place(TEXT);
        let rosas: PublicKey =
            "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f".parse().unwrap();
        let gateways = SecretKey::from_bytes([0x42; 32]);
        let alices = gateways.derive(NodeId(0x0101)).public();
        enroll(&path, "Marc", NodeId(0x0202), key(2), false).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        for replace in [false, true] {
            for (name, node, key) in [
                ("Twin", 0x0203, rosas),
                ("Twin", 0x0203, gateways.public()),
                ("Twin", 0x0203, alices),
                ("Weak", 0x0203, PublicKey([0; 32])),
                ("ROSA tremblay", 0x0203, key(3)),
                ("Alice", 0x0101, key(3)),
                ("Gateway", 0x0100, key(3)),
                ("", 0x0203, key(3)),
            ] {
                let refused = enroll(&path, name, NodeId(node), key, replace).unwrap_err();
                assert!(matches!(refused, Unenrolled::Clash(_)), "{name}: {refused}");
            }
        }
        // Marc's handheld as a copy of Rosa's, and a key that protects nothing.
        for key in [rosas, PublicKey([0; 32])] {
            let refused = enroll(&path, "Marc", NodeId(0x0202), key, true).unwrap_err();
            assert!(matches!(refused, Unenrolled::Clash(_)), "{refused}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_nothing_can_be_added_to_is_left_alone() {
        let start = TEXT.find("[[handheld]]").unwrap();
        let inline = format!("handheld = []\n{}", &TEXT[..start]);
        let (_place, path) = place(&inline);
        let refused = enroll(&path, "Marc", NodeId(0x0202), key(2), false).unwrap_err();
        assert!(matches!(refused, Unenrolled::Unusual { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), inline);
    }

    #[test]
    fn two_who_enroll_at_the_same_time_both_do() {
        let (_place, path) = place(TEXT);
        let threads: Vec<_> = (0..8u8)
            .map(|n| {
                let path = path.clone();
                let node = NodeId(0x0300 + u16::from(n));
                std::thread::spawn(move || {
                    enroll(&path, &format!("h{n}"), node, key(100 + n), false).unwrap()
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Enrolled::New));
        assert_eq!(Config::load(&path).unwrap().directory.handhelds().count(), 9);
    }
}
