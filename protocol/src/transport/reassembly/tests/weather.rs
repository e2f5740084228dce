//! Both ends over a link that loses, doubles and reorders, with power cuts on either side.

use super::*;

/// What may be on its way.
#[derive(Clone, Copy)]
enum Sent {
    Due(Due),
    Status(FragmentSet),
    Receipt,
}

/// How bad it is, in percent.
#[derive(Clone, Copy, Debug)]
struct Weather {
    loss: u64,
    doubled: u64,
    reordered: u64,
    crash: u64,
}

/// Sends one text through it; how many fragments that took.
fn deliver(text: &[u8], weather: Weather, asking_first: bool, seed: u64) -> u32 {
    let cut = Cut::of(text.len()).unwrap();
    let pace = Pace::over(1, rate());
    let start = |ask: bool| if ask { Sending::asking_first(cut, pace) } else { Sending::new(cut, pace) };
    let (mut dice, mut jitter) = (Jitter::new(seed), Jitter::new(!seed));
    let mut source = start(asking_first);
    let mut destination = Reassembly::<1>::new();
    let (mut durable, mut fragments, mut token) = (false, 0, 0);
    let mut link: Vec<Sent> = Vec::new();
    let mut now = NOW;
    // Bounded: a text that cannot arrive must not hang the test.
    for _ in 0..200_000 {
        now += Duration::from_millis(100);
        source.handle_timeout(now);
        if let Some(due) = source.next(now) {
            token += 1;
            fragments += u32::from(due != Due::Poll);
            source.handed_out(due, token);
            source.handle_transmitted(token, rate(), &mut jitter, now);
            link.push(Sent::Due(due));
        }
        if let Some((_, missing)) = destination.poll_status(now) {
            link.push(Sent::Status(missing));
        }
        if link.is_empty() {
            now = source.poll_timeout().unwrap_or(now).max(now);
            continue;
        }
        let mut percent = |chance: u64| dice.below(100) < chance;
        let which = if percent(weather.reordered) { link.len() - 1 } else { 0 };
        let sent = link.remove(which);
        if percent(weather.doubled) {
            link.push(sent);
        }
        if percent(weather.crash) {
            // In memory only: the message is lost here, unless it was durable already.
            destination = Reassembly::new();
        }
        if percent(weather.crash) {
            source = start(true);
        }
        if percent(weather.loss) {
            continue;
        }
        match sent {
            Sent::Receipt => return fragments,
            Sent::Status(missing) => {
                source.handle_status(missing);
            }
            Sent::Due(_) if durable => link.push(Sent::Receipt),
            Sent::Due(Due::Poll) => link.extend(destination.handle_poll(ID, now).map(Sent::Status)),
            Sent::Due(Due::Fragment(index)) => {
                if let Gathered::Complete { counters } =
                    put(&mut destination, ID, text, index, now).expect("one source, one message")
                {
                    assert_eq!(counters, cut.count());
                    assert_eq!(destination.octets(ID), Some(text));
                    durable = true;
                    link.push(Sent::Receipt);
                }
            }
        }
    }
    panic!("not delivered in {weather:?}, seed {seed}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_long_text_arrives_whole_whatever_the_weather(
        len in MAX_PIECE_OCTETS + 1..=MAX_LONG_TEXT_OCTETS,
        (loss, doubled, reordered, crash) in (0..60_u64, 0..30_u64, 0..50_u64, 0..3_u64),
        asking_first: bool,
        seed: u64,
    ) {
        deliver(&text(len), Weather { loss, doubled, reordered, crash }, asking_first, seed);
    }
}

#[test]
fn in_good_weather_each_fragment_goes_out_once() {
    let calm = Weather { loss: 0, doubled: 0, reordered: 0, crash: 0 };
    for len in [237, 1024, 4096] {
        for asking_first in [false, true] {
            let count = Cut::of(len).unwrap().count();
            assert_eq!(deliver(&text(len), calm, asking_first, 1), count.into());
        }
    }
}
