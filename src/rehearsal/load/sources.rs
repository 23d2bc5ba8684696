//! The clients' addresses, each in its turn. Called by the engine.

use std::net::IpAddr;

use crate::rehearsal::record::Family;

/// The clients' addresses, each in its turn.
pub(super) struct Sources {
    v4: Turns,
    v6: Turns,
}

struct Turns {
    addresses: Vec<IpAddr>,
    next: usize,
}

impl Sources {
    pub(super) fn new(sources: &[IpAddr]) -> Self {
        let (v4, v6) = sources.iter().partition(|address| address.is_ipv4());
        let turns = |addresses| Turns { addresses, next: 0 };
        Self {
            v4: turns(v4),
            v6: turns(v6),
        }
    }

    pub(super) fn next(&mut self, family: Family) -> Option<IpAddr> {
        let turns = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        let address = turns.addresses.get(turns.next).copied();
        turns.next = (turns.next + 1) % turns.addresses.len().max(1);
        address
    }
}
