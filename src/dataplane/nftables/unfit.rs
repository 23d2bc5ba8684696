//! What the tables can't carry out, in an operator's words.
//!
//! A farm.yaml is judged before by `spec`; this is what only the machine decides, and the last word
//! on states that come from elsewhere.

use std::net::IpAddr;

use thiserror::Error;

use crate::state::{ClientMask, DestinationKey, Forwarding, MarkRule};

/// Why a service can't be carried out by nftables.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// A scheduler, or a combination of its options, that there is no means for.
    #[error(
        "nftables can't schedule by `{0}`: write `wrr`, `rr`, `sh` or `mh`, or `dataplane: ipvs`"
    )]
    Scheduler(String),
    /// Exact turns of too many.
    #[error(
        "exact turns by these weights take {0} steps, and 16384 is the most: write weights with a \
         common measure, such as 2 and 3 in place of 2000 and 3001, or leave out `exact`"
    )]
    LongSequence(u64),
    /// One-packet scheduling.
    #[error(
        "nftables keeps UDP flows together: leave out `one_packet`, or write `dataplane: ipvs`"
    )]
    OnePacket,
    /// A persistence engine.
    #[error(
        "nftables has no persistence engine `{0}`: leave out `engine`, or write `dataplane: ipvs`"
    )]
    Engine(String),
    /// A mask that is no prefix of the service's family.
    #[error("the persistence mask {0} is not a prefix of the service's own family")]
    Mask(ClientMask),
    /// A persistence time-out out of range.
    #[error("persistence for {0} s is not possible: 1 s to 8388607 s (97 days) are")]
    Timeout(u32),
    /// Connection thresholds.
    #[error(
        "nftables can't limit the connections of real server {0}: leave out its thresholds, or \
         write `dataplane: ipvs`"
    )]
    Thresholds(DestinationKey),
    /// A real server of the other family.
    #[error(
        "real server {0} has an address of the other family: only a tunnel of ip_vs reaches it"
    )]
    OtherFamily(DestinationKey),
    /// A forwarding method.
    #[error(
        "nftables can't forward to real server {0} by `{1}`: write `nat` or `direct_routing`, or \
         `dataplane: ipvs`"
    )]
    Forwarding(DestinationKey, Forwarding),
    /// Translation and direct routing in one service.
    #[error(
        "nftables can't have real servers by `nat` and by `direct_routing` in one service: make two \
         services, or write `dataplane: ipvs`"
    )]
    Mixed,
    /// Exact turns over real servers with and without ports.
    #[error(
        "exact turns need real servers that all have a port, or that all keep the client's: leave \
         out `exact`, or the ports"
    )]
    MixedPorts,
    /// Translation to no port.
    #[error("real server {0} has no port")]
    NoPort(DestinationKey),
    /// Direct routing to another port.
    #[error(
        "real server {0} is reached by `direct_routing`, which keeps the client's port: leave out \
         its port, or write `nat`"
    )]
    OtherPort(DestinationKey),
    /// Direct routing to this machine.
    #[error(
        "real server {0} is this machine, and `direct_routing` on nftables reaches neighbours only: \
         write `nat`, or `dataplane: ipvs`"
    )]
    Own(DestinationKey),
    /// Direct routing to a machine that is no neighbour.
    #[error(
        "real server {0} is in no network of this machine, and `direct_routing` reaches neighbours \
         only: give an interface an address in its network, or write `nat`"
    )]
    NoNeighbour(DestinationKey),
    /// Direct routing by a mark that somebody else gives.
    #[error(
        "`direct_routing` on nftables takes packets before anything can mark them: write `ports` \
         with `together: true` in place of `firewall_mark`, or `nat`, or `dataplane: ipvs`"
    )]
    MarkBeforeMarks,
    /// Nobody knows where packets for an address arrive.
    #[error(
        "packets for {0} arrive on no known interface: put the address up, or give an interface an \
         address in its network"
    )]
    NoEntrance(IpAddr),
    /// Two marks for one packet.
    #[error("two marks are asked for at once: {0}, and {1}")]
    Overlap(MarkRule, MarkRule),
}
