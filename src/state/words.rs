//! Changes in an operator's words: one line each, what is done to what.

use std::collections::BTreeSet;
use std::fmt;

use super::{Address, AddressKey, Change, Destination, MarkRule, ServiceAttributes, SyncDaemon};

impl fmt::Display for Change {
    /// `add real server 10.0.0.21:8080 weight 3 to tcp 192.0.2.10:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetSetting { setting, from, to } => match from {
                Some(from) => write!(f, "set {setting} to {to} (was {from})"),
                None => write!(f, "set {setting} to {to}"),
            },
            Self::AddService {
                service,
                attributes,
            } => write!(f, "add service {service} {}", Described(attributes)),
            Self::SetService { service, from, to } => {
                write!(f, "edit service {service}: {}", edits(from, to))
            }
            Self::DeleteService { service, was } => write!(
                f,
                "remove service {service} with {}",
                count(was.destinations.len(), "real server")
            ),
            Self::AddDestination {
                service,
                key,
                destination,
            } => {
                let described = Described(destination);
                write!(f, "add real server {key} {described} to {service}")
            }
            Self::SetDestination {
                service,
                key,
                from,
                to,
            } => {
                let edits = destination_edits(from, to);
                write!(f, "edit real server {key} of {service}: {edits}")
            }
            Self::DeleteDestination { service, key, .. } => {
                write!(f, "remove real server {key} from {service}")
            }
            Self::AddAddress { key, address } => {
                write!(f, "put address {} up", Placed(key, address))
            }
            Self::SetAddress { key, from, to } => {
                let (placed, before) = (Placed(key, to), Described(from));
                write!(f, "put address {placed} up again (was {before})")
            }
            Self::DeleteAddress { key, was } => {
                write!(f, "take address {} down", Placed(key, was))
            }
            Self::SetMarks { from, to } => fmt_marks(from, to, f),
            Self::StartSync { role, daemon } => write!(
                f,
                "start the {role} connection synchronisation daemon {}",
                Described(daemon)
            ),
            Self::StopSync { role, was } => write!(
                f,
                "stop the {role} connection synchronisation daemon {}",
                Described(was)
            ),
        }
    }
}

fn fmt_marks(
    from: &BTreeSet<MarkRule>,
    to: &BTreeSet<MarkRule>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(
        f,
        "replace the table of firewall marks: {} added, {} removed, {} in all",
        count(to.difference(from).count(), "rule"),
        from.difference(to).count(),
        to.len()
    )
}

/// A value in words.
struct Described<'a, T>(&'a T);

impl fmt::Display for Described<'_, ServiceAttributes> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.0;
        write!(f, "scheduler {}", attributes.scheduler)?;
        if !attributes.scheduler_flags.is_empty() {
            write!(f, " flags {}", attributes.scheduler_flags)?;
        }
        if let Some(persistence) = &attributes.persistence {
            write!(f, " persistence {persistence}")?;
        }
        if attributes.one_packet {
            f.write_str(" one-packet")?;
        }
        Ok(())
    }
}

impl fmt::Display for Described<'_, Destination> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let destination = self.0;
        write!(f, "weight {}", destination.weight)?;
        if destination.upper_threshold != 0 {
            write!(
                f,
                " connections {}-{}",
                destination.lower_threshold, destination.upper_threshold
            )?;
        }
        write!(f, " by {}", destination.forwarding)
    }
}

impl fmt::Display for Described<'_, Address> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.prefix)?;
        if self.0.no_prefix_route {
            f.write_str(" without a route")?;
        }
        Ok(())
    }
}

impl fmt::Display for Described<'_, SyncDaemon> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SyncDaemon {
            interface,
            id,
            group,
            port,
            ..
        } = self.0;
        write!(f, "on {interface}, id {id}, group {group} port {port}")
    }
}

/// An address with its prefix, and where it is.
struct Placed<'a>(&'a AddressKey, &'a Address);

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(key, address) = self;
        write!(
            f,
            "{}{} on {}",
            key.address,
            Described(*address),
            key.interface
        )
    }
}

fn edits(from: &ServiceAttributes, to: &ServiceAttributes) -> String {
    let mut parts = Vec::new();
    edit(&mut parts, "scheduler", &from.scheduler, &to.scheduler);
    edit(
        &mut parts,
        "scheduler flags",
        &from.scheduler_flags,
        &to.scheduler_flags,
    );
    edit(
        &mut parts,
        "persistence",
        &or_none(from.persistence.as_ref()),
        &or_none(to.persistence.as_ref()),
    );
    edit(
        &mut parts,
        "one-packet",
        &on_off(from.one_packet),
        &on_off(to.one_packet),
    );
    parts.join(", ")
}

fn destination_edits(from: &Destination, to: &Destination) -> String {
    let mut parts = Vec::new();
    edit(&mut parts, "weight", &from.weight, &to.weight);
    edit(&mut parts, "forwarding", &from.forwarding, &to.forwarding);
    edit(
        &mut parts,
        "upper threshold",
        &from.upper_threshold,
        &to.upper_threshold,
    );
    edit(
        &mut parts,
        "lower threshold",
        &from.lower_threshold,
        &to.lower_threshold,
    );
    parts.join(", ")
}

