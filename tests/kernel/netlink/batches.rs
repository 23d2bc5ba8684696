//! Many commands at once, large tables, and the commands that are not about one entry.

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{Command, Destination, DestinationId, Protocol, Timeouts};

use super::{at, done, fresh, nat, service, services, web, web6};

#[test]
fn a_missing_service_reads_as_none_and_its_destinations_as_empty() {
    let mut client = fresh();
    assert_eq!(client.service(&web()).unwrap(), None);
    assert_eq!(client.destinations(&web()).unwrap(), []);
}

#[test]
fn of_five_thousand_commands_exactly_the_bad_ones_are_reported() {
    let mut client = fresh();
    let mut commands = vec![Command::NewService(service(web(), "rr"))];
    for number in 1..5000_u16 {
        let [high, low] = number.to_be_bytes();
        // Every third one deletes a destination that is not there.
        commands.push(if number % 3 == 0 {
            let address = [10, 2, high, low].into();
            Command::DelDestination(web(), DestinationId { address, port: 80 })
        } else {
            let address = [10, 1, high, low].into();
            Command::NewDestination(
                web(),
                Destination {
                    address,
                    ..nat("10.1.0.0")
                },
            )
        });
    }
    let failures = client.execute(&commands).unwrap();
    let indexes: Vec<_> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(
        indexes,
        (1..5000)
            .filter(|number| number % 3 == 0)
            .collect::<Vec<_>>()
    );
    assert!(
        failures
            .iter()
            .all(|failure| failure.errno == Errno::ENOENT)
    );
    assert_eq!(
        client.destinations(&web()).unwrap().len(),
        4999 - failures.len()
    );
    assert_eq!(client.writes_sent(), 5000);
}

#[test]
fn five_thousand_refusals_do_not_overflow_the_socket() {
    let mut client = fresh();
    let commands = vec![Command::DelService(web()); 5000];
    assert_eq!(client.execute(&commands).unwrap().len(), 5000);
}

#[test]
fn a_table_larger_than_one_read_is_read_whole() {
    let mut client = fresh();
    let ids: Vec<_> = (1..2000)
        .map(|port| at(Protocol::Udp, "fd00::1", port))
        .collect();
    let commands: Vec<_> = ids
        .iter()
        .map(|id| Command::NewService(service(*id, "rr")))
        .collect();
    done(&mut client, &commands);
    let mut found: Vec<_> = client
        .services()
        .unwrap()
        .iter()
        .map(|entry| entry.id)
        .collect();
    found.sort_unstable();
    assert_eq!(found, ids);
}

#[test]
fn deletions_and_a_flush_leave_nothing() {
    let mut client = fresh();
    let real = nat("10.1.0.1");
    done(
        &mut client,
        &[
            Command::NewService(service(web(), "rr")),
            Command::NewService(service(web6(), "rr")),
            Command::NewDestination(web(), real),
            Command::DelDestination(web(), real.id()),
            Command::Zero(Some(web())),
            Command::Zero(None),
            Command::DelService(web()),
        ],
    );
    assert_eq!(services(&mut client), [service(web6(), "rr")]);
    done(&mut client, &[Command::Flush]);
    assert_eq!(services(&mut client), []);
}

#[test]
fn timeouts_come_back_and_zero_leaves_one_as_it_is() {
    let mut client = fresh();
    let all = Timeouts {
        tcp: 600,
        tcp_fin: 60,
        udp: 30,
    };
    done(&mut client, &[Command::SetTimeouts(all)]);
    assert_eq!(client.timeouts().unwrap(), all);
    done(
        &mut client,
        &[Command::SetTimeouts(Timeouts {
            tcp: 0,
            tcp_fin: 61,
            udp: 0,
        })],
    );
    assert_eq!(client.timeouts().unwrap(), Timeouts { tcp_fin: 61, ..all });
}

#[test]
fn the_version_of_ipvs_is_1_2_1() {
    let info = fresh().info().unwrap();
    assert_eq!(info.version, 0x01_02_01);
    assert_ne!(info.connection_table_size, 0);
}
