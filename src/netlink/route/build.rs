//! Requests that make links, routes, rules and queueing disciplines: what a machine that is made of
//! namespaces needs (`include/uapi/linux/rtnetlink.h`, `if_link.h`, `fib_rules.h`, `pkt_sched.h`).

use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::write::Request;
use crate::netlink::attribute::Writer;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_SETLINK: u16 = 19;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWRULE: u16 = 32;
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFLA_GRE_IFLAGS: u16 = 2;
const IFLA_GRE_LOCAL: u16 = 6;
/// Packets have a checksum (`include/uapi/linux/if_tunnel.h`).
const GRE_CSUM: u16 = 0x8000;

const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTPROT_STATIC: u8 = 4;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;
/// The gateway is a neighbour although no prefix says so.
const RTNH_F_ONLINK: u32 = 4;
/// The routing table that is asked when no rule says otherwise (`RT_TABLE_MAIN`).
pub const TABLE_MAIN: u32 = 254;

const FRA_SRC: u16 = 2;
const FRA_TABLE: u16 = 15;
const FR_ACT_TO_TBL: u8 = 1;

const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TC_H_ROOT: u32 = u32::MAX;
const TCA_NETEM_LATENCY64: u16 = 10;
/// How many packets wait at most; what comes above is dropped.
const NETEM_LIMIT: u32 = 100_000;

/// A route to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoute {
    /// Any address of the destination, and the length of its prefix in bits.
    pub to: (IpAddr, u8),
    /// The neighbour that takes it on; an IPv4 route may go by an IPv6 neighbour (RFC 5549). None
    /// where the destination itself is a neighbour.
    pub gateway: Option<IpAddr>,
    /// The number of the interface.
    pub index: u32,
    /// The routing table: [`TABLE_MAIN`] or another.
    pub table: u32,
}

fn request(kind: u16, fill: impl FnOnce(&mut Writer)) -> Request {
    let mut writer = Writer::new();
    fill(&mut writer);
    Request {
        kind,
        payload: writer.as_bytes().to_vec(),
    }
}

/// `struct ifinfomsg`.
fn link_header(writer: &mut Writer, index: u32, flags: u32, change: u32) {
    writer.raw(&[0; 4]);
    for word in [index, flags, change] {
        writer.raw(&word.to_ne_bytes());
    }
}

pub(super) fn add_bridge(name: &str) -> Request {
    request(RTM_NEWLINK, |writer| {
        link_header(writer, 0, IFF_UP, IFF_UP);
        writer.string(IFLA_IFNAME, name);
        writer.nest(IFLA_LINKINFO, |info| info.string(IFLA_INFO_KIND, "bridge"));
    })
}

pub(super) fn add_cable(name: &str, far_name: &str, far: BorrowedFd<'_>) -> Request {
    let far = u32::try_from(far.as_raw_fd()).unwrap_or(u32::MAX);
    request(RTM_NEWLINK, |writer| {
        link_header(writer, 0, IFF_UP, IFF_UP);
        writer.string(IFLA_IFNAME, name);
        writer.nest(IFLA_LINKINFO, |info| {
            info.string(IFLA_INFO_KIND, "veth");
            info.nest(IFLA_INFO_DATA, |data| {
                data.nest(VETH_INFO_PEER, |peer| {
                    link_header(peer, 0, 0, 0);
                    peer.string(IFLA_IFNAME, far_name);
                    peer.u32(IFLA_NET_NS_FD, far);
                });
            });
        });
    })
}

pub(super) fn add_gre_with_checksum(name: &str, local: IpAddr) -> Request {
    let kind = if local.is_ipv4() { "gre" } else { "ip6gre" };
    request(RTM_NEWLINK, |writer| {
        link_header(writer, 0, IFF_UP, IFF_UP);
        writer.string(IFLA_IFNAME, name);
        writer.nest(IFLA_LINKINFO, |info| {
            info.string(IFLA_INFO_KIND, kind);
            info.nest(IFLA_INFO_DATA, |data| {
                data.be16(IFLA_GRE_IFLAGS, GRE_CSUM);
                data.bytes(IFLA_GRE_LOCAL, &octets(local));
            });
        });
    })
}

pub(super) fn delete_link(index: u32) -> Request {
    request(RTM_DELLINK, |writer| link_header(writer, index, 0, 0))
}

pub(super) fn set_link_down(index: u32) -> Request {
    request(RTM_SETLINK, |writer| link_header(writer, index, 0, IFF_UP))
}

pub(super) fn join_bridge(index: u32, bridge: u32) -> Request {
    request(RTM_SETLINK, |writer| {
        link_header(writer, index, 0, 0);
        writer.u32(IFLA_MASTER, bridge);
    })
}

