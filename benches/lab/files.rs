//! The same farm in three languages: farm.yaml, ipvsadm's rules, keepalived.conf.
//!
//! One floating address, 1,000 services on it, 10 real servers each, and every real server has
//! a line of its own in every language: farm.yaml's pools would make its file far shorter.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::Result;

/// How many services the farm has.
pub(crate) const SERVICES: usize = 1_000;
/// How many real servers each of them has.
pub(crate) const REAL_SERVERS: usize = 10;
/// How many entries that makes in the kernel's table.
pub(crate) const ENTRIES: usize = SERVICES * (1 + REAL_SERVERS);
/// The floating address.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Where the real servers' addresses are.
pub(crate) const REAL_SERVERS_NET: &str = "10.1.0.0/16";
/// The interface that it is put on.
pub(crate) const INTERFACE: &str = "front";
/// The service of which one real server gets [`NEW_WEIGHT`].
pub(crate) const EDITED: usize = SERVICES / 2;
/// The weight of every other real server.
pub(crate) const WEIGHT: u32 = 1;
/// The weight after the edit.
pub(crate) const NEW_WEIGHT: u32 = 7;

/// Where the files are.
pub(crate) struct Files {
    /// The farm for farmctl.
    pub(crate) farm: PathBuf,
    /// The same with one weight changed.
    pub(crate) farm_edited: PathBuf,
    /// A farm of nothing.
    pub(crate) farm_empty: PathBuf,
    /// The rules for `ipvsadm -R`.
    pub(crate) rules: PathBuf,
    /// The configuration that keepalived reads; a round copies one of the next two there.
    pub(crate) keepalived: PathBuf,
    /// The farm for keepalived.
    pub(crate) keepalived_whole: String,
    /// The same with one weight changed.
    pub(crate) keepalived_edited: String,
    /// The farm for farmctl's daemon: every real server is checked by a connection each second.
    pub(crate) farm_checked: String,
    /// The same with one weight changed.
    pub(crate) farm_checked_edited: String,
    /// The same farm for keepalived.
    pub(crate) keepalived_checked: String,
    /// The same with one weight changed.
    pub(crate) keepalived_checked_edited: String,
}

/// Whether real servers are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    None,
    Tcp,
}

impl Files {
    /// Writes them all.
    pub(crate) fn write(directory: &Path) -> Result<Self> {
        let files = Self {
            farm: directory.join("farm.yaml"),
            farm_edited: directory.join("edited.yaml"),
            farm_empty: directory.join("empty.yaml"),
            rules: directory.join("rules"),
            keepalived: directory.join("keepalived.conf"),
            keepalived_whole: keepalived(WEIGHT, Checks::None),
            keepalived_edited: keepalived(NEW_WEIGHT, Checks::None),
            farm_checked: farm(WEIGHT, Checks::Tcp),
            farm_checked_edited: farm(NEW_WEIGHT, Checks::Tcp),
            keepalived_checked: keepalived(WEIGHT, Checks::Tcp),
            keepalived_checked_edited: keepalived(NEW_WEIGHT, Checks::Tcp),
        };
        fs::write(&files.farm, farm(WEIGHT, Checks::None))?;
        fs::write(&files.farm_edited, farm(NEW_WEIGHT, Checks::None))?;
        fs::write(&files.farm_empty, "version: 1\nfarm: bench\n")?;
        fs::write(&files.rules, rules())?;
        Ok(files)
    }
}

/// The port of a service, counted from 0.
pub(crate) fn port_of(service: usize) -> u16 {
    u16::try_from(1_000 + service).unwrap_or(u16::MAX)
}

/// The real servers of a service, each with its weight; `edited` is the weight of the one that is
/// edited.
fn servers(service: usize, edited: u32) -> impl Iterator<Item = (Ipv4Addr, u32)> {
    (0..REAL_SERVERS).map(move |number| {
        let place = u32::try_from(service * REAL_SERVERS + number).unwrap_or(u32::MAX);
        let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 1)) + place);
        let is_edited = service == EDITED && number == 0;
        (address, if is_edited { edited } else { WEIGHT })
    })
}

fn farm(edited: u32, checks: Checks) -> String {
    let mut text = format!(
        "version: 1\nfarm: bench\nvips:\n  www: {{ addresses: [{VIP}/32], interface: {INTERFACE} }}\n"
    );
    if checks == Checks::Tcp {
        text.push_str("defaults: { check: { tcp: {}, interval: 1s, timeout: 1s, fall: 3 } }\n");
    }
    text.push_str("services:\n");
    for service in 0..SERVICES {
        let port = port_of(service);
        let _ = write!(
            text,
            "  service{service}:\n    vip: www\n    port: {port}\n    protocol: tcp\n    \
             scheduler: wlc\n    forwarding: nat\n    real_servers:\n"
        );
        for (address, weight) in servers(service, edited) {
            let _ = writeln!(
                text,
                "      - {{ address: {address}, port: 8080, weight: {weight} }}"
            );
        }
    }
    text
}

fn rules() -> String {
    let mut text = String::new();
    for service in 0..SERVICES {
        let key = format!("{VIP}:{}", port_of(service));
        let _ = writeln!(text, "-A -t {key} -s wlc");
        for (address, weight) in servers(service, WEIGHT) {
            let _ = writeln!(text, "-a -t {key} -r {address}:8080 -m -w {weight}");
        }
    }
    text
}

fn keepalived(edited: u32, checks: Checks) -> String {
    let mut text = String::new();
    for service in 0..SERVICES {
        let port = port_of(service);
        let _ = writeln!(
            text,
            "virtual_server {VIP} {port} {{\n    lb_algo wlc\n    lb_kind NAT\n    protocol TCP"
        );
        let check = match checks {
            Checks::None => "",
            Checks::Tcp => {
                text.push_str("    delay_loop 1\n");
                "        TCP_CHECK {\n            connect_timeout 1\n            retry 2\n            \
                 delay_before_retry 1\n        }\n"
            }
        };
        for (address, weight) in servers(service, edited) {
            let _ = writeln!(
                text,
                "    real_server {address} 8080 {{\n        weight {weight}\n{check}    }}"
            );
        }
        text.push_str("}\n");
    }
    text
}
