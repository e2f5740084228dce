use std::vec::Vec;

use super::*;
use crate::rand::Jitter;
use crate::region::RegionCode;

const NOW: Instant = Instant::from_secs(100);

type Small = Mac<4>;

fn mac(region: RegionCode) -> Small {
    Small::new(Channel::home(region), 1, NOW).unwrap()
}

/// A text from 0101 to 0201; `mark` is its first octet of ciphertext.
fn text(mark: u8) -> [u8; 20] {
    let mut frame = [0; 20];
    frame[..7].copy_from_slice(&[0x10, 0, 2, 1, 1, 1, 9]);
    frame[7] = mark;
    frame
}

fn events<const N: usize>(mac: &mut Mac<N>) -> Vec<Event> {
    core::iter::from_fn(|| mac.poll_event()).collect()
}

/// Runs a radio whose channel is clear until nothing is left to do before `until`; what went out, and when it began.
fn run<const N: usize>(mac: &mut Mac<N>, now: &mut Instant, until: Instant) -> Vec<(Instant, Vec<u8>)> {
    let mut sent = Vec::new();
    while *now <= until {
        match mac.poll_action(*now) {
            Some(Action::Cad) => {
                *now += Duration::from_millis(3);
                mac.handle_cad(false, *now);
            }
            Some(Action::Transmit { frame, airtime }) => {
                sent.push((*now, frame.to_vec()));
                *now += airtime;
                mac.handle_transmitted(*now);
            }
            None => match mac.poll_timeout() {
                Some(at) => {
                    assert!(at > *now, "a deadline that has passed means that there is something to do");
                    *now = at;
                    mac.handle_timeout(*now);
                }
                None => break,
            },
        }
    }
    sent
}

#[test]
fn a_frame_goes_out_after_the_channel_was_found_clear() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(7), Priority::Text, &text(1), NOW).unwrap();
    assert_eq!(mac.poll_action(NOW), Some(Action::Cad));
    assert_eq!(mac.poll_action(NOW), None, "one thing at a time");
    mac.handle_transmitted(NOW);
    assert_eq!(events(&mut mac), [], "nothing was being transmitted");
    mac.handle_cad(false, NOW);
    let airtime = mac.channel().rate.time_on_air(20);
    assert_eq!(mac.poll_action(NOW), Some(Action::Transmit { frame: &text(1), airtime }));
    mac.handle_cad(true, NOW);
    mac.handle_transmitted(NOW + airtime);
    assert_eq!(events(&mut mac), [Event::Transmitted { token: Token(7), airtime }]);
    assert_eq!((mac.len(), mac.poll_timeout()), (0, None));
    assert_eq!((mac.stats().transmitted, mac.stats().airtime, mac.stats().busy), (1, airtime, 0));
}

#[test]
fn a_clear_channel_that_was_not_used_at_once_is_tried_again() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(7), Priority::Text, &text(1), NOW).unwrap();
    assert_eq!(mac.poll_action(NOW), Some(Action::Cad));
    mac.handle_cad(false, NOW);
    assert_eq!(mac.poll_action(NOW + Duration::from_secs(1)), Some(Action::Cad));
}

#[test]
fn calls_out_of_turn_are_harmless() {
    let mut mac = mac(RegionCode::Eu);
    for now in [NOW, Instant::ZERO, Instant::FAR] {
        mac.handle_cad(true, now);
        mac.handle_cad(false, now);
        mac.handle_transmitted(now);
        mac.handle_radio_failed(now);
        mac.handle_timeout(now);
        mac.handle_frame(&[], now);
        assert_eq!(mac.poll_action(now), None);
        assert_eq!(mac.poll_event(), None);
        assert_eq!(mac.poll_timeout(), None);
        mac.flush();
    }
}

