//! The program `fanal`, built from the sources under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Where the program is; built once per process, in the profile of this test.
///
/// # Panics
/// When it does not build: what the compiler says is the reason.
pub fn fanal() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "--package", "fanal-gateway", "--bin", "fanal"]);
        cargo.args(["--message-format", "json-render-diagnostics"]).current_dir(root);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let built = cargo.output().expect("cargo can be run");
        assert!(built.status.success(), "cargo build: {}", String::from_utf8_lossy(&built.stderr));
        let said = String::from_utf8(built.stdout).expect("cargo speaks UTF-8");
        let artifacts = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut programs = artifacts.filter_map(|artifact| Some(artifact["executable"].as_str()?.into()));
        programs.next().expect("cargo names the program that it has built")
    })
}

/// What `fanal pair` says with these settings and arguments.
///
/// # Errors
/// What it complains of.
pub fn pair(config: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(fanal());
    command.arg("pair").args(arguments).arg("--config").arg(config).env("LC_ALL", "en_CA.UTF-8");
    let output = command.stdin(Stdio::null()).output().expect("the program can be run");
    let text = |octets| String::from_utf8(octets).expect("the program speaks UTF-8");
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}