fn edit<T: PartialEq + fmt::Display>(parts: &mut Vec<String>, name: &str, from: &T, to: &T) {
    if from != to {
        parts.push(format!("{name} {from} -> {to}"));
    }
}

fn or_none(value: Option<&impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}

fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{
        ClientMask, DestinationKey, Forwarding, Persistence, PortRange, Protocol, SchedulerFlags,
        ServiceKey, SyncRole, TunnelChecksum, TunnelKind,
    };

    fn http() -> ServiceKey {
        ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "2001:db8::10".parse().unwrap(),
            port: 80,
        }
    }

    fn attributes() -> ServiceAttributes {
        ServiceAttributes {
            scheduler: "wlc".to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        }
    }

    fn hashed() -> ServiceAttributes {
        ServiceAttributes {
            scheduler: "mh".to_owned(),
            scheduler_flags: SchedulerFlags::FALLBACK.with(SchedulerFlags::PORT),
            persistence: Some(Persistence {
                timeout: 300,
                mask: ClientMask::V6(64),
                engine: Some("sip".to_owned()),
            }),
            one_packet: true,
        }
    }

    fn edit_of_destination() -> Change {
        let from = Destination {
            forwarding: Forwarding::Masquerade,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        Change::SetDestination {
            service: http(),
            key: DestinationKey {
                address: "10.0.0.21".parse().unwrap(),
                port: 80,
            },
            from,
            to: Destination {
                forwarding: Forwarding::Tunnel(TunnelKind::Gre {
                    checksum: TunnelChecksum::Full,
                }),
                weight: 1,
                upper_threshold: 100,
                lower_threshold: 80,
            },
        }
    }

    #[test]
    fn attributes_are_said_only_where_they_are_not_the_usual_ones() {
        let plain = Change::AddService {
            service: http(),
            attributes: attributes(),
        };
        let full = Change::AddService {
            service: http(),
            attributes: hashed(),
        };
        assert_eq!(
            plain.to_string(),
            "add service tcp [2001:db8::10]:80 scheduler wlc"
        );
        assert_eq!(
            full.to_string(),
            "add service tcp [2001:db8::10]:80 scheduler mh flags flag-1,flag-2 \
             persistence 300 s mask /64 engine sip one-packet"
        );
    }

    #[test]
    fn an_edit_says_what_was_and_what_becomes_of_it() {
        let edit = Change::SetService {
            service: http(),
            from: attributes(),
            to: hashed(),
        };
        assert_eq!(
            edit.to_string(),
            "edit service tcp [2001:db8::10]:80: scheduler wlc -> mh, \
             scheduler flags none -> flag-1,flag-2, \
             persistence none -> 300 s mask /64 engine sip, one-packet off -> on"
        );
        assert_eq!(
            edit_of_destination().to_string(),
            "edit real server 10.0.0.21:80 of tcp [2001:db8::10]:80: \
             forwarding nat -> tunnel gre checksum full, \
             upper threshold 0 -> 100, lower threshold 0 -> 80"
        );
    }

    #[test]
    fn an_address_says_how_it_was() {
        let change = Change::SetAddress {
            key: AddressKey {
                interface: "eth0".to_owned(),
                address: "192.0.2.10".parse().unwrap(),
            },
            from: Address {
                prefix: 24,
                no_prefix_route: true,
            },
            to: Address {
                prefix: 32,
                no_prefix_route: false,
            },
        };
        assert_eq!(
            change.to_string(),
            "put address 192.0.2.10/32 on eth0 up again (was /24 without a route)"
        );
    }

    #[test]
    fn marks_are_counted() {
        let rule = |first| MarkRule {
            mark: 7,
            address: "192.0.2.10".parse().unwrap(),
            protocol: Protocol::Tcp,
            ports: PortRange { first, last: first },
        };
        let change = Change::SetMarks {
            from: BTreeSet::from([rule(1), rule(2), rule(3)]),
            to: BTreeSet::from([rule(3), rule(4)]),
        };
        assert_eq!(
            change.to_string(),
            "replace the table of firewall marks: 1 rule added, 2 removed, 2 in all"
        );
    }

    #[test]
    fn a_synchronisation_daemon_says_where_it_talks() {
        let daemon = SyncDaemon {
            interface: "eth1".to_owned(),
            id: 7,
            max_length: 0,
            group: "224.0.0.81".parse().unwrap(),
            port: 8848,
            ttl: 1,
        };
        let start = Change::StartSync {
            role: SyncRole::Master,
            daemon,
        };
        let stop = &start.inverse()[0];
        let rest = "the master connection synchronisation daemon on eth1, id 7, \
                    group 224.0.0.81 port 8848";
        assert_eq!(start.to_string(), format!("start {rest}"));
        assert_eq!(stop.to_string(), format!("stop {rest}"));
    }
}
