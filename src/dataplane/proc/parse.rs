//! The text of `/proc/net/ip_vs` (`ip_vs_info_seq_show` in `net/netfilter/ipvs/ip_vs_ctl.c`).
//!
//! No text makes it panic; a line that it does not understand is left out. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::SplitAsciiWhitespace;

use crate::dataplane::DestinationCounters;
use crate::dataplane::ipvs::ignores_port;
use crate::state::{
    ClientMask, Destination, DestinationKey, Family, Forwarding, Persistence, Protocol,
    SchedulerFlags, Service, ServiceAttributes, ServiceKey, TunnelKind,
};

/// The kernel prints the time-out of persistence in ticks. Their rate is not told; this is the
/// one of most distributions' kernels, and the value counts as unseen.
const USUAL_TICKS: u32 = 250;

/// What the text shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) services: BTreeMap<ServiceKey, Service>,
    pub(super) destinations: BTreeMap<(ServiceKey, DestinationKey), DestinationCounters>,
}

/// A service's line.
#[derive(Debug, Clone)]
struct Head {
    id: Id,
    scheduler: String,
    one_packet: bool,
    /// The time-out in ticks, and the mask as it is printed.
    persistence: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
enum Id {
    Address(Protocol, IpAddr, u16),
    Mark(u32),
}

/// A destination's line.
#[derive(Debug, Clone, Copy)]
struct Line {
    key: DestinationKey,
    destination: Destination,
    counters: DestinationCounters,
}

/// Reads the whole text.
pub(super) fn table(text: &str) -> Table {
    let mut table = Table::default();
    let mut current: Option<(Head, Vec<Line>)> = None;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if line.trim_start().starts_with("->") {
            words.next();
            if let (Some((_, lines)), Some(line)) = (&mut current, destination(words)) {
                lines.push(line);
            }
        } else {
            table.take(current.take());
            current = head(words).map(|head| (head, Vec::new()));
        }
    }
    table.take(current);
    table
}

impl Table {
    fn take(&mut self, entry: Option<(Head, Vec<Line>)>) {
        let Some((head, lines)) = entry else { return };
        let key = key(&head, &lines);
        let mut service = Service::without_destinations(attributes(&head, key.family()));
        for line in lines {
            let at = canonical(&key, &line, &service);
            service.destinations.insert(at, line.destination);
            self.destinations.insert((key, at), line.counters);
        }
        self.services.insert(key, service);
    }
}

/// The same key as the one that netlink's reading gives.
fn canonical(service: &ServiceKey, line: &Line, known: &Service) -> DestinationKey {
    let canonical = DestinationKey {
        port: service.port(),
        ..line.key
    };
    let taken = known.destinations.contains_key(&canonical);
    if ignores_port(line.destination.forwarding) && !taken {
        canonical
    } else {
        line.key
    }
}

fn key(head: &Head, lines: &[Line]) -> ServiceKey {
    match head.id {
        Id::Address(protocol, address, port) => ServiceKey::Address {
            protocol,
            address,
            port,
        },
        Id::Mark(mark) => ServiceKey::Mark {
            family: guess_family(head, lines),
            mark,
        },
    }
}

/// The family of a firewall mark is not printed. A mask that can only be a prefix length tells it;
/// else the destinations do: only a tunnel leads into another family.
fn guess_family(head: &Head, lines: &[Line]) -> Family {
    if let Some((_, mask)) = head.persistence {
        return if prefix_length(mask).is_some() {
            Family::V6
        } else {
            Family::V4
        };
    }
    let is_tunnel = |line: &&Line| matches!(line.destination.forwarding, Forwarding::Tunnel(_));
    let sure = lines.iter().find(|line| !is_tunnel(line));
    sure.or(lines.first())
        .map_or(Family::V4, |line| line.key.family())
}

/// The IPv6 prefix length in a printed mask: the kernel swaps its bytes as if it were an address.
fn prefix_length(mask: u32) -> Option<u8> {
    let length = u8::try_from(mask.to_be()).ok()?;
    (1..=128).contains(&length).then_some(length)
}

fn attributes(head: &Head, family: Family) -> ServiceAttributes {
    ServiceAttributes {
        scheduler: head.scheduler.clone(),
        scheduler_flags: SchedulerFlags::default(),
        persistence: head.persistence.map(|(ticks, mask)| Persistence {
            timeout: ticks.div_ceil(USUAL_TICKS),
            mask: match family {
                Family::V4 => ClientMask::V4(Ipv4Addr::from(mask)),
                Family::V6 => ClientMask::V6(prefix_length(mask).unwrap_or(128)),
            },
            engine: None,
        }),
        one_packet: head.one_packet,
    }
}

fn head(mut words: SplitAsciiWhitespace<'_>) -> Option<Head> {
    let kind = words.next()?;
    let id = words.next()?;
    let id = match kind {
        "TCP" => address_id(Protocol::Tcp, id)?,
        "UDP" => address_id(Protocol::Udp, id)?,
        "SCTP" => address_id(Protocol::Sctp, id)?,
        "FWM" => Id::Mark(hex(id)?),
        _ => return None,
    };
    let mut head = Head {
        id,
        scheduler: words.next()?.to_owned(),
        one_packet: false,
        persistence: None,
    };
    while let Some(word) = words.next() {
        match word {
            "ops" => head.one_packet = true,
            "persistent" => {
                let ticks = words.next()?.parse().ok()?;
                head.persistence = Some((ticks, hex(words.next()?)?));
            }
            _ => {}
        }
    }
    Some(head)
}

