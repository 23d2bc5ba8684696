//! What an operator orders from a daemon: `drain`, `undrain`, `maintenance`, `weight`, `approve`,
//! `reload`, `log`.

use std::time::Duration;

use serde::Serialize;

use super::args::{
    ApproveArgs, DrainArgs, LogArgs, MaintenanceArgs, UndrainArgs, WantedWeight, WeightArgs,
};
use super::failure::{Failure, code};
use super::remote::{Daemon, Patience};
use super::session::Session;
use crate::api::{
    Act, ApproveOrder, Done, DrainOrder, LogOrder, MaintenanceOrder, OverlayAnswer, OverrideStatus,
    Remaining, ServerOrder, Then, WeightOrder,
};
use crate::clock::{Clock as _, SystemClock};
use crate::spec;

/// How often a drain that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How many looks an order may not be there yet.
const UNSEEN: u32 = 20;

/// `farmctl drain`.
pub(super) fn drain(session: &Session<'_>, args: &DrainArgs) -> Result<u8, Failure> {
    let order = DrainOrder {
        server: args.server.clone(),
        service: args.service.clone(),
        timeout: args.timeout.map(spec::Duration),
        then: if args.keep { Then::Keep } else { Then::Remove },
        remaining: if args.reset_remaining {
            Remaining::Reset
        } else {
            Remaining::Leave
        },
        reason: args.reason.clone(),
        expires: args.expires.map(spec::Duration),
    };
    let done = give(session, "/v1/drain", &order)?;
    if args.wait {
        return wait(session, &done);
    }
    Ok(code::OK)
}

/// `farmctl undrain`.
pub(super) fn undrain(session: &Session<'_>, args: &UndrainArgs) -> Result<u8, Failure> {
    let order = ServerOrder {
        server: args.server.clone(),
        service: args.service.clone(),
    };
    give(session, "/v1/undrain", &order).map(|_| code::OK)
}

/// `farmctl maintenance`.
pub(super) fn maintenance(session: &Session<'_>, args: &MaintenanceArgs) -> Result<u8, Failure> {
    let order = MaintenanceOrder {
        node: args.node.clone(),
        act: if args.end { Act::End } else { Act::Begin },
        timeout: args.timeout.map(spec::Duration),
        reason: args.reason.clone(),
        expires: args.expires.map(spec::Duration),
    };
    let done = give(session, "/v1/maintenance", &order)?;
    if args.wait {
        return wait(session, &done);
    }
    Ok(code::OK)
}

/// `farmctl weight`.
pub(super) fn weight(session: &Session<'_>, args: &WeightArgs) -> Result<u8, Failure> {
    let order = WeightOrder {
        server: args.server.clone(),
        service: args.service.clone(),
        weight: match args.weight {
            WantedWeight::Is(weight) => Some(weight),
            WantedWeight::File => None,
        },
        reason: args.reason.clone(),
        expires: args.expires.map(spec::Duration),
    };
    give(session, "/v1/weight", &order).map(|_| code::OK)
}

/// `farmctl approve`.
pub(super) fn approve(session: &Session<'_>, args: &ApproveArgs) -> Result<u8, Failure> {
    let order = ApproveOrder {
        revision: args.revision.clone(),
    };
    give(session, "/v1/approve", &order).map(|_| code::OK)
}

/// `farmctl reload`.
pub(super) fn reload(session: &Session<'_>) -> Result<u8, Failure> {
    give(session, "/v1/reload", &()).map(|_| code::OK)
}

/// `farmctl log`.
pub(super) fn log(session: &Session<'_>, args: &LogArgs) -> Result<u8, Failure> {
    let order = LogOrder {
        filter: args.filter.clone(),
    };
    give(session, "/v1/log", &order).map(|_| code::OK)
}

