//! Error numbers in the operator's words.
//!
//! IPVS answers with a bare number and uses some for several things
//! (`net/netfilter/ipvs/ip_vs_ctl.c`), so each text follows from the change that was refused.
//! Pure; called by the data planes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "there are some 130 error numbers; each change meets a few"
)]

use std::net::IpAddr;

use nix::errno::Errno;

use super::Error;
use crate::netlink;
use crate::state::{
    AddressKey, Change, Destination, DestinationKey, Forwarding, ServiceAttributes, ServiceKey,
    Setting, TunnelKind,
};

/// What to do about a missing right.
const RIGHTS: &str = "run farmctl as root, or give it CAP_NET_ADMIN in the user namespace that \
                      owns this network namespace";

/// Whether `lo` is up: without it the kernel takes no destination at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loopback {
    /// It is up, or nobody looked.
    Up,
    /// It is down.
    Down,
}

/// The error of a reading that failed.
pub(super) fn unreadable(what: &str, error: &netlink::Error) -> Error {
    match error.errno() {
        Some(Errno::EPERM | Errno::EACCES) => Error::Permission {
            what: format!("read {what}"),
            help: RIGHTS.to_owned(),
        },
        _ => Error::Io {
            what: format!("read {what}"),
            reason: error.to_string(),
        },
    }
}

/// The error of something that this process may not do.
pub(super) fn rights(what: &str) -> Error {
    Error::Permission {
        what: what.to_owned(),
        help: RIGHTS.to_owned(),
    }
}

/// The error of a change that the kernel refused with this number.
pub(super) fn refused(change: &Change, errno: Errno, loopback: Loopback) -> Error {
    if errno == Errno::EPERM || (errno == Errno::EACCES && !is_about_ipv6_address(change)) {
        return Error::Permission {
            what: change.to_string(),
            help: RIGHTS.to_owned(),
        };
    }
    let reason = by_change(change, errno, loopback).or_else(|| in_general(errno));
    Error::Refused {
        what: change.to_string(),
        reason: reason.unwrap_or_else(|| format!("{errno} without a reason")),
        errno: errno as i32,
    }
}

/// The error of a change whose answer never came or cannot be understood.
pub(super) fn failed(change: &Change, error: &netlink::Error) -> Error {
    // A family that the kernel does not have is asked for by marks only.
    let missing = matches!(error, netlink::Error::FamilyMissing { .. });
    match error.errno().or(missing.then_some(Errno::EOPNOTSUPP)) {
        Some(errno) => with_words_of(error, refused(change, errno, Loopback::Up)),
        None => Error::Io {
            what: change.to_string(),
            reason: error.to_string(),
        },
    }
}

/// Adds the kernel's own words, where it gave any.
fn with_words_of(error: &netlink::Error, mut refused: Error) -> Error {
    if let (
        netlink::Error::Kernel {
            message: Some(words),
            ..
        },
        Error::Refused { reason, .. },
    ) = (error, &mut refused)
    {
        reason.push_str(&format!(" (the kernel says: {words})"));
    }
    refused
}

/// The error of a batch whose answers were lost.
pub(super) fn lost(error: &netlink::Error) -> Error {
    Error::Io {
        what: "learn what the kernel did with the changes".to_owned(),
        reason: format!("{error}; some of them may be done: compare again before anything else"),
    }
}

fn is_about_ipv6_address(change: &Change) -> bool {
    matches!(
        change,
        Change::AddAddress { key, .. } | Change::SetAddress { key, .. } if key.address.is_ipv6()
    )
}

