//! The urgent lane: always free for one more, and of no use to who would keep others out.

use super::*;
use crate::wire::MAX_TEXT_OCTETS;

fn urgent<'a>(source: NodeId, destination: NodeId, text: &'a str) -> Draft<'a> {
    Draft { priority: Priority::Emergency, ..draft(source, destination, text) }
}

fn begin(node: &mut TestNode, draft: Draft<'_>) -> MessageId {
    let id = node.send(draft, START).unwrap();
    node.handle_stored(id, START);
    id
}

#[test]
fn a_full_queue_of_texts_takes_an_urgent_one_and_it_goes_first() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    for _ in 0..3 {
        begin(&mut gateway, draft(PERSON, HANDHELD, "bonjour"));
    }
    assert_eq!(gateway.send(draft(PERSON, HANDHELD, "encore"), START), Err(SendError::QueueFull));
    let id = begin(&mut gateway, urgent(PERSON, HANDHELD, "au feu"));

    let mut buf = [0; 255];
    let first = gateway.poll_transmit(START, &mut buf).unwrap();
    assert_eq!((first.priority, kind_of(&buf[..first.len])), (Priority::Emergency, Some(Kind::Urgent)));
    gateway.handle_transmitted(first.token, START);
    hear(&mut handheld, &[buf[..first.len].to_vec()], START);
    let Some(Event::Received { id: arrived, urgent, text, .. }) = handheld.poll_event() else {
        panic!("no text")
    };
    assert_eq!((arrived, urgent, text.as_str()), (id, true, "au feu"));
    handheld.accept(id, START);
    let answers = transmit(&mut handheld, START);
    assert_eq!(answers[0].len(), wire::Ack::STRONG_OCTETS);
    hear(&mut gateway, &answers, START);
    assert!(states(&mut gateway, START).contains(&State::Delivered));
}

#[test]
fn nobody_can_make_an_ordinary_text_of_an_urgent_one() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    begin(&mut gateway, urgent(PERSON, HANDHELD, "au feu"));
    let genuine = transmit(&mut gateway, START).remove(0);
    let mut text = genuine.clone();
    text[0] = 0x1F;
    assert_eq!(handheld.handle_frame(&text, Quality::default(), START), Err(Discard::Forged));
    assert_eq!(handheld.handle_frame(&genuine, Quality::default(), START), Ok(()));
}

#[test]
fn an_urgent_text_stays_urgent_after_a_restart() {
    let mut first = gateway();
    let id = begin(&mut first, urgent(PERSON, HANDHELD, "au feu"));
    let before = transmit(&mut first, START);
    let mut second = gateway();
    second.resume(id, "au feu", DAY, Priority::Emergency, false, START).unwrap();
    assert_eq!(transmit(&mut second, START), before);
}

#[test]
fn a_text_that_takes_several_frames_is_not_urgent() {
    let mut gateway = gateway();
    let long = "a".repeat(MAX_TEXT_OCTETS + 1);
    let refused = Err(SendError::TooLong { max: MAX_TEXT_OCTETS });
    assert_eq!(gateway.send(urgent(PERSON, HANDHELD, &long), START), refused);
    begin(&mut gateway, urgent(PERSON, HANDHELD, &long[1..]));
    begin(&mut gateway, draft(PERSON, HANDHELD, &long));
}

#[test]
fn one_source_has_two_urgent_texts_under_way() {
    let mut gateway = gateway();
    begin(&mut gateway, urgent(PERSON, HANDHELD, "au feu"));
    begin(&mut gateway, urgent(PERSON, HANDHELD, "encore"));
    assert_eq!(gateway.send(urgent(PERSON, HANDHELD, "et encore"), START), Err(SendError::QueueFull));
    begin(&mut gateway, draft(PERSON, HANDHELD, "bonjour"));
}

#[test]
fn a_node_begins_few_urgent_texts_in_a_row_and_loses_none() {
    let (mut gateway, mut now, mut begun) = (gateway(), START, Vec::new());
    while begun.len() < 7 {
        let id = gateway.send(urgent(PERSON, HANDHELD, "au feu"), now).unwrap();
        gateway.handle_stored(id, now);
        while transmit(&mut gateway, now).is_empty() {
            now = gateway.poll_timeout().unwrap();
            gateway.handle_timeout(now);
        }
        begun.push((now - START).as_secs());
        gateway.cancel(id);
        states(&mut gateway, now);
    }
    assert_eq!(begun, [0, 0, 0, 0, 30, 60, 90]);
}

#[test]
fn full_lines_of_answers_make_room_for_that_to_an_urgent_text() {
    let (mut gateway, mut handheld) = (gateway(), handheld());
    let id = begin(&mut gateway, urgent(PERSON, HANDHELD, "au feu"));
    let frame = transmit(&mut gateway, START);
    for proof in 0..ANSWERS {
        handheld.queue_answer(Proof::Short([proof as u8; 4]), false);
    }
    hear(&mut handheld, &frame, START);
    assert_eq!(received(&mut handheld).len(), 1);
    handheld.accept(id, START);
    let answers = transmit(&mut handheld, START);
    assert_eq!(answers.len(), ANSWERS, "the last in line made room");
    hear(&mut gateway, &answers[..1], START);
    assert!(states(&mut gateway, START).contains(&State::Delivered));
}