fn family(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// The one byte for a table; a table beyond it is named by the attribute alone.
fn short_table(table: u32) -> u8 {
    u8::try_from(table).unwrap_or_default()
}

pub(super) fn add_route(route: &NewRoute) -> Request {
    let (to, prefix) = route.to;
    let (scope, flags) = if route.gateway.is_some() {
        (RT_SCOPE_UNIVERSE, RTNH_F_ONLINK)
    } else {
        (RT_SCOPE_LINK, 0)
    };
    request(RTM_NEWROUTE, |writer| {
        // struct rtmsg
        writer.raw(&[family(to), prefix, 0, 0, short_table(route.table)]);
        writer.raw(&[RTPROT_STATIC, scope, RTN_UNICAST]);
        writer.raw(&flags.to_ne_bytes());
        if prefix > 0 {
            writer.bytes(RTA_DST, &octets(to));
        }
        writer.u32(RTA_OIF, route.index);
        writer.u32(RTA_TABLE, route.table);
        if let Some(gateway) = route.gateway {
            by(writer, to, gateway);
        }
    })
}

fn by(writer: &mut Writer, to: IpAddr, gateway: IpAddr) {
    if to.is_ipv4() == gateway.is_ipv4() {
        writer.bytes(RTA_GATEWAY, &octets(gateway));
    } else {
        // struct rtvia
        let mut via = u16::from(family(gateway)).to_ne_bytes().to_vec();
        via.extend(octets(gateway));
        writer.bytes(RTA_VIA, &via);
    }
}

pub(super) fn add_source_rule(from: IpAddr, table: u32) -> Request {
    let octets = octets(from);
    let bits = u8::try_from(octets.len() * 8).unwrap_or(u8::MAX);
    request(RTM_NEWRULE, |writer| {
        // struct fib_rule_hdr
        writer.raw(&[family(from), 0, bits, 0, short_table(table)]);
        writer.raw(&[0, 0, FR_ACT_TO_TBL]);
        writer.raw(&[0; 4]);
        writer.bytes(FRA_SRC, &octets);
        writer.u32(FRA_TABLE, table);
    })
}

/// `struct tcmsg` for the discipline at the root of an interface.
fn discipline_header(writer: &mut Writer, index: u32) {
    writer.raw(&[0; 4]);
    for word in [index, 0, TC_H_ROOT, 0] {
        writer.raw(&word.to_ne_bytes());
    }
}

pub(super) fn delay(index: u32, by: Duration) -> Request {
    let nanoseconds = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    request(RTM_NEWQDISC, |writer| {
        discipline_header(writer, index);
        writer.string(TCA_KIND, "netem");
        // struct tc_netem_qopt: latency in ticks (said below, in nanoseconds), limit, loss, gap,
        // duplicate, jitter.
        let mut options = Writer::new();
        for word in [0, NETEM_LIMIT, 0, 0, 0, 0] {
            options.raw(&word.to_ne_bytes());
        }
        options.u64(TCA_NETEM_LATENCY64, nanoseconds);
        writer.bytes(TCA_OPTIONS, options.as_bytes());
    })
}

pub(super) fn no_delay(index: u32) -> Request {
    request(RTM_DELQDISC, |writer| discipline_header(writer, index))
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::route::{RouteAttribute, RouteFlags, RouteVia};

    use super::*;

    /// What a reader that is not ours makes of a request.
    fn read(request: &Request) -> RouteNetlinkMessage {
        let mut header = NetlinkHeader::default();
        header.message_type = request.kind;
        RouteNetlinkMessage::deserialize(&header, &request.payload).unwrap()
    }

    #[test]
    fn an_ipv4_route_by_an_ipv6_neighbour_reads_back_as_such() {
        let route = NewRoute {
            to: ([0, 0, 0, 0].into(), 0),
            gateway: Some("fe80::1".parse().unwrap()),
            index: 7,
            table: TABLE_MAIN,
        };
        let RouteNetlinkMessage::NewRoute(read) = read(&add_route(&route)) else {
            panic!("another kind of message");
        };
        assert!(read.header.flags.contains(RouteFlags::Onlink));
        let via = RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap()));
        assert!(read.attributes.contains(&via), "{read:?}");
    }

    #[test]
    fn a_bridge_reads_back_as_such() {
        let RouteNetlinkMessage::NewLink(read) = read(&add_bridge("w0")) else {
            panic!("another kind of message");
        };
        assert!(format!("{read:?}").contains("Kind(Bridge)"), "{read:?}");
    }
}
