//! A private XMPP server (Prosody) for the demonstration and the tests.
//!
//! It lives in a temporary directory, listens on free loopback ports, and goes away with the value that stands
//! for it, even when this program is killed. It is set up as docs/operations.md advises for a LAN, but for one
//! thing: clients on this machine may log in without encryption.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at its log.
const GLANCE: Duration = Duration::from_millis(20);

/// Starts the server in the place of the shell, and stops it when standard input closes.
const LAUNCH: &str = r#"
exec 3<&0
(read -r _ <&3; kill $$) >/dev/null 2>&1 &
exec 3<&-
exec prosody -F --config "$1" </dev/null
"#;

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Local part of the JID, in its normal form.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the others' contact lists call this person.
    pub name: String,
}

/// An external component (XEP-0114).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its domain.
    pub domain: String,
    /// The secret shared with it.
    pub secret: String,
}

/// What the server serves.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// The domain of the accounts.
    pub domain: String,
    /// Who has one. They are in each other's contact lists.
    pub accounts: Vec<Account>,
    /// What may attach.
    pub components: Vec<Component>,
    /// Further entries of everybody's contact list: JID and name.
    pub contacts: Vec<(String, String)>,
    /// The port for clients; a free one if there is none.
    pub port: Option<u16>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is not installed.
    #[error("{0} is not installed; on Debian and Ubuntu: apt install {0}")]
    NotInstalled(&'static str),
    /// Its files could not be written, or it could not be started.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate could not be made.
    #[error("openssl made no certificate: {0}")]
    Certificate(String),
    /// It does not run, or not as it should; the end of its log.
    #[error("prosody does not start:\n{0}")]
    Failed(String),
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what, source }
}

/// A running server. Dropped, it stops and its files are deleted.
#[derive(Debug)]
pub struct Prosody {
    // Before the folder: fields are dropped in order, and the server writes there until it stops.
    process: Option<Process>,
    clients: SocketAddr,
    components: SocketAddr,
    /// Whether anything may attach: Prosody opens no port for components when it knows of none.
    has_components: bool,
    folder: TempDir,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Each fails only if the process is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Prosody {
    /// Writes its files and starts it. Returns when it listens.
    ///
    /// # Errors
    ///
    /// [`Error`], in words for the person who runs the demonstration.
    pub async fn start(plan: &Plan) -> Result<Self, Error> {
        for program in ["prosody", "openssl"] {
            if !installed(program) {
                return Err(Error::NotInstalled(program));
            }
        }
        let folder = tempfile::Builder::new()
            .prefix("fanal-prosody-")
            .tempdir()
            .map_err(io_error("temporary folder"))?;
        let [mut clients, components] = free_ports().map_err(io_error("free ports"))?;
        clients.set_port(plan.port.unwrap_or(clients.port()));
        write_files(plan, folder.path(), clients.port(), components.port())
            .map_err(io_error("writing prosody's files"))?;
        certificate(plan, folder.path())?;
        let has_components = !plan.components.is_empty();
        let mut server = Self { process: None, clients, components, has_components, folder };
        server.resume().await?;
        Ok(server)
    }

    /// Where clients connect.
    pub fn client_address(&self) -> SocketAddr {
        self.clients
    }

    /// Where components connect, if the plan has any.
    pub fn component_address(&self) -> SocketAddr {
        self.components
    }

    /// The server's certificate (PEM), signed by itself.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What it has logged since it was created.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Stops it, as a power cut would. Its data and its ports are kept for [`resume`](Self::resume).
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again after [`stop`](Self::stop). Returns when it listens; does nothing when it runs.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn resume(&mut self) -> Result<(), Error> {
        if self.process.is_some() {
            return Ok(());
        }
        let logged = fs::metadata(self.log_file()).map(|file| file.len()).unwrap_or(0);
        let output = fs::File::create(self.folder.path().join("output")).map_err(io_error("output file"))?;
        let child = Command::new("sh")
            .args(["-c", LAUNCH, "fanal-prosody"])
            .arg(self.folder.path().join("prosody.cfg.lua"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(io_error("output file"))?)
            .stderr(output)
            .spawn()
            .map_err(io_error("starting prosody"))?;
        let mut process = Process(child);
        self.listening(&mut process, logged).await?;
        self.process = Some(process);
        Ok(())
    }

    async fn listening(&self, process: &mut Process, logged: u64) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = read_from(&self.log_file(), logged).unwrap_or_default();
            let activated = |service: &str, address: &SocketAddr| {
                log.contains(&format!("Activated service '{service}' on [127.0.0.1]:{}", address.port()))
            };
            if activated("c2s", &self.clients)
                && (!self.has_components || activated("component", &self.components))
            {
                return Ok(());
            }
            let ended = process.0.try_wait().map_err(io_error("waiting for prosody"))?.is_some();
            if ended || log.contains("Failed to open server port") || Instant::now() >= deadline {
                let output = fs::read_to_string(self.folder.path().join("output")).unwrap_or_default();
                return Err(Error::Failed(last_lines(&format!("{output}{log}"), 15)));
            }
            sleep(GLANCE).await;
        }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("prosody.log")
    }
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Ports that nobody uses at this moment.
fn free_ports() -> io::Result<[SocketAddr; 2]> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok([first.local_addr()?, second.local_addr()?])
}