#[test]
fn the_more_important_goes_first_and_equals_in_order() {
    let mut mac = Mac::<8>::new(Channel::home(RegionCode::Ca), 1, NOW).unwrap();
    for (mark, priority) in [
        (1, Priority::Background),
        (2, Priority::Text),
        (3, Priority::Text),
        (4, Priority::Receipt),
        (5, Priority::Emergency),
    ] {
        // A kind that is not answered, so that only the priority counts.
        mac.enqueue(Token(mark.into()), priority, &[0xF0, mark], NOW).unwrap();
    }
    let sent = run(&mut mac, &mut { NOW + Duration::from_millis(20) }, NOW + Duration::from_secs(60));
    let marks: Vec<u8> = sent.iter().map(|(_, frame)| frame[1]).collect();
    assert_eq!(marks.len(), 5);
    let place = |mark| marks.iter().position(|&found| found == mark).unwrap();
    assert_eq!(place(5), 0, "the emergency is first");
    assert_eq!(place(4), 1, "the answer waits for no slot");
    assert!(place(2) < place(3), "texts keep their order");
}

#[test]
fn the_last_place_is_for_an_emergency() {
    let mut mac = mac(RegionCode::Ca);
    assert_eq!(mac.free(), 3);
    for token in 0..3 {
        mac.enqueue(Token(token), Priority::Receipt, &[1], NOW).unwrap();
    }
    assert_eq!((mac.free(), mac.len()), (0, 3));
    assert_eq!(mac.enqueue(Token(3), Priority::Receipt, &[1], NOW), Err(EnqueueError::Full));
    mac.enqueue(Token(4), Priority::Emergency, &[1], NOW).unwrap();
    assert_eq!(mac.enqueue(Token(5), Priority::Emergency, &[1], NOW), Err(EnqueueError::Full));

    mac.flush();
    assert_eq!(mac.len(), 4, "a place is free once its event was taken");
    let dropped = |token| Event::Dropped { token: Token(token), reason: Unsent::Flushed };
    assert_eq!(events(&mut mac), [dropped(0), dropped(1), dropped(2), dropped(4)]);
    assert_eq!((mac.free(), mac.stats().dropped), (3, 4));
}

#[test]
fn frames_that_no_radio_could_send_are_refused() {
    let mut mac = mac(RegionCode::Ca);
    assert_eq!(mac.enqueue(Token(0), Priority::Text, &[], NOW), Err(EnqueueError::TooLong));
    assert_eq!(mac.enqueue(Token(0), Priority::Text, &[0; 256], NOW), Err(EnqueueError::TooLong));
    assert_eq!(mac.enqueue(Token(0), Priority::Text, &[0; 255], NOW), Ok(()));
}

#[test]
fn a_frame_longer_than_the_dwell_time_is_refused() {
    let channel = Channel { rate: "SF9/125".parse().unwrap(), ..Channel::home(RegionCode::Us) };
    let dwell = Limit::Dwell { limit: Duration::from_millis(400), window: Duration::from_secs(20) };
    let mut mac = Small::with_limit(channel, dwell, 1, NOW);
    // SF9/125: 20 octets last 185 ms. Half of the dwell time is kept for what was sent before.
    assert!(mac.enqueue(Token(0), Priority::Text, &[0xF0; 20], NOW).is_ok());
    assert_eq!(mac.enqueue(Token(1), Priority::Text, &[0xF0; 30], NOW), Err(EnqueueError::Unlawful));
    // Airtime gathers from nothing; then it goes.
    let sent = run(&mut mac, &mut { NOW }, NOW + Duration::from_secs(60));
    assert_eq!(sent.len(), 1);
    assert!(sent[0].0 >= NOW + Duration::from_secs(19));
}

#[test]
fn an_unlawful_channel_is_refused_and_the_old_one_stays() {
    let good = Channel::home(RegionCode::Eu);
    let bad = Channel { power_dbm: 40, ..good };
    assert!(Small::new(bad, 1, NOW).is_err());
    let mut mac = Small::new(good, 1, NOW).unwrap();
    assert!(mac.set_channel(bad, NOW).is_err());
    assert_eq!(mac.channel(), &good);
}

