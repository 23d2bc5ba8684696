//! The real servers of a file, each with what an operator's word for it needs. Pure.

use std::time::Duration;

use crate::spec::{EffectiveService, Farm, written_real_servers};
use crate::state::Member;

/// One real server of one service and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// What the overlay calls it.
    pub member: Member,
    /// The node of the file that it is, where it is one.
    pub node: Option<String>,
    /// How long its drain may take where nobody says otherwise.
    pub patience: Duration,
}

/// All seats of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster(Vec<Seat>);

impl Roster {
    /// The real servers of a file, in its order.
    pub fn of(farm: &Farm) -> Self {
        let mut seats = Vec::new();
        for (name, service) in &farm.services {
            let Some(vip) = farm.vips.get(&service.vip) else {
                continue;
            };
            let effective = EffectiveService::of(farm, service);
            let written = written_real_servers(farm, service);
            for address in &vip.addresses {
                let client = address.address.address;
                for (server, entry) in effective.real_servers.iter().zip(written) {
                    let Some(address) = server.address_for(client) else {
                        continue;
                    };
                    seats.push(Seat {
                        member: Member {
                            service: name.to_string(),
                            server: server.name.clone(),
                            address,
                            port: server.port,
                        },
                        node: entry.node.as_ref().map(ToString::to_string),
                        patience: effective.drain.timeout,
                    });
                }
            }
        }
        seats.sort_by(|a, b| a.member.cmp(&b.member));
        seats.dedup_by(|a, b| a.member == b.member);
        Self(seats)
    }

    /// Every seat.
    pub fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.0.iter()
    }

    /// The seats of a real server, in one service or in all.
    pub fn of_server<'a>(
        &'a self,
        server: &'a str,
        service: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Seat> {
        let named = move |seat: &&Seat| {
            seat.member.server == server && service.is_none_or(|it| it == seat.member.service)
        };
        self.0.iter().filter(named)
    }

    /// The seats of all real servers that a node is.
    pub fn of_node<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Seat> {
        self.0
            .iter()
            .filter(move |seat| seat.node.as_deref() == Some(node))
    }

    /// The names of all real servers, for whoever mistyped one.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .0
            .iter()
            .map(|seat| seat.member.server.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
