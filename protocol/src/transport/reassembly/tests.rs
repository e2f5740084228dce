use std::string::ToString;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::id::NodeId;
use crate::rand::Jitter;
use crate::region::Rate;
use crate::transport::{Cut, Due, Pace, Sending};
use crate::wire::{MAX_FRAGMENTS, MAX_PIECE_OCTETS};

mod chain;
mod weather;

const ID: MessageId = MessageId { source: NodeId(0x0201), destination: NodeId(0x0101), counter: 100 };
const OTHER: MessageId = MessageId { source: NodeId(0x0202), ..ID };
const NOW: Instant = Instant::from_secs(1);

fn rate() -> Rate {
    "SF9/500".parse().unwrap()
}

/// Octets of which no two pieces are alike.
fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

fn put<const SLOTS: usize>(
    reassembly: &mut Reassembly<SLOTS>,
    id: MessageId,
    text: &[u8],
    index: u8,
    now: Instant,
) -> Result<Gathered, Refused> {
    let piece = Cut::of(text.len()).unwrap().piece(text, index).unwrap();
    reassembly.insert(id, piece, Duration::ZERO, now)
}

fn set(indices: &[u8]) -> FragmentSet {
    indices.iter().fold(FragmentSet::EMPTY, |set, index| set.union(FragmentSet::only(*index)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragments_in_any_order_and_number_become_the_text(
        len in MAX_PIECE_OCTETS + 1..=MAX_LONG_TEXT_OCTETS,
        seed: u64,
    ) {
        let text = text(len);
        let cut = Cut::of(len).unwrap();
        let mut jitter = Jitter::new(seed);
        let mut reassembly = Reassembly::<1>::new();
        let mut held = FragmentSet::EMPTY;
        while held != FragmentSet::first(cut.count()) {
            let index = jitter.below(cut.count().into()) as u8;
            let expected = if held.contains(index) {
                Gathered::Duplicate
            } else if held.len() + 1 < cut.count() {
                Gathered::Partial
            } else {
                Gathered::Complete { counters: cut.count() }
            };
            prop_assert_eq!(put(&mut reassembly, ID, &text, index, NOW), Ok(expected));
            held = held.union(FragmentSet::only(index));
        }
        prop_assert_eq!(reassembly.octets(ID), Some(&text[..]));
        prop_assert_eq!(reassembly.poll_timeout(), None);
    }

    /// An authentic peer may still be a broken one.
    #[test]
    fn hostile_pieces_break_nothing(
        pieces in prop::collection::vec((0..MAX_FRAGMENTS, any::<bool>(), 1..=MAX_PIECE_OCTETS, 0..3_u32), 1..200)
    ) {
        let octets = text(MAX_PIECE_OCTETS);
        let mut reassembly = Reassembly::<2>::new();
        for (index, is_last, len, later) in pieces {
            // As `Piece::parse` would let them through.
            let piece = Piece { index, is_last: is_last && index > 0, octets: &octets[..len] };
            let id = MessageId { counter: ID.counter + later, ..ID };
            if let Ok(Gathered::Complete { counters }) = reassembly.insert(id, piece, Duration::ZERO, NOW) {
                let whole = reassembly.octets(id).unwrap().len();
                prop_assert!(whole <= MAX_LONG_TEXT_OCTETS && whole >= counters.into());
                reassembly.release(id);
            }
            while let Some((_, missing)) = reassembly.poll_status(NOW) {
                prop_assert!(!missing.is_empty());
            }
            prop_assert_eq!(reassembly.poll_timeout(), None);
        }
    }
}

#[test]
fn every_length_comes_back_as_it_went() {
    let mut reassembly = Reassembly::<1>::new();
    let text = text(MAX_LONG_TEXT_OCTETS);
    for len in MAX_PIECE_OCTETS + 1..=MAX_LONG_TEXT_OCTETS {
        let cut = Cut::of(len).unwrap();
        let id = MessageId { counter: len as u32 * 32, ..ID };
        // Odd ones backwards, so that the last piece waits for the length of the others.
        let indices = (0..cut.count()).map(|n| if len % 2 == 0 { n } else { cut.last() - n });
        let last = indices.map(|index| put(&mut reassembly, id, &text[..len], index, NOW)).last();
        assert_eq!(last, Some(Ok(Gathered::Complete { counters: cut.count() })), "{len}");
        assert_eq!(reassembly.octets(id), Some(&text[..len]), "{len}");
        reassembly.release(id);
    }
}

#[test]
fn a_status_is_due_when_nothing_more_is_to_be_expected() {
    let mut reassembly = Reassembly::<1>::new();
    let text = text(8 * MAX_PIECE_OCTETS);
    for index in [0, 2, 3, 4, 6] {
        assert_eq!(put(&mut reassembly, ID, &text, index, NOW), Ok(Gathered::Partial));
        assert_eq!(reassembly.poll_status(NOW), None, "the last is still to come");
    }
    put(&mut reassembly, ID, &text, 7, NOW).unwrap();
    assert_eq!(reassembly.poll_status(NOW), Some((ID, set(&[1, 5]))));
    assert_eq!(reassembly.poll_status(NOW), None, "one per question");

    // The source repeats 1 and 5, and 5 asks. So does any repetition from behind it: the status was lost.
    put(&mut reassembly, ID, &text, 0, NOW).unwrap();
    assert_eq!(reassembly.poll_status(NOW), None);
    assert_eq!(put(&mut reassembly, ID, &text, 7, NOW), Ok(Gathered::Duplicate));
    assert_eq!(reassembly.poll_status(NOW), Some((ID, set(&[1, 5]))));
    put(&mut reassembly, ID, &text, 5, NOW).unwrap();
    assert_eq!(reassembly.poll_status(NOW), Some((ID, set(&[1]))));
    assert_eq!(put(&mut reassembly, ID, &text, 1, NOW), Ok(Gathered::Complete { counters: 8 }));
    assert_eq!(reassembly.poll_status(NOW), None);
    assert_eq!(put(&mut reassembly, ID, &text, 7, NOW), Ok(Gathered::Duplicate));
    assert_eq!(reassembly.poll_status(NOW), None, "the receipt is the answer, once the message is durable");
}

#[test]
fn a_poll_is_answered_with_what_is_known() {
    let mut reassembly = Reassembly::<1>::new();
    let text = text(1000);
    let everything = FragmentSet::first(MAX_FRAGMENTS);
    assert_eq!(reassembly.handle_poll(ID, NOW), Some(everything), "after a restart, say");
    put(&mut reassembly, ID, &text, 1, NOW).unwrap();
    assert_eq!(
        reassembly.handle_poll(ID, NOW),
        Some(everything.without(set(&[1]))),
        "who knows how many there are"
    );
    assert_eq!(reassembly.handle_poll(OTHER, NOW), None, "no room: let it wait");
    assert_eq!(reassembly.handle_poll(MessageId { counter: 0, ..ID }, NOW), None, "its source has gone on");
    put(&mut reassembly, ID, &text, 4, NOW).unwrap();
    assert_eq!(reassembly.handle_poll(ID, NOW), Some(set(&[0, 2, 3])));
    assert_eq!(reassembly.poll_status(NOW), None, "the answer to the poll was the status that was due");
    for index in [0, 2, 3] {
        put(&mut reassembly, ID, &text, index, NOW).unwrap();
    }
    assert_eq!(reassembly.handle_poll(ID, NOW), None, "complete, being stored");
    assert_eq!(reassembly.handle_poll(OTHER, NOW + SILENT), None);
    reassembly.release(ID);
    assert_eq!(reassembly.handle_poll(OTHER, NOW), Some(everything));
}

#[test]
fn what_relays_repeat_may_come_late() {
    let mut reassembly = Reassembly::<1>::new();
    let (text, patience) = (text(1000), Duration::from_secs(2));
    let cut = Cut::of(1000).unwrap();
    for index in [0, 1, 4] {
        reassembly.insert(ID, cut.piece(&text, index).unwrap(), patience, NOW).unwrap();
    }
    assert_eq!(reassembly.poll_timeout(), Some(NOW + patience));
    let soon = NOW + Duration::from_secs(1);
    reassembly.insert(ID, cut.piece(&text, 3).unwrap(), patience, soon).unwrap();
    assert_eq!(reassembly.poll_timeout(), Some(NOW + patience), "not put off");
    assert_eq!(reassembly.poll_status(soon), None);
    assert_eq!(reassembly.poll_status(NOW + patience), Some((ID, set(&[2]))));
}

#[test]
fn a_text_is_whole_or_not_there() {
    let mut reassembly = Reassembly::<1>::new();
    let text = text(300);
    put(&mut reassembly, ID, &text, 0, NOW).unwrap();
    assert_eq!(reassembly.octets(ID), None);
    put(&mut reassembly, ID, &text, 1, NOW).unwrap();
    assert_eq!(reassembly.octets(ID), Some(&text[..]));
    assert_eq!(reassembly.octets(OTHER), None);
    reassembly.release(OTHER);
    assert!(reassembly.octets(ID).is_some());
    reassembly.release(ID);
    assert_eq!(reassembly.octets(ID), None);
}

#[test]
fn without_room_a_message_waits_until_another_is_released_or_silent() {
    let mut reassembly = Reassembly::<1>::new();
    let text = text(700);
    put(&mut reassembly, ID, &text, 0, NOW).unwrap();
    let later = NOW + (SILENT - Duration::from_secs(1));
    assert_eq!(put(&mut reassembly, OTHER, &text, 0, later), Err(Refused::NoRoom));
    assert_eq!(
        put(&mut reassembly, ID, &text, 0, later),
        Ok(Gathered::Duplicate),
        "a repetition is no progress"
    );
    let silent = NOW + SILENT;
    assert_eq!(put(&mut reassembly, OTHER, &text, 0, silent), Ok(Gathered::Partial));
    assert_eq!(put(&mut reassembly, ID, &text, 1, silent), Err(Refused::NoRoom), "now the other one has it");

    put(&mut reassembly, OTHER, &text, 1, silent).unwrap();
    put(&mut reassembly, OTHER, &text, 2, silent).unwrap();
    let long_after = silent + SILENT + SILENT;
    assert_eq!(
        put(&mut reassembly, ID, &text, 1, long_after),
        Err(Refused::NoRoom),
        "complete, being stored"
    );
    reassembly.release(OTHER);
    assert_eq!(put(&mut reassembly, ID, &text, 1, long_after), Ok(Gathered::Partial));
}

#[test]
fn silent_messages_keep_their_room_while_nobody_needs_it_and_the_most_silent_goes_first() {
    let mut reassembly = Reassembly::<2>::new();
    let text = text(700);
    put(&mut reassembly, ID, &text, 0, NOW).unwrap();
    let much_later = NOW + Duration::from_secs(86_400);
    put(&mut reassembly, OTHER, &text, 0, much_later).unwrap();
    assert_eq!(put(&mut reassembly, ID, &text, 0, much_later), Ok(Gathered::Duplicate));
    let third = MessageId { source: NodeId(0x0203), ..ID };
    put(&mut reassembly, third, &text, 0, much_later + SILENT).unwrap();
    assert_eq!(put(&mut reassembly, OTHER, &text, 0, much_later + SILENT), Ok(Gathered::Duplicate));
    assert_eq!(
        put(&mut reassembly, ID, &text, 0, much_later + SILENT + SILENT),
        Ok(Gathered::Partial),
        "anew"
    );
}

#[test]
fn a_later_message_of_the_same_source_takes_the_place_of_an_earlier_one() {
    let mut reassembly = Reassembly::<2>::new();
    let text = text(300);
    let next = MessageId { counter: ID.counter + 2, ..ID };
    put(&mut reassembly, ID, &text, 1, NOW).unwrap();
    assert_eq!(put(&mut reassembly, next, &text, 0, NOW), Ok(Gathered::Partial));
    assert_eq!(put(&mut reassembly, ID, &text, 0, NOW), Err(Refused::Superseded));
    assert_eq!(reassembly.poll_timeout(), None, "nobody waits for its status any more");
    assert_eq!(put(&mut reassembly, next, &text, 1, NOW), Ok(Gathered::Complete { counters: 2 }));
    let third = MessageId { counter: next.counter + 2, ..ID };
    assert_eq!(
        put(&mut reassembly, third, &text, 0, NOW),
        Err(Refused::NoRoom),
        "the one before is being stored"
    );
    assert_eq!(reassembly.octets(next), Some(&text[..]));
}

#[test]
fn fragments_that_do_not_fit_together_are_refused_and_change_nothing() {
    let octets = text(MAX_PIECE_OCTETS);
    let piece = |index, is_last, len| Piece { index, is_last, octets: &octets[..len] };
    for (held, refused) in [
        (&[(0, false, 100)][..], (1, false, 99)),
        (&[(0, false, 100)], (2, true, 101)),
        (&[(2, true, 100)], (0, false, 99)),
        (&[(2, true, 100)], (3, false, 100)),
        (&[(2, true, 100)], (1, true, 100)),
        (&[(3, false, 100)], (2, true, 50)),
        (&[(0, false, 236)], (18, true, 10)),
        (&[(18, true, 10)], (0, false, 236)),
        (&[], (17, false, 236)),
    ] {
        let mut reassembly = Reassembly::<1>::new();
        for (index, is_last, len) in held {
            reassembly.insert(ID, piece(*index, *is_last, *len), Duration::ZERO, NOW).unwrap();
        }
        let before = std::format!("{reassembly:?}");
        let (index, is_last, len) = refused;
        assert_eq!(
            reassembly.insert(ID, piece(index, is_last, len), Duration::ZERO, NOW),
            Err(Refused::Inconsistent),
            "{held:?}, {refused:?}"
        );
        assert_eq!(std::format!("{reassembly:?}"), before);
    }
}

#[test]
fn debug_output_keeps_texts() {
    let mut reassembly = Reassembly::<1>::new();
    put(&mut reassembly, ID, &[7; 300], 0, NOW).unwrap();
    assert!(!std::format!("{reassembly:?}").contains("7, 7"));
    assert_eq!(Refused::NoRoom.to_string(), "no room for another long text");
}
