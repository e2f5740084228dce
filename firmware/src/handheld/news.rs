//! What the node says, carried out: storage first, then the words, then the node's permission to go on.

use embedded_storage_async::nor_flash::NorFlash;
use fanal_protocol::crypto::{NetworkKey, SecretKey, agree};
use fanal_protocol::id::{MessageId, NodeId};
use fanal_protocol::mac::{self, Mac, Token};
use fanal_protocol::node::{Acceptance, Config, Event, Node, Session, State};
use fanal_protocol::priority::Priority;
use fanal_protocol::region::MAX_FRAME;
use fanal_protocol::time::{Duration, Instant};
use fanal_protocol::wire::Role as WireRole;

use super::words::{Missing, Phrase};
use super::{AGE_STEP, BEACON_INTERVAL, Handheld, Listing, MAX_SHOWN};
use crate::handheld::words::HELP_LINES;
use crate::store::{Error, Message, MessageBuffer, Outgoing, Status};

impl<F: NorFlash> Handheld<F> {
    /// Drains node and medium access: the order of the two is free, nothing may be left.
    pub(super) async fn carry_news(&mut self, now: Instant) {
        while !self.failed {
            self.hand_frames_over(now);
            let event = self.node.as_mut().and_then(|node| node.poll_event());
            let done = match event {
                Some(event) => self.carry_event(event, now).await,
                None if self.carry_fate(now) => Ok(()),
                None => break,
            };
            if done.is_err() {
                self.give_up();
            }
        }
        if self.age_due().is_some_and(|at| at <= now) && !self.failed {
            let minutes = self.minutes(now).max(self.store.minutes().saturating_add(AGE_STEP));
            if self.store.set_minutes(minutes).await.is_err() {
                self.give_up();
            }
        }
    }

    /// Frames from the node to the medium access, as long as that has room.
    fn hand_frames_over(&mut self, now: Instant) {
        let (Some(node), Some(mac)) = (&mut self.node, &mut self.mac) else { return };
        let mut frame = [0; MAX_FRAME];
        loop {
            // The last places are for what is urgent.
            let outgoing = match mac.free() {
                0 | 1 if mac.takes_emergency() => node.poll_urgent(now, &mut frame),
                0 | 1 => None,
                _ => node.poll_transmit(now, &mut frame),
            };
            let Some(outgoing) = outgoing else { break };
            let octets = frame.get(..outgoing.len).unwrap_or_default();
            if mac.enqueue(Token(outgoing.token), outgoing.priority, octets, now).is_err() {
                node.handle_dropped(outgoing.token, now);
            }
        }
    }

    /// Tells the node what became of a frame; whether there was anything to tell.
    fn carry_fate(&mut self, now: Instant) -> bool {
        let Some(event) = self.mac.as_mut().and_then(|mac| mac.poll_event()) else { return false };
        if let Some(node) = &mut self.node {
            match event {
                mac::Event::Transmitted { token, .. } => node.handle_transmitted(token.0, now),
                mac::Event::Dropped { token, .. } => node.handle_dropped(token.0, now),
            }
        }
        true
    }

    async fn carry_event(&mut self, event: Event, now: Instant) -> Result<(), Error> {
        match event {
            Event::Reserve { local, remote, until } => {
                self.store.reserve(remote, until).await?;
                if let Some(node) = &mut self.node {
                    node.handle_reserved(local, remote, until, now);
                }
            }
            Event::Received { id, urgent, text, .. } => {
                let stored = self.store.add_incoming(id, urgent, &text).await;
                self.received(id, stored, now).await?;
            }
            Event::ReceivedLong { id, .. } => {
                let Some(text) = self.node.as_ref().and_then(|node| node.long_text(id)) else {
                    return Ok(());
                };
                let stored = self.store.add_incoming(id, false, text).await;
                self.received(id, stored, now).await?;
            }
            Event::State { id, state } => {
                let status = status_of(state);
                if let Some(number) = self.store.set_status(id, status).await? {
                    let name = self.name(id.destination);
                    self.say(Phrase::State { number, name: &name, status });
                }
                if state.is_final()
                    && let Some(node) = &mut self.node
                {
                    node.handle_stored(id, now);
                }
            }
            // A handheld keeps nothing for others.
            Event::Keep { identity, .. } => {
                self.node.iter_mut().for_each(|node| node.not_kept(identity));
            }
            // What the neighbors' figures are is asked of the node when somebody wants to know.
            Event::Closed { .. } | Event::Heard { .. } | Event::Fetch { .. } | Event::Forget { .. } => {}
        }
        Ok(())
    }

