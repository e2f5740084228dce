use std::vec::Vec;

use super::*;
use crate::time::Duration;
use crate::wire::text::OVERHEAD;

fn rate() -> Rate {
    "SF9/500".parse().unwrap()
}

fn cuts() -> impl Iterator<Item = (usize, Cut)> {
    (MAX_PIECE_OCTETS + 1..=MAX_LONG_TEXT_OCTETS).map(|len| (len, Cut::of(len).unwrap()))
}

fn set(indices: &[u8]) -> FragmentSet {
    indices.iter().fold(FragmentSet::EMPTY, |set, index| set.union(FragmentSet::only(*index)))
}

/// A poll among the indices of fragments.
const POLL: u8 = u8::MAX;

/// A source on one hop that has nothing left to do but to wait.
struct Source {
    sending: Sending,
    jitter: Jitter,
    token: u32,
    now: Instant,
}

impl Source {
    fn new(sending: Sending) -> Self {
        Self { sending, jitter: Jitter::new(5), token: 0, now: Instant::from_secs(1) }
    }

    fn fragments(count: usize) -> Self {
        let cut = Cut::of(count * MAX_PIECE_OCTETS).unwrap();
        Self::new(Sending::new(cut, Pace::over(1, rate())))
    }

    fn hand_out(&mut self) -> Option<(Due, u32)> {
        let due = self.sending.next(self.now)?;
        self.token += 1;
        self.sending.handed_out(due, self.token);
        Some((due, self.token))
    }

    fn transmitted(&mut self, token: u32) -> bool {
        self.now += Duration::from_millis(300);
        self.sending.handle_transmitted(token, rate(), &mut self.jitter, self.now)
    }

    /// Everything that goes out now, one after the other.
    fn flush(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        while let Some((due, token)) = self.hand_out() {
            assert!(self.transmitted(token));
            sent.push(if let Due::Fragment(index) = due { index } else { POLL });
        }
        sent
    }

    /// Nothing is heard until the next deadline; what goes out then.
    fn silence(&mut self) -> Vec<u8> {
        self.now = self.sending.poll_timeout().unwrap();
        self.sending.handle_timeout(self.now);
        self.flush()
    }
}

#[test]
fn only_texts_that_need_it_are_cut() {
    assert_eq!(Cut::of(0), None);
    assert_eq!(Cut::of(MAX_PIECE_OCTETS), None);
    assert_eq!(Cut::of(MAX_PIECE_OCTETS + 1).map(Cut::count), Some(2));
    assert_eq!(Cut::of(MAX_LONG_TEXT_OCTETS).map(Cut::count), Some(18));
    assert_eq!(Cut::of(MAX_LONG_TEXT_OCTETS + 1), None);
    assert_eq!(Cut::of(usize::MAX), None);
}

#[test]
fn pieces_side_by_side_are_the_text_whatever_its_length() {
    for (len, cut) in cuts() {
        let mut end = 0;
        for index in 0..cut.count() {
            let range = cut.range(index);
            assert_eq!(range.start, end, "{len}, piece {index}");
            assert!(!range.is_empty() && range.len() <= MAX_PIECE_OCTETS, "{len}, piece {index}");
            assert!(range.len() == cut.range(0).len() || index == cut.last(), "{len}, piece {index}");
            end = range.end;
        }
        assert_eq!(end, len);
        assert!(cut.range(cut.last()).len() <= cut.range(0).len(), "{len}");
        assert!(cut.range(0).len() - cut.range(cut.last()).len() < cut.count().into(), "{len}: nearly equal");
        assert!(cut.range(cut.count()).is_empty() && cut.range(u8::MAX).is_empty());
    }
}

#[test]
fn a_text_is_cut_the_same_way_for_ever() {
    // Another cut under the same counters would use nonces twice: a source may have been updated in between.
    for (len, count, first, last) in [
        (237, 2, 119, 118),
        (242, 2, 121, 121),
        (472, 2, 236, 236),
        (473, 3, 158, 157),
        (1000, 5, 200, 200),
        (1024, 5, 205, 204),
        (2048, 9, 228, 224),
        (4096, 18, 228, 220),
    ] {
        let cut = Cut::of(len).unwrap();
        assert_eq!(
            (cut.count(), cut.range(0).len(), cut.range(cut.last()).len()),
            (count, first, last),
            "{len}"
        );
    }
}

