//! What operators ordered beside the file: drains, maintenance, weights. Pure.
//!
//! Each has who ordered it, since when, why, and when it ends by itself; one that says neither why
//! nor for how long ends after a day. They outlive the daemon (`overrides.json`). An override of a
//! server that the file has no more goes with it. Called by the core.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::now::Now;
use super::roster::{Roster, Seat};
use crate::api::{Remaining, Then};
use crate::clock::Moment;
use crate::health::{Bend, Stance};
use crate::state::Member;

/// An override that says neither why nor for how long ends after so long.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One order that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Its number; never given twice in one state directory.
    pub id: u64,
    /// What was ordered.
    pub what: What,
    /// The real server, as messages call it; for maintenance the node.
    pub target: String,
    /// The only service that it is about; none where it is about all.
    pub service: Option<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Who.
    pub by: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// When it ends by itself, in milliseconds since 1970.
    pub expires: Option<u64>,
    /// The real servers whose drain is at its end.
    #[serde(default)]
    pub drained: BTreeSet<Member>,
    #[serde(skip)]
    began: Moment,
    #[serde(skip)]
    ends: Option<Moment>,
}

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A real server gets no new connections.
    Drain {
        /// How long its connections may take; none: as long as the file says.
        timeout: Option<Duration>,
        /// What becomes of it then.
        then: Then,
        /// What becomes of the connections that are left then.
        remaining: Remaining,
    },
    /// A node is taken out of everything that it serves.
    Maintenance {
        /// How long connections may take; none: as long as the file says.
        timeout: Option<Duration>,
    },
    /// A real server has another weight than the file says.
    Weight(u32),
}

/// An order before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is ordered.
    pub what: What,
    /// The real server or node.
    pub target: String,
    /// The only service that it is about.
    pub service: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub by: String,
    /// It ends by itself after so long.
    pub expires: Option<Duration>,
}

/// A drain that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// The real server.
    pub member: Member,
    /// Connections that were left.
    pub left: u64,
    /// Of them are to be reset.
    pub remaining: Remaining,
}

/// All overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    last_id: u64,
    list: Vec<Override>,
}

impl Overrides {
    /// Sets the clock of what was kept on the disk. To be called once after loading.
    #[must_use]
    pub fn woken(mut self, now: Now) -> Self {
        for one in &mut self.list {
            one.began = now.moment_of(one.since);
            one.ends = one.expires.map(|expires| now.moment_of(expires));
        }
        self
    }

    /// All that hold, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Override> {
        self.list.iter()
    }

    /// Takes an order. It takes the place of an earlier one of the same kind for the same target.
    pub fn add(&mut self, now: Now, draft: Draft) -> &Override {
        self.list.retain(|old| !old.is_replaced_by(&draft));
        self.last_id += 1;
        let unexplained = draft.reason.as_ref().is_none_or(|it| it.trim().is_empty());
        let expires = draft.expires.or(unexplained.then_some(DAY));
        self.list.push(Override {
            id: self.last_id,
            what: draft.what,
            target: draft.target,
            service: draft.service,
            reason: draft.reason,
            by: draft.by,
            since: now.unix_ms(),
            expires: expires.map(|length| now.later(length).unix_ms()),
            drained: BTreeSet::new(),
            began: now.moment,
            ends: expires.map(|length| now.moment + length),
        });
        let last = self.list.len() - 1;
        &self.list[last]
    }

    /// Ends those that are chosen; they come back.
    pub fn end(&mut self, chosen: impl Fn(&Override) -> bool) -> Vec<Override> {
        let (ended, left) = std::mem::take(&mut self.list)
            .into_iter()
            .partition(|one| chosen(one));
        self.list = left;
        ended
    }

    /// Ends those whose time is over.
    pub fn expire(&mut self, now: Moment) -> Vec<Override> {
        self.end(|one| one.ends.is_some_and(|ends| ends <= now))
    }

    /// Ends those whose target the file has no more.
    pub fn keep_in(&mut self, roster: &Roster) -> Vec<Override> {
        self.end(|one| one.seats(roster).next().is_none())
    }

    /// When one ends by itself, or a drain comes to its end.
    pub fn deadline(&self, roster: &Roster) -> Option<Moment> {
        let expiries = self.list.iter().filter_map(|one| one.ends);
        let drains = self.list.iter().flat_map(|one| {
            let open = one
                .seats(roster)
                .filter(|seat| !one.drained.contains(&seat.member));
            open.filter_map(|seat| one.drained_by(seat))
        });
        expiries.chain(drains).min()
    }

    /// Whether a drain goes on somewhere: then the kernel is looked at more often.
    pub fn is_draining(&self, roster: &Roster) -> bool {
        self.list.iter().any(|one| {
            one.patience(Duration::ZERO).is_some()
                && one
                    .seats(roster)
                    .any(|seat| !one.drained.contains(&seat.member))
        })
    }

    /// Brings drains to their end whose server has no connection any more, or whose time is over.
    /// `seen` is when the kernel was read, and the connections that a server had then.
    pub fn drain(
        &mut self,
        now: Moment,
        roster: &Roster,
        seen: Option<Moment>,
        connections: impl Fn(&Member) -> Option<u64>,
    ) -> Vec<Drained> {
        let mut ended = Vec::new();
        for one in &mut self.list {
            let seats: Vec<Seat> = one.seats(roster).cloned().collect();
            for seat in seats {
                let Some(by) = one.drained_by(&seat) else {
                    continue;
                };
                // A reading from before the order, or of the same instant, says nothing: the
                // kernel did not know of the drain then.
                let fresh = seen.is_some_and(|seen| seen.since(one.began) > SETTLE);
                let left = connections(&seat.member);
                let empty = fresh && left == Some(0);
                if (empty || by <= now) && one.drained.insert(seat.member.clone()) {
                    ended.push(Drained {
                        member: seat.member,
                        left: left.unwrap_or_default(),
                        remaining: one.remaining(),
                    });
                }
            }
        }
        ended
    }

    /// How operators bend real servers' shares now.
    pub fn bends(&self, roster: &Roster) -> BTreeMap<Member, Bend> {
        let mut bends: BTreeMap<Member, Bend> = BTreeMap::new();
        for one in &self.list {
            for seat in one.seats(roster) {
                let bend = bends.entry(seat.member.clone()).or_default();
                one.bend(&seat.member, bend);
            }
        }
        bends
    }

    /// The overrides that a real server is under.
    pub fn of<'a>(
        &'a self,
        roster: &'a Roster,
        member: &'a Member,
    ) -> impl Iterator<Item = &'a Override> {
        let of = |one: &&Override| one.seats(roster).any(|seat| seat.member == *member);
        self.list.iter().filter(of)
    }
}