#[test]
fn a_new_channel_voids_what_was_found_on_the_old_one() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(0), Priority::Text, &text(0), NOW).unwrap();
    assert_eq!(mac.poll_action(NOW), Some(Action::Cad));
    let slower = Channel { rate: "SF12/500".parse().unwrap(), ..*mac.channel() };
    mac.set_channel(slower, NOW).unwrap();
    mac.handle_cad(false, NOW);
    assert_eq!(mac.poll_action(NOW), Some(Action::Cad));
    mac.handle_cad(false, NOW);
    let airtime = slower.rate.time_on_air(20);
    assert_eq!(mac.poll_action(NOW), Some(Action::Transmit { frame: &text(0), airtime }));
}

#[test]
fn after_a_text_was_heard_only_an_answer_may_go_out_until_its_slot_is_over() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(0), Priority::Text, &text(0), NOW).unwrap();
    mac.enqueue(Token(1), Priority::Emergency, &text(1), NOW).unwrap();
    mac.handle_frame(&text(9), NOW);
    let receipt = [0x30, 0, 1, 1, 0, 0, 0, 0];
    mac.enqueue(Token(2), Priority::Receipt, &receipt, NOW).unwrap();
    let sent = run(&mut mac, &mut { NOW }, NOW + Duration::from_secs(9));
    assert_eq!(sent[0].1, receipt, "the answer is first");
    assert!(sent[0].0 >= NOW + access::TURNAROUND && sent[0].0 <= NOW + Duration::from_millis(20));

    let slot =
        access::TURNAROUND + access::ANSWER_JITTER + access::STORING + mac.channel().rate.time_on_air(8);
    assert!(sent[1].0 >= NOW + slot, "then comes what had to wait");
    assert_eq!(sent[1].1[7], 1);

    // A frame that nobody answers reserves nothing but a few slots.
    events(&mut mac);
    mac.enqueue(Token(3), Priority::Text, &text(0), NOW).unwrap();
    let later = NOW + Duration::from_secs(10);
    mac.handle_frame(&[0x20, 1, 2, 3, 4], later);
    assert!(mac.poll_timeout().unwrap() <= later + Duration::from_millis(60));
}

#[test]
fn a_poll_is_answered_and_a_fragment_is_not() {
    let slot_after = |sealed: usize| {
        let access = access::Access::new(Channel::home(RegionCode::Ca).rate, 0);
        let mut frame = std::vec![0x77, 0, 1, 1, 2, 1, 5];
        frame.resize(7 + sealed, 0xAA);
        access
            .answer_slot(&frame)
            .map(|slot| slot - access::TURNAROUND - access::ANSWER_JITTER - access::STORING)
    };
    assert_eq!(slot_after(4), Some(Channel::home(RegionCode::Ca).rate.time_on_air(12)));
    assert_eq!(slot_after(100), None);
}

#[test]
fn invented_texts_silence_nobody() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(0), Priority::Text, &text(0), NOW).unwrap();
    let (mut now, mut sent) = (NOW, Vec::new());
    for _ in 0..60 {
        mac.handle_frame(&text(9), now);
        let next = now + Duration::from_millis(90);
        sent.extend(run(&mut mac, &mut now, next));
        now = next;
    }
    assert_eq!(sent.len(), 1);
}

#[test]
fn after_an_own_text_even_answers_wait_for_the_answer() {
    let mut mac = mac(RegionCode::Ca);
    let mut now = NOW;
    mac.enqueue(Token(0), Priority::Text, &text(0), now).unwrap();
    assert_eq!(run(&mut mac, &mut now, NOW + Duration::from_secs(1)).len(), 1);
    let ended = now;
    mac.enqueue(Token(1), Priority::Receipt, &[0x20, 0, 0, 0, 0], now).unwrap();
    let sent = run(&mut mac, &mut now, NOW + Duration::from_secs(1));
    assert!(sent[0].0 >= ended + access::TURNAROUND + mac.channel().rate.time_on_air(8));
}

