//! The handheld's text interface, as a program reads it. `docs/handheld.md`, "Lines".

/// What a line of a handheld means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `<Alice> Bonjour`
    Received {
        /// Name in the handheld's contact list.
        from: &'a str,
        /// What it says.
        text: &'a str,
    },
    /// `[+] 7 livré à Alice`
    State {
        /// The message's number on that handheld.
        number: &'a str,
        /// The state's stable name.
        state: &'static str,
    },
    /// `! …`
    Complaint(&'a str),
    /// An answer in words.
    Other(&'a str),
}

impl<'a> Line<'a> {
    /// Reads one line.
    pub(super) fn parse(line: &'a str) -> Self {
        let line = line.trim_end();
        if let Some((from, text)) = line.strip_prefix('<').and_then(|rest| rest.split_once("> ")) {
            return Line::Received { from, text };
        }
        if let Some(complaint) = line.strip_prefix("! ") {
            return Line::Complaint(complaint);
        }
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = rest.split(' ').next().unwrap_or("");
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        // `[+] 7 @Alice …` is a line of the list of messages, not news.
        let is_news = !rest[number.len()..].trim_start().starts_with('@');
        match state_of(mark) {
            Some(state) if is_number && is_news => Line::State { number, state },
            _ => Line::Other(line),
        }
    }
}

fn state_of(mark: &str) -> Option<&'static str> {
    Some(match mark {
        "[.]" => "queued",
        "[>]" => "sent",
        "[=]" => "in_custody",
        "[+]" => "delivered",
        "[x]" => "expired",
        "[!]" => "failed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_told_apart() {
        let received = Line::Received { from: "alice", text: "Bonjour > là" };
        assert_eq!(Line::parse("<alice> Bonjour > là\r\n"), received);
        let state = Line::State { number: "7", state: "delivered" };
        assert_eq!(Line::parse("[+] 7 livré à alice"), state);
        assert_eq!(
            Line::parse("[=] 7 gardé par 0100 pour alice"),
            Line::State { number: "7", state: "in_custody" }
        );
        assert_eq!(Line::parse("[+] 7 @alice bonjour"), Line::Other("[+] 7 @alice bonjour"));
        assert_eq!(Line::parse("! contact inconnu"), Line::Complaint("contact inconnu"));
        for other in ["", "[+]", "[+] x", "<alice>", "adresse 0201", "[?] 7 x"] {
            assert_eq!(Line::parse(other), Line::Other(other), "{other}");
        }
    }
}
