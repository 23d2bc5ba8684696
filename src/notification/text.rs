//! A message as a mail: what, where, since when, what to do.

use crate::event::{Kind, utc};

use super::message::{Entry, Message, Ongoing, State, label};
use super::span::span;

/// A subject is cut to so many characters.
const LONGEST_SUBJECT: usize = 160;

impl Message {
    /// The subject: farm, machine, how bad, what.
    pub fn subject(&self) -> String {
        let subject = format!(
            "[{} {}] {}: {}",
            self.farm,
            self.node,
            self.label(),
            self.title()
        );
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let short: String = subject.chars().map(plain).take(LONGEST_SUBJECT).collect();
        if short.len() < subject.len() {
            short + "…"
        } else {
            short
        }
    }

    /// The body of a mail.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            text += &entry.paragraph();
        }
        if !self.ongoing.is_empty() {
            text += "Still going on:\n\n";
            for each in &self.ongoing {
                text += &each.paragraph(self.at);
            }
        }
        if self.ongoing_more > 0 {
            text += &format!("… and {} more things last.\n\n", self.ongoing_more);
        }
        if self.dropped > 0 {
            text += &format!(
                "{} earlier events are not in any message: there was no room for them, or this receiver did not take them.\n\n",
                self.dropped
            );
        }
        text + &self.foot()
    }

    fn foot(&self) -> String {
        format!(
            "-- \nFarm {}, machine {}, message {}, {}.\nOn {}: `farmctl status` shows how it is now, `farmctl events` what happened.\n",
            self.farm,
            self.node,
            self.number,
            clock(self.at),
            self.node
        )
    }
}

impl Entry {
    fn paragraph(&self) -> String {
        let word = match self.state {
            State::Over => "over",
            State::Lasts | State::Happened => label(self.severity),
        };
        let mut text = format!("{word}  {}\n", one_line(&self.headline()));
        let began = self
            .first
            .as_ref()
            .map_or(self.since, |first| Some(first.at));
        if let Some(began) = began {
            text += &format!("    began       {}\n", clock(began));
        }
        text += &format!("    at          {}\n", clock(self.at));
        if self.state != State::Over {
            text += &advice(self.kind);
        }
        text + "\n"
    }
}

impl Ongoing {
    fn paragraph(&self, now: u64) -> String {
        let lasts = span(now.saturating_sub(self.since));
        let line = format!("{}  {}\n", label(self.severity), one_line(&self.message));
        let since = format!("    since       {} ({lasts})\n", clock(self.since));
        line + &since + &advice(self.kind) + "\n"
    }
}

fn advice(kind: Kind) -> String {
    match kind.advice() {
        "" => String::new(),
        advice => format!("    what to do  {advice}\n"),
    }
}

/// A time to the second: `2026-11-21 03:14:07 UTC`.
fn clock(millis: u64) -> String {
    let text = utc(millis).replace('T', " ");
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{seconds} UTC")
}

/// A sentence from outside can't begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
