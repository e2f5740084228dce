//! How fast a frame is read, written, sealed, opened and worked through by a node, beside copying its octets and
//! beside the bare cipher in the same run.

#![allow(clippy::unwrap_used, missing_docs)]

mod measure;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use aes::Aes128;
use ccm::aead::inout::InOutBuf;
use ccm::consts::{U4, U13};
use ccm::{AeadInOut, Ccm, KeyInit, Nonce};
use criterion::{BatchSize, Criterion, Throughput};
use fanal_protocol::crypto::{NetworkKey, Purpose, SecretKey, SessionKey, Window, agree};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::node::{Acceptance, Config, Draft, Event, Node, Session};
use fanal_protocol::priority::Priority;
use fanal_protocol::quality::Quality;
use fanal_protocol::region::{Channel, MAX_FRAME, RegionCode};
use fanal_protocol::time::{Duration as Span, Instant};
use fanal_protocol::wire::{Form, Frame, Kind, Role, Text};

const GATEWAY: NodeId = NodeId(0x0100);
const PERSON: NodeId = NodeId(0x0101);
const HANDHELD: NodeId = NodeId(0x0201);
const TEXT: &str = "Pont coup\u{e9} au rang 4, passez par l'est.";
const NOW: Instant = Instant::from_secs(1);
/// Frames per sample of what cannot be repeated with the same frame.
const FRAMES: u32 = 512;

type Cipher = Ccm<Aes128, U4, U13>;
type Station = Box<Node<2, 8, 0, 0>>;

fn main() {
    let folder = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("criterion");
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .output_directory(&folder)
        .configure_from_args();
    wire(&mut criterion);
    cipher(&mut criterion);
    node(&mut criterion);
    criterion.final_summary();
    if measure::wanted() {
        print_ratios(&folder);
    }
}

fn message(counter: u32) -> MessageId {
    MessageId { source: PERSON, destination: HANDHELD, counter }
}

/// The text with this counter, as it is on the air.
fn frame(key: &SessionKey, counter: u32) -> Vec<u8> {
    let mut sealed = [0; MAX_FRAME];
    let length = key.seal_text(message(counter), TEXT.as_bytes(), &mut sealed).unwrap();
    let text = Text {
        hop_limit: 0,
        next_hop: 0,
        destination: HANDHELD,
        source: PERSON,
        form: Form::Strong(key.strengthen(Kind::Text, message(counter), &sealed[..length])),
        sealed: &sealed[..length],
    };
    let mut octets = [0; MAX_FRAME];
    let length = text.emit(&mut octets).unwrap();
    octets[..length].to_vec()
}

fn key(local: NodeId, remote: NodeId) -> SessionKey {
    let secret =
        |node: NodeId| SecretKey::from_bytes([node.0.to_be_bytes()[0] + node.0.to_be_bytes()[1]; 32]);
    agree(&secret(local), local, &secret(remote).public(), remote).unwrap()
}

fn wire(criterion: &mut Criterion) {
    let octets = frame(&key(HANDHELD, PERSON), 1);
    let parsed = Frame::parse(&octets).unwrap();
    let mut out = [0; MAX_FRAME];
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&mut out)[..octets.len()].copy_from_slice(black_box(&octets)));
    });
    group.bench_function("parse", |bencher| bencher.iter(|| Frame::parse(black_box(&octets))));
    group.bench_function("emit", |bencher| bencher.iter(|| black_box(&parsed).emit(black_box(&mut out))));
    group.finish();
}

fn cipher(criterion: &mut Criterion) {
    let key = key(HANDHELD, PERSON);
    let mut sealed = [0; MAX_FRAME];
    let length = key.seal_text(message(1), TEXT.as_bytes(), &mut sealed).unwrap();
    let sealed = &sealed[..length];
    let mut out = [0; MAX_FRAME];
    let mut octets = TEXT.as_bytes().to_vec();
    let nonce: Nonce<U13> = [7; 13].into();
    let scheduled = Cipher::new(&[5; 16].into());

    let mut group = criterion.benchmark_group("cipher");
    group.throughput(Throughput::Elements(1));
    group.bench_function("bare, key scheduled before", |bencher| {
        bencher.iter(|| {
            let octets = InOutBuf::from(black_box(&mut octets[..]));
            black_box(&scheduled).encrypt_inout_detached(&nonce, &[0; 5], octets)
        });
    });
    group.bench_function("bare", |bencher| {
        bencher.iter(|| {
            let cipher = Cipher::new(black_box(&[5; 16].into()));
            cipher.encrypt_inout_detached(&nonce, &[0; 5], InOutBuf::from(black_box(&mut octets[..])))
        });
    });
    group.bench_function("seal", |bencher| {
        bencher.iter(|| key.seal_text(black_box(message(1)), black_box(TEXT.as_bytes()), &mut out));
    });
    group.bench_function("open", |bencher| {
        bencher.iter(|| key.open_text(black_box(message(1)), black_box(sealed), &mut out));
    });
    group.bench_function("proof", |bencher| {
        bencher.iter(|| key.proof(Purpose::Receipt, black_box(message(1))));
    });
    group.finish();
}

fn station(node: NodeId, role: Role, sessions: &[(NodeId, NodeId, Option<NodeId>)]) -> Station {
    let config = Config {
        node,
        role,
        network_key: NetworkKey([7; 16]),
        rate: Channel::home(RegionCode::Ca).rate,
        beacon_interval: Span::ZERO,
        relays: true,
        keeps: false,
        acceptance: Acceptance::Delivered,
    };
    let mut node = Box::new(Node::new(config, 0, 1, NOW));
    for &(local, remote, via) in sessions {
        node.add_session(Session::new(local, remote, via, key(local, remote), 0, Window::new())).unwrap();
    }
    node
}

