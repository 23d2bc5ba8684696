//! What the kernel refuses, and what is told of it.

use std::process::Command;

use farmctl::dataplane::nftables::content;
use farmctl::dataplane::{Error, Failure, Nftables};
use farmctl::netlink::nft::{Client, Operation};
use farmctl::state::{Change, Protocol, Setting, SyncDaemon, SyncRole, plan};

use crate::bed::{Family, Node};
use crate::site::{Site, execute, observe};
use crate::wish::{Way, Wish, at, destination};

/// Set in the process that runs a test again without rights.
const WITHOUT_RIGHTS: &str = "FARMCTL_TEST_WITHOUT_RIGHTS";

#[test]
fn without_rights_nftables_is_not_opened_and_the_message_says_what_to_do() {
    if std::env::var_os(WITHOUT_RIGHTS).is_some() {
        let refused = Nftables::open().unwrap_err();
        assert!(matches!(refused, Error::Permission { .. }), "{refused}");
        assert!(refused.to_string().contains("CAP_NET_ADMIN"), "{refused}");
        return;
    }
    let this_test =
        "refusals::without_rights_nftables_is_not_opened_and_the_message_says_what_to_do";
    let this_program = std::env::current_exe().unwrap();
    // In a user namespace of its own a process is nobody to this network namespace.
    #[expect(
        clippy::disallowed_methods,
        reason = "only a process of its own can give up its rights"
    )]
    let output = Command::new("unshare")
        .args(["--user", "--"])
        .arg(this_program)
        .args(["--exact", this_test, "--nocapture"])
        .env(WITHOUT_RIGHTS, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("1 passed"), "{told}");
}

/// The errors of a batch, and the places of what was not done because of them.
fn causes(node: &Node, changes: &[Change]) -> (Vec<(usize, String)>, Vec<usize>) {
    let failures = execute(node, changes).unwrap();
    let (causes, others): (Vec<_>, Vec<_>) = failures.into_iter().partition(Failure::is_cause);
    (
        causes
            .into_iter()
            .map(|it| (it.index, it.error.to_string()))
            .collect(),
        others.into_iter().map(|it| it.index).collect(),
    )
}

fn services(wish: &Wish) -> Vec<Change> {
    let mut bare = wish.clone();
    bare.0.addresses.clear();
    bare.0.settings.retain(|it, _| *it == Setting::HashSeed);
    plan(&Wish::empty().0, &bare.0).changes
}

#[test]
fn what_nftables_cannot_do_is_refused_with_its_change_and_nothing_is_done() {
    let site = Site::new();
    let director = &site.farm.director;
    let family = Family::V4;
    let mut tunnel = Way::Nat.service(family, 81, "wrr", &[1]);
    for server in tunnel.destinations.values_mut() {
        server.forwarding = farmctl::state::Forwarding::Tunnel(farmctl::state::TunnelKind::Ipip);
    }
    let wish = Wish::balanced(Way::Nat, "wrr", [1, 2, 3])
        .serving(at(Protocol::Tcp, Way::Nat.vip(family), 81), tunnel);
    let changes = services(&wish);
    let (causes, not_done) = causes(director, &changes);
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].1.contains("tunnel"), "{causes:?}");
    assert_eq!(not_done.len(), changes.len() - 1);
    assert!(observe(director).unwrap().state.services.is_empty());
}

#[test]
fn a_server_of_direct_routing_that_no_network_has_is_refused_with_its_address() {
    let site = Site::new();
    let family = Family::V4;
    let way = Way::DirectRouting;
    let mut service = way.service(family, 80, "wrr", &[1]);
    let far = farmctl::state::DestinationKey {
        address: [203, 0, 113, 9].into(),
        port: 80,
    };
    service
        .destinations
        .insert(far, destination(way.forwarding(), 1));
    let wish = Wish::new().serving(at(Protocol::Tcp, way.vip(family), 80), service);
    let (causes, _) = causes(&site.farm.director, &services(&wish));
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].1.contains("203.0.113.9"), "{causes:?}");
}

#[test]
fn connection_synchronisation_is_refused() {
    let node = Node::new("director");
    let daemon = SyncDaemon {
        interface: "lo".to_owned(),
        id: 1,
        max_length: 0,
        group: [224, 0, 0, 81].into(),
        port: 8848,
        ttl: 1,
    };
    let role = SyncRole::Master;
    let (causes, _) = causes(&node, &[Change::StartSync { role, daemon }]);
    assert_eq!(causes.len(), 1);
    assert!(causes[0].1.contains("connection_sync"), "{causes:?}");
}

#[test]
fn an_interface_that_is_not_there_is_named_and_what_comes_before_is_done() {
    let node = Node::new("director");
    let mut wish = Wish::balanced(Way::Nat, "wrr", [1, 2, 3]);
    wish.0.settings.retain(|it, _| *it == Setting::HashSeed);
    let changes = plan(&Wish::empty().0, &wish.0).changes;
    let (causes, not_done) = causes(&node, &changes);
    assert_eq!(causes.len(), 2, "an address of each family");
    assert!(causes[0].1.contains("no interface `uplink`"), "{causes:?}");
    assert_eq!(not_done, Vec::<usize>::new());
    assert_eq!(observe(&node).unwrap().state.services.len(), 2);
}

#[test]
fn a_setting_that_is_refused_stops_everything_after_it() {
    let node = Node::new("director");
    let mut changes = vec![Change::SetSetting {
        setting: Setting::PromoteSecondaries("nosuch0".to_owned()),
        from: None,
        to: 1,
    }];
    changes.extend(services(&Wish::balanced(Way::Nat, "wrr", [1, 2, 3])));
    let (causes, not_done) = causes(&node, &changes);
    assert_eq!(causes.len(), 1);
    assert!(causes[0].1.contains("nosuch0"), "{causes:?}");
    assert_eq!(not_done.len(), changes.len() - 1);
    assert!(observe(&node).unwrap().state.services.is_empty());
}

/// What this plane knows of the tables is old: the kernel refuses what does not fit, and the next
/// look finds out.
#[test]
fn tables_that_went_between_the_look_and_the_write_are_told_and_made_by_the_next_run() {
    use farmctl::dataplane::Dataplane;
    let node = Node::new("director");
    node.run(|| {
        let mut plane = Nftables::open().unwrap();
        let wish = Wish::balanced(Way::Nat, "wrr", [1, 2, 3]);
        assert_eq!(plane.execute(&services(&wish)).unwrap(), Vec::new());
        let gone = Operation::DeleteTable(content::inet());
        assert_eq!(Client::open().unwrap().commit(&[gone]).unwrap(), Vec::new());
        let mut bare = wish.clone();
        bare.0.addresses.clear();
        bare.0.settings.retain(|it, _| *it == Setting::HashSeed);
        let edited = bare.clone().reweighted([Some(7), Some(2), None]);
        let changes = plan(&bare.0, &edited.0).changes;
        let failures = plane.execute(&changes).unwrap();
        let told = failures.iter().find(|it| it.is_cause()).unwrap();
        assert!(
            told.error.to_string().contains("another program"),
            "{told:?}"
        );
        let mut seen = plane.observe().unwrap().state;
        seen.settings.clear();
        seen.addresses.clear();
        let again = plan(&seen, &edited.0).changes;
        assert_eq!(plane.execute(&again).unwrap(), Vec::new());
        assert_eq!(plane.observe().unwrap().state.services, edited.0.services);
    });
}
