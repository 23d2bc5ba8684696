//! What an answer means for the real servers that hear it.

use std::time::Duration;

use crate::clock::Moment;
use crate::event::Severity;
use crate::spec::{Kind, TlsCheck};

use super::super::member::{Arrival, Since};
use super::super::probe::Unasked;
use super::super::question::{Answer, Expiry, Question, Verdict};
use super::super::ramp::SlowStart;
use super::super::standing::Health;
use super::super::told;
use super::super::word::{AskId, Output};
use super::Engine;
use super::agents::SaysDown;

/// A check that can't be asked is told of after this time.
const UNASKED_TOLD_AFTER: Duration = Duration::from_secs(10);

/// Whether a change of health is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Loud,
    Silent,
}

impl Engine {
    /// An answer came.
    pub(super) fn answered(&mut self, now: Moment, ask: AskId, answer: Answer) {
        let Some(asked) = self.take_asked(ask) else {
            return;
        };
        let slot = ask.slot;
        let was_asked = !matches!(answer.verdict, Verdict::Unasked(_));
        let said_down = SaysDown::of(&answer.verdict);
        if let Some(probe) = self.probes.get_mut(slot) {
            probe.hear(now, answer.verdict, answer.took);
        }
        self.note_unasked(now, slot);
        self.note_certificate(now, slot, answer.certificate);
        self.hear_agent(now, slot, answer.advice, said_down);
        if was_asked {
            self.judge(now, slot);
        }
        self.ask_again(now, slot, asked);
    }

    /// Judges all that hear a probe by its streak.
    pub(super) fn judge(&mut self, now: Moment, slot: u32) {
        let Some(probe) = self.probes.get_mut(slot).filter(|probe| !probe.is_agent()) else {
            return;
        };
        let (streak, fault, question) = (probe.streak, probe.fault(), probe.question.clone());
        let hearers = std::mem::take(&mut probe.members);
        for &member in &hearers {
            let Some(watched) = self.members.get_mut(member) else {
                continue;
            };
            let judged = watched.verdict(streak, fault, &question);
            if judged == watched.judged {
                self.let_go_of_the_refusing(member, fault);
            } else {
                watched.judged = judged;
                self.turn(now, member, Voice::Loud);
            }
        }
        if let Some(probe) = self.probes.get_mut(slot) {
            probe.members = hearers;
        }
    }

    /// A real server's check or agent says something new: makes its health of both.
    pub(super) fn turn(&mut self, now: Moment, member: u32, voice: Voice) {
        let says_down = self.voice(member).says_down;
        let Some(watched) = self.members.get_mut(member) else {
            return;
        };
        let before = watched.health;
        let after = watched.judged.unless(says_down);
        self.concerned.members.insert(member);
        if before == after {
            return;
        }
        let lasted = watched.since.lasting(now);
        watched.health = after;
        watched.since = Since::now(now);
        for &group in &watched.groups {
            if let Some(group) = self.groups.get_mut(group as usize) {
                group.turn(Some(before), after);
            }
        }
        if voice == Voice::Loud {
            self.tell_turn(member, before, lasted);
        }
        match after {
            Health::Up => self.rise(now, member, before),
            Health::Down => self.fall(now, member, before),
            Health::New => {}
        }
    }

    /// A real server is up.
    fn rise(&mut self, now: Moment, member: u32, before: Health) {
        if let Some(watched) = self.members.get_mut(member) {
            watched.is_held = false;
            if !(before == Health::New && watched.arrival == Arrival::First) {
                self.begin_slow_start(now, member);
            }
        }
        self.guard_rose(member);
    }

    /// A real server is down.
    fn fall(&mut self, now: Moment, member: u32, before: Health) {
        if let Some(watched) = self.members.get_mut(member) {
            watched.ramp = None;
        }
        if before == Health::Up {
            self.guard_fell(now, member);
        }
    }

    /// Lets the weight grow, where the file wants that and others carry the load meanwhile.
    pub(super) fn begin_slow_start(&mut self, now: Moment, member: u32) {
        let Some(watched) = self.members.get_mut(member) else {
            return;
        };
        let others = watched.groups.iter().any(|&group| {
            let group = self.groups.get(group as usize);
            group.is_some_and(|group| group.sums.usable.number > 0)
        });
        watched.ramp = watched
            .slow_start
            .filter(|length| others && !length.is_zero())
            .map(|length| SlowStart {
                began: now,
                before: Duration::ZERO,
                length,
            });
    }

