//! Numbers of the namespace under `/proc/sys/net`.
//!
//! `/proc/sys/net` shows the network namespace of the thread that looks. Reading needs no
//! privilege. Called by the IPVS data plane and by the unprivileged reading.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use crate::state::{HostFacts, Setting, VsSysctl};

/// Where the file of a setting is; none for what netlink sets, and for what has no file.
pub(super) fn path(setting: &Setting) -> Option<PathBuf> {
    let net = PathBuf::from("/proc/sys/net");
    match setting {
        Setting::TimeoutTcp | Setting::TimeoutTcpFin | Setting::TimeoutUdp | Setting::HashSeed => {
            None
        }
        Setting::Vs(sysctl) => Some(net.join("ipv4/vs").join(sysctl.name())),
        Setting::ForwardV4 => Some(net.join("ipv4/ip_forward")),
        Setting::ForwardV6 => Some(net.join("ipv6/conf/all/forwarding")),
        // No interface has such a name; with it the path would lead elsewhere.
        Setting::PromoteSecondaries(name) if name.contains('/') || name == ".." => None,
        Setting::PromoteSecondaries(interface) => {
            let directory = net.join("ipv4/conf").join(interface);
            Some(directory.join("promote_secondaries"))
        }
    }
}

/// All numbers that this kernel has and that can be read.
pub(super) fn read_all(host: &HostFacts) -> BTreeMap<Setting, u64> {
    let interfaces = host.interfaces.keys().cloned();
    VsSysctl::ALL
        .into_iter()
        .map(Setting::Vs)
        .chain([Setting::ForwardV4, Setting::ForwardV6])
        .chain(interfaces.map(Setting::PromoteSecondaries))
        .filter_map(|setting| read(&setting).map(|value| (setting, value)))
        .collect()
}

fn read(setting: &Setting) -> Option<u64> {
    let text = fs::read_to_string(path(setting)?).ok()?;
    text.trim().parse().ok()
}

/// Writes a number into its file.
pub(super) fn write(setting: &Setting, value: u64) -> io::Result<()> {
    let path = path(setting).ok_or(io::ErrorKind::NotFound)?;
    // The file is the kernel's: never made where it is missing.
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    io::Write::write_all(&mut file, value.to_string().as_bytes())
}

/// Whether the setting is an IPVS time-out, which goes by netlink and not by a file.
pub(super) fn is_timeout(setting: &Setting) -> bool {
    matches!(
        setting,
        Setting::TimeoutTcp | Setting::TimeoutTcpFin | Setting::TimeoutUdp
    )
}