/// A drained server may get a last connection until the kernel has heard of the drain.
const SETTLE: Duration = Duration::from_secs(1);

impl Override {
    /// The real servers of the file that it is about.
    pub fn seats<'a>(&'a self, roster: &'a Roster) -> Box<dyn Iterator<Item = &'a Seat> + 'a> {
        match &self.what {
            What::Maintenance { .. } => Box::new(roster.of_node(&self.target)),
            What::Drain { .. } | What::Weight(_) => {
                Box::new(roster.of_server(&self.target, self.service.as_deref()))
            }
        }
    }

    /// How long a drain may take, where it is one.
    fn patience(&self, file: Duration) -> Option<Duration> {
        match self.what {
            What::Drain { timeout, .. } | What::Maintenance { timeout } => {
                Some(timeout.unwrap_or(file))
            }
            What::Weight(_) => None,
        }
    }

    /// When the drain of a real server is at its end whatever is left, where it is drained.
    pub fn drained_by(&self, seat: &Seat) -> Option<Moment> {
        Some(self.began + self.patience(seat.patience)?)
    }

    fn remaining(&self) -> Remaining {
        match self.what {
            What::Drain { remaining, .. } => remaining,
            What::Maintenance { .. } | What::Weight(_) => Remaining::Leave,
        }
    }

    fn is_replaced_by(&self, draft: &Draft) -> bool {
        let same_kind = std::mem::discriminant(&self.what) == std::mem::discriminant(&draft.what);
        same_kind && self.target == draft.target && self.service == draft.service
    }

    fn bend(&self, member: &Member, bend: &mut Bend) {
        let ended = self.drained.contains(member);
        let stance = match self.what {
            What::Weight(weight) => {
                bend.weight = Some(weight);
                Stance::Serves
            }
            What::Drain {
                then: Then::Keep, ..
            } => Stance::Drains,
            What::Drain { .. } | What::Maintenance { .. } if ended => Stance::Out,
            What::Drain { .. } | What::Maintenance { .. } => Stance::Drains,
        };
        bend.stance = bend.stance.max(stance);
        if bend.words.is_empty() {
            bend.words = self.words();
        }
    }

    /// Who, and why: `root (uid 0), new disk`.
    pub fn words(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{}, {reason}", self.by),
            None => self.by.clone(),
        }
    }

    /// Whom it is about: `web1 of http`.
    pub fn subject(&self) -> String {
        match &self.service {
            Some(service) => format!("{} of {service}", self.target),
            None => self.target.clone(),
        }
    }

    /// What it is, a noun: `the drain of web1`.
    pub fn noun(&self) -> String {
        let what = match self.what {
            What::Drain { .. } => "drain",
            What::Maintenance { .. } => "maintenance",
            What::Weight(_) => "weight",
        };
        format!("the {what} of {}", self.subject())
    }
}
