//! The file systems as the stage sees them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};

use super::Error;

/// Where programs write, and so what is empty and the rehearsal's own. Those that are not there are
/// left out.
const FRESH: [&str; 5] = ["/run", "/tmp", "/var/tmp", "/var/lib/farmctl", "/dev"];
/// What is in the new `/dev`.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// The only sysctls that can be written: they belong to the network namespace.
const NETWORK: &str = "/proc/sys/net";
/// Parts of `/proc` that belong to the whole machine, without `/proc/sys`.
const MACHINE: [&str; 9] = [
    "acpi",
    "asound",
    "bus",
    "driver",
    "fs",
    "irq",
    "mtrr",
    "scsi",
    "sysrq-trigger",
];
/// Where the devices wait while `/dev` is exchanged.
const ASIDE: &str = "/run/devices";

/// Shuts this process's mount namespace off. `state` is a further directory that is to be empty.
pub fn close(state: &Path) -> Result<(), Error> {
    change("every mount", "/", MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
    let options = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    put("a /proc of its own", "proc", "/proc", options)?;
    put_fresh("/run")?;
    set_devices_aside()?;
    for path in FRESH.into_iter().skip(1) {
        put_fresh(path)?;
    }
    if let Some(state) = state.to_str().filter(|_| state.is_absolute()) {
        put_fresh(state)?;
    }
    bring_devices_back()?;
    for name in MACHINE.into_iter().chain(["sys"]) {
        let path = format!("/proc/{name}");
        if Path::new(&path).exists() {
            bind(&path, &path)?;
        }
    }
    bind(NETWORK, NETWORK)?;
    lock()
}

/// An empty file system at a directory; nothing where there is no such directory.
fn put_fresh(path: &str) -> Result<(), Error> {
    if !Path::new(path).is_dir() {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    put(&format!("an empty {path}"), "tmpfs", path, flags)
}

fn set_devices_aside() -> Result<(), Error> {
    make_dir(ASIDE)?;
    for device in DEVICES {
        let (from, to) = (format!("/dev/{device}"), format!("{ASIDE}/{device}"));
        if Path::new(&from).exists() {
            File::create(&to).map_err(failed(&to))?;
            bind(&from, &to)?;
        }
    }
    Ok(())
}

fn bring_devices_back() -> Result<(), Error> {
    for device in DEVICES {
        let (from, to) = (format!("{ASIDE}/{device}"), format!("/dev/{device}"));
        if Path::new(&from).exists() {
            File::create(&to).map_err(failed(&to))?;
            mount(
                Some(from.as_str()),
                to.as_str(),
                None::<&str>,
                MsFlags::MS_MOVE,
                None::<&str>,
            )
            .map_err(refused("a device", &to))?;
        }
    }
    make_dir("/dev/shm")?;
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    for (name, to) in links {
        let path = format!("/dev/{name}");
        symlink(to, &path).map_err(failed(&path))?;
    }
    Ok(())
}

fn make_dir(path: &str) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(failed(path))
}

fn failed(path: &str) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// Makes everything read-only that is not the rehearsal's own.
fn lock() -> Result<(), Error> {
    let table =
        fs::read_to_string("/proc/self/mountinfo").map_err(failed("/proc/self/mountinfo"))?;
    for line in table.lines() {
        let Some(seen) = Seen::read(line) else {
            continue;
        };
        if seen.is_ours() {
            continue;
        }
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | seen.flags;
        match change("a read-only file system", &seen.path, flags) {
            // Nobody gets there: below a directory that this user can't enter, or covered.
            Err(Error::Mount {
                reason: Errno::EACCES | Errno::ENOENT | Errno::EINVAL | Errno::ENOTDIR,
                ..
            }) => {}
            other => other?,
        }
    }
    Ok(())
}

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    path: String,
    /// Its own options, which a mount that is inherited must keep.
    flags: MsFlags,
}

impl Seen {
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split(' ').skip(4);
        let path = unescape(fields.next()?);
        let flags = fields.next()?.split(',').map(flag).collect();
        Some(Self { path, flags })
    }

    /// Whether the rehearsal itself mounted it to be written.
    fn is_ours(&self) -> bool {
        let path = Path::new(&self.path);
        path == Path::new(NETWORK)
            || path == Path::new("/proc")
            || FRESH.iter().any(|fresh| path.starts_with(fresh))
    }
}

fn flag(word: &str) -> MsFlags {
    match word {
        "nosuid" => MsFlags::MS_NOSUID,
        "nodev" => MsFlags::MS_NODEV,
        "noexec" => MsFlags::MS_NOEXEC,
        "noatime" => MsFlags::MS_NOATIME,
        "nodiratime" => MsFlags::MS_NODIRATIME,
        "relatime" => MsFlags::MS_RELATIME,
        _ => MsFlags::empty(),
    }
}

/// Blanks and the like are written as `\040`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let code = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let (b'\\', Some(code)) = (first, code) {
            bytes.push(code);
            rest = &after[3..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn put(what: &str, kind: &str, path: &str, flags: MsFlags) -> Result<(), Error> {
    mount(Some(kind), path, Some(kind), flags, None::<&str>).map_err(refused(what, path))
}

fn bind(from: &str, to: &str) -> Result<(), Error> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(refused(&format!("{from} at {to}"), to))
}

/// Changes a mount that is there.
fn change(what: &str, path: &str, flags: MsFlags) -> Result<(), Error> {
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>).map_err(refused(what, path))
}

fn refused(what: &str, path: &str) -> impl FnOnce(Errno) -> Error {
    let what = format!("{what} ({path})");
    move |reason| Error::Mount {
        what,
        reason,
        help: super::help(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_keeps_the_options_that_it_has() {
        let line = r"36 35 98:0 /mnt1 /mnt\040two rw,noexec,relatime master:1 - ext3 /dev/root rw";
        let expected = Seen {
            path: "/mnt two".to_owned(),
            flags: MsFlags::MS_NOEXEC | MsFlags::MS_RELATIME,
        };
        assert_eq!(Seen::read(line), Some(expected));
    }

    #[test]
    fn what_the_rehearsal_mounted_stays_writable() {
        let ours = |path: &str| {
            let path = path.to_owned();
            Seen {
                path,
                flags: MsFlags::empty(),
            }
            .is_ours()
        };
        assert!(ours("/proc/sys/net") && ours("/run") && ours("/dev/null"));
        assert!(!ours("/proc/sys") && !ours("/") && !ours("/runtime"));
    }
}
