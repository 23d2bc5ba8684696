//! Numbers of the namespace and the connection synchronisation.

use std::net::{IpAddr, Ipv4Addr};

use crate::spec::{
    ConnectionSync, DataplaneKind, Directors, Duration, Farm, IpvsSysctls, IpvsTimeouts, Path,
};

use super::super::{Family, Forwarding, Setting, SyncDaemon, SyncRole, VsSysctl};
use super::{Desired, Here, Note, NoteKind};

/// Adds what the director's options ask for, and what the services need.
pub(super) fn add(desired: &mut Desired, here: &Here<'_>) {
    add_forwarding(desired);
    match here.dataplane {
        DataplaneKind::Ipvs => add_ipvs(desired, here),
        DataplaneKind::Nftables => add_nftables(desired, here.farm),
    }
}

fn add_ipvs(desired: &mut Desired, here: &Here<'_>) {
    let Some(directors) = &here.farm.directors else {
        return;
    };
    if let Some(options) = &directors.ipvs {
        let timeouts = options.timeouts.iter().flat_map(timeouts);
        desired.state.settings.extend(timeouts);
        let sysctls = options.sysctls.iter().flat_map(sysctls);
        desired.state.settings.extend(sysctls);
    }
    if let Some(sync) = &directors.connection_sync {
        add_sync(desired, here, sync);
    }
}

fn add_nftables(desired: &mut Desired, farm: &Farm) {
    if !desired.state.services.is_empty() {
        let seed = hash_seed(farm.farm.as_str());
        desired
            .state
            .settings
            .insert(Setting::HashSeed, seed.into());
    }
    let asks = |directors: &Directors| directors.ipvs.is_some();
    if farm.directors.as_ref().is_some_and(asks) {
        desired.notes.push(other_dataplane());
    }
}

/// The number that every hash begins with: FNV-1a of the farm's name, 32 bits. It follows from the
/// name alone, so that all directors of a farm choose alike without asking each other, and so that
/// it stays what it is for as long as the farm keeps its name.
fn hash_seed(farm: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    farm.bytes().fold(0x811c_9dc5, step)
}

/// Packets of translated connections pass through the machine: it must forward.
fn add_forwarding(desired: &mut Desired) {
    for (key, service) in &desired.state.services {
        let mut destinations = service.destinations.values();
        if destinations.any(|destination| is_translated(destination.forwarding)) {
            let setting = match key.family() {
                Family::V4 => Setting::ForwardV4,
                Family::V6 => Setting::ForwardV6,
            };
            desired.state.settings.insert(setting, 1);
        }
    }
}

fn is_translated(forwarding: Forwarding) -> bool {
    matches!(forwarding, Forwarding::Masquerade | Forwarding::FullNat)
}

fn timeouts(timeouts: &IpvsTimeouts) -> impl Iterator<Item = (Setting, u64)> {
    [
        (Setting::TimeoutTcp, timeouts.tcp),
        (Setting::TimeoutTcpFin, timeouts.tcp_fin),
        (Setting::TimeoutUdp, timeouts.udp),
    ]
    .into_iter()
    .filter_map(|(setting, written)| Some((setting, seconds(written?))))
}

fn seconds(duration: Duration) -> u64 {
    duration.0.as_secs()
}

fn sysctls(sysctls: &IpvsSysctls) -> impl Iterator<Item = (Setting, u64)> {
    switches(sysctls)
        .into_iter()
        .map(|(sysctl, written)| (sysctl, written.map(u64::from)))
        .chain(numbers(sysctls))
        .filter_map(|(sysctl, written)| Some((Setting::Vs(sysctl), written?)))
}

fn switches(sysctls: &IpvsSysctls) -> [(VsSysctl, Option<bool>); 8] {
    [
        (VsSysctl::Conntrack, sysctls.conntrack),
        (VsSysctl::ExpireNodestConn, sysctls.expire_nodest_conn),
        (
            VsSysctl::ExpireQuiescentTemplate,
            sysctls.expire_quiescent_template,
        ),
        (VsSysctl::NatIcmpSend, sysctls.nat_icmp_send),
        (VsSysctl::ScheduleIcmp, sysctls.schedule_icmp),
        (VsSysctl::SloppyTcp, sysctls.sloppy_tcp),
        (VsSysctl::SloppySctp, sysctls.sloppy_sctp),
        (VsSysctl::SnatReroute, sysctls.snat_reroute),
    ]
}

fn numbers(sysctls: &IpvsSysctls) -> [(VsSysctl, Option<u64>); 9] {
    let small = |written: Option<u8>| written.map(u64::from);
    [
        (VsSysctl::ConnReuseMode, small(sysctls.conn_reuse_mode)),
        (VsSysctl::DropEntry, small(sysctls.drop_entry)),
        (VsSysctl::DropPacket, small(sysctls.drop_packet)),
        (VsSysctl::SecureTcp, small(sysctls.secure_tcp)),
        (VsSysctl::SyncPersistMode, small(sysctls.sync_persist_mode)),
        (VsSysctl::SyncPorts, small(sysctls.sync_ports)),
        (VsSysctl::SyncQlenMax, sysctls.sync_qlen_max.map(u64::from)),
        (
            VsSysctl::SyncRefreshPeriod,
            sysctls.sync_refresh_period.map(seconds),
        ),
        (VsSysctl::SyncRetries, small(sysctls.sync_retries)),
    ]
}

/// Both daemons run on every director: each tells the connections that it makes and learns those
/// of the others, so that it does not matter who holds the addresses.
fn add_sync(desired: &mut Desired, here: &Here<'_>, sync: &ConnectionSync) {
    let network = sync.network.as_ref();
    let interface = network
        .and_then(|network| here.interface_to(network))
        .or_else(|| sync.interface.as_ref().map(ToString::to_string));
    let Some(interface) = interface else {
        desired.notes.push(no_interface());
        return;
    };
    for role in [SyncRole::Master, SyncRole::Backup] {
        let daemon = daemon(sync, interface.clone());
        desired.state.sync_daemons.insert(role, daemon);
    }
}

/// The kernel's own choices are written out (`ip_vs_sync.c`, `start_sync_thread`), because it
/// reports them; only the length depends on the interface and stays open.
fn daemon(sync: &ConnectionSync, interface: String) -> SyncDaemon {
    SyncDaemon {
        interface,
        id: sync.id,
        max_length: sync.max_length.unwrap_or(0),
        group: sync
            .group
            .unwrap_or(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81))),
        port: sync.port.unwrap_or(8848),
        ttl: sync.ttl.unwrap_or(1),
    }
}

fn other_dataplane() -> Note {
    Note {
        kind: NoteKind::OtherDataplane,
        path: Path::root().key("directors").key("ipvs"),
        message: "This machine forwards by nftables; the options under `directors.ipvs` are for \
                  ip_vs only and are not used here."
            .to_owned(),
    }
}

fn no_interface() -> Note {
    Note {
        kind: NoteKind::NoInterface,
        path: Path::root().key("directors").key("connection_sync"),
        message: "It is not known over which interface connections are told to other directors; \
                  write `interface:`."
            .to_owned(),
    }
}
