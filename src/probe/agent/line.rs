//! The one line of an agent, as HAProxy's agent-check has it: words in any order, separated by
//! spaces, tabs and commas, up to the first `\r`, `\n` or end.
//!
//! Pure: bytes in, meaning out; no bytes make it panic, and what it keeps is bounded. Used for the
//! answers of agents, of programs with `reads_agent`, and for the first line of files.
//!
//! | word | meaning |
//! |---|---|
//! | `NN%` | the share of the weight in the file |
//! | `maxconn:N` | read and reported; there is nothing at layer 4 that it would bound |
//! | `ready`, `drain`, `maint` | whether new connections are welcome |
//! | `up` | it is up; never beats a failed check |
//! | `down`, `fail`, `stopped`, with `#text` | it is down, and why |
//!
//! The last word of each row counts, and `#` ends the words. Words that are not in the table are
//! kept for a report and change nothing, so that an agent may say more to others. A test gives the
//! same lines to a real haproxy and compares what it makes of them.

use std::fmt;

use crate::health::{Advice, Fault, Verdict, Welcome};

/// A share is at most this, in percent: a server of weight 1 at HAProxy's greatest weight, 256.
/// Greater numbers count as this one, so that no answer makes a weight grow without bound.
pub const GREATEST_PERCENT: u16 = 25_600;

/// So many words that nobody knows are kept for the report.
const UNKNOWN_KEPT: usize = 4;

/// A word or a reason is shown up to this length, in characters.
const SHOWN: usize = 80;

/// What an agent's line says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentLine {
    /// The share of the weight in the file, in percent.
    pub percent: Option<u16>,
    /// The number of connections that it wants at most.
    pub maxconn: Option<u32>,
    /// Whether new connections are welcome.
    pub welcome: Option<Welcome>,
    /// Whether it says that it is up or down.
    pub health: Option<Health>,
    /// The text after `#`: why it is down.
    pub reason: Option<String>,
    /// Words that nobody knows: they are reported, and change nothing.
    pub unknown: Vec<String>,
}

/// What an agent says of its server's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// `up`.
    Up,
    /// `down`.
    Down,
    /// `fail`.
    Fail,
    /// `stopped`.
    Stopped,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Fail => "fail",
            Self::Stopped => "stopped",
        }
    }
}

impl AgentLine {
    /// Reads the first line of some bytes. Every line can be read: one without a known word says
    /// nothing.
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(first_line(bytes));
        let mut line = Self::default();
        let mut rest = text.as_ref();
        while let Some((word, after)) = next_word(rest) {
            if word.starts_with('#') {
                line.reason = reason(rest);
                break;
            }
            rest = after;
            line.take(word);
        }
        line
    }

    /// Whether there are words, and none of them is known: this is no agent's line. An empty line
    /// is one: nothing has changed.
    pub fn is_foreign(&self) -> bool {
        self.says_nothing() && !self.unknown.is_empty()
    }

    /// Whether no word of it is known.
    pub fn says_nothing(&self) -> bool {
        let Self {
            percent,
            maxconn,
            welcome,
            health,
            reason: _,
            unknown: _,
        } = self;
        percent.is_none() && maxconn.is_none() && welcome.is_none() && health.is_none()
    }

    /// What it says about the server's share of new connections.
    pub fn advice(&self) -> Advice {
        Advice {
            percent: self.percent,
            welcome: self.welcome,
            up: self.health.map(|health| health == Health::Up),
        }
    }

    /// `down` is a failure; all else is a good answer.
    pub fn verdict(&self) -> Verdict {
        if self.is_down() {
            return Verdict::Fail {
                fault: Fault::SaysDown,
                text: format!("it says {self}"),
            };
        }
        Verdict::Pass(self.to_string())
    }

    fn is_down(&self) -> bool {
        self.health.is_some_and(|health| health != Health::Up)
    }

    fn take(&mut self, word: &str) {
        if let Some(percent) = percent(word) {
            self.percent = Some(percent);
        } else if let Some(maxconn) = maxconn(word) {
            self.maxconn = Some(maxconn);
        } else if let Some(welcome) = welcome(word) {
            self.welcome = Some(welcome);
        } else if let Some(health) = health(word) {
            self.health = Some(health);
        } else if self.unknown.len() < UNKNOWN_KEPT {
            self.unknown.push(shown(word));
        }
    }
}

/// The words that were understood, then those that were not: `75%, drain (unknown: "turbo")`.
impl fmt::Display for AgentLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.health.map(|health| health.word().to_owned()));
        words.extend(self.welcome.map(|welcome| welcome_word(welcome).to_owned()));
        words.extend(self.percent.map(|percent| format!("{percent}%")));
        words.extend(self.maxconn.map(|number| format!("maxconn:{number}")));
        if words.is_empty() {
            words.push("nothing".to_owned());
        }
        f.write_str(&words.join(", "))?;
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        if !self.unknown.is_empty() {
            write!(f, " (unknown: \"{}\")", self.unknown.join("\", \""))?;
        }
        Ok(())
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    end.and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',')
}

/// The next word and what follows it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(is_separator);
    if text.is_empty() {
        return None;
    }
    Some(text.split_once(is_separator).unwrap_or((text, "")))
}

/// Digits, and a `%` as the last character. Greater numbers count as the greatest.
fn percent(word: &str) -> Option<u16> {
    let number = saturating(word.strip_suffix('%')?)?;
    Some(u16::try_from(number).map_or(GREATEST_PERCENT, |number| number.min(GREATEST_PERCENT)))
}

