//! A plan rehearsed in a namespace that nobody else sees.

use std::collections::BTreeMap;

use farmctl::dataplane::{Dataplane, Ipvs, Preflight, rehearse};
use farmctl::state::{Change, Forwarding, Protocol, Service, ServiceKey, Setting, plan};

use super::{at, fresh, make, rich, service, with};

fn services_of(ipvs: &mut Ipvs) -> BTreeMap<ServiceKey, Service> {
    ipvs.observe().unwrap().state.services
}

#[test]
fn a_rehearsal_passes_and_leaves_the_live_table_as_it_is() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let live = ipvs.observe().unwrap();
    let mut desired = rich();
    desired.services.pop_first();
    let added = with(service("lblcr"), "10.0.0.31", 80, Forwarding::Route);
    desired
        .services
        .insert(at(Protocol::Tcp, "192.0.2.99", 80), added);
    let changes = plan(&rich(), &desired).changes;
    assert!(changes.len() >= 3);
    let result = rehearse(&live.state, &live.host, &changes);
    assert_eq!(result, Preflight::Passed);
    assert_eq!(services_of(&mut ipvs), rich().services);
}

#[test]
fn a_rehearsal_finds_what_the_kernel_would_refuse() {
    let mut ipvs = fresh();
    make(&mut ipvs, &rich());
    let live = ipvs.observe().unwrap();
    let changes = [
        Change::SetSetting {
            setting: Setting::ForwardV4,
            from: None,
            to: 1,
        },
        Change::AddService {
            service: at(Protocol::Tcp, "192.0.2.98", 80),
            attributes: service("nosuch").attributes,
        },
    ];
    let Preflight::Refused { failures } = rehearse(&live.state, &live.host, &changes) else {
        panic!("the kernel has no such scheduler");
    };
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].index, 1);
    assert!(failures[0].error.to_string().contains("`nosuch`"));
    assert_eq!(services_of(&mut ipvs), rich().services);
    assert_eq!(
        ipvs.observe().unwrap().state.settings[&Setting::ForwardV4],
        0
    );
}
