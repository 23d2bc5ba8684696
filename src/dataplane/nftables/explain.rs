//! What nftables answers, in the operator's words.
//!
//! Pure; called by [`super::Nftables`].

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "there are some 130 error numbers; nftables answers with a few"
)]

use nix::errno::Errno;

use crate::dataplane::Error;
use crate::dataplane::explain::{lost, rights, unreadable};
use crate::netlink;
use crate::netlink::nft::Refused;
use crate::state::Change;

/// What to do where nf_tables is missing.
const WITHOUT: &str = "run `modprobe nf_tables`, or use a kernel with CONFIG_NF_TABLES and \
                       CONFIG_NF_TABLES_INET (Debian's linux-image-amd64 has them)";

/// The error of a data plane that could not be opened.
pub(super) fn unopened(error: &netlink::Error) -> Error {
    if let netlink::Error::FamilyMissing { .. } = error {
        return Error::NoNftables {
            reason: format!("it is not loaded; {WITHOUT}"),
        };
    }
    unreadable("the nftables tables", error)
}

/// The error of a transaction as a whole.
pub(super) fn uncommitted(error: &netlink::Error) -> Error {
    match error {
        netlink::Error::FamilyMissing { .. } => unopened(error),
        netlink::Error::Overrun => lost(error),
        _ => match error.errno() {
            Some(Errno::EPERM | Errno::EACCES) => rights("change the nftables tables"),
            _ => Error::Io {
                what: "change the nftables tables".to_owned(),
                reason: format!("{error}; nothing was changed"),
            },
        },
    }
}

/// The error of a change whose part of the transaction was refused.
pub(super) fn refused(change: &Change, refused: &Refused) -> Error {
    let what = change.to_string();
    if refused.errno == Errno::EPERM {
        return rights(&what);
    }
    let words = refused.message.as_deref();
    let words = words.map_or_else(String::new, |words| format!(" (the kernel says: {words})"));
    Error::Refused {
        what,
        reason: format!("{}{words}", reason(refused.errno)),
        errno: refused.errno as i32,
    }
}

fn reason(errno: Errno) -> String {
    let text = match errno {
        Errno::ENOENT | Errno::EEXIST | Errno::EBUSY | Errno::ESTALE => {
            "another program changed farmctl's tables meanwhile: run farmctl again"
        }
        Errno::EOPNOTSUPP | Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT => {
            "this kernel's nf_tables lacks a part that the service needs: a kernel with \
             CONFIG_NFT_NAT, NFT_MASQ, NFT_HASH, NFT_NUMGEN, NFT_CT, NFT_REJECT_INET and, for \
             direct_routing, CONFIG_NF_TABLES_NETDEV and NFT_FWD_NETDEV has it"
        }
        Errno::ENODEV => {
            "an interface that direct_routing needs is gone: put it back, or change the file"
        }
        Errno::ENOMEM | Errno::ENOSPC | Errno::ENFILE => "the kernel is out of memory for it",
        Errno::E2BIG | Errno::EINVAL | Errno::ERANGE => {
            "the kernel does not take one of its values; farmctl is tested with Linux 5.13 and later"
        }
        _ => return format!("{errno}, without a reason"),
    };
    text.to_owned()
}

/// The error of flows that could not be forgotten.
pub(super) fn not_forgotten(refused: &Refused) -> Error {
    Error::Refused {
        what: "forget the flows and clients that packets left behind".to_owned(),
        reason: reason(refused.errno),
        errno: refused.errno as i32,
    }
}

/// The error of a reset that was refused.
pub(super) fn not_killed(refused: &Refused) -> Error {
    Error::Refused {
        what: "reset the connections of removed real servers".to_owned(),
        reason: reason(refused.errno),
        errno: refused.errno as i32,
    }
}

/// The error of a change that nftables has nothing for.
pub(super) fn no_such_thing(change: &Change) -> Error {
    Error::Refused {
        what: change.to_string(),
        reason: "nftables has no connection synchronisation: leave `connection_sync` out of the \
                 file, or write `dataplane: ipvs`"
            .to_owned(),
        errno: Errno::EOPNOTSUPP as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Setting;

    fn change() -> Change {
        Change::SetSetting {
            setting: Setting::HashSeed,
            from: None,
            to: 7,
        }
    }

    fn told(errno: Errno) -> String {
        let refusal = Refused {
            operation: 0,
            element: None,
            errno,
            message: Some("the kernel's own words".to_owned()),
        };
        refused(&change(), &refusal).to_string()
    }

    #[test]
    fn a_kernel_without_nf_tables_is_told_with_what_to_do() {
        let missing = netlink::Error::FamilyMissing { name: "nf_tables" };
        for error in [unopened(&missing), uncommitted(&missing)] {
            assert!(matches!(error, Error::NoNftables { .. }), "{error}");
            assert!(error.to_string().contains("modprobe nf_tables"), "{error}");
        }
    }

    #[test]
    fn missing_rights_are_no_refusal() {
        let refusal = Refused {
            operation: 0,
            element: None,
            errno: Errno::EPERM,
            message: None,
        };
        let error = refused(&change(), &refusal);
        assert!(matches!(error, Error::Permission { .. }), "{error}");
        assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}");
    }

    #[test]
    fn a_refusal_names_the_change_the_reason_and_the_kernels_words() {
        for (errno, reason) in [
            (Errno::ENOENT, "another program"),
            (Errno::EOPNOTSUPP, "CONFIG_NFT_NAT"),
            (Errno::ENOMEM, "out of memory"),
            (Errno::EINVAL, "does not take one of its values"),
            (Errno::EIO, "without a reason"),
        ] {
            let told = told(errno);
            assert!(told.contains("set hash seed to 7"), "{told}");
            assert!(told.contains(reason), "{told}");
            assert!(told.contains("the kernel's own words"), "{told}");
        }
    }

    #[test]
    fn answers_that_were_lost_leave_it_open_what_was_done() {
        let told = uncommitted(&netlink::Error::Overrun).to_string();
        assert!(told.contains("some of them may be done"), "{told}");
    }
}
