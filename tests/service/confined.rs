//! farmctl with the file system and the capabilities that the unit leaves it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::unit::values;

const FARM: &str = "
version: 1
farm: confined
nodes:
  lb1: { address: 10.9.0.1/24, interface: eth0 }
directors:
  members: [lb1]
  dataplane: nftables
vips:
  www: { addresses: [10.9.0.80/24] }
services:
  http:
    vip: www
    port: 80
    forwarding: nat
    real_servers:
      - { address: 10.9.0.11 }
      - { address: 10.9.0.12 }
";

/// As systemd mounts it: everything read-only but the state directory and /proc/sys/net, and of the
/// capabilities only those of the unit.
const CONFINED: &str = r#"
set -e
mount --make-rprivate /
ip link set lo up
ip link add eth0 type veth peer name far
ip address add 10.9.0.1/24 dev eth0
ip link set far up
ip link set eth0 up
mount --bind "$STATE" "$STATE"
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
! touch "$FOLDER/probe" 2>/dev/null || { echo "the file system can be written"; exit 70; }
! echo 1 2>/dev/null > /proc/sys/kernel/panic || { echo "/proc/sys can be written"; exit 70; }
exec setpriv --bounding-set="$KEPT" --inh-caps=-all --no-new-privs -- "$@"
"#;

/// The unit's capabilities as setpriv(1) writes them.
fn kept() -> String {
    let set = values("CapabilityBoundingSet").join(" ");
    let each = set
        .split_whitespace()
        .map(|name| name.trim_start_matches("CAP_").to_lowercase());
    each.fold("-all".to_owned(), |all, name| format!("{all},+{name}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "farmctl itself, confined, is what is tested"
)]
fn command(folder: &Path, kept: &str, arguments: &[&str]) -> Command {
    let state = folder.join("state");
    fs::create_dir_all(&state).expect("a state directory");
    fs::write(folder.join("farm.yaml"), FARM).expect("written");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net", "--mount"])
        .args(["bash", "-c", CONFINED, "confined"])
        .args(arguments)
        .env("STATE", &state)
        .env("FOLDER", folder)
        .env("KEPT", kept)
        .env("FARMCTL_STATE_DIR", &state)
        .env("FARMCTL_FILE", folder.join("farm.yaml"))
        .env("FARMCTL_NODE", "lb1");
    command
}

fn confined(folder: &Path, kept: &str, arguments: &[&str]) -> Output {
    let output = command(folder, kept, arguments).output();
    output.expect("unshare, setpriv, ip: `make tools` installs them")
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn the_rights_of_the_unit_are_enough_to_apply_a_farm() {
    let folder = tempfile::tempdir().expect("a folder");
    let farmctl = env!("CARGO_BIN_EXE_farmctl");
    let twice = format!(
        "{farmctl} apply && {farmctl} diff && cat /proc/sys/net/ipv4/ip_forward && grep CapBnd /proc/self/status"
    );
    let output = confined(folder.path(), &kept(), &["bash", "-c", &twice]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("changes made and read back"), "{said}");
    assert!(
        said.contains("0000000000203000"),
        "NET_ADMIN, NET_RAW and SYS_ADMIN, no more: {said}"
    );
}

#[test]
fn without_net_admin_it_would_not_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let fewer = kept().replace(",+net_admin", "");
    let output = confined(
        folder.path(),
        &fewer,
        &[env!("CARGO_BIN_EXE_farmctl"), "apply"],
    );
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("CAP_NET_ADMIN"), "{}", said(&output));
}

/// What the service manager hears until a datagram begins so.
fn heard(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !all.iter().any(|text: &String| text.starts_with(wanted)) {
        let length = socket.recv(&mut buffer);
        let length = length.unwrap_or_else(|error| panic!("no {wanted} after {all:?}: {error}"));
        all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    all
}

#[test]
fn the_daemon_gets_ready_lives_and_stops_with_the_rights_of_the_unit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let patience = Some(Duration::from_secs(60));
    socket.set_read_timeout(patience).expect("a time-out");
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let mut daemon = command(
        folder.path(),
        &kept(),
        &[env!("CARGO_BIN_EXE_farmctl"), "daemon"],
    )
    .env("NOTIFY_SOCKET", &path)
    .env("WATCHDOG_USEC", "400000")
    .stdin(Stdio::null())
    .stderr(log)
    .spawn()
    .expect("unshare");
    // unshare, bash and setpriv become farmctl: the number stays.
    let number = Pid::from_raw(i32::try_from(daemon.id()).expect("a number"));
    heard(&socket, "READY=1");
    heard(&socket, "WATCHDOG=1");
    kill(number, Signal::SIGTERM).expect("it is there");
    heard(&socket, "STOPPING=1");
    let status = daemon.wait().expect("its end");
    let log = fs::read_to_string(folder.path().join("log")).expect("the log");
    assert!(status.success(), "{status}\n{log}");
    assert!(
        log.contains("target=farmctl::event") && log.contains("kind=converged"),
        "{log}"
    );
}
