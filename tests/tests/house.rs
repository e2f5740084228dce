//! The rules of the house that a compiler does not check.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All tracked and new files below `folder` with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Lines of Rust code that are neither comments nor behind the test modules at the end of a file.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines().map(str::trim).filter(|line| !line.starts_with("//")).map(String::from).collect()
}

/// Inside the protocol, a layer uses only itself and the layers before it.
#[test]
fn the_layers_of_the_protocol_depend_one_way() {
    let layers = ["wire", "crypto", "region", "mac", "net", "transport", "node"];
    let allowed = |layer: &str| -> Vec<&str> {
        match layer {
            "wire" => vec!["wire"],
            "crypto" => vec!["wire", "crypto"],
            "region" => vec!["wire", "region"],
            "modem" => vec!["wire", "region", "modem"],
            "pairing" => vec!["crypto", "region"],
            other => {
                let position = layers.iter().position(|known| *known == other).unwrap();
                layers[..=position].to_vec()
            }
        }
    };
    let mut upward = Vec::new();
    for path in files("protocol/src", "rs") {
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let within = path.strip_prefix(root().join("protocol/src")).unwrap().to_path_buf();
        let first = within.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let layer = first.trim_end_matches(".rs").to_string();
        if layer == "lib" {
            continue;
        }
        let base = !layers.contains(&layer.as_str()) && layer != "modem" && layer != "pairing";
        let permitted = if base { Vec::new() } else { allowed(&layer) };
        for line in code(&path) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_layer = layers.contains(&used.as_str()) || used == "modem" || used == "pairing";
                if is_layer && !permitted.contains(&used.as_str()) {
                    upward.push(format!("{}: {layer} uses {used}: {line}", within.display()));
                }
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

/// Which of our packages a package's library may use, whatever its manifest says.
#[test]
fn the_packages_depend_one_way() {
    let rules: [(&str, &[&str]); 5] = [
        ("protocol", &[]),
        ("hardware/radio", &["fanal_protocol"]),
        ("hardware/ether", &["fanal_protocol", "fanal_radio"]),
        ("firmware", &["fanal_protocol", "fanal_radio", "fanal_board_qemu"]),
        ("gateway", &["fanal_protocol"]),
    ];
    let mut upward = Vec::new();
    for (package, permitted) in rules {
        for path in files(&format!("{package}/src"), "rs") {
            // The demo and the simulator alone introduce simulated radios and firmware to the gateway.
            let text = path.to_string_lossy().into_owned();
            let simulated = ["gateway/src/cli/demo", "gateway/src/cli/simulate"];
            if simulated.iter().any(|folder| text.contains(folder))
                || text.ends_with("tests.rs")
                || text.contains("/tests/")
            {
                continue;
            }
            for line in code(&path) {
                for ours in ["protocol", "radio", "ether", "firmware", "gateway", "board_qemu"] {
                    let name = format!("fanal_{ours}");
                    let own = package == "gateway" && name == "fanal_gateway"
                        || package == "firmware" && name == "fanal_firmware";
                    if line.contains(&format!("{name}::")) && !own && !permitted.contains(&name.as_str()) {
                        upward.push(format!("{}: {line}", path.display()));
                    }
                }
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn files_stay_short_enough_to_read() {
    let folders = ["protocol", "hardware", "firmware", "gateway", "tests"];
    let long: Vec<_> = folders
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "files over 600 lines: {long:#?}");
}

#[test]
fn the_top_level_is_fixed() {
    let allowed = ["gateway", "firmware", "protocol", "hardware", "tests", "docs", "target"];
    let folders: Vec<String> = fs::read_dir(root())
        .unwrap()
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .collect();
    assert!(folders.is_empty(), "not part of the fixed top level: {folders:?}");
}

/// The licences that `deny.toml` allows; one of a package's alternatives must be among them.
#[test]
fn every_dependency_has_an_allowed_licence() {
    let rules = fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = rules.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    let allowed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(allowed.contains(&"MIT"));

    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
            !licence.split(" AND ").all(|part| {
                part.trim_matches(['(', ')']).split(" OR ").any(|one| {
                    let one = one.trim_matches(['(', ')', ' ']);
                    let one = one.split(" WITH ").next().unwrap();
                    allowed.contains(&one)
                })
            })
        })
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// `docs/security.md` promises nothing that no test tries to break: the tests that it names exist.
#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let named: Vec<&str> =
        page.split('*').filter(|word| word.contains('_') && !word.contains([' ', '\n', '`'])).collect();
    assert!(named.len() > 25, "{named:?}");
    let folders = ["protocol", "firmware", "gateway", "tests"];
    let sources: String = folders
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let missing: Vec<_> = named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
