//! The demo for people: it says what to try, and whoever reads it types as the handheld.

use std::fmt::Display;

use fanal_gateway::words::{Language, say};
use tokio::sync::mpsc;

use super::{HANDHELDS, House, Input, Printed};

/// Runs the demo for a person, until `:quit` or the end of standard input.
pub(super) async fn run(
    mut house: House,
    mut printed: mpsc::Receiver<Printed>,
    mut input: Input,
    language: Language,
) -> anyhow::Result<()> {
    introduce(&house, language);
    let mut hand = HANDHELDS[0].name;
    loop {
        tokio::select! {
            Some(Printed { name, line }) = printed.recv() => show(name, &line),
            line = input.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let line = line.trim();
                match line.strip_prefix(':') {
                    Some("quit" | "q") => return Ok(()),
                    Some(order) => hand = obey(&mut house, order, hand, language).await?,
                    None if line.is_empty() => {}
                    None => {
                        if !house.desk(hand).is_some_and(|desk| desk.is_on()) {
                            println!("{}", say(language, "demo-is-off", &[("name", hand.into())]));
                        } else if let Some(desk) = house.desk(hand) {
                            desk.type_line(line).await;
                        }
                    }
                }
            }
        }
    }
}

fn introduce(house: &House, language: Language) {
    let address = house.prosody.client_address();
    let [rosa, marc] = &HANDHELDS;
    let mut accounts = String::new();
    for person in &house.site.persons {
        let values = [("jid", person.jid().into()), ("password", person.password.as_str().into())];
        accounts += &format!("  {}\n", say(language, "demo-account", &values));
    }
    let values = [
        ("host", address.ip().to_string().into()),
        // As text: a port has no thousands.
        ("port", address.port().to_string().into()),
        ("accounts", accounts.trim_end().to_owned().into()),
        ("rosa", rosa.jid().into()),
        ("marc", marc.jid().into()),
        ("console", house.site.path("console.sock").display().to_string().into()),
        ("log", house.site.path("fanal.log").display().to_string().into()),
    ];
    println!("{}", say(language, "demo-intro", &values));
}

fn show(name: &str, line: impl Display) {
    println!("{name:>6} │ {line}");
}

/// Carries out an order to the demo itself. Returns the handheld in hand.
async fn obey(
    house: &mut House,
    order: &str,
    hand: &'static str,
    language: Language,
) -> anyhow::Result<&'static str> {
    let mut words = order.split_whitespace();
    let (verb, object) = (words.next().unwrap_or_default(), words.next());
    let handheld = |name: &str| HANDHELDS.iter().find(|handheld| handheld.name.eq_ignore_ascii_case(name));
    let loss = object.and_then(|text| text.parse::<f64>().ok()).filter(|loss| (0.0..=1.0).contains(loss));
    match (verb, object, loss) {
        ("off" | "on", Some(node), _) if house.power(node, verb == "on").await? => {
            println!(
                "{}",
                say(language, if verb == "on" { "demo-on" } else { "demo-off" }, &[("name", node.into())])
            );
        }
        ("loss", _, Some(loss)) => {
            house.workshop.air.set_loss(loss);
            let percent = format!("{:.0}", loss * 100.0);
            println!("{}", say(language, "demo-loss-set", &[("percent", percent.into())]));
        }
        (name, None, _) if handheld(name).is_some() => {
            let name = handheld(name).map_or(hand, |handheld| handheld.name);
            println!("{}", say(language, "demo-in-hand", &[("name", name.into())]));
            return Ok(name);
        }
        _ => println!("{}", say(language, "demo-orders", &[])),
    }
    Ok(hand)
}