    /// A message came in and has a number in the store, if it found room there: it is shown, and its source may know.
    async fn received(
        &mut self,
        id: MessageId,
        stored: Result<u32, Error>,
        now: Instant,
    ) -> Result<(), Error> {
        match stored {
            Ok(number) => self.show_message(number).await,
            Err(Error::Full) => {
                self.node.iter_mut().for_each(|node| node.refuse(id));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        if let Some(node) = &mut self.node {
            node.accept(id, now);
        }
        Ok(())
    }

    /// What to call somebody: the contact's name, or the address.
    pub(super) fn name(&self, node: NodeId) -> heapless::String<{ crate::store::MAX_NAME }> {
        match self.store.contact(node) {
            Some(contact) => contact.name.clone(),
            None => {
                let mut name = heapless::String::new();
                // Four digits fit.
                let _ = core::fmt::Write::write_fmt(&mut name, format_args!("{node}"));
                name
            }
        }
    }

    /// Which settings are missing for a node.
    pub(super) fn missing(&self) -> Missing {
        let settings = self.store.settings();
        Missing {
            node: settings.node.is_none(),
            region: settings.channel.is_none(),
            network: settings.network.is_none(),
            key: settings.secret.is_none(),
        }
    }

    /// Builds node and medium access from what is stored, at the start and after each change of a setting.
    pub(super) async fn restart_node(&mut self, now: Instant) {
        self.node = None;
        self.tune(now);
        self.build_node(now);
        if self.node.is_some() && self.resume_messages(now).await.is_err() {
            self.give_up();
        }
    }

    /// Not `async`: the future would hold a second node, and one is most of what a handheld has in RAM.
    fn build_node(&mut self, now: Instant) {
        let settings = self.store.settings();
        let (Some(id), Some(channel), Some(network), Some(secret)) =
            (settings.node, settings.channel, settings.network, settings.secret)
        else {
            return;
        };
        let secret = SecretKey::from_bytes(secret);
        let config = Config {
            node: id,
            role: WireRole::Handheld,
            network_key: NetworkKey(network),
            rate: channel.rate,
            beacon_interval: BEACON_INTERVAL,
            relays: true,
            keeps: false,
            acceptance: Acceptance::Delivered,
        };
        // Handhelds that were switched on together must not draw the same jitter.
        let seed = self.seed ^ u64::from(id.0).rotate_left(48) ^ now.as_micros();
        let mut node = Node::new(config, self.store.next_counter(NodeId::BROADCAST), seed, now);
        for contact in self.store.contacts() {
            // Contacts with useless keys are refused when they are added; an own new key changes nothing in that.
            let Ok(key) = agree(&secret, id, &contact.key, contact.node) else { continue };
            let next_counter = self.store.next_counter(contact.node);
            let window = self.store.window(contact.node);
            // There are as many places for sessions as for contacts.
            let _ = node.add_session(Session::new(id, contact.node, contact.via, key, next_counter, window));
        }
        self.node = Some(node);
    }

    /// The medium access and the radio on the channel that is set.
    fn tune(&mut self, now: Instant) {
        let Some(channel) = self.store.settings().channel else { return };
        let seed = self.seed ^ self.store.settings().node.map_or(0, |node| u64::from(node.0));
        let tuned = match &mut self.mac {
            Some(mac) => {
                mac.flush();
                if *mac.channel() == channel {
                    return;
                }
                mac.set_channel(channel, now)
            }
            None => Mac::new(channel, seed, now).map(|mac| self.mac = Some(mac)),
        };
        // An unlawful channel was refused when it was typed; one of an older firmware stays unused.
        if tuned.is_ok() {
            self.configure = Some(channel);
        }
    }

    /// Gives the node the messages that still wait; those whose session is gone have failed.
    async fn resume_messages(&mut self, now: Instant) -> Result<(), Error> {
        let mut buffer = MessageBuffer::new();
        for number in self.store.waiting_numbers() {
            let Some(Message::Outgoing { outgoing, text, cut }) =
                self.store.message(number, &mut buffer).await?
            else {
                continue;
            };
            let Outgoing { id, status, accepted, lifetime, priority } = outgoing;
            let age = self.minutes(now).saturating_sub(accepted);
            let left = Duration::from_secs(u64::from(lifetime.saturating_sub(age)) * 60);
            let in_custody = matches!(status, Status::InCustody(_));
            let Some(node) = &mut self.node else { return Ok(()) };
            // Another text under the counters of this one must never be sent.
            let lost = cut && !in_custody;
            if lost || node.resume(id, text, left, priority, in_custody, now).is_err() {
                self.store.set_status(id, Status::Failed).await?;
                let name = self.name(id.destination);
                self.say(Phrase::State { number, name: &name, status: Status::Failed });
            }
        }
        Ok(())
    }

    /// The next entries of a list, as far as there is room for them.
    pub(super) async fn show_listing(&mut self, now: Instant) {
        while self.screen.room() >= MAX_SHOWN
            && !self.failed
            && let Some(listing) = self.listing.take()
        {
            self.listing = match listing {
                Listing::Help(line) => {
                    self.say(Phrase::Help(line));
                    (line + 1 < HELP_LINES).then_some(Listing::Help(line + 1))
                }
                Listing::Contacts(index) => {
                    self.show_contact(index, now).then_some(Listing::Contacts(index + 1))
                }
                Listing::Messages(after) => match self.store.number_after(after) {
                    Some(number) => {
                        self.show_message(number).await;
                        Some(Listing::Messages(number))
                    }
                    None => None,
                },
            };
        }
    }

    /// Shows one contact; whether there is one with this index.
    fn show_contact(&mut self, index: usize, now: Instant) -> bool {
        let Some(contact) = self.store.contacts().nth(index).cloned() else { return false };
        let reached_through = |node: NodeId| node == contact.node || Some(node) == contact.via;
        let heard = self.node.as_ref().and_then(|node| {
            let neighbors = node.neighbors().filter(|neighbor| reached_through(neighbor.node));
            let latest = neighbors.max_by_key(|neighbor| neighbor.heard_at)?;
            Some((now.saturating_since(latest.heard_at), latest.quality))
        });
        self.say(Phrase::Contact { node: contact.node, name: &contact.name, via: contact.via, heard });
        true
    }

    async fn show_message(&mut self, number: u32) {
        let mut buffer = MessageBuffer::new();
        match self.store.message(number, &mut buffer).await {
            Ok(Some(Message::Incoming { id, urgent, text, cut })) => {
                let name = self.name(id.source);
                self.say(Phrase::Incoming { name: &name, urgent, text, cut });
            }
            Ok(Some(Message::Outgoing { outgoing, text, cut })) => {
                let name = self.name(outgoing.id.destination);
                let urgent = outgoing.priority >= Priority::Emergency;
                self.say(Phrase::Outgoing {
                    number,
                    name: &name,
                    status: outgoing.status,
                    urgent,
                    text,
                    cut,
                });
            }
            Ok(None) => {}
            Err(_) => self.give_up(),
        }
    }
}

const fn status_of(state: State) -> Status {
    match state {
        State::Queued => Status::Queued,
        State::Sent => Status::Sent,
        State::InCustody(keeper) => Status::InCustody(keeper),
        State::Delivered => Status::Delivered,
        State::Expired => Status::Expired,
        State::Failed(_) => Status::Failed,
    }
}
