//! Refusals of the real kernel, in words.

use farmctl::dataplane::{Dataplane, Error, Failure, Ipvs};
use farmctl::state::{
    Change, ClientMask, Destination, DestinationKey, Family, Forwarding, Protocol, Setting,
};

use super::{at, fresh, ip, leave_the_namespace, persistent, service};

#[test]
fn a_setting_that_this_kernel_lacks_is_explained() {
    let mut ipvs = fresh();
    let change = Change::SetSetting {
        setting: Setting::PromoteSecondaries("eth9".to_owned()),
        from: None,
        to: 1,
    };
    assert_eq!(
        only_reason(&mut ipvs, change),
        "there is no interface `eth9` in this network namespace"
    );
}

#[track_caller]
fn only_reason(ipvs: &mut Ipvs, change: Change) -> String {
    let failures = ipvs.execute(&[change]).unwrap();
    match failures.as_slice() {
        [
            Failure {
                index: 0,
                error: Error::Refused { reason, .. },
            },
        ] => reason.clone(),
        other => panic!("{other:?}"),
    }
}

fn add_service(scheduler: &str) -> Change {
    Change::AddService {
        service: at(Protocol::Tcp, "192.0.2.10", 80),
        attributes: service(scheduler).attributes,
    }
}

fn add_destination(address: &str) -> Change {
    Change::AddDestination {
        service: at(Protocol::Tcp, "192.0.2.10", 80),
        key: DestinationKey {
            address: ip(address),
            port: 80,
        },
        destination: Destination {
            forwarding: Forwarding::Masquerade,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
        },
    }
}

#[test]
fn a_scheduler_that_this_kernel_lacks_is_named() {
    let mut ipvs = fresh();
    assert_eq!(
        only_reason(&mut ipvs, add_service("nosuch")),
        "this kernel does not know the scheduler `nosuch`: run `modprobe ip_vs_nosuch`, or \
         choose another scheduler"
    );
}

#[test]
fn an_engine_that_this_kernel_lacks_is_named() {
    let mut ipvs = fresh();
    let kept = persistent(
        service("rr"),
        60,
        ClientMask::host(Family::V4),
        Some("nosuch"),
    );
    let change = Change::AddService {
        service: at(Protocol::Udp, "192.0.2.10", 5060),
        attributes: kept.attributes,
    };
    assert!(only_reason(&mut ipvs, change).contains("the persistence engine `nosuch`"));
}

#[test]
fn a_loopback_interface_that_is_down_is_told() {
    leave_the_namespace();
    let mut ipvs = Ipvs::open().unwrap();
    assert_eq!(ipvs.execute(&[add_service("rr")]), Ok(Vec::new()));
    assert_eq!(
        only_reason(&mut ipvs, add_destination("10.0.0.21")),
        "the interface `lo` is down in this network namespace, and then the kernel takes no real \
         server at all: run `ip link set lo up`"
    );
}

#[test]
fn refusals_name_their_change_and_do_not_stop_the_others() {
    let mut ipvs = fresh();
    let changes = [
        add_service("rr"),
        add_destination("224.0.0.1"),
        add_destination("10.0.0.21"),
        add_destination("10.0.0.21"),
        Change::SetSetting {
            setting: Setting::PromoteSecondaries("eth9".to_owned()),
            from: None,
            to: 1,
        },
        add_destination("10.0.0.22"),
        add_service("rr"),
    ];
    let failures = ipvs.execute(&changes).unwrap();
    let places: Vec<_> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(places, [1, 3, 4, 6]);
    assert!(
        failures[0]
            .error
            .to_string()
            .contains("a multicast address")
    );
    assert!(failures[1].error.to_string().contains("is there already"));
    let state = ipvs.observe().unwrap().state;
    let service = &state.services[&at(Protocol::Tcp, "192.0.2.10", 80)];
    assert_eq!(service.destinations.len(), 2);
}
