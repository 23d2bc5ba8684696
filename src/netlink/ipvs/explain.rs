//! What the kernel's error numbers mean for each IPVS command, in an operator's words.
//!
//! IPVS answers with a bare number and uses several for more than one reason
//! (`net/netfilter/ipvs/ip_vs_ctl.c`), so this names every reason there is for that command and
//! what to do. It decides nothing. Used by whoever reports a [`super::Failure`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel has some 130 error numbers, each command returns a few"
)]

use super::command::{Command, Destination, Service};
use super::entry::ForwardingMethod;
use crate::netlink::error::Errno;

/// Why the kernel refused `command` with `errno`, and what to do about it, in full sentences.
pub fn explain(command: &Command, errno: Errno) -> String {
    match errno {
        Errno::EPERM => "Changing IPVS needs root, or CAP_NET_ADMIN in the user namespace that \
                         owns this network namespace."
            .into(),
        Errno::ENOMEM => "The kernel is out of memory.".into(),
        Errno::EAFNOSUPPORT => "This kernel's IPVS was built without IPv6.".into(),
        Errno::EPROTONOSUPPORT => "This kernel's IPVS balances no such protocol.".into(),
        _ => by_command(command, errno).unwrap_or_else(|| unknown(errno)),
    }
}

fn unknown(errno: Errno) -> String {
    format!(
        "The kernel gave the error \"{}\" and no reason.",
        errno.desc()
    )
}

fn by_command(command: &Command, errno: Errno) -> Option<String> {
    match command {
        Command::NewService(service) | Command::SetService(service) => on_service(service, errno),
        Command::DelService(_) | Command::Zero(_) => no_service(errno),
        Command::NewDestination(_, destination) | Command::SetDestination(_, destination) => {
            on_destination(destination, errno)
        }
        Command::DelDestination(..) => match errno {
            Errno::ENOENT => Some("The service has no such destination.".into()),
            _ => no_service(errno),
        },
        Command::NewDaemon(daemon) => on_daemon(&daemon.interface, errno),
        Command::DelDaemon(_) => match errno {
            Errno::ESRCH => Some("No such sync daemon runs.".into()),
            _ => None,
        },
        Command::SetTimeouts(_) => match errno {
            Errno::EINVAL => Some("A timeout is too long for this kernel.".into()),
            _ => None,
        },
        Command::Flush => None,
    }
}

fn no_service(errno: Errno) -> Option<String> {
    (errno == Errno::ESRCH).then(|| "There is no such virtual service.".into())
}

fn on_service(service: &Service, errno: Errno) -> Option<String> {
    let scheduler = &service.scheduler;
    let text = match (errno, &service.engine) {
        (Errno::EEXIST, _) => "A virtual service with this identity already exists.".into(),
        (Errno::ENOENT, None) => format!(
            "This kernel has no scheduler `{scheduler}`: load the module ip_vs_{scheduler}, or \
             choose another scheduler."
        ),
        (Errno::ENOENT, Some(engine)) => format!(
            "This kernel has no scheduler `{scheduler}` or no persistence engine `{engine}`: \
             load the modules ip_vs_{scheduler} and ip_vs_pe_{engine}."
        ),
        (Errno::EINVAL, _) => "The kernel refused a value: a service on port 0 must be \
                               persistent, an IPv6 persistence mask is 1 to 128, and the \
                               scheduler must accept its flags."
            .into(),
        (errno, _) => return no_service(errno),
    };
    Some(text)
}

fn on_destination(destination: &Destination, errno: Errno) -> Option<String> {
    let text = match errno {
        Errno::EEXIST => "The service already has this destination.".into(),
        Errno::ENOENT => "The service has no such destination.".into(),
        Errno::ERANGE => "The lower threshold is above the upper one, or the weight is above \
                          2147483647."
            .into(),
        Errno::EINVAL => invalid_destination(destination),
        _ => return no_service(errno),
    };
    Some(text)
}

fn invalid_destination(destination: &Destination) -> String {
    let address = destination.address;
    let mut text = format!(
        "The kernel refused {address}: either it is not a unicast address, or the interface `lo` \
         is down in this network namespace, which makes every destination invalid (`ip link set \
         lo up`)."
    );
    if destination.forwarding == ForwardingMethod::Tunnel {
        text.push_str(
            " A tunnel to the other address family is also refused while a sync daemon runs, and \
             a gue tunnel without a port.",
        );
    } else {
        text.push_str(" Only a tunnel may lead to another address family than the service's.");
    }
    text
}

fn on_daemon(interface: &str, errno: Errno) -> Option<String> {
    let text = match errno {
        Errno::EEXIST => "A sync daemon of this role already runs.".into(),
        Errno::ENODEV => format!("There is no interface `{interface}`."),
        Errno::EINVAL => "The kernel refused the sync daemon: some destination is of another \
                          address family than its service, or a value is out of range."
            .into(),
        Errno::EADDRNOTAVAIL => {
            format!("The interface `{interface}` has no address to send from.")
        }
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Family, Netmask, ServiceId, Tunnel};
    use super::*;

    fn service(engine: Option<&str>) -> Command {
        Command::NewService(Service {
            id: ServiceId::Mark {
                family: Family::Inet,
                mark: 1,
            },
            scheduler: "mh".into(),
            flags: 0,
            timeout: 0,
            netmask: Netmask::full(Family::Inet),
            engine: engine.map(Into::into),
        })
    }

    #[test]
    fn a_missing_scheduler_names_the_module_to_load() {
        assert!(explain(&service(None), Errno::ENOENT).contains("ip_vs_mh"));
    }

    #[test]
    fn the_same_number_may_mean_a_missing_engine_and_says_so() {
        assert!(explain(&service(Some("sip")), Errno::ENOENT).contains("ip_vs_pe_sip"));
    }

    #[test]
    fn a_refused_destination_reminds_of_the_loopback_interface() {
        let destination = Destination {
            address: [10, 0, 0, 1].into(),
            port: 80,
            forwarding: ForwardingMethod::Masquerade,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
            tunnel: Tunnel::default(),
        };
        let id = ServiceId::Mark {
            family: Family::Inet,
            mark: 1,
        };
        let text = explain(&Command::NewDestination(id, destination), Errno::EINVAL);
        assert!(text.contains("ip link set lo up"), "{text}");
    }

    #[test]
    fn a_number_without_a_known_meaning_is_still_reported() {
        assert!(explain(&Command::Flush, Errno::EBUSY).contains("busy"));
    }
}
