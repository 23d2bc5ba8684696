//! What each data plane can do of what a farm may ask: the one table of it.
//!
//! It names the things and says why a data plane lacks one; it looks at no file and at no kernel.
//! Called by `validate`, which finds where a file asks for what is lacking, and by `dataplane`.

use std::collections::BTreeSet;

use super::DataplaneKind;

/// Something that a farm may ask for and that not every data plane can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Forwarding in a tunnel.
    Tunnels,
    /// `nat` with `masquerade`: the real server sees the director as the client.
    Masquerade,
    /// Several forwarding methods in one service.
    MixedForwarding,
    /// Direct routing to a real server on the director itself.
    DirectRoutingToItself,
    /// Direct routing of packets that somebody else marked.
    DirectRoutingByMark,
    /// Schedulers that count connections at the moment of choosing: `lc`, `wlc`.
    LeastConnections,
    /// More schedulers that count: `sed`, `nq`, `ovf`, `twos`.
    CountingSchedulers,
    /// Schedulers that remember which server has which destination: `lblc`, `lblcr`.
    LocalitySchedulers,
    /// More services in exact turn than [`EXACT_SERVICES`].
    ManyExactServices,
    /// Exact turns of more steps than [`EXACT_STEPS`].
    LongTurns,
    /// Exact turns over real servers of which only some have a port of their own.
    TurnsOverMixedPorts,
    /// Each UDP packet scheduled by itself.
    OnePacket,
    /// A largest number of connections for a real server.
    Thresholds,
    /// Persistence by something inside the packet.
    PersistenceEngines,
    /// Connections told to other directors.
    ConnectionSync,
}

/// How many services of the kernel may take their servers in exact turn on nftables: each needs a
/// rule of its own, and every packet of a new connection passes them all.
pub const EXACT_SERVICES: usize = 256;

/// How many steps exact turns may take on nftables, where each step has an element of its own: the
/// sum of the weights, after what they have in common is taken out.
pub const EXACT_STEPS: u64 = 16_384;

/// Something that a data plane can't do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// The data plane.
    pub dataplane: DataplaneKind,
    /// What it can't do.
    pub capability: Capability,
    /// Why, as the end of a sentence after a colon.
    pub reason: &'static str,
    /// What to write instead on this data plane, as the end of a sentence after "or".
    pub instead: &'static str,
}

const fn nftables(capability: Capability, reason: &'static str, instead: &'static str) -> Lack {
    Lack {
        dataplane: DataplaneKind::Nftables,
        capability,
        reason,
        instead,
    }
}

/// Everything that a data plane lacks.
const LACKS: &[Lack] = &[
    Lack {
        dataplane: DataplaneKind::Ipvs,
        capability: Capability::Masquerade,
        reason: "it always leaves the client's address in the packet",
        instead: "leave out `masquerade` and let the real server's route to the clients lead \
                  through the director",
    },
    nftables(
        Capability::Tunnels,
        "it can't put a packet into another one",
        "use `nat`, or `direct_routing` for servers on the same network",
    ),
    nftables(
        Capability::MixedForwarding,
        "it translates a service's packets in one place and hands packets on unchanged in another",
        "give all real servers of the service, and its sorry server, the same forwarding method",
    ),
    nftables(
        Capability::DirectRoutingToItself,
        "it sends such a packet to another machine's hardware address, and this one is the \
         director's own",
        "use `nat` for the service, or take the director out of it",
    ),
    nftables(
        Capability::DirectRoutingByMark,
        "it hands such a packet on as it comes in, before a firewall rule can mark it",
        "write `port` or `ports` instead of `firewall_mark`, or use `nat`",
    ),
    nftables(
        Capability::LeastConnections,
        "it does not know how many connections a server has when it chooses one",
        "write `wrr`, or `directors: { nftables: { least_connections: approximate } }`",
    ),
    nftables(
        Capability::CountingSchedulers,
        "it does not know how many connections a server has when it chooses one",
        "write `wrr`",
    ),
    nftables(
        Capability::LocalitySchedulers,
        "it does not remember which server has which destination",
        "write `dh`, which always sends a destination to the same server",
    ),
    nftables(
        Capability::ManyExactServices,
        "each of them needs a rule of its own that every new connection passes, so that 256 are \
         the most",
        "leave out `exact: true`; by a hash of the clients the shares are the same on average",
    ),
    nftables(
        Capability::LongTurns,
        "it keeps every step of the turns, and 16384 are the most",
        "write weights with a common measure, such as 2 and 3 in place of 2000 and 3001, or leave \
         out `exact: true`",
    ),
    nftables(
        Capability::TurnsOverMixedPorts,
        "it changes the ports of a whole turn or of none",
        "give every real server a port, or none, or leave out `exact: true`",
    ),
    nftables(
        Capability::OnePacket,
        "it keeps a flow with its server for as long as packets come",
        "leave out `one_packet`",
    ),
    nftables(
        Capability::Thresholds,
        "it does not know how many connections a server has when it chooses one",
        "leave the thresholds out and limit connections on the real server",
    ),
    nftables(
        Capability::PersistenceEngines,
        "it does not look for call identifiers inside a packet",
        "leave out `engine`; clients are then told apart by their addresses",
    ),
    nftables(
        Capability::ConnectionSync,
        "it has no such messages. Directors of one farm choose servers by the same hash, so \
         that most connections find their server again without them",
        "leave out `connection_sync`",
    ),
];

/// Everything in the table.
const ALL: [Capability; 15] = [
    Capability::Tunnels,
    Capability::Masquerade,
    Capability::MixedForwarding,
    Capability::DirectRoutingToItself,
    Capability::DirectRoutingByMark,
    Capability::LeastConnections,
    Capability::CountingSchedulers,
    Capability::LocalitySchedulers,
    Capability::ManyExactServices,
    Capability::LongTurns,
    Capability::TurnsOverMixedPorts,
    Capability::OnePacket,
    Capability::Thresholds,
    Capability::PersistenceEngines,
    Capability::ConnectionSync,
];

impl DataplaneKind {
    /// Every data plane.
    pub const ALL: [Self; 2] = [Self::Ipvs, Self::Nftables];

    /// What it can do of what not every data plane can.
    pub fn capabilities(self) -> BTreeSet<Capability> {
        let able = |capability: &Capability| self.lack(*capability).is_none();
        ALL.into_iter().filter(able).collect()
    }

    /// Why it can't do something; none where it can.
    pub fn lack(self, capability: Capability) -> Option<&'static Lack> {
        LACKS
            .iter()
            .find(|lack| lack.dataplane == self && lack.capability == capability)
    }

    /// The other one, which an operator may choose instead.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Ipvs => Self::Nftables,
            Self::Nftables => Self::Ipvs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_data_plane_lacks_the_other_has() {
        for capability in ALL {
            let able = DataplaneKind::ALL
                .into_iter()
                .filter(|kind| kind.capabilities().contains(&capability));
            assert_eq!(able.count(), 1, "{capability:?}");
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let mut seen = BTreeSet::new();
        for lack in LACKS {
            assert!(
                seen.insert((lack.dataplane, lack.capability)),
                "{:?} of {} twice",
                lack.capability,
                lack.dataplane
            );
        }
        assert_eq!(seen.len(), ALL.len());
    }
}
