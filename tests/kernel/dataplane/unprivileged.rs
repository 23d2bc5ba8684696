//! What can be seen without any right.

use std::os::unix::process::CommandExt;
use std::process::Command;

use farmctl::dataplane::{
    Dataplane, Error, Ipvs, Preflight, observe_best, observe_unprivileged, rehearse,
};
use farmctl::spec::DataplaneKind;

use super::{fresh, make, rich};
use crate::bed::Node;

/// The user that owns nothing.
const NOBODY: u32 = 65_534;
/// Set in the process that runs a test again as nobody.
const AS_NOBODY: &str = "FARMCTL_TEST_AS_NOBODY";

/// The kernel loses its place in `/proc/net/ip_vs` where another namespace has services too.
fn another_namespace_with_services() -> Node {
    let other = Node::new("other");
    other.run(|| make(&mut Ipvs::open().unwrap(), &rich()));
    other
}

#[test]
fn proc_tells_the_same_as_netlink_of_what_it_shows() {
    let _other = another_namespace_with_services();
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let full = ipvs.observe().unwrap();
    let mut seen = observe_unprivileged().unwrap();
    seen.fill_blind_spots(&full.state);
    assert_eq!(seen.state.services, full.state.services);
    assert_eq!(seen.state, full.state);
    assert_eq!(seen.host, full.host);
}

#[test]
fn without_rights_netlink_refuses_and_proc_tells_what_it_can() {
    if std::env::var_os(AS_NOBODY).is_some() {
        let refused = Ipvs::open()
            .and_then(|mut ipvs| ipvs.observe())
            .unwrap_err();
        assert!(matches!(refused, Error::Permission { .. }), "{refused}");
        let mut seen = observe_best(DataplaneKind::Ipvs).unwrap();
        assert!(!seen.blind_spots.is_empty());
        seen.fill_blind_spots(&rich());
        assert_eq!(seen.state.services, rich().services);
        let Preflight::Skipped { reason } = rehearse(&seen.state, &seen.host, &[]) else {
            panic!("nobody may not make a namespace");
        };
        assert!(reason.contains("CAP_SYS_ADMIN"), "{reason}");
        return;
    }
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let this_test = "dataplane::unprivileged::\
                     without_rights_netlink_refuses_and_proc_tells_what_it_can";
    #[expect(
        clippy::disallowed_methods,
        reason = "only a process of its own can give up its rights"
    )]
    let again = Command::new("/proc/self/exe")
        .args(["--exact", this_test, "--nocapture"])
        .env(AS_NOBODY, "1")
        .gid(NOBODY)
        .uid(NOBODY)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{again:?}");
    assert!(told.contains("1 passed"), "{told}");
}
