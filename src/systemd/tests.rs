use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::clock::Moment;

use super::*;

fn listener() -> (tempfile::TempDir, UnixDatagram, Notifier) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let limit = Some(Duration::from_secs(30));
    socket.set_read_timeout(limit).unwrap();
    (folder, socket, Notifier::to(&path.into_os_string()))
}

fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn each_state_is_one_datagram_of_its_own() {
    let (_folder, socket, notifier) = listener();
    notifier.ready();
    assert_eq!(heard(&socket), "READY=1");
    notifier.status("3 of 4 real servers\nare up");
    assert_eq!(heard(&socket), "STATUS=3 of 4 real servers are up");
    notifier.alive();
    assert_eq!(heard(&socket), "WATCHDOG=1");
    notifier.stopping();
    assert_eq!(heard(&socket), "STOPPING=1");
}

#[test]
fn a_reload_is_told_with_the_monotonic_time_that_systemd_wants() {
    let (_folder, socket, notifier) = listener();
    let before = SystemClock.monotonic().as_micros();
    notifier.reloading();
    let text = heard(&socket);
    let micros = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    let micros: u128 = micros.parse().unwrap();
    assert!((before..=SystemClock.monotonic().as_micros()).contains(&micros));
}

#[test]
fn a_name_with_an_at_sign_is_in_the_abstract_namespace() {
    let name = format!("farmctl-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    Notifier::to(&format!("@{name}").into()).ready();
    assert_eq!(heard(&socket), "READY=1");
}

#[test]
fn nothing_fails_without_a_manager_and_with_one_that_is_gone() {
    Notifier::default().ready();
    assert!(!Notifier::default().is_there());
    assert!(!Notifier::to(&"vsock:2:1".into()).is_there());
    let (folder, socket, notifier) = listener();
    drop((folder, socket));
    notifier.ready();
    assert!(notifier.is_there());
}

#[test]
fn a_manager_that_reads_nothing_holds_nobody_up() {
    let (_folder, socket, notifier) = listener();
    for _ in 0..100_000 {
        notifier.alive();
    }
    assert_eq!(heard(&socket), "WATCHDOG=1");
}

#[test]
fn the_watchdog_is_for_the_process_that_it_names() {
    let some = |text: &str| Some(text.to_owned());
    let half_minute = Some(Duration::from_secs(30));
    assert_eq!(interval_of(some("30000000"), None, 7), half_minute);
    assert_eq!(interval_of(some("30000000"), some("7"), 7), half_minute);
    assert_eq!(interval_of(some("30000000"), some("8"), 7), None);
    assert_eq!(interval_of(some("0"), None, 7), None);
    assert_eq!(interval_of(some("soon"), None, 7), None);
    assert_eq!(interval_of(None, None, 7), None);
}

fn at(seconds: u64) -> Moment {
    Moment::since_boot(Duration::from_secs(seconds))
}

/// keepalived #2523 and #1773: a checker froze and nobody noticed.
#[test]
fn a_loop_that_does_not_beat_within_its_bound_is_named() {
    let mut watchdog = Watchdog::default();
    let core = watchdog.watch("core", Duration::from_secs(10), at(100));
    let keeper = watchdog.watch("keeper", Duration::from_secs(60), at(100));
    assert_eq!(watchdog.judge(at(110)), []);
    core.beat(at(110));
    keeper.beat(at(101));
    assert_eq!(watchdog.judge(at(120)), []);
    let frozen = watchdog.judge(at(121));
    assert_eq!(frozen[0].to_string(), "core has not moved for 11 s");
    assert_eq!(frozen.len(), 1);
    core.beat(at(122));
    assert_eq!(watchdog.judge(at(122)), []);
    assert_eq!(watchdog.judge(at(500)).len(), 2);
}

#[test]
fn a_loop_that_waits_for_work_may_wait_for_ever() {
    let mut watchdog = Watchdog::default();
    let keeper = watchdog.watch("keeper", Duration::from_secs(10), at(0));
    keeper.rest();
    assert_eq!(watchdog.judge(at(1_000_000)), []);
    keeper.beat(at(1_000_000));
    assert_eq!(watchdog.judge(at(1_000_011)).len(), 1);
}

#[test]
fn a_loop_that_dies_is_frozen_and_one_that_finishes_is_not() {
    let mut watchdog = Watchdog::default();
    let keeper = watchdog.watch("keeper", Duration::from_secs(10), at(0));
    let runner = watchdog.watch("runner", Duration::from_secs(10), at(0));
    runner.finish();
    drop(keeper);
    let frozen = watchdog.judge(at(1));
    assert_eq!(frozen.len(), 1);
    assert_eq!(frozen[0].to_string(), "keeper is gone");
    let again = watchdog.watch("keeper", Duration::from_secs(10), at(1));
    again.beat(at(2));
    assert_eq!(watchdog.judge(at(3)), []);
}

#[test]
fn the_manager_hears_of_life_only_while_every_loop_turns() {
    let (_folder, socket, notifier) = listener();
    let guard = Guard::start(notifier, Some(Duration::from_millis(40)));
    assert_eq!(heard(&socket), "WATCHDOG=1");
    drop(guard.watch("keeper", Duration::from_secs(10)));
    let said = std::iter::repeat_with(|| heard(&socket)).find(|text| text != "WATCHDOG=1");
    assert_eq!(said.as_deref(), Some("STATUS=Frozen: keeper is gone"));
    assert_eq!(guard.frozen()[0].name, "keeper");
    let silence = Some(Duration::from_millis(400));
    socket.set_read_timeout(silence).unwrap();
    assert!(
        socket.recv(&mut [0; 64]).is_err(),
        "no sign of life any more"
    );
    let again = guard.watch("keeper", Duration::from_secs(10));
    let said = std::iter::repeat_with(|| heard(&socket)).find(|text| text.starts_with("STATUS"));
    assert_eq!(said.as_deref(), Some("STATUS=The loop keeper moves again"));
    again.finish();
}
