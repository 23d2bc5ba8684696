//! A state as text in a canonical form: equal states give equal lines, whoever made them.

use crate::cli::names::Names;
use crate::state::{
    Address, ClientMask, Destination, Forwarding, Persistence, SchedulerFlags, Service,
    ServiceAttributes, State, SyncDaemon, TunnelChecksum, TunnelKind,
};
use crate::state::{ServiceKey, SyncRole};

/// One object of both states, as lines; no lines where a state does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the object is.
    pub title: String,
    /// Its lines in the live state.
    pub live: Vec<String>,
    /// Its lines in the wanted state.
    pub wanted: Vec<String>,
}

/// The objects in which the two states differ. Settings that the wanted state does not name are
/// left out.
pub(crate) fn differing(live: &State, wanted: &State, names: &Names) -> Vec<Block> {
    let mut blocks = vec![
        Block {
            title: "settings".into(),
            live: settings(live, wanted),
            wanted: settings(wanted, wanted),
        },
        Block {
            title: "addresses".into(),
            live: addresses(live),
            wanted: addresses(wanted),
        },
        Block {
            title: "firewall marks".into(),
            live: marks(live),
            wanted: marks(wanted),
        },
        Block {
            title: "connection sync".into(),
            live: sync(live, wanted),
            wanted: sync(wanted, wanted),
        },
    ];
    blocks.retain(|block| block.live != block.wanted);
    blocks.extend(services(live, wanted, names));
    blocks
}

fn services(live: &State, wanted: &State, names: &Names) -> Vec<Block> {
    let mut keys: Vec<&ServiceKey> = live.services.keys().chain(wanted.services.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter(|key| live.services.get(key) != wanted.services.get(key))
        .map(|key| Block {
            title: format!("service {}", names.service_title(key)),
            live: live
                .services
                .get(key)
                .map(|one| service(key, one, names))
                .unwrap_or_default(),
            wanted: wanted
                .services
                .get(key)
                .map(|one| service(key, one, names))
                .unwrap_or_default(),
        })
        .collect()
}

/// The lines of one service with its destinations.
pub(crate) fn service(key: &ServiceKey, service: &Service, names: &Names) -> Vec<String> {
    let mut lines = attributes(&service.attributes);
    lines.push("real servers:".into());
    for (destination, values) in &service.destinations {
        let title = names.server_title(key, destination);
        lines.push(format!("  {title}: {}", self::destination(*values)));
    }
    lines
}

/// The lines of a service's own attributes.
fn attributes(attributes: &ServiceAttributes) -> Vec<String> {
    let flags = scheduler_flags(attributes.scheduler_flags);
    let mut lines = vec![format!("scheduler: {}{flags}", attributes.scheduler)];
    if let Some(persistence) = &attributes.persistence {
        lines.push(format!("persistence: {}", self::persistence(persistence)));
    }
    if attributes.one_packet {
        lines.push("one packet: true".into());
    }
    lines
}

fn scheduler_flags(flags: SchedulerFlags) -> String {
    let words = [
        (SchedulerFlags::FALLBACK, "fallback"),
        (SchedulerFlags::PORT, "port"),
        (SchedulerFlags::THIRD, "flag-3"),
        (SchedulerFlags::EXACT, "exact"),
    ];
    let set: Vec<&str> = words
        .iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .map(|(_, word)| *word)
        .collect();
    if set.is_empty() {
        String::new()
    } else {
        format!(" ({})", set.join(", "))
    }
}

/// Persistence in words: `300s, clients by /24, engine sip`.
pub(crate) fn persistence(persistence: &Persistence) -> String {
    let mask = match persistence.mask {
        ClientMask::V4(mask)
            if u32::from(mask).leading_ones() + u32::from(mask).trailing_zeros() == 32 =>
        {
            format!("/{}", u32::from(mask).leading_ones())
        }
        ClientMask::V4(mask) => mask.to_string(),
        ClientMask::V6(length) => format!("/{length}"),
    };
    let engine = persistence
        .engine
        .as_ref()
        .map(|engine| format!(", engine {engine}"))
        .unwrap_or_default();
    format!("{}s, clients by {mask}{engine}", persistence.timeout)
}

/// A destination in words: `nat, weight 3`.
pub(crate) fn destination(destination: Destination) -> String {
    let Destination {
        forwarding,
        weight,
        upper_threshold,
        lower_threshold,
    } = destination;
    let mut text = format!("{}, weight {weight}", self::forwarding(forwarding));
    if upper_threshold != 0 || lower_threshold != 0 {
        text += &format!(", at most {upper_threshold} connections");
    }
    if lower_threshold != 0 {
        text += &format!(" and again below {lower_threshold}");
    }
    text
}

/// A forwarding method in farm.yaml's words.
pub(crate) fn forwarding(forwarding: Forwarding) -> String {
    match forwarding {
        Forwarding::Masquerade => "nat".into(),
        Forwarding::FullNat => "nat masquerade".into(),
        Forwarding::Local => "local".into(),
        Forwarding::Route => "direct_routing".into(),
        Forwarding::Bypass => "bypass".into(),
        Forwarding::Tunnel(TunnelKind::Ipip) => "tunnel ipip".into(),
        Forwarding::Tunnel(TunnelKind::Gue { port, checksum }) => {
            format!("tunnel gue port {port}{}", self::checksum(checksum))
        }
        Forwarding::Tunnel(TunnelKind::Gre { checksum }) => {
            format!("tunnel gre{}", self::checksum(checksum))
        }
    }
}

fn checksum(checksum: TunnelChecksum) -> &'static str {
    match checksum {
        TunnelChecksum::None => "",
        TunnelChecksum::Full => " checksum full",
        TunnelChecksum::Remote => " checksum remote",
    }
}