fn read_from(file: &Path, offset: u64) -> io::Result<String> {
    let mut file = fs::File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A Lua string that says exactly `text`.
fn lua(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for octet in text.bytes() {
        match octet {
            b'"' | b'\\' => quoted.extend(['\\', char::from(octet)]),
            b' '..=b'~' => quoted.push(char::from(octet)),
            _ => quoted.push_str(&format!("\\{octet:03}")),
        }
    }
    quoted.push('"');
    quoted
}

/// How Prosody spells a name as a file name.
fn file_name(name: &str) -> String {
    name.bytes()
        .map(|octet| match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(octet).to_string(),
            _ => format!("%{octet:02x}"),
        })
        .collect()
}

fn write_files(plan: &Plan, folder: &Path, clients: u16, components: u16) -> io::Result<()> {
    fs::write(folder.join("prosody.cfg.lua"), configuration(plan, folder, clients, components))?;
    fs::write(folder.join("groups.txt"), groups(plan))?;
    let accounts = folder.join("data").join(file_name(&plan.domain)).join("accounts");
    fs::create_dir_all(&accounts)?;
    for account in &plan.accounts {
        let mut file = fs::File::create(accounts.join(file_name(&account.user) + ".dat"))?;
        writeln!(file, "return {{ [\"password\"] = {}; }};", lua(&account.password))?;
    }
    Ok(())
}

/// One contact list for everybody (`mod_groups`).
fn groups(plan: &Plan) -> String {
    let one_line = |text: &str| text.replace(['\n', '\r'], " ");
    let mut groups = String::from("[Fanal]\n");
    for account in &plan.accounts {
        groups += &format!("{}@{}={}\n", account.user, plan.domain, one_line(&account.name));
    }
    for (jid, name) in &plan.contacts {
        groups += &format!("{}={}\n", one_line(jid), one_line(name));
    }
    groups
}

fn configuration(plan: &Plan, folder: &Path, clients: u16, components: u16) -> String {
    let path = |name: &str| lua(&folder.join(name).to_string_lossy());
    let mut text = format!(
        r#"pidfile = {pid}
data_path = {data}
groups_file = {groups}
log = {{ info = {log} }}
certificates = {folder}
run_as_root = true
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {clients} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {components} }}
network_settings = {{ nagle = false }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{
	"blocklist"; "carbons"; "csi_simple"; "disco"; "groups"; "mam"; "offline"; "pep"; "ping"; "posix";
	"roster"; "saslauth"; "smacks"; "time"; "tls"; "version";
}}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
ssl = {{ certificate = {certificate}; key = {key} }}
storage = "internal"

VirtualHost {domain}
"#,
        pid = path("prosody.pid"),
        data = path("data"),
        groups = path("groups.txt"),
        log = path("prosody.log"),
        folder = lua(&folder.to_string_lossy()),
        certificate = path("certificate.pem"),
        key = path("key.pem"),
        domain = lua(&plan.domain),
    );
    for component in &plan.components {
        text += &format!(
            "\nComponent {}\n\tcomponent_secret = {}\n",
            lua(&component.domain),
            lua(&component.secret)
        );
    }
    text
}

fn certificate(plan: &Plan, folder: &Path) -> Result<(), Error> {
    let name = |domain: &str| match domain.parse::<std::net::IpAddr>() {
        Ok(address) => format!("IP:{address}"),
        Err(_) => format!("DNS:{domain}"),
    };
    let mut names = vec![name(&plan.domain)];
    names.extend(plan.components.iter().map(|component| name(&component.domain)));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "3650", "-subj", "/CN=fanal", "-addext"])
        .arg(format!("subjectAltName={}", names.join(",")))
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("certificate.pem"))
        .stdin(Stdio::null())
        .output()
        .map_err(io_error("starting openssl"))?;
    if made.status.success() {
        Ok(())
    } else {
        Err(Error::Certificate(last_lines(&String::from_utf8_lossy(&made.stderr), 5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lua_strings_cannot_be_left() {
        assert_eq!(lua("a\"b\\c\n\u{e9}"), r#""a\"b\\c\010\195\169""#);
    }

    #[test]
    fn files_are_named_as_prosody_names_them() {
        assert_eq!(file_name("home.lan"), "home%2elan");
        assert_eq!(file_name("127.0.0.1"), "127%2e0%2e0%2e1");
    }
}
