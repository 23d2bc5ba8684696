//! Finding `ip_vs` in the kernel, and loading it where it is missing.
//!
//! Asking for the netlink family makes a kernel load the module by itself; where that does not
//! help, modprobe is tried once. Called when the data plane is opened.

use std::fs;

use crate::dataplane::Error;
use crate::dataplane::explain::unreadable;
use crate::netlink;
use crate::netlink::ipvs::Client;

/// Where the kernel says which program loads modules.
const LOADER: &str = "/proc/sys/kernel/modprobe";

/// A client of the kernel's IPVS.
pub(super) fn client() -> Result<Client, Error> {
    match Client::open() {
        Err(netlink::Error::FamilyMissing { .. }) => {}
        other => return other.map_err(|error| unreadable("the IPVS table", &error)),
    }
    let tried = load();
    let opened = Client::open();
    if let Err(netlink::Error::FamilyMissing { .. }) = opened {
        return Err(Error::NoIpvs {
            reason: format!(
                "{tried}. Run `modprobe ip_vs` as root; on a kernel without that module write \
                 `directors: {{ dataplane: nftables }}`, or install one that has it (CONFIG_IP_VS; \
                 Debian's linux-image-amd64 does)"
            ),
        });
    }
    opened.map_err(|error| unreadable("the IPVS table", &error))
}

/// Runs modprobe where there is one; says what came of it.
fn load() -> String {
    let program = fs::read_to_string(LOADER).unwrap_or_default();
    let program = program.trim();
    if program.is_empty() || !fs::exists(program).unwrap_or(false) {
        return "it is not loaded, and there is no modprobe to load it".to_owned();
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no other way to ask for a module by name; this is the only process that \
                  the data plane starts"
    )]
    let output = std::process::Command::new(program)
        .args(["--quiet", "ip_vs"])
        .output();
    match output {
        Err(error) => format!("it is not loaded, and {program} could not be run: {error}"),
        Ok(output) if output.status.success() => {
            format!("`{program} ip_vs` said that it did, yet the kernel does not have it")
        }
        Ok(output) => format!(
            "it is not loaded, and `{program} ip_vs` failed ({})",
            output.status
        ),
    }
}
