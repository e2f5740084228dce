//! The handheld's firmware, run by QEMU: a person's terminal on UART0, the simulated air on UART1.
#![allow(clippy::unwrap_used)] // the helpers of a test may stop it

use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use fanal_ether::channel::{Position, Settings};
use fanal_ether::live::Air;
use fanal_ether::qemu::{Emulator, Lines, Machine};
use fanal_tests::images;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, Lines as TextLines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

const NETWORK: &str = "00112233445566778899aabbccddeeff";
const PATIENCE: Duration = Duration::from_secs(30);

/// A person with a handheld.
struct Person {
    name: &'static str,
    node: &'static str,
    position: Position,
    emulator: Emulator,
    lines: TextLines<BufReader<OwnedReadHalf>>,
    keyboard: OwnedWriteHalf,
    key: String,
    /// What was shown and nobody has asked for yet.
    shown: Vec<String>,
}

fn switch_on(
    emulator: &mut Emulator,
    air: &Air,
    name: &'static str,
    position: Position,
) -> (TextLines<BufReader<OwnedReadHalf>>, OwnedWriteHalf) {
    let Lines { host, air: tunnel } = emulator.start().unwrap();
    serve(air, name, position, tunnel);
    let (input, output) = host.into_split();
    (BufReader::new(input).lines(), output)
}

/// Lends a station of the air to the board at the other end of `tunnel`.
fn serve(air: &Air, name: &'static str, position: Position, tunnel: UnixStream) {
    let air = air.clone();
    tokio::spawn(async move {
        let (input, output) = tunnel.into_split();
        // It ends when the emulator does.
        let _ = air.serve(name, position, input, output).await;
    });
}

impl Person {
    /// A person whose handheld is set up and knows nobody.
    async fn new(folder: &Path, air: &Air, name: &'static str, node: &'static str, east_m: f64) -> Self {
        let position = Position::new(east_m, 0.0);
        let mut emulator = Emulator::new(&images::handheld(), &folder.join(name));
        let (lines, keyboard) = switch_on(&mut emulator, air, name, position);
        let mut person =
            Self { name, node, position, emulator, lines, keyboard, key: String::new(), shown: Vec::new() };
        for command in
            ["/language en", &format!("/node {node}"), "/region CA", &format!("/network {NETWORK}")]
        {
            person.types(command).await;
        }
        person.types("/key new").await;
        person.key = person.sees("public key ").await.split_off("public key ".len());
        person
    }

    async fn types(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\r").as_bytes()).await.unwrap();
    }

    /// The next line that begins like this; others are kept.
    async fn sees(&mut self, beginning: &str) -> String {
        self.sees_either(beginning, beginning).await
    }

    async fn sees_either(&mut self, beginning: &str, other: &str) -> String {
        let wanted = |line: &String| line.starts_with(beginning) || line.starts_with(other);
        if let Some(index) = self.shown.iter().position(wanted) {
            return self.shown.remove(index);
        }
        let search = async {
            loop {
                let line = self.lines.next_line().await.unwrap().expect("the emulator runs");
                if wanted(&line) {
                    return line;
                }
                self.shown.push(line);
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(line) => line,
            Err(_) => panic!("{} did not see {beginning:?}, but {:#?}", self.name, self.shown),
        }
    }

    /// Asks for the status and takes what was shown before the answer.
    async fn everything_shown(&mut self) -> Vec<String> {
        self.types("/status").await;
        let answer = format!("{} on", self.node);
        self.sees(&answer).await;
        std::mem::take(&mut self.shown)
    }

    async fn meets(&mut self, other: &Person) {
        self.types(&format!("/contact {} {} {}", other.node, other.name, other.key)).await;
        self.sees(&format!("{} {}", other.node, other.name)).await;
    }

    /// A power cut, and power again.
    fn loses_power(&mut self, air: &Air) {
        (self.lines, self.keyboard) = switch_on(&mut self.emulator, air, self.name, self.position);
    }
}

async fn two_people(folder: &Path, air: &Air) -> (Person, Person) {
    let mut alice = Person::new(folder, air, "Alice", "0201", 0.0).await;
    let mut bruno = Person::new(folder, air, "Bruno", "0202", 500.0).await;
    alice.meets(&bruno).await;
    bruno.meets(&alice).await;
    (alice, bruno)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handhelds_exchange_messages() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 1);
    let (mut alice, mut bruno) = two_people(folder.path(), &air).await;

    alice.types("@bruno Ça va ?").await;
    alice.sees("[.] 1 ").await;
    assert_eq!(bruno.sees("<Alice>").await, "<Alice> Ça va ?");
    alice.sees("[>] 1 ").await;
    assert_eq!(alice.sees("[+] 1 ").await, "[+] 1 delivered to Bruno");