#[test]
fn backoff_grows_within_bounds_until_the_frame_is_given_up() {
    let slot = access::Access::new(Channel::home(RegionCode::Ca).rate, 0).slot();
    for (priority, (least, most)) in
        [(Priority::Text, access::SLOTS), (Priority::Receipt, access::ANSWER_SLOTS)]
    {
        let mut longest = [Duration::ZERO; MAX_BUSY as usize];
        for seed in 0..300 {
            let mut mac = Small::new(Channel::home(RegionCode::Ca), seed, NOW).unwrap();
            mac.enqueue(Token(0), priority, &text(0), NOW).unwrap();
            let mut now = NOW + Duration::from_millis(20);
            for longest in &mut longest {
                assert_eq!(mac.poll_action(now), Some(Action::Cad));
                mac.handle_cad(true, now);
                assert_eq!(mac.poll_action(now), None);
                let Some(next) = mac.poll_timeout() else { break };
                *longest = (*longest).max(next - now);
                assert!(next - now >= slot && next - now <= slot * u32::from(most));
                now = next;
            }
            let reason = Unsent::ChannelBusy;
            assert_eq!(events(&mut mac), [Event::Dropped { token: Token(0), reason }]);
            assert_eq!(mac.stats().busy, u32::from(MAX_BUSY));
        }
        let slots = longest.map(|longest| (longest.as_micros() / slot.as_micros()) as u16);
        assert!(slots[0] <= least && slots[1] > least && slots[1] <= 2 * least, "{slots:?}");
        assert!(slots[8] > most / 2, "{slots:?}");
    }
}

#[test]
fn an_emergency_is_sent_even_if_the_channel_never_falls_silent() {
    let mut mac = mac(RegionCode::Ca);
    mac.enqueue(Token(0), Priority::Emergency, &text(0), NOW).unwrap();
    let mut now = NOW;
    let mut attempts = 0;
    loop {
        match mac.poll_action(now) {
            Some(Action::Cad) => mac.handle_cad(true, now),
            Some(Action::Transmit { .. }) => break,
            None => now = mac.poll_timeout().unwrap(),
        }
        attempts += 1;
        assert!(attempts < 100);
    }
    mac.handle_transmitted(now);
    assert!(matches!(events(&mut mac)[..], [Event::Transmitted { token: Token(0), .. }]));
}

#[test]
fn a_failing_radio_wedges_nothing() {
    let mut mac = mac(RegionCode::Ca);
    let mut now = NOW;
    // While carrier sense fails, the frame is tried again with growing pauses, then given up.
    mac.enqueue(Token(0), Priority::Text, &text(0), now).unwrap();
    let mut pauses = Vec::new();
    for _ in 0..MAX_FAILURES {
        assert_eq!(mac.poll_action(now), Some(Action::Cad));
        mac.handle_radio_failed(now);
        assert_eq!(mac.poll_action(now), None);
        pauses.extend(mac.poll_timeout().map(|at| at - now));
        now = mac.poll_timeout().unwrap_or(now + Duration::from_secs(1));
    }
    assert_eq!(pauses, [Duration::from_millis(100), Duration::from_millis(200)]);
    let failed = |token| Event::Dropped { token: Token(token), reason: Unsent::RadioFailed };
    assert_eq!(events(&mut mac), [failed(0)]);

    // A failed transmission is given up at once: part of it may have been heard.
    mac.enqueue(Token(1), Priority::Text, &text(1), now).unwrap();
    mac.enqueue(Token(2), Priority::Text, &text(2), now).unwrap();
    assert_eq!(mac.poll_action(now), Some(Action::Cad));
    mac.handle_cad(false, now);
    assert!(matches!(mac.poll_action(now), Some(Action::Transmit { .. })));
    mac.handle_radio_failed(now);
    assert_eq!(events(&mut mac), [failed(1)]);

    // A radio that says nothing at all is noticed by the clock.
    now = mac.poll_timeout().unwrap();
    assert_eq!(mac.poll_action(now), Some(Action::Cad));
    now = mac.poll_timeout().unwrap();
    mac.handle_timeout(now);
    now = mac.poll_timeout().unwrap();
    assert_eq!(mac.poll_action(now), Some(Action::Cad), "it is asked again");
    mac.handle_cad(false, now);
    assert!(matches!(mac.poll_action(now), Some(Action::Transmit { .. })));
    mac.handle_timeout(mac.poll_timeout().unwrap());
    assert_eq!(events(&mut mac), [failed(2)]);
    mac.handle_transmitted(now);
    assert_eq!(events(&mut mac), [], "its late answer changes nothing");
    assert_eq!((mac.len(), mac.stats().radio_failures), (0, 6));
}