fn address_id(protocol: Protocol, text: &str) -> Option<Id> {
    let (address, port) = address_and_port(text)?;
    Some(Id::Address(protocol, address, port))
}

fn destination(mut words: SplitAsciiWhitespace<'_>) -> Option<Line> {
    let (address, port) = address_and_port(words.next()?)?;
    let forwarding = forwarding(words.next()?)?;
    let weight = words.next()?.parse().ok()?;
    let active = words.next()?.parse().ok()?;
    let inactive = words.next()?.parse().ok()?;
    Some(Line {
        key: DestinationKey { address, port },
        destination: Destination {
            forwarding,
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        },
        counters: DestinationCounters {
            active,
            inactive,
            ..DestinationCounters::default()
        },
    })
}

fn forwarding(word: &str) -> Option<Forwarding> {
    Some(match word {
        "Masq" => Forwarding::Masquerade,
        "Local" => Forwarding::Local,
        "Tunnel" => Forwarding::Tunnel(TunnelKind::Ipip),
        "Route" => Forwarding::Route,
        "Bypass" => Forwarding::Bypass,
        _ => return None,
    })
}

/// `C0000209:0050` or `[2001:0db8:…:0009]:0050`.
fn address_and_port(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let port = u16::try_from(hex(port)?).ok()?;
    let bracketed = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inner) => IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?),
        None => IpAddr::V4(Ipv4Addr::from(hex(address)?)),
    };
    Some((address, port))
}

/// A hexadecimal number of at most 32 bits, without a sign.
fn hex(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits {
        u32::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C000020A:0050 wlc  persistent 75000 FFFFFF00
  -> 0A000016:1F90      Masq    2      7          30
  -> 0A000015:0050      Route   1      412        2
UDP  [2001:0db8:0000:0000:0000:0000:0000:000a]:0035 rr
  -> [2001:0db8:0000:0000:0000:0000:0000:0015]:0035      Tunnel  0      0          0
FWM  00000007 sh ops persistent 75000 40000000
FWM  00000008 sh ops
  -> 0A000016:1F90      Route   3      0          0
";

    fn tcp() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: [192, 0, 2, 10].into(),
            port: 80,
        }
    }

    fn mark(mark: u32, family: Family) -> ServiceKey {
        ServiceKey::Mark { family, mark }
    }

    fn web2() -> DestinationKey {
        DestinationKey {
            address: [10, 0, 0, 22].into(),
            port: 8080,
        }
    }

    #[test]
    fn services_and_destinations_are_read_with_their_connections() {
        let table = table(TEXT);
        assert_eq!(table.services.len(), 4);
        let http = &table.services[&tcp()];
        assert_eq!(http.attributes.scheduler, "wlc");
        assert_eq!(http.weight(), 3);
        assert_eq!(table.destinations[&(tcp(), web2())].live(), 37);
    }

    #[test]
    fn a_client_mask_is_read_in_both_families() {
        let table = table(TEXT);
        let mask = |key: ServiceKey| table.services[&key].attributes.persistence.clone();
        let v4 = mask(tcp()).unwrap().mask;
        assert_eq!(v4, ClientMask::V4([255, 255, 255, 0].into()));
        let v6 = mask(mark(7, Family::V6)).unwrap().mask;
        assert_eq!(v6, ClientMask::V6(64));
    }

    #[test]
    fn a_port_that_the_kernel_ignores_is_the_services_own() {
        let table = table(TEXT);
        let behind = &table.services[&mark(8, Family::V4)];
        let key = DestinationKey { port: 0, ..web2() };
        assert_eq!(behind.destinations[&key].forwarding, Forwarding::Route);
        assert!(behind.attributes.one_packet);
    }

    #[test]
    fn a_destination_below_a_line_that_is_not_understood_belongs_to_nobody() {
        let text = TEXT.replace("UDP  [2001", "DCCP [2001");
        let table = table(&text);
        assert_eq!(table.services.len(), 3);
        assert_eq!(table.services[&tcp()].destinations.len(), 2);
    }

    #[test]
    fn hostile_lines_are_left_out() {
        for line in [
            "",
            "TCP",
            "TCP :",
            "TCP C000020A",
            "TCP C000020A:+050 rr",
            "TCP C000020A:10050 rr",
            "TCP 1C000020A:0050 rr",
            "TCP [::1:0050 rr",
            "TCP []:0050 rr",
            "TCP C000020A:0050",
            "TCP C000020A:0050 rr persistent",
            "TCP C000020A:0050 rr persistent -1 FFFFFFFF",
            "TCP C000020A:0050 rr persistent 1 FFFFFFFFFF",
            "FWM -7 rr",
            "->",
            "-> C000020A:0050 Masq 1 1 1",
            "\u{fffd}\u{0}",
        ] {
            assert_eq!(table(line), Table::default(), "{line}");
        }
    }

    #[test]
    fn a_text_cut_at_any_byte_is_read_without_a_panic() {
        for end in 0..TEXT.len() {
            let cut = table(&TEXT[..end]);
            assert!(cut.services.len() <= 4);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(TCP|FWM|->|UDP| |:|\\[|\\]|[0-9A-F]{1,9}|\n|.){0,60}") {
            let table = table(&text);
            proptest::prop_assert!(table.services.len() <= text.lines().count());
        }
    }
}
