//! The plan alone, without a kernel: a farm of so many services with 10 real servers each, all
//! new. `benches/plan.rs` looks at it more closely.

use std::hint::black_box;
use std::time::Duration;

use farmctl::clock::{Clock, SystemClock};
use farmctl::state::{
    Destination, DestinationKey, Forwarding, Protocol, SchedulerFlags, Service, ServiceAttributes,
    ServiceKey, State, plan,
};
use nix::sys::resource::{UsageWho, getrusage};

use crate::Result;
use crate::files::REAL_SERVERS;
use crate::host::program;

/// Plans the farm and prints how long that took in microseconds, and the process's peak in KiB,
/// which includes both farms.
pub(crate) fn measure(services: u32) -> Result<()> {
    let (observed, desired) = (State::default(), farm(services));
    let began = SystemClock.now();
    let made = black_box(plan(black_box(&observed), black_box(&desired)));
    let took = SystemClock.now() - began;
    let peak = getrusage(UsageWho::RUSAGE_SELF)?.max_rss();
    println!("{} {peak} {}", took.as_micros(), made.changes.len());
    Ok(())
}

/// One measurement in a process of its own: the time, and the peak in MiB.
pub(crate) fn run(services: u32) -> Result<(Duration, u64)> {
    let own = std::env::current_exe()?;
    let output = program(&own)
        .args(["plan", &services.to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next().ok_or("the plan was not measured");
    let took = Duration::from_micros(next()??);
    Ok((took, next()??.div_ceil(1024)))
}

fn farm(services: u32) -> State {
    State {
        services: (0..services)
            .map(|number| (key(number), service(number)))
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

fn service(number: u32) -> Service {
    let servers = u32::try_from(REAL_SERVERS).unwrap_or(u32::MAX);
    let first = 0x0b00_0000 + number * servers;
    Service {
        attributes: ServiceAttributes {
            scheduler: "wlc".to_owned(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        },
        destinations: (first..first + servers).map(real_server).collect(),
    }
}

fn real_server(address: u32) -> (DestinationKey, Destination) {
    let key = DestinationKey {
        address: address.to_be_bytes().into(),
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
