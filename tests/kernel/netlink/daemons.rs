//! Synchronisation daemons.

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{Client, Command, ForwardingMethod, Role, SyncDaemon};
use farmctl::netlink::route::NewAddress;

use super::{destination, done, ip, namespace, refused, service, web6};

/// A master with no wishes.
fn plain() -> SyncDaemon {
    SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 0,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    }
}

#[test]
fn sync_daemons_of_both_families_come_back_and_stop() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let master = SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 7,
        max_length: 1400,
        group: Some(ip("239.1.2.3")),
        port: 9000,
        ttl: 3,
    };
    let backup = SyncDaemon {
        role: Role::Backup,
        sync_id: 8,
        group: Some(ip("ff02::81")),
        ..master.clone()
    };
    done(
        &mut client,
        &[
            Command::NewDaemon(master.clone()),
            Command::NewDaemon(backup.clone()),
        ],
    );
    assert_eq!(client.daemons().unwrap(), [master.clone(), backup]);
    assert_eq!(
        refused(&mut client, &Command::NewDaemon(master.clone())),
        Errno::EEXIST
    );
    done(
        &mut client,
        &[
            Command::DelDaemon(Role::Master),
            Command::DelDaemon(Role::Backup),
        ],
    );
    assert_eq!(client.daemons().unwrap(), []);
    let nowhere = SyncDaemon {
        interface: "nonesuch".into(),
        ..master
    };
    assert_eq!(
        refused(&mut client, &Command::NewDaemon(nowhere)),
        Errno::ENODEV
    );
}

#[test]
fn a_sync_daemon_without_wishes_gets_the_kernels_defaults() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    done(&mut client, &[Command::NewDaemon(plain())]);
    let found = client.daemons().unwrap().remove(0);
    assert_eq!(
        (found.group, found.port, found.ttl),
        (Some(ip("224.0.0.81")), 8848, 1)
    );
    assert_ne!(found.max_length, 0);
    done(&mut client, &[Command::DelDaemon(Role::Master)]);
}

#[test]
fn a_mixed_tunnel_and_a_sync_daemon_exclude_each_other() {
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let mixed = Command::NewDestination(web6(), destination("10.1.0.1", ForwardingMethod::Tunnel));
    done(
        &mut client,
        &[Command::NewService(service(web6(), "rr")), mixed],
    );
    let daemon = Command::NewDaemon(SyncDaemon {
        role: Role::Master,
        interface: "lo".into(),
        sync_id: 1,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    });
    assert_eq!(refused(&mut client, &daemon), Errno::EINVAL);
}

#[test]
fn a_sync_daemon_that_is_stopped_before_it_first_ran_does_not_hold_up_the_answer() {
    // The kernel sends no answer at all to this deletion: kthread_stop() returns EINTR.
    let (mut route, lo) = namespace();
    route
        .add_address(&NewAddress::new(lo, ip("10.0.0.254"), 24))
        .unwrap();
    let mut client = Client::open().unwrap();
    let start = Command::NewDaemon(plain());
    let stop = Command::DelDaemon(Role::Master);
    done(&mut client, &[start, stop]);
    assert_eq!(client.daemons().unwrap(), []);
}