/// What a host does for its node, with a store that takes no time.
fn serve(node: &mut Station) -> bool {
    let mut received = false;
    while let Some(event) = node.poll_event() {
        match event {
            Event::Reserve { local, remote, until } => node.handle_reserved(local, remote, until, NOW),
            Event::Received { id, .. } => {
                received = true;
                node.accept(id, NOW);
            }
            Event::State { id, .. } => node.handle_stored(id, NOW),
            // Nothing is kept for others here.
            _ => {}
        }
    }
    received
}

/// The node's next frame, said to have been transmitted.
fn transmit<'a>(node: &mut Station, buffer: &'a mut [u8; MAX_FRAME]) -> Option<&'a [u8]> {
    let next = node.poll_transmit(NOW, buffer)?;
    node.handle_transmitted(next.token, NOW);
    Some(&buffer[..next.len])
}

fn node(criterion: &mut Criterion) {
    let quality = Quality { rssi_dbm: -97, snr_quarter_db: 18 };
    let mut group = criterion.benchmark_group("node");
    group.throughput(Throughput::Elements(FRAMES.into()));

    let key = key(PERSON, HANDHELD);
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|counter| frame(&key, counter)).collect();
    group.bench_function("receive", |bencher| {
        let handheld = || station(HANDHELD, Role::Handheld, &[(HANDHELD, PERSON, Some(GATEWAY))]);
        let work = |mut node: Station| {
            let mut buffer = [0; MAX_FRAME];
            for frame in &frames {
                node.handle_frame(black_box(frame), quality, NOW).unwrap();
                assert!(serve(&mut node));
                black_box(transmit(&mut node, &mut buffer)).unwrap();
            }
            node
        };
        bencher.iter_batched(handheld, work, BatchSize::SmallInput);
    });

    group.bench_function("send, receive, receipt", |bencher| {
        let both = || {
            let gateway = station(GATEWAY, Role::Gateway, &[(PERSON, HANDHELD, None)]);
            (gateway, station(HANDHELD, Role::Handheld, &[(HANDHELD, PERSON, Some(GATEWAY))]))
        };
        let work = |(mut gateway, mut handheld): (Station, Station)| {
            let mut buffer = [0; MAX_FRAME];
            let lifetime = Span::from_secs(3_600);
            let draft = Draft {
                source: PERSON,
                destination: HANDHELD,
                text: TEXT,
                lifetime,
                priority: Priority::Text,
            };
            for _ in 0..FRAMES {
                let id = gateway.send(draft, NOW).or_else(|_| {
                    serve(&mut gateway);
                    gateway.send(draft, NOW)
                });
                gateway.handle_stored(id.unwrap(), NOW);
                serve(&mut gateway);
                handheld.handle_frame(transmit(&mut gateway, &mut buffer).unwrap(), quality, NOW).unwrap();
                assert!(serve(&mut handheld));
                gateway.handle_frame(transmit(&mut handheld, &mut buffer).unwrap(), quality, NOW).unwrap();
                serve(&mut gateway);
                assert_eq!(gateway.pending(), 0);
                // It may want the receipt acknowledged.
                while let Some(frame) = transmit(&mut gateway, &mut buffer) {
                    let _ = handheld.handle_frame(frame, quality, NOW);
                    serve(&mut handheld);
                }
            }
            (gateway, handheld)
        };
        bencher.iter_batched(both, work, BatchSize::SmallInput);
    });
    group.finish();
}

/// Nanoseconds per frame, as criterion has just written them.
fn mean(folder: &Path, group: &str, name: &str) -> Option<f64> {
    let path = folder.join(group).join(name).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let frames = if group == "node" { f64::from(FRAMES) } else { 1.0 };
    Some(estimates["mean"]["point_estimate"].as_f64()? / frames)
}

fn print_ratios(folder: &Path) {
    let (Some(copy), Some(bare)) = (mean(folder, "wire", "copy"), mean(folder, "cipher", "bare")) else {
        return;
    };
    let figures = [
        ("copy the octets", "wire", "copy"),
        ("parse", "wire", "parse"),
        ("emit", "wire", "emit"),
        ("bare AES-CCM, key scheduled before", "cipher", "bare, key scheduled before"),
        ("bare AES-CCM", "cipher", "bare"),
        ("seal", "cipher", "seal"),
        ("open", "cipher", "open"),
        ("proof", "cipher", "proof"),
        ("node: receive, accept, answer", "node", "receive"),
        ("two nodes: send, receive, receipt", "node", "send, receive, receipt"),
    ];
    let rows: Vec<Vec<String>> = figures
        .into_iter()
        .filter_map(|(words, group, name)| {
            let mean = mean(folder, group, name)?;
            let ratios = [mean / copy, mean / bare].map(|ratio| format!("{ratio:.2}"));
            let [to_copy, to_bare] = ratios;
            Some(vec![words.into(), format!("{mean:.1}"), format!("{:.0}", 1e9 / mean), to_copy, to_bare])
        })
        .collect();
    let title = format!("One text of {} octets, one core", TEXT.len());
    measure::print_table(&title, &["", "ns", "per second", "x copy", "x bare AES-CCM"], &rows);
}