/// Gives an order and tells what was done. An order that is refused is exit code 1.
fn give(session: &Session<'_>, path: &str, order: &impl Serialize) -> Result<Done, Failure> {
    let given = Daemon::here(session).post(path, order, Patience::Moment);
    let done: Done = given.map_err(|trouble| Failure {
        code: code::DIFFERENT,
        message: trouble.to_string(),
    })?;
    if session.wants_values() {
        session.value(&done)?;
    } else {
        session.out.result(&done.message);
    }
    Ok(done)
}

/// Waits until the drains that an order began are at their end.
fn wait(session: &Session<'_>, done: &Done) -> Result<u8, Failure> {
    let daemon = Daemon::here(session);
    let mut before = None;
    let mut looks = 0;
    loop {
        let answer: OverlayAnswer = daemon.get("/v1/overlay")?;
        let progress = Progress::of(&answer.overrides, &done.overrides);
        looks += 1;
        // The status that shows the order may come a moment after the order's own answer.
        let not_shown_yet = progress == Progress::Ended && before.is_none() && looks < UNSEEN;
        if !not_shown_yet {
            if let Some((message, code)) = progress.end() {
                session.out.message(&message);
                return Ok(code);
            }
            if before.replace(progress) != Some(progress) {
                session.out.detail(&progress.to_string());
            }
        }
        SystemClock.sleep(LOOK);
    }
}

/// How far the drains of an order are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Some connections are left, and some time.
    Going { left: u64 },
    /// No connection is left.
    Over,
    /// The time is up.
    TimeUp { left: u64 },
    /// The order holds no longer.
    Ended,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Going { left: 1 } => f.write_str("1 connection is left."),
            Self::Going { left } => write!(f, "{left} connections are left."),
            Self::Over => f.write_str("The last connection has ended."),
            Self::TimeUp { left: 1 } => f.write_str("The time is up: 1 connection was left."),
            Self::TimeUp { left } => write!(f, "The time is up: {left} connections were left."),
            Self::Ended => f.write_str("The order does not hold any more: somebody ended it."),
        }
    }
}

impl Progress {
    /// What is told at the end, and the exit code; none while it goes on.
    fn end(self) -> Option<(String, u8)> {
        match self {
            Self::Going { .. } => None,
            Self::Over => Some((self.to_string(), code::OK)),
            Self::TimeUp { .. } | Self::Ended => Some((self.to_string(), code::DIFFERENT)),
        }
    }

    fn of(overrides: &[OverrideStatus], wanted: &[u64]) -> Self {
        let mine = overrides.iter().filter(|one| wanted.contains(&one.id));
        let drains: Vec<_> = mine.filter_map(|one| one.drain.as_ref()).collect();
        let left = drains.iter().map(|drain| drain.remaining).sum();
        if drains.is_empty() {
            return Self::Ended;
        }
        match (drains.iter().all(|drain| drain.ended), left) {
            (true, 0) => Self::Over,
            (true, left) => Self::TimeUp { left },
            (false, left) => Self::Going { left },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DrainStatus, OverrideKind};

    fn drain(id: u64, remaining: u64, ended: bool) -> OverrideStatus {
        OverrideStatus {
            id,
            kind: OverrideKind::Drain,
            subject: "web1".into(),
            target: "web1".into(),
            service: None,
            weight: None,
            reason: None,
            by: "uid 0".into(),
            since: 0,
            expires: None,
            drain: Some(DrainStatus {
                since: 0,
                deadline: None,
                remaining,
                ended,
                because: String::new(),
            }),
        }
    }

    #[test]
    fn a_drain_is_over_when_its_last_connection_ended() {
        let of = |one| Progress::of(&[one, drain(9, 50, false)], &[3]);
        assert_eq!(of(drain(3, 5, false)), Progress::Going { left: 5 });
        assert_eq!(of(drain(3, 0, false)), Progress::Going { left: 0 });
        assert_eq!(of(drain(3, 0, true)), Progress::Over);
        assert_eq!(of(drain(3, 5, true)), Progress::TimeUp { left: 5 });
        assert_eq!(of(drain(4, 5, true)), Progress::Ended);
    }
}
