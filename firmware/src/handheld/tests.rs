//! A person talks to the handheld, in simulated time and a simulated air.

use std::format;
use std::string::String;
use std::vec::Vec;

use fanal_ether::channel::{Position, Settings};
use fanal_ether::flash::MemoryFlash;
use fanal_ether::live::Air;

mod pair;

use super::*;
use crate::testbed::{Line, SimulatedClock, with};

/// Of a flash that is just large enough.
const PAGES: usize = 36;
const KEY: &str = "2fe57da347cd62431528daac5fbb290730fff684afc4cfc2ed90995f58cb3b74";

fn handheld<'a>(
    air: &Air,
    name: &str,
    line: &'a Line,
    clock: &'a SimulatedClock,
    flash: &'a mut MemoryFlash,
) -> impl Future<Output = ()> + 'a {
    let radio = air.station(name, Position::new(0.0, 0.0));
    let (line_in, line_out) = line.device();
    // On the heap: whatever the tests build around it would be as large on their stacks.
    std::boxed::Box::pin(run(radio, line_in, line_out, clock, flash, 1, None))
}

/// Types each line of `script` that begins with `>`; the others must be what is shown.
async fn converse(script: &str) {
    let air = Air::new(Settings::room(), 1);
    let (line, clock, mut flash) = (Line::new(), SimulatedClock::new(), MemoryFlash::new(PAGES));
    let device = handheld(&air, "handheld", &line, &clock, &mut flash);
    let typed = async {
        for expected in script.lines().filter(|line| !line.is_empty()) {
            match expected.strip_prefix("> ") {
                Some(typed) => line.send(format!("{typed}\r\n").as_bytes()).await,
                None => assert_eq!(line.next_line().await, expected.replace('~', "\u{a0}")),
            }
        }
    };
    with(device, typed).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_in_french() {
    converse(&include_str!("tests/french.txt").replace("KEY", KEY)).await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_in_english() {
    converse(&include_str!("tests/english.txt").replace("KEY", KEY)).await;
}

#[tokio::test(start_paused = true)]
async fn hostile_input_is_answered_in_words_and_steers_no_terminal() {
    let air = Air::new(Settings::room(), 1);
    let (line, clock, mut flash) = (Line::new(), SimulatedClock::new(), MemoryFlash::new(PAGES));
    let device = handheld(&air, "handheld", &line, &clock, &mut flash);
    let attack = async {
        line.send(b"/language en\n").await;
        line.sees("English").await;
        line.send(&[b'x'; 10_000]).await;
        line.send(b"\n").await;
        assert_eq!(line.next_line().await, "! line too long, ignored");
        line.send(b"\xff\xfe\xc3\n").await;
        assert_eq!(line.next_line().await, "! line ignored: not UTF-8");
        line.send("/\u{202e}live\u{9b}2J\x1b[2J\n".as_bytes()).await;
        assert_eq!(line.next_line().await, "! unknown command: /\u{fffd}live\u{fffd}2J (see /help)");
        line.send(format!("/contact 0101 \u{202e}ecilA {KEY}\n").as_bytes()).await;
        assert_eq!(line.next_line().await, "0101 \u{fffd}ecilA, not heard yet");
        for seed in 0..50 {
            let mut noise = fanal_protocol::rand::Jitter::new(seed);
            let octets: Vec<u8> = (0..400).map(|_| noise.next_u64() as u8).collect();
            line.send(&octets).await;
        }
        line.send(b"\n/node 0201\n").await;
        line.sees("address 0201").await;
    };
    with(device, attack).await;
}

async fn set_up(line: &Line, node: &str, seed: u8) -> String {
    let entropy = format!("{seed:02x}").repeat(32);
    let network = "00112233445566778899aabbccddeeff";
    line.send(format!("/language en\n/node {node}\n/region EU\n/network {network}\n").as_bytes()).await;
    line.send(format!("/entropy {entropy}\n/key new\n").as_bytes()).await;
    line.sees("public key ").await.split_off("public key ".len())
}

#[tokio::test(start_paused = true)]
async fn messages_reach_another_handheld_once_over_a_bad_air_and_within_the_duty_cycle() {
    let mut settings = Settings::room();
    settings.faults = fanal_ether::fault::Faults::everywhere(fanal_ether::fault::Fault {
        loss: 0.3,
        duplication: 0.1,
        corruption: 0.1,
    });
    let air = Air::new(settings, 7);
    let clock = SimulatedClock::new();
    let (alice, bruno) = (Line::new(), Line::new());
    let mut flashes = (MemoryFlash::new(PAGES), MemoryFlash::new(PAGES));
    let devices = async {
        let alice = handheld(&air, "alice", &alice, &clock, &mut flashes.0);
        let bruno = handheld(&air, "bruno", &bruno, &clock, &mut flashes.1);
        select(alice, bruno).await;
    };
    let talk = async {
        let key = set_up(&alice, "0201", 1).await;
        bruno.send(format!("/contact 0201 Alice {key}\n").as_bytes()).await;
        let key = set_up(&bruno, "0202", 2).await;
        alice.send(format!("/contact 0202 Bruno {key}\n/to bruno\n").as_bytes()).await;
        alice.sees("to Bruno").await;
        for n in 1..=5 {
            alice.send(format!("message {n}\n").as_bytes()).await;
        }
        for n in 1..=5 {
            assert_eq!(bruno.sees("<Alice>").await, format!("<Alice> message {n}"));
            alice.sees(&format!("[+] {n} delivered to Bruno")).await;
        }
        bruno.send(b"/messages\n/status\n").await;
        let mut shown = Vec::new();
        loop {
            let line = bruno.next_line().await;
            if line.ends_with("message 5") {
                break;
            }
            shown.push(line);
        }
        let texts = shown.iter().filter(|line| line.starts_with("<Alice>")).count();
        assert_eq!(texts, 4, "{shown:#?}");
    };
    with(devices, talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_message_is_shown_whole_although_both_lose_power_while_it_is_under_way() {
    let mut settings = Settings::room();
    settings.faults = fanal_ether::fault::Faults::everywhere(fanal_ether::fault::Fault::loss(0.1));
    let clock = SimulatedClock::new();
    let (alice, bruno) = (Line::new(), Line::new());
    let mut flashes = (MemoryFlash::new(PAGES), MemoryFlash::new(PAGES));
    let text: String = "La route du pont est coupée. ".chars().cycle().take(3_900).collect();
    assert!(text.len() <= 4_096);
    let text = text.trim_end();

    let air = Air::new(settings.clone(), 3);
    let devices = async {
        let alice = handheld(&air, "alice", &alice, &clock, &mut flashes.0);
        let bruno = handheld(&air, "bruno", &bruno, &clock, &mut flashes.1);
        select(alice, bruno).await;
    };
    let talk = async {
        let key = set_up(&alice, "0201", 1).await;
        bruno.send(format!("/contact 0201 Alice {key}\n").as_bytes()).await;
        let key = set_up(&bruno, "0202", 2).await;
        alice.send(format!("/contact 0202 Bruno {key}\n/to bruno\n").as_bytes()).await;
        alice.send(format!("{}\n", "x".repeat(4_097)).as_bytes()).await;
        alice.sees("! message too long: 4097 octets, 4096 at most").await;
        alice.send(format!("{text}\n").as_bytes()).await;
        alice.sees("[>] 1").await;
        alice.send(format!("{}\n", "y".repeat(300)).as_bytes()).await;
        alice.sees("! a long message is still on its way").await;
    };
    with(devices, talk).await;

    let air = Air::new(settings, 4);
    let devices = async {
        let alice = handheld(&air, "alice", &alice, &clock, &mut flashes.0);
        let bruno = handheld(&air, "bruno", &bruno, &clock, &mut flashes.1);
        select(alice, bruno).await;
    };
    let talk = async {
        assert_eq!(bruno.sees("<Alice>").await, format!("<Alice> {text}"));
        alice.sees("[+] 1 delivered to Bruno").await;
        bruno.send(b"/messages\n").await;
        assert_eq!(bruno.sees("<Alice>").await, format!("<Alice> {text}"));
        alice.send(b"/messages\n").await;
        assert_eq!(alice.sees("[+] 1 @").await, format!("[+] 1 @Bruno {text}"));
    };
    with(devices, talk).await;
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_cannot_be_read_is_erased_only_when_told() {
    use embedded_storage_async::nor_flash::NorFlash;

    let mut flash = MemoryFlash::new(PAGES);
    // Neither page states nor records: what a stray write leaves.
    flash.write(0, &[0x5A; PAGES * 4096]).await.unwrap();
    assert!(Store::open(&mut flash).await.is_err());
    let air = Air::new(Settings::room(), 1);
    let (line, clock) = (Line::new(), SimulatedClock::new());
    let device = handheld(&air, "handheld", &line, &clock, &mut flash);
    let talk = async {
        line.sees("! the flash memory cannot be read").await;
        line.send(b"/node 0201\n").await;
        line.sees("! the flash memory cannot be read").await;
        line.send(b"/erase\n").await;
        line.sees("Fanal").await;
    };
    with(device, talk).await;
}