    fn tell_turn(&mut self, member: u32, before: Health, lasted: Duration) {
        let Some(watched) = self.members.get(member) else {
            return;
        };
        let says_down = watched.judged == Health::Up && watched.health == Health::Down;
        let text = match watched.check.and_then(|slot| self.probes.get(slot)) {
            _ if says_down => "its agent says so",
            Some(probe) => probe.text(),
            None => "it is not checked",
        };
        let told = match (watched.health, before) {
            (Health::Down, _) => told::server_down(&watched.member, text),
            (Health::Up, Health::New) if watched.arrival == Arrival::First => return,
            (Health::Up, Health::New) => told::server_up(&watched.member, text, None),
            (Health::Up, _) => told::server_up(&watched.member, text, Some(lasted)),
            (Health::New, _) => return,
        };
        self.tell(told);
    }

    /// Notes whether a probe can be asked at all, and tells when it long can't.
    fn note_unasked(&mut self, now: Moment, slot: u32) {
        let Some(probe) = self.probes.get_mut(slot) else {
            return;
        };
        let unasked = probe
            .last
            .as_ref()
            .is_some_and(|last| matches!(last.verdict, Verdict::Unasked(_)));
        let first = probe.members.first().and_then(|&m| self.members.get(m));
        let Some(member) = first.map(|watched| &watched.member) else {
            return;
        };
        if !unasked {
            let was_told = probe.unasked.take().is_some_and(|before| before.is_told);
            let told = was_told.then(|| told::asks_again(member));
            self.outputs.extend(told.map(Output::Told));
            return;
        }
        let text = probe.text().to_owned();
        let since = probe.unasked.get_or_insert(Unasked {
            since: now,
            is_told: false,
        });
        let lasting = now.since(since.since);
        if !since.is_told && lasting >= UNASKED_TOLD_AFTER {
            since.is_told = true;
            let told = told::cannot_ask(member, &text, lasting);
            self.tell(told);
        }
    }

    /// Notes a certificate, and warns before it expires and when it has, each once.
    fn note_certificate(&mut self, now: Moment, slot: u32, seen: Option<Expiry>) {
        let (Some(expiry), Some(probe)) = (seen, self.probes.get_mut(slot)) else {
            return;
        };
        probe.certificate = Some(expiry);
        let Some((at, unix)) = self.dated else {
            return;
        };
        let today = unix.saturating_add(now.since(at));
        let left = Duration::from_secs(expiry.0).checked_sub(today);
        let severity = match left {
            None => Some(Severity::Alarm),
            Some(left) if left < warning(&probe.question) => Some(Severity::Warning),
            Some(_) => None,
        };
        let wanted = severity.map(|severity| (expiry, severity));
        let was_warned = std::mem::replace(&mut probe.warned, wanted);
        if was_warned == wanted {
            return;
        }
        let first = probe.members.first().and_then(|&m| self.members.get(m));
        let told = first.map(|watched| match severity {
            Some(_) => told::certificate(&watched.member, left),
            None => told::certificate_renewed(&watched.member),
        });
        self.outputs.extend(told.map(Output::Told));
    }
}

/// How long before a certificate expires an operator is warned.
fn warning(question: &Question) -> Duration {
    let usual = TlsCheck::default();
    let tls = question.kind().and_then(tls);
    tls.unwrap_or(&usual).expiry_warning()
}

/// How a check speaks TLS.
fn tls(kind: &Kind) -> Option<&TlsCheck> {
    match kind {
        Kind::Tcp(check) => check.tls.as_ref(),
        Kind::Http(check) | Kind::Https(check) => check.tls.as_ref(),
        Kind::Smtp(check) => check.tls.as_ref(),
        Kind::Grpc(check) => check.tls.as_ref(),
        Kind::Ftp(check)
        | Kind::Imap(check)
        | Kind::Pop(check)
        | Kind::Nntp(check)
        | Kind::Mysql(check)
        | Kind::Redis(check) => check.tls.as_ref(),
        Kind::Udp(_) | Kind::Dns(_) | Kind::Ping(_) | Kind::Exec(_) | Kind::File(_) => None,
    }
}