#[test]
fn pieces_are_taken_from_the_text_that_was_cut_and_no_other() {
    let cut = Cut::of(300).unwrap();
    let text: Vec<u8> = (0..300).map(|n| n as u8).collect();
    let piece = cut.piece(&text, 1).unwrap();
    assert_eq!((piece.index, piece.is_last, piece.octets), (1, true, &text[150..]));
    assert!(!cut.piece(&text, 0).unwrap().is_last);
    assert_eq!(cut.piece(&text, 2), None);
    assert_eq!(cut.piece(&text[1..], 0), None);
}

#[test]
fn no_cut_for_one_rate_would_save_one_percent_of_the_airtime() {
    for rate in ["SF7/500", "SF8/500", "SF9/500", "SF10/250", "SF11/250", "SF11/125", "SF12/500", "SF12/125"]
    {
        let rate: Rate = rate.parse().unwrap();
        let times: Vec<u128> =
            (0..=MAX_PIECE_OCTETS).map(|len| rate.time_on_air(OVERHEAD + 1 + len).as_micros()).collect();
        let (mut ours, mut best) = (0, 0);
        for (len, cut) in cuts() {
            let others = usize::from(cut.last());
            let with = |stride: usize| others as u128 * times[stride] + times[len - others * stride];
            let stride = cut.range(0).len();
            ours += with(stride);
            best += (stride..=((len - 1) / others).min(MAX_PIECE_OCTETS)).map(with).min().unwrap();
        }
        assert!(ours * 1000 < best * 1008, "{rate}: {}", ours as f64 / best as f64);
    }
}

#[test]
fn fragments_go_out_once_in_order_and_two_at_a_time() {
    let mut source = Source::fragments(5);
    assert_eq!(source.hand_out(), Some((Due::Fragment(0), 1)));
    assert_eq!(source.hand_out(), Some((Due::Fragment(1), 2)));
    assert_eq!(source.hand_out(), None, "the window is full");
    assert!(!source.transmitted(9), "an unknown token changes nothing");
    assert_eq!(source.hand_out(), None);
    assert!(source.transmitted(1));
    assert!(!source.transmitted(1), "once");
    assert_eq!(source.hand_out(), Some((Due::Fragment(2), 3)));
    assert_eq!(source.sending.poll_timeout(), None, "no answer is due before all are out");
    assert!(source.transmitted(2) && source.transmitted(3));
    assert_eq!(source.flush(), [3, 4]);
    assert_eq!(source.sending.next(source.now), None);
    assert!(source.sending.poll_timeout().unwrap() > source.now);
}

#[test]
fn over_several_hops_each_fragment_waits_until_the_one_before_is_out_of_the_way() {
    let pace = Pace::over(3, rate());
    let mut source = Source::new(Sending::new(Cut::of(1000).unwrap(), pace));
    let (_, token) = source.hand_out().unwrap();
    assert_eq!(source.hand_out(), None);
    source.transmitted(token);
    assert_eq!(source.hand_out(), None);
    assert_eq!(source.sending.poll_timeout(), Some(source.now + pace.spacing));
    source.now += pace.spacing;
    assert_eq!(source.hand_out().map(|(due, _)| due), Some(Due::Fragment(1)));
}

#[test]
fn a_status_is_answered_with_what_is_missing_and_nothing_else() {
    let mut source = Source::fragments(9);
    assert_eq!(source.flush().len(), 9);
    assert!(source.sending.handle_status(set(&[1, 6])));
    assert_eq!(source.sending.poll_timeout(), None);
    assert_eq!(source.flush(), [1, 6]);
    assert!(source.sending.handle_status(set(&[1])));
    assert_eq!(source.flush(), [1]);
}