#[test]
fn the_pause_after_failures_is_bounded() {
    let mut mac = mac(RegionCode::Ca);
    let mut now = NOW;
    for token in 0..40 {
        mac.enqueue(Token(token), Priority::Text, &text(0), now).unwrap();
        now = now.max(mac.poll_timeout().unwrap());
        assert_eq!(mac.poll_action(now), Some(Action::Cad));
        mac.handle_cad(false, now);
        assert!(mac.poll_action(now).is_some());
        // As if clear channels did not count as a sign of life.
        mac.failures = token;
        mac.handle_radio_failed(now);
        assert!(mac.radio_at <= now + RADIO_PAUSE.1);
        assert_eq!(events(&mut mac).len(), 1);
    }
}

#[test]
fn a_saturated_station_never_exceeds_its_duty_cycle() {
    // Four hours of more than the channel takes, at 10 %, 1 % and 0.1 %.
    for (frequency_hz, rate, budget) in [
        (869_525_000, "SF10/250", 360_000_000),
        (868_300_000, "SF9/125", 36_000_000),
        (868_900_000, "SF7/125", 3_600_000),
    ] {
        let channel =
            Channel { frequency_hz, rate: rate.parse().unwrap(), power_dbm: 14, region: RegionCode::Eu };
        let mut mac = Mac::<6>::new(channel, 3, NOW).unwrap();
        let mut jitter = Jitter::new(4);
        let mut now = NOW;
        let mut sent = Vec::new();
        let mut token = 0;
        while now < NOW + Duration::from_secs(4 * 3_600) {
            while mac.free() > 0 {
                let priority = if jitter.below(3) == 0 { Priority::Receipt } else { Priority::Text };
                let len = 1 + jitter.below(120) as usize;
                mac.enqueue(Token(token), priority, &[0xF0; 120][..len], now).unwrap();
                token += 1;
            }
            match mac.poll_action(now) {
                Some(Action::Cad) => {
                    now += Duration::from_millis(jitter.below(8));
                    mac.handle_cad(jitter.below(4) == 0, now);
                }
                Some(Action::Transmit { airtime, .. }) => {
                    let begin = now + Duration::from_millis(jitter.below(30));
                    now = begin + airtime;
                    sent.push((begin.as_micros(), now.as_micros()));
                    mac.handle_transmitted(now);
                }
                None => now = now.max(mac.poll_timeout().unwrap()),
            }
            events(&mut mac);
        }
        let worst = duty_cycle::tests::worst_window(&sent, 3_600_000_000);
        assert!(worst <= budget, "{rate}: {worst} of {budget}");
        let used: u64 = sent.iter().map(|&(from, to)| to - from).sum();
        // In four hours 1.9 to 3.6 budgets gather, by the size of the budget.
        assert!(used > budget * 9 / 5, "{rate}: most of what is allowed is used: {used} of {budget} an hour");
    }
}

#[test]
fn small_frames_do_not_starve_a_greater_one_that_goes_before_them() {
    let channel = Channel {
        rate: "SF9/125".parse().unwrap(),
        frequency_hz: 868_900_000,
        power_dbm: 14,
        region: RegionCode::Eu,
    };
    let mut mac = Mac::<8>::new(channel, 3, NOW).unwrap();
    let mut now = NOW;
    // Airtime gathers from nothing: soon enough for the others, much later for the emergency.
    mac.enqueue(Token(0), Priority::Emergency, &[0xF0; 100], now).unwrap();
    for token in 1..7 {
        mac.enqueue(Token(token), Priority::Background, &[0xF1; 4], now).unwrap();
    }
    let sent = run(&mut mac, &mut now, NOW + Duration::from_secs(2 * 3_600));
    assert_eq!(sent.len(), 7);
    assert_eq!(sent[0].1[0], 0xF0);
    assert_eq!(mac.airtime_left(now).map(|left| left < Duration::from_secs(3)), Some(true));
}