    bruno.types("/to alice").await;
    bruno.types("oui, et toi ?").await;
    assert_eq!(alice.sees("<Bruno>").await, "<Bruno> oui, et toi ?");
    bruno.sees("[+] 2 ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_4096_octets_is_shown_whole() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 5);
    let (mut alice, mut bruno) = two_people(folder.path(), &air).await;
    let text: String = "La route du pont est fermée, passez par le moulin. ".repeat(100);
    let text = text[..text.floor_char_boundary(4_096)].trim_end();
    alice.types(&format!("@bruno {text}")).await;
    alice.sees("[.] 1 ").await;
    assert_eq!(bruno.sees("<Alice>").await, format!("<Alice> {text}"));
    alice.sees("[+] 1 ").await;
    bruno.loses_power(&air);
    bruno.sees("Fanal").await;
    bruno.types("/messages").await;
    assert_eq!(bruno.sees("<Alice>").await, format!("<Alice> {text}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_and_said_survives_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 2);
    let (mut alice, mut bruno) = two_people(folder.path(), &air).await;
    bruno.emulator.kill();
    alice.types("@bruno for later").await;
    alice.sees("[>] 1 ").await;

    alice.loses_power(&air);
    alice.sees("Fanal").await;
    alice.types("/messages").await;
    alice.sees("[.] 1 @Bruno for later").await;
    bruno.loses_power(&air);
    assert_eq!(bruno.sees("<Alice>").await, "<Alice> for later");
    alice.sees("[+] 1 ").await;

    alice.loses_power(&air);
    bruno.loses_power(&air);
    alice.types("/key").await;
    assert_eq!(alice.sees("public key").await, format!("public key {}", alice.key));
    alice.types("/messages").await;
    alice.sees("[+] 1 @Bruno for later").await;
    bruno.types("@alice thanks").await;
    assert_eq!(alice.sees("<Bruno>").await, "<Bruno> thanks");
    let again = bruno.everything_shown().await;
    assert!(!again.iter().any(|line| line.starts_with("<Alice>")), "shown twice: {again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_lost_or_doubled_while_the_power_fails_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 3);
    let (mut alice, mut bruno) = two_people(folder.path(), &air).await;
    let cuts = if std::env::var_os("FANAL_LONG").is_some() { 60 } else { 6 };
    for n in 0..cuts {
        let text = format!("message {n}");
        // Accepted is what was said to be accepted; a refusal is said too, and she tries again.
        loop {
            alice.types(&format!("@bruno {text}")).await;
            if alice.sees_either("[.] ", "! too many messages waiting").await.starts_with("[.] ") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        tokio::time::sleep(Duration::from_millis(37 * (n % 11))).await;
        if n % 2 == 0 {
            bruno.loses_power(&air);
        } else {
            alice.loses_power(&air);
        }
    }
    // One message at a time and in order: when the last one is there, all are.
    alice.types("@bruno end").await;
    loop {
        bruno.types("/messages").await;
        let shown = bruno.everything_shown().await;
        if shown.iter().any(|line| line == "<Alice> end") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bruno.loses_power(&air);
    bruno.shown.clear();
    bruno.types("/messages").await;
    bruno.sees("<Alice> end").await;
    let list: Vec<_> = bruno.shown.iter().filter(|line| line.starts_with("<Alice>")).cloned().collect();
    let expected: Vec<_> = (0..cuts).map(|n| format!("<Alice> message {n}")).collect();
    assert_eq!(list, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_program_sees_the_handheld_as_a_serial_port() {
    let folder = tempfile::tempdir().unwrap();
    let air = Air::new(Settings::room(), 4);
    let port = folder.path().join("handheld");
    let (mut machine, tunnel) =
        Machine::start(&images::handheld(), &folder.path().join("flash"), &port).unwrap();
    serve(&air, "handheld", Position::new(0.0, 0.0), tunnel);

    let conversation = |typed: &'static str, shown: &'static str| {
        let port = port.clone();
        let talk = tokio::task::spawn_blocking(move || {
            let mut port = std::fs::File::options().read(true).write(true).open(port).unwrap();
            port.write_all(typed.as_bytes()).unwrap();
            let mut heard = Vec::new();
            let mut chunk = [0; 256];
            while !String::from_utf8_lossy(&heard).contains(shown) {
                let n = port.read(&mut chunk).unwrap();
                heard.extend_from_slice(&chunk[..n]);
            }
        });
        async move { timeout(PATIENCE, talk).await.expect("an answer in time").unwrap() }
    };
    conversation("/node 0201\r\n/language en\r", "English\r\n").await;
    let tunnel = machine.restart().await.unwrap();
    serve(&air, "handheld", Position::new(0.0, 0.0), tunnel);
    conversation("/status\n", "to be set: /region /network /key new\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_octets_and_noise_do_not_upset_the_handheld() {
    let folder = tempfile::tempdir().unwrap();
    let mut emulator = Emulator::new(&images::handheld(), &folder.path().join("flash"));
    let Lines { host, air: _tunnel } = emulator.start().unwrap();
    let (mut input, mut output) = host.into_split();
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        let mut chunk = [0; 1024];
        while !String::from_utf8_lossy(&heard).contains("public key") {
            let n = input.read(&mut chunk).await.unwrap();
            heard.extend_from_slice(&chunk[..n]);
        }
    });
    flood(&mut output).await;
    output.write_all(b"\r/language en\r/key new\r").await.unwrap();
    timeout(PATIENCE, heard).await.expect("an answer in time").unwrap();
}

async fn flood(output: &mut (impl AsyncWrite + Unpin)) {
    let mut noise = fanal_protocol::rand::Jitter::new(5);
    output.write_all(&[b'x'; 10_000]).await.unwrap();
    for _ in 0..20 {
        let octets: Vec<u8> = (0..1_000).map(|_| noise.next_u64() as u8).collect();
        output.write_all(&octets).await.unwrap();
    }
}
