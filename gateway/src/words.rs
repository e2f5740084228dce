//! What the program says to people, in French (Quebec) and in English.
//!
//! The words are in `gateway/i18n/<language>/fanal.ftl` (Project Fluent). Keys of JSON, of the configuration and
//! of the log stay English and are not here. Isolation marks are off: terminals and printers show them as
//! rubbish.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource, FluentValue};

/// A language that the program speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Language {
    /// French as it is written in Quebec.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::French, Language::English];

    /// The language tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Language::French => "fr-CA",
            Language::English => "en",
        }
    }

    /// The language that a tag (BCP 47) asks for; `None` when it is one that the program does not speak.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "fr" => Some(Language::French),
            "en" => Some(Language::English),
            _ => None,
        }
    }

    const fn catalogue(self) -> &'static str {
        match self {
            Language::French => include_str!("../i18n/fr-CA/fanal.ftl"),
            Language::English => include_str!("../i18n/en/fanal.ftl"),
        }
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
            LazyLock::new(|| Language::ALL.map(bundle));
        let [french, english] = &*BUNDLES;
        match self {
            Language::French => french,
            Language::English => english,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The program does not speak this language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither fr nor en")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        Self::of_tag(tag).ok_or_else(|| UnknownLanguage(tag.to_owned()))
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let tag = language.tag().parse().expect("our own tags are valid");
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    bundle.set_use_isolating(false);
    // A catalogue with a mistake still serves all its other entries; the tests let none pass.
    let resource =
        FluentResource::try_new(language.catalogue().to_owned()).unwrap_or_else(|(readable, _)| readable);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The text `key` in `language`, with the values that its `{ $variables }` stand for.
///
/// A key that is not in the catalogue is returned as it is: better a strange word than none. The tests of this
/// module find such keys in the program's sources.
pub fn say(language: Language, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
    let bundle = language.bundle();
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let mut arguments = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        arguments.set(*name, value.clone());
    }
    bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use super::*;

    /// Key -> the variables in its text.
    fn entries(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut current = None;
        for line in language.catalogue().lines() {
            if let Some((key, _)) = line.split_once('=')
                && line.starts_with(|first: char| first.is_ascii_lowercase())
            {
                let key = key.trim().to_owned();
                assert!(!entries.contains_key(&key), "{language} says {key} twice");
                entries.insert(key.clone(), BTreeSet::new());
                current = Some(key);
            }
            let Some(key) = &current else { continue };
            for piece in line.split('$').skip(1) {
                let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(piece.len());
                entries.get_mut(key).unwrap().insert(piece[..end].to_owned());
            }
        }
        entries
    }

    fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(entries(Language::French), entries(Language::English));
    }

    #[test]
    fn every_text_formats_without_a_complaint() {
        for language in Language::ALL {
            if let Err((_, mistakes)) = FluentResource::try_new(language.catalogue().to_owned()) {
                for mistake in &mistakes {
                    let place = mistake.slice.clone().and_then(|slice| language.catalogue().get(slice));
                    println!("{mistake} in:\n{}", place.unwrap_or_default());
                }
                panic!("the catalogue of {language} has {} mistakes", mistakes.len());
            }
            for (key, variables) in entries(language) {
                for number in [0, 1, 2, 1_234] {
                    let mut arguments = FluentArgs::new();
                    for variable in &variables {
                        arguments.set(variable.clone(), number);
                    }
                    let bundle = language.bundle();
                    let pattern = bundle.get_message(&key).unwrap().value().unwrap();
                    let mut complaints = Vec::new();
                    let text = bundle.format_pattern(pattern, Some(&arguments), &mut complaints);
                    assert!(complaints.is_empty(), "{language} {key}: {complaints:?}");
                    assert!(!text.contains(['{', '}', '\u{2068}', '\u{2069}']), "{language} {key}: {text}");
                }
            }
        }
    }

    #[test]
    fn every_key_that_the_program_uses_is_in_the_catalogue() {
        let known = entries(Language::English);
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut used = 0;
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for call in text.split("say(").skip(1) {
                let arguments = call.split(',').nth(1).unwrap_or_default().trim();
                if let Some(key) = arguments.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    used += 1;
                    assert!(known.contains_key(key), "{key} in {} is not in the catalogue", file.display());
                }
            }
        }
        assert!(used > 5, "the search for keys has stopped working");
    }

    #[test]
    fn languages_are_told_from_their_tags() {
        for (tag, language) in [
            ("fr", Some(Language::French)),
            ("fr-CA", Some(Language::French)),
            ("FR_ca.UTF-8", Some(Language::French)),
            ("en-GB", Some(Language::English)),
            ("fra", None),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn zero_and_one_are_singular_in_french() {
        let say = |count: i64| say(Language::French, "presence-waiting", &[("count", count.into())]);
        assert_eq!(say(1), "1 message en attente");
        assert_eq!(say(2), "2 messages en attente");
    }
}