#[test]
fn a_status_that_answers_no_question_is_not_believed() {
    let mut source = Source::fragments(9);
    assert!(!source.sending.handle_status(set(&[1])), "nothing was asked yet");
    source.flush();
    assert!(!source.sending.handle_status(FragmentSet::EMPTY));
    assert!(!source.sending.handle_status(set(&[9])), "there is no tenth");
    assert!(
        source.sending.handle_status(set(&[1, 6, 31])),
        "who does not know how many there are lists them all"
    );
    assert!(!source.sending.handle_status(set(&[2])), "the answer is under way");
    assert_eq!(source.flush(), [1, 6]);
}

#[test]
fn silence_is_answered_with_a_poll_and_later_and_later() {
    let mut source = Source::fragments(9);
    source.flush();
    let mut gap = Duration::ZERO;
    for _ in 0..5 {
        let longer = source.sending.poll_timeout().unwrap() - source.now;
        assert!(longer > gap);
        gap = longer;
        assert_eq!(source.silence(), [POLL]);
    }
    assert!(source.sending.handle_status(set(&[3])));
    assert_eq!(source.flush(), [3]);
    assert!(
        source.sending.poll_timeout().unwrap() - source.now < gap,
        "it is there: no reason to wait as long"
    );
}

#[test]
fn a_status_replayed_for_ever_costs_no_more_often_than_silence() {
    let mut source = Source::fragments(9);
    source.flush();
    let old = set(&[1, 6]);
    assert!(source.sending.handle_status(old));
    source.flush();
    assert!(source.sending.handle_status(set(&[6])));
    source.flush();
    let mut gap = Duration::ZERO;
    for _ in 0..5 {
        let longer = source.sending.poll_timeout().unwrap() - source.now;
        assert!(longer > gap);
        gap = longer;
        assert!(source.sending.handle_status(old), "the destination may have restarted");
        assert_eq!(source.flush(), [1, 6]);
    }
}

#[test]
fn a_status_that_comes_while_the_next_poll_waits_for_the_air_saves_it() {
    let mut source = Source::fragments(9);
    source.flush();
    source.now = source.sending.poll_timeout().unwrap();
    source.sending.handle_timeout(source.now);
    assert!(source.sending.handle_status(set(&[2])));
    assert_eq!(source.flush(), [2]);
}

#[test]
fn asking_first_sends_a_poll_before_any_fragment() {
    let cut = Cut::of(1000).unwrap();
    let mut source = Source::new(Sending::asking_first(cut, Pace::over(1, rate())));
    assert_eq!(source.flush(), [POLL]);
    assert_eq!(source.silence(), [POLL]);
    assert!(source.sending.handle_status(set(&[0, 2])));
    assert_eq!(source.flush(), [0, 2]);
}

#[test]
fn a_dropped_fragment_is_handed_out_again_a_little_later() {
    let mut source = Source::fragments(3);
    let (due, token) = source.hand_out().unwrap();
    let again = source.now + Duration::from_secs(1);
    assert!(source.sending.handle_dropped(token, again));
    assert!(!source.sending.handle_dropped(token, again), "once");
    assert_eq!(source.sending.next(source.now), None);
    assert_eq!(source.sending.poll_timeout(), Some(again));
    source.now = again;
    source.sending.handle_timeout(again);
    assert_eq!(source.sending.next(again), Some(due));
    assert_eq!(source.flush(), [0, 1, 2]);

    source.now = source.sending.poll_timeout().unwrap();
    source.sending.handle_timeout(source.now);
    let (poll, token) = source.hand_out().unwrap();
    assert_eq!(poll, Due::Poll);
    assert!(source.sending.handle_dropped(token, source.now));
    assert_eq!(source.flush(), [POLL]);
}

#[test]
fn hearing_an_absent_destination_brings_the_next_poll_forward() {
    let mut source = Source::fragments(3);
    source.flush();
    for _ in 0..7 {
        source.silence();
    }
    let planned = source.sending.poll_timeout().unwrap();
    source.now += Duration::from_secs(60);
    source.sending.handle_heard(&mut source.jitter, source.now);
    assert!(source.sending.poll_timeout().unwrap() < planned);
    assert_eq!(source.silence(), [POLL]);
}
