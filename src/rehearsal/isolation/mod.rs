//! What keeps a rehearsal to itself: namespaces, and file systems that cannot be written.
//!
//! ```text
//!   the command -> the gate: unshares, and waits -> the stage: first process of its namespaces
//! ```
//!
//! [`unshare`] is the gate's part: user (where not refused), mount, network, pid, ipc and uts
//! namespaces for its next child. [`close`] is the stage's: every file system read-only, fresh ones
//! where programs write, a `/proc` of its own whose sysctls can be written only as far as they are the
//! network namespace's, a `/dev` with nothing that could do harm. [`seal`] keeps it so. The death of the parent is the death of the child, and
//! the death of a pid namespace's first process that of everything in it: nothing outlives a
//! rehearsal, however it ends.

mod mounts;

use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{getegid, geteuid, getppid};

pub use mounts::close;

/// Why a rehearsal cannot be kept to itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel makes no namespaces for this user.
    #[error(
        "a rehearsal needs namespaces of its own, and the kernel makes none here: {reason}. {help}"
    )]
    NoNamespaces {
        /// The kernel's reason.
        reason: Errno,
        /// What to do.
        help: String,
    },
    /// The new user namespace cannot be set up.
    #[error("the rehearsal's user namespace can't be set up: {path}: {source}. {help}")]
    NoUser {
        /// The file that could not be written.
        path: &'static str,
        /// The system's reason.
        source: io::Error,
        /// What to do.
        help: String,
    },
    /// A file system cannot be mounted or made read-only.
    #[error("the rehearsal can't be shut off from the file systems: {what}: {reason}. {help}")]
    Mount {
        /// What was tried.
        what: String,
        /// The kernel's reason.
        reason: Errno,
        /// What to do.
        help: String,
    },
    /// A file of the rehearsal's own cannot be made.
    #[error("the rehearsal can't make {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Whoever started this process is gone.
    #[error("the command that started this rehearsal is gone")]
    Orphaned,
}

/// What the stage needs of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privilege {
    /// None: a user namespace will do, and keeps root out too.
    Namespaced,
    /// Real root: ip_vs takes orders from nobody else.
    Root,
}

impl Privilege {
    /// Its word on the hidden commands' line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Namespaced => "namespaced",
            Self::Root => "root",
        }
    }
}

/// Has this process die with the one that started it.
///
/// [`Error::Orphaned`] where that one is gone already. `parent` is its number; in a pid namespace of
/// its own a process cannot know it, and its input's end tells.
pub fn die_with(parent: Option<i32>) -> Result<(), Error> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(|_| Error::Orphaned)?;
    match parent {
        Some(parent) if getppid().as_raw() != parent => Err(Error::Orphaned),
        _ => Ok(()),
    }
}

/// Moves this process into new namespaces, and its next child into a new pid namespace. This
/// process must have one thread, and afterwards can start no other. Returns what it came to.
pub fn unshare(privilege: Privilege) -> Result<Privilege, Error> {
    let all = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    let (uid, gid) = (geteuid(), getegid());
    if privilege == Privilege::Namespaced {
        match nix::sched::unshare(all | CloneFlags::CLONE_NEWUSER) {
            Ok(()) => return map(uid.as_raw(), gid.as_raw()).map(|()| privilege),
            // Real root can do without, where user namespaces are switched off.
            Err(_) if uid.is_root() => {}
            Err(reason) => return Err(refused(reason)),
        }
    }
    nix::sched::unshare(all).map_err(refused)?;
    Ok(Privilege::Root)
}

/// Seals what [`close`] made: in a further user namespace nobody can take back what was mounted
/// before it or make it writable (mount_namespaces(7)). Real root, who could, is not stopped.
pub fn seal(privilege: Privilege) -> Result<(), Error> {
    match privilege {
        Privilege::Root => Ok(()),
        Privilege::Namespaced => {
            let (uid, gid) = (geteuid(), getegid());
            nix::sched::unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
                .map_err(refused)?;
            map(uid.as_raw(), gid.as_raw())
        }
    }
}

/// This user is root inside (user_namespaces(7)).
fn map(uid: u32, gid: u32) -> Result<(), Error> {
    let files = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    for (path, text) in files {
        fs::write(path, text).map_err(|source| Error::NoUser {
            path,
            source,
            help: help(),
        })?;
    }
    Ok(())
}

fn refused(reason: Errno) -> Error {
    Error::NoNamespaces {
        reason,
        help: help(),
    }
}

/// What to do where the kernel refuses namespaces: the switch that is off, else all that could be.
fn help() -> String {
    help_for(|path| fs::read_to_string(path).ok())
}

fn help_for(read: impl Fn(&str) -> Option<String>) -> String {
    let number = |name: &str| {
        let text = read(
            Path::new("/proc/sys")
                .join(name.replace('.', "/"))
                .to_str()?,
        )?;
        text.trim().parse::<u64>().ok()
    };
    if number("user.max_user_namespaces") == Some(0) {
        return "User namespaces are switched off: sysctl user.max_user_namespaces=15000, or run \
                it as root"
            .to_owned();
    }
    if number("kernel.unprivileged_userns_clone") == Some(0) {
        return "Only root may make them: sysctl kernel.unprivileged_userns_clone=1, or run it as \
                root"
            .to_owned();
    }
    if number("kernel.apparmor_restrict_unprivileged_userns").is_some_and(|it| it != 0) {
        return "AppArmor keeps them from this program: sysctl \
                kernel.apparmor_restrict_unprivileged_userns=0, or run it as root"
            .to_owned();
    }
    "Run it as root; in a container, let it make namespaces (docker: --privileged, or a seccomp \
     profile that allows unshare and mount)"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help_where(sysctl: &'static str, value: &'static str) -> String {
        help_for(move |path| (path == sysctl).then(|| value.to_owned()))
    }

    #[test]
    fn the_switch_that_is_off_is_named() {
        let off = help_where("/proc/sys/user/max_user_namespaces", "0\n");
        assert!(
            off.contains("sysctl user.max_user_namespaces=15000"),
            "{off}"
        );
        let off = help_where("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
        assert!(
            off.contains("sysctl kernel.unprivileged_userns_clone=1"),
            "{off}"
        );
        let off = help_where(
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1\n",
        );
        assert!(
            off.contains("kernel.apparmor_restrict_unprivileged_userns=0"),
            "{off}"
        );
    }

    #[test]
    fn where_no_switch_is_off_a_container_is_suspected() {
        let help = help_where("/proc/sys/user/max_user_namespaces", "15000\n");
        assert!(help.contains("in a container"), "{help}");
    }
}
