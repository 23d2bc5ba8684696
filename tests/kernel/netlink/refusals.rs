//! What the kernel refuses, and by which number.

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{
    Client, Command, Destination, DestinationId, ForwardingMethod, Protocol, Role, TUNNEL_GUE,
    Tunnel,
};

use super::{at, destination, done, fresh, ip, leave_the_namespace, nat, refused, service, web};

#[test]
fn refusals_have_the_documented_error_numbers() {
    let mut client = fresh();
    let real = nat("10.1.0.1");
    let other = at(Protocol::Tcp, "10.0.0.9", 80);
    done(
        &mut client,
        &[
            Command::NewService(service(web(), "rr")),
            Command::NewDestination(web(), real),
        ],
    );
    let inverted = Destination {
        upper_threshold: 5,
        lower_threshold: 9,
        ..real
    };
    let too_heavy = Destination {
        weight: u32::MAX,
        ..real
    };
    let missing = DestinationId {
        address: ip("10.1.0.9"),
        port: 80,
    };
    let portless = Tunnel {
        kind: TUNNEL_GUE,
        port: 0,
        flags: 0,
    };
    let gue = Destination {
        tunnel: portless,
        ..destination("10.1.0.3", ForwardingMethod::Tunnel)
    };
    for (command, expected) in [
        (Command::NewService(service(web(), "rr")), Errno::EEXIST),
        (
            Command::NewService(service(other, "nonesuch")),
            Errno::ENOENT,
        ),
        (Command::SetService(service(other, "rr")), Errno::ESRCH),
        (Command::DelService(other), Errno::ESRCH),
        (Command::Zero(Some(other)), Errno::ESRCH),
        (Command::NewDestination(other, real), Errno::ESRCH),
        (Command::NewDestination(web(), real), Errno::EEXIST),
        (
            Command::SetDestination(web(), nat("10.1.0.9")),
            Errno::ENOENT,
        ),
        (Command::DelDestination(web(), missing), Errno::ENOENT),
        (Command::SetDestination(web(), inverted), Errno::ERANGE),
        (Command::SetDestination(web(), too_heavy), Errno::ERANGE),
        (
            Command::NewDestination(web(), nat("224.0.0.1")),
            Errno::EINVAL,
        ),
        (
            Command::NewDestination(web(), nat("fd01::1")),
            Errno::EINVAL,
        ),
        (Command::NewDestination(web(), gue), Errno::EINVAL),
        (Command::DelDaemon(Role::Master), Errno::ESRCH),
    ] {
        assert_eq!(refused(&mut client, &command), expected, "{command:?}");
    }
}

#[test]
fn a_destination_is_refused_while_lo_is_down() {
    leave_the_namespace();
    let mut client = Client::open().unwrap();
    done(&mut client, &[Command::NewService(service(web(), "rr"))]);
    let command = Command::NewDestination(web(), nat("10.1.0.1"));
    assert_eq!(refused(&mut client, &command), Errno::EINVAL);
}
