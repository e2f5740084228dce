//! Fanal's protocols as values: octets and instants go in; octets, events and a deadline come out.
//!
//! No socket, clock, task or logger lives here, and no allocator is needed.
//!
//! | layer | answers | may use |
//! |---|---|---|
//! | [`wire`] | which octets mean which values? | |
//! | [`crypto`] | who wrote it, can anybody else read it, is it new? | wire |
//! | [`region`] | what does the law say, how long is a frame on the air? | wire |
//! | [`net`] | who hears whom? | all above |
//! | [`transport`] | did it arrive? | all above |
//! | [`node`] | the facade: one node | all above |
//! | [`pairing`] | what must two nodes know of each other first? | crypto, region |
//!
//! # The drain rule
//!
//! After **every** input a host polls what there is to transmit, then the events, then the deadline, each until
//! `None`; then it waits for the earliest of frame, command and deadline. Early or spurious calls are harmless.
//! Two nodes, an ideal channel and a store that never fails:
//!
//! ```
//! use fanal_protocol::{crypto::*, id::NodeId, node::*, priority::Priority, quality::Quality, time::*, wire::Role};
//!
//! type Small = Node<1, 2, 0, 0>; // one session; two texts under way, the second place for an urgent one
//! let (alice, rosa) = (NodeId(0x0101), NodeId(0x0201));
//! let keys = [SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32])];
//! let node = |own: usize, local, remote| {
//!     let key = agree(&keys[own], local, &keys[1 - own].public(), remote).unwrap();
//!     let mut node = Small::new(Config {
//!         node: local, role: Role::Handheld, network_key: NetworkKey([9; 16]), rate: "SF9/500".parse().unwrap(),
//!         beacon_interval: Duration::ZERO, relays: true, keeps: false, acceptance: Acceptance::Delivered,
//!     }, 0, 7, Instant::ZERO);
//!     node.add_session(Session::new(local, remote, None, key, 0, Window::new())).unwrap();
//!     node.handle_reserved(local, remote, 32, Instant::ZERO);
//!     node
//! };
//! let mut nodes = [node(0, alice, rosa), node(1, rosa, alice)];
//!
//! let draft = Draft { source: alice, destination: rosa, text: "Allo !", lifetime: Duration::from_secs(3600), priority: Priority::Text };
//! let id = nodes[0].send(draft, Instant::ZERO).unwrap();
//! nodes[0].handle_stored(id, Instant::ZERO); // it is on disk: it may be transmitted
//!
//! let (mut now, mut buf, mut delivered) = (Instant::ZERO, [0; 255], false);
//! while !delivered {
//!     for own in 0..2 {
//!         while let Some(frame) = nodes[own].poll_transmit(now, &mut buf) {
//!             now += Duration::from_millis(60); // time on air
//!             nodes[own].handle_transmitted(frame.token, now);
//!             let _ = nodes[1 - own].handle_frame(&buf[..frame.len], Quality::default(), now);
//!         }
//!         while let Some(event) = nodes[own].poll_event() {
//!             match event {
//!                 Event::Received { id, .. } => nodes[own].accept(id, now), // it is on disk: it may be answered
//!                 Event::State { state: State::Delivered, .. } => delivered = true,
//!                 _ => {}
//!             }
//!         }
//!     }
//! }
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod budget;
pub mod crypto;
pub mod id;
pub mod mac;
pub mod modem;
pub mod net;
pub mod node;
pub mod pairing;
pub mod priority;
pub mod quality;
pub mod rand;
pub mod region;
pub mod time;
pub mod transport;
pub mod wire;