fn in_general(errno: Errno) -> Option<String> {
    let text = match errno {
        Errno::ENOMEM => "the kernel is out of memory",
        Errno::EAFNOSUPPORT => {
            "this kernel has no IPv6, or its ip_vs was built without it: use IPv4 addresses, or \
             a kernel with CONFIG_IP_VS_IPV6"
        }
        Errno::EPROTONOSUPPORT | Errno::ENOPROTOOPT => {
            "this kernel's ip_vs does not balance that protocol: SCTP needs a kernel with \
             CONFIG_IP_VS_PROTO_SCTP"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn by_change(change: &Change, errno: Errno, loopback: Loopback) -> Option<String> {
    match change {
        Change::AddService {
            service,
            attributes,
        }
        | Change::SetService {
            service,
            to: attributes,
            ..
        } => of_service(service, attributes, errno),
        Change::DeleteService { .. } => gone_service(errno),
        Change::AddDestination {
            service,
            key,
            destination,
        }
        | Change::SetDestination {
            service,
            key,
            to: destination,
            ..
        } => of_destination(service, key, destination, errno, loopback),
        Change::DeleteDestination { .. } => match errno {
            Errno::ENOENT => Some(gone("the real server")),
            _ => gone_service(errno),
        },
        Change::StartSync { daemon, .. } => of_sync(&daemon.interface, errno),
        Change::StopSync { .. } => (errno == Errno::ESRCH)
            .then(|| "no such daemon runs; another program stopped it meanwhile".to_owned()),
        Change::SetSetting { setting, .. } => of_setting(setting, errno),
        Change::AddAddress { key, .. }
        | Change::SetAddress { key, .. }
        | Change::DeleteAddress { key, .. } => of_address(key, errno),
        Change::SetMarks { .. } => of_marks(errno),
    }
}

fn gone(what: &str) -> String {
    format!("{what} is not there; another program removed it meanwhile: run farmctl again")
}

fn gone_service(errno: Errno) -> Option<String> {
    (errno == Errno::ESRCH).then(|| gone("the service"))
}

fn there(what: &str) -> String {
    format!("{what} is there already; another program added it meanwhile: run farmctl again")
}

fn of_service(key: &ServiceKey, attributes: &ServiceAttributes, errno: Errno) -> Option<String> {
    Some(match errno {
        Errno::EEXIST => there("the service"),
        Errno::ENOENT => unknown_name(attributes),
        Errno::EINVAL if key.port() == 0 && matches!(key, ServiceKey::Address { .. }) => {
            "a service on every port (port 0) must be persistent".to_owned()
        }
        Errno::EINVAL => format!(
            "the kernel does not take one of its values: the scheduler `{}` may refuse its flags, \
             and an IPv6 persistence mask is 1 to 128",
            attributes.scheduler
        ),
        _ => return gone_service(errno),
    })
}

/// `ENOENT` says that the kernel knows the scheduler or the persistence engine not by name.
fn unknown_name(attributes: &ServiceAttributes) -> String {
    let scheduler = &attributes.scheduler;
    let engine = attributes
        .persistence
        .as_ref()
        .and_then(|persistence| persistence.engine.as_deref());
    match engine {
        None => format!(
            "this kernel does not know the scheduler `{scheduler}`: run `modprobe \
             ip_vs_{scheduler}`, or choose another scheduler"
        ),
        Some(engine) => format!(
            "this kernel does not know the scheduler `{scheduler}` or the persistence engine \
             `{engine}`: run `modprobe ip_vs_{scheduler}` and `modprobe ip_vs_pe_{engine}`"
        ),
    }
}

fn of_destination(
    service: &ServiceKey,
    key: &DestinationKey,
    destination: &Destination,
    errno: Errno,
    loopback: Loopback,
) -> Option<String> {
    Some(match errno {
        Errno::EEXIST => there("the real server"),
        Errno::ENOENT => gone("the real server"),
        Errno::ERANGE => of_range(destination),
        Errno::EOPNOTSUPP if destination.forwarding == Forwarding::FullNat => {
            "ip_vs cannot put its own address in place of the client's: leave out `masquerade`, or \
             write `dataplane: nftables`"
                .to_owned()
        }
        Errno::EINVAL => invalid_destination(service, key, destination, loopback),
        _ => return gone_service(errno),
    })
}

fn of_range(destination: &Destination) -> String {
    let Destination {
        weight,
        upper_threshold,
        lower_threshold,
        ..
    } = destination;
    if lower_threshold > upper_threshold {
        format!(
            "its lower connection threshold {lower_threshold} is above the upper one \
             {upper_threshold}"
        )
    } else {
        format!("its weight {weight} is above 2147483647")
    }
}

fn invalid_destination(
    service: &ServiceKey,
    key: &DestinationKey,
    destination: &Destination,
    loopback: Loopback,
) -> String {
    let address = key.address;
    if let Some(kind) = not_a_hosts(address) {
        return format!("{address} is {kind}: a real server needs an address of its own");
    }
    if let Some(reason) = bad_tunnel(service, key, destination) {
        return reason.to_owned();
    }
    if loopback == Loopback::Down {
        return "the interface `lo` is down in this network namespace, and then the kernel takes \
                no real server at all: run `ip link set lo up`"
            .to_owned();
    }
    format!(
        "the kernel does not take {address} as the address of a real server: it is a broadcast \
         address of one of this machine's networks, or the family {} is off on this machine",
        key.family()
    )
}

fn not_a_hosts(address: IpAddr) -> Option<&'static str> {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_multicast() {
        Some("a multicast address")
    } else if broadcast {
        Some("a broadcast address")
    } else if address.is_unspecified() {
        Some("no address at all")
    } else {
        None
    }
}

fn bad_tunnel(
    service: &ServiceKey,
    key: &DestinationKey,
    destination: &Destination,
) -> Option<&'static str> {
    let mixed = service.family() != key.family();
    match destination.forwarding {
        Forwarding::Tunnel(TunnelKind::Gue { port: 0, .. }) => {
            Some("a GUE tunnel needs the UDP port of its far end")
        }
        Forwarding::Tunnel(_) if mixed => Some(
            "the kernel takes no tunnel into another address family while a connection \
             synchronisation daemon runs: stop the daemon, or use one family",
        ),
        _ if mixed => Some("only a tunnel leads to a real server of another address family"),
        _ => None,
    }
}

