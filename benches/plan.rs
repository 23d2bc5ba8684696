//! The cost of a plan, in time and memory: farms of 1,000 and of 10,000 services with 10 real
//! servers each, unchanged, with every tenth weight changed, and new; and the cost of making the
//! desired state from the file. Ten times the farm should cost ten times as much, not a hundred
//! times.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use divan::{AllocProfiler, Bencher, black_box};
use farmctl::spec::{DataplaneKind, Farm};
use farmctl::state::{
    Destination, DestinationKey, Forwarding, HostFacts, Protocol, SchedulerFlags, Service,
    ServiceAttributes, ServiceKey, State, desired, plan,
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const SIZES: [u32; 2] = [1_000, 10_000];
const REAL_SERVERS: u32 = 10;

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn nothing_changed(bencher: Bencher<'_, '_>, services: u32) {
    let (observed, desired) = (farm(services), farm(services));
    bencher.bench_local(|| plan(black_box(&observed), black_box(&desired)));
}

#[divan::bench(args = SIZES)]
fn every_tenth_weight_changed(bencher: Bencher<'_, '_>, services: u32) {
    let observed = farm(services);
    let desired = with_first_weights(farm(services), 2);
    bencher.bench_local(|| plan(black_box(&observed), black_box(&desired)));
}

#[divan::bench(args = SIZES)]
fn all_new(bencher: Bencher<'_, '_>, services: u32) {
    let (observed, desired) = (State::default(), farm(services));
    bencher.bench_local(|| plan(black_box(&observed), black_box(&desired)));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn desired_from_the_file(bencher: Bencher<'_, '_>, services: u32) {
    let (farm, host) = (written_farm(services), HostFacts::default());
    bencher.bench_local(|| {
        desired(
            black_box(&farm),
            None,
            black_box(&host),
            DataplaneKind::Ipvs,
        )
    });
}

#[expect(
    clippy::expect_used,
    reason = "a bench without its farm has nothing to measure"
)]
fn written_farm(services: u32) -> Farm {
    let mut text = "version: 1\npools:\n  web:\n    real_servers:\n".to_owned();
    for number in 0..REAL_SERVERS {
        let _ = writeln!(
            text,
            "      - {{ address: 192.168.0.{number}, port: 8080 }}"
        );
    }
    text.push_str("vips: { www: { addresses: [10.0.0.1/32], interface: eth0 } }\nservices:\n");
    for port in 1..=services {
        let _ = writeln!(text, "  s{port}: {{ vip: www, port: {port}, pool: web }}");
    }
    serde_yaml::from_str(&text).expect("the text is a farm")
}

fn farm(services: u32) -> State {
    State {
        services: (0..services)
            .map(|number| (key(number), service()))
            .collect(),
        ..State::default()
    }
}

fn key(number: u32) -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: (0x0a00_0000 + number).to_be_bytes().into(),
        port: 80,
    }
}

fn service() -> Service {
    Service {
        attributes: ServiceAttributes {
            scheduler: "wlc".to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        },
        destinations: (0..REAL_SERVERS)
            .map(real_server)
            .collect::<BTreeMap<_, _>>(),
    }
}

fn real_server(number: u32) -> (DestinationKey, Destination) {
    let key = DestinationKey {
        address: (0xc0a8_0000 + number).to_be_bytes().into(),
        port: 8080,
    };
    let destination = Destination {
        forwarding: Forwarding::Masquerade,
        weight: 1,
        upper_threshold: 0,
        lower_threshold: 0,
    };
    (key, destination)
}

/// The farm with another weight for the first real server of each service.
fn with_first_weights(mut farm: State, weight: u32) -> State {
    for service in farm.services.values_mut() {
        if let Some(mut first) = service.destinations.first_entry() {
            first.get_mut().weight = weight;
        }
    }
    farm
}