fn maxconn(word: &str) -> Option<u32> {
    let (name, number) = word.split_once(':')?;
    name.eq_ignore_ascii_case("maxconn")
        .then(|| saturating(number))?
}

/// A number of digits only; one too great for 32 bits is the greatest.
fn saturating(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}

fn welcome(word: &str) -> Option<Welcome> {
    [Welcome::Ready, Welcome::Drain, Welcome::Maintenance]
        .into_iter()
        .find(|welcome| word.eq_ignore_ascii_case(welcome_word(*welcome)))
}

fn welcome_word(welcome: Welcome) -> &'static str {
    match welcome {
        Welcome::Ready => "ready",
        Welcome::Drain => "drain",
        Welcome::Maintenance => "maint",
    }
}

fn health(word: &str) -> Option<Health> {
    [Health::Up, Health::Down, Health::Fail, Health::Stopped]
        .into_iter()
        .find(|health| word.eq_ignore_ascii_case(health.word()))
}

/// What stands after the `#`; none where nothing does.
fn reason(rest: &str) -> Option<String> {
    let text = rest.trim_start_matches(is_separator);
    let text = text.strip_prefix('#').unwrap_or(text).trim();
    (!text.is_empty()).then(|| shown(text))
}

/// A text for an operator: short, and with nothing that could harm a terminal.
fn shown(text: &str) -> String {
    text.chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> AgentLine {
        AgentLine::read(text.as_bytes())
    }

    #[test]
    fn words_stand_in_any_order_and_after_any_separator() {
        for text in [
            "up ready 75% maxconn:30\n",
            "75%,ready\tup maxconn:30\r\n",
            " \t,,MAXCONN:30 , READY 75%\t\tUp",
        ] {
            let line = read(text);
            assert_eq!(line.percent, Some(75), "{text:?}");
            assert_eq!(line.maxconn, Some(30), "{text:?}");
            assert_eq!(line.welcome, Some(Welcome::Ready), "{text:?}");
            assert_eq!(line.health, Some(Health::Up), "{text:?}");
            assert!(line.unknown.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn only_the_first_line_counts() {
        for text in ["50%\ndown", "50%\rdown", "50%\r\ndrain\n"] {
            let line = read(text);
            assert_eq!(line.percent, Some(50), "{text:?}");
            assert_eq!((line.health, line.welcome), (None, None), "{text:?}");
        }
    }

    #[test]
    fn a_sharp_ends_the_words_and_says_why() {
        for (text, shown) in [
            ("75% down #disk full, up\n", "down, 75%: disk full, up"),
            ("50% down 60% #x", "down, 60%: x"),
            ("fail#disk\n", "nothing (unknown: \"fail#disk\")"),
            ("stopped # since noon", "stopped: since noon"),
            ("stopped because", "stopped (unknown: \"because\")"),
            ("#hello 80%", "nothing: hello 80%"),
            ("down up", "up"),
            ("DOWN", "down"),
        ] {
            assert_eq!(read(text).to_string(), shown);
        }
    }

    /// HAProxy #2039: a weight and a state are both taken from one answer.
    #[test]
    fn a_weight_and_a_state_are_taken_from_one_answer() {
        let advice = read("maint 30%\n").advice();
        assert_eq!(advice.percent, Some(30));
        assert_eq!(advice.welcome, Some(Welcome::Maintenance));
        assert_eq!(advice.up, None);
    }

    #[test]
    fn the_last_of_two_words_of_one_kind_counts() {
        let line = read("10% ready 20% drain");
        assert_eq!(line.percent, Some(20));
        assert_eq!(line.welcome, Some(Welcome::Drain));
    }

    #[test]
    fn what_is_no_number_is_no_share() {
        for text in [
            "%", "-5%", "+5%", "5 %", "5%%", "1e3%", "0x10%", "75", "5%x", "٣%",
        ] {
            assert_eq!(read(text).percent, None, "{text}");
        }
    }

    /// keepalived #2720: weights of a dynamic check grew without bound.
    #[test]
    fn no_number_makes_a_share_greater_than_the_greatest() {
        for text in ["25601%", "65536%", "99999999999999999999999999%"] {
            assert_eq!(read(text).percent, Some(GREATEST_PERCENT), "{text}");
        }
    }

    #[test]
    fn unknown_words_are_reported_and_change_nothing() {
        let line = read("turbo 75% weight=9\x1b[2J");
        assert_eq!(line.percent, Some(75));
        assert_eq!(line.unknown, ["turbo", "weight=9\u{FFFD}[2J"]);
        assert!(!line.says_nothing());
        assert!(read("HTTP/1.0 400 Bad Request").says_nothing());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_much(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let line = AgentLine::read(&bytes);
            prop_assert!(line.unknown.len() <= UNKNOWN_KEPT);
            prop_assert!(line.to_string().len() < 4 * SHOWN * (UNKNOWN_KEPT + 2));
            prop_assert!(!line.to_string().chars().any(char::is_control));
        }

        #[test]
        fn what_it_shows_of_known_words_reads_as_the_same(
            percent in proptest::option::of(0..=GREATEST_PERCENT),
            maxconn in proptest::option::of(any::<u32>()),
            welcome in proptest::option::of(prop_oneof![Just(Welcome::Ready), Just(Welcome::Drain), Just(Welcome::Maintenance)]),
            up in any::<bool>(),
        ) {
            let health = up.then_some(Health::Up);
            let line = AgentLine { percent, maxconn, welcome, health, ..AgentLine::default() };
            prop_assume!(!line.says_nothing());
            prop_assert_eq!(AgentLine::read(line.to_string().as_bytes()), line);
        }
    }
}