fn of_sync(interface: &str, errno: Errno) -> Option<String> {
    Some(match errno {
        Errno::EEXIST => "a daemon of this role runs already; another program started it \
                          meanwhile: run farmctl again"
            .to_owned(),
        Errno::ENODEV => no_interface(interface),
        Errno::EADDRNOTAVAIL => format!("the interface `{interface}` has no address to send from"),
        Errno::EINVAL => format!(
            "a real server has another address family than its service, which the kernel does \
             not allow beside this daemon; or `{interface}` is down or has no such multicast group"
        ),
        _ => return None,
    })
}

fn no_interface(interface: &str) -> String {
    format!("there is no interface `{interface}` in this network namespace")
}

fn of_setting(setting: &Setting, errno: Errno) -> Option<String> {
    Some(match errno {
        Errno::ENOENT => match setting {
            Setting::PromoteSecondaries(interface) => no_interface(interface),
            Setting::ForwardV6 => "this kernel has no IPv6, or it is switched off".to_owned(),
            Setting::Vs(_) => {
                "this kernel's ip_vs does not have it: leave it out of the file".to_owned()
            }
            _ => "this kernel does not have it".to_owned(),
        },
        Errno::EROFS => "/proc/sys is read-only here, as in most containers: set it on the host, \
                         or run farmctl where /proc/sys can be written"
            .to_owned(),
        Errno::EINVAL | Errno::ERANGE => "the kernel does not take this value".to_owned(),
        _ => return None,
    })
}

fn of_address(key: &AddressKey, errno: Errno) -> Option<String> {
    let AddressKey { interface, address } = key;
    Some(match errno {
        Errno::ENODEV => no_interface(interface),
        Errno::EEXIST => there("the address"),
        Errno::EADDRNOTAVAIL => gone("the address"),
        Errno::EACCES => format!(
            "IPv6 is switched off on `{interface}`: set \
             net.ipv6.conf.{interface}.disable_ipv6 to 0"
        ),
        Errno::EINVAL => format!("the kernel does not take {address} with this prefix length"),
        _ => return None,
    })
}

fn of_marks(errno: Errno) -> Option<String> {
    let text = match errno {
        Errno::EOPNOTSUPP | Errno::EPROTONOSUPPORT | Errno::ENOENT | Errno::EINVAL => {
            "this kernel lacks nf_tables or a part of it that marks packets: run `modprobe \
             nf_tables`, or leave `together` out of the file"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests;