fn settings(of: &State, named_in: &State) -> Vec<String> {
    named_in
        .settings
        .keys()
        .filter_map(|setting| Some(format!("{setting}: {}", of.settings.get(setting)?)))
        .collect()
}

fn addresses(state: &State) -> Vec<String> {
    let line = |(key, address): (&crate::state::AddressKey, &Address)| {
        let route = if address.no_prefix_route {
            ", no route of its own"
        } else {
            ""
        };
        format!(
            "{}/{} on {}{route}",
            key.address, address.prefix, key.interface
        )
    };
    state.addresses.iter().map(line).collect()
}

fn marks(state: &State) -> Vec<String> {
    state.marks.iter().map(ToString::to_string).collect()
}

/// A length that the wanted state leaves to the kernel is left out: it is no difference.
fn sync(of: &State, wanted: &State) -> Vec<String> {
    let line = |(role, daemon): (&SyncRole, &SyncDaemon)| {
        let SyncDaemon {
            interface,
            id,
            max_length,
            group,
            port,
            ttl,
        } = daemon;
        let asked = wanted.sync_daemons.get(role);
        let length = match asked.map_or(0, |asked| asked.max_length) {
            0 => String::new(),
            _ => format!(", length {max_length}"),
        };
        format!("{role}: {interface}, id {id}, {group} port {port}, ttl {ttl}{length}")
    };
    of.sync_daemons.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(max_length: u16) -> State {
        let daemon = SyncDaemon {
            interface: "eth1".into(),
            id: 7,
            max_length,
            group: std::net::Ipv4Addr::new(224, 0, 0, 81).into(),
            port: 8848,
            ttl: 1,
        };
        State {
            sync_daemons: [(SyncRole::Backup, daemon)].into(),
            ..State::default()
        }
    }

    #[test]
    fn a_length_that_the_kernel_chose_is_not_shown_as_a_difference() {
        let blocks =
            |live, wanted| differing(&listening(live), &listening(wanted), &Names::default());
        assert_eq!(blocks(1472, 0), []);
        let [block] = &blocks(1472, 1400)[..] else {
            panic!("one block")
        };
        assert!(block.live[0].ends_with("length 1472"), "{block:?}");
        assert!(block.wanted[0].ends_with("length 1400"), "{block:?}");
    }
}
