//! A farm in trouble: every part of the status has something to say.

use farmctl::api::{
    AddressStatus, AgentStatus, ApplyStatus, BentServer, CertificateStatus, ConnectionCounts,
    DaemonStatus, DrainStatus, DriftPolicy, DriftStatus, FileProblem, FileRevision, GroupStatus,
    Health, LastAnswer, OverlayReport, OverrideKind, OverrideStatus, QuorumStatus,
    RealServerStatus, Reason, RedundancyStatus, RefusedFile, ServerState, ServiceStatus,
    SorryStatus, Status, Step, WeightStatus,
};
use farmctl::dataplane::{Counters, DestinationCounters, Observation};
use farmctl::health::Fault;
use farmctl::spec::DataplaneKind;
use farmctl::state::{
    Destination, DestinationKey, Family, Forwarding, Member, Protocol, SchedulerFlags, Service,
    ServiceAttributes, ServiceKey, Share,
};

const NOW: u64 = 1_800_000_060_000;

/// The status.
pub(crate) fn status() -> Status {
    Status {
        at: NOW,
        node: Some("lb1".into()),
        dataplane: Some(DataplaneKind::Nftables),
        health: Health::Degraded,
        reasons: vec!["http on IPv4: 1 of 2 real servers is up.".into()],
        daemon: DaemonStatus {
            version: "0.1.0".into(),
            pid: 4711,
            started: 1_800_000_000_000,
            converged: true,
            probes_per_second: 12.5,
            lateness_p99_ms: 1.25,
        },
        revision: Some(revision("aaaaaaaaaaaa")),
        refused: Some(RefusedFile {
            revision: revision("bbbbbbbbbbbb"),
            message: "farm.yaml has 1 error; the file before it goes on.".into(),
            problems: vec![problem()],
        }),
        last_apply: Some(ApplyStatus {
            at: NOW,
            converged: true,
            changes: 1,
            took_ms: 3,
            ..ApplyStatus::default()
        }),
        drift: DriftStatus {
            policy: DriftPolicy::Correct,
            differences: vec!["set weight 3 on 10.0.0.21:80 of tcp 192.0.2.10:80".into()],
            since: Some(NOW),
            fight: None,
        },
        addresses: vec![AddressStatus {
            address: "192.0.2.10".into(),
            interface: "eth0".into(),
            up: true,
        }],
        services: vec![service()],
        overrides: vec![drain_override()],
        overlay: OverlayReport {
            servers: vec![BentServer {
                member: member("web2", 22),
                share: Share::Out,
            }],
            sorry: Vec::new(),
        },
        redundancy: vec![RedundancyStatus {
            object: "service http ipv4".into(),
            spare: 0,
        }],
        certificates: vec![CertificateStatus {
            service: "http".into(),
            server: "web1".into(),
            address: "10.0.0.21:80".into(),
            expires: 1_800_500_000,
            soon: true,
        }],
        ..Status::of("shop")
    }
}

fn revision(hash: &str) -> FileRevision {
    FileRevision {
        file: "/etc/farmctl/farm.yaml".into(),
        hash: hash.into(),
        since: NOW,
        ..FileRevision::default()
    }
}

fn problem() -> FileProblem {
    FileProblem {
        code: "unknown-key".into(),
        message: "`prot` is no key of a service".into(),
        help: Some("did you mean `port`?".into()),
        file: "/etc/farmctl/farm.yaml".into(),
        path: "services.http.prot".into(),
        line: 12,
        column: 5,
    }
}

fn service() -> ServiceStatus {
    ServiceStatus {
        name: "http".into(),
        health: Health::Degraded,
        groups: vec![GroupStatus {
            family: Family::V4,
            keys: vec!["tcp 192.0.2.10:80".into()],
            health: Health::Degraded,
            up: 1,
            total: 2,
            spare: 0,
            quorum: Some(QuorumStatus {
                minimum: 1,
                hysteresis: 0,
                reached: true,
            }),
            sorry_server: Some(SorryStatus {
                server: "10.0.0.99:80".into(),
                active: false,
                since: None,
            }),
            mass_failure: None,
            real_servers: vec![draining(), down()],
        }],
    }
}

fn draining() -> RealServerStatus {
    RealServerStatus {
        name: "web1".into(),
        address: "10.0.0.21".parse().unwrap(),
        port: Some(80),
        forwarding: "nat".into(),
        state: ServerState::Up,
        since: Some(1_800_000_000_000),
        check: Some("http".into()),
        last_answer: Some(LastAnswer {
            at: NOW,
            good: true,
            fault: None,
            text: "HTTP 200".into(),
            took_us: 1500,
            in_a_row: 60,
            failures: 0,
        }),
        weight: WeightStatus {
            file: Some(3),
            effective: Some(0),
            why: vec![
                reason(Step::Agent, Some(1), "its agent says 40 %"),
                reason(Step::Drain, Some(0), "an operator drains it: new kernel"),
            ],
        },
        connections: ConnectionCounts {
            active: 12,
            inactive: 3,
            persistent: 1,
        },
        drain: Some(drain()),
        agent: Some(AgentStatus {
            at: Some(NOW),
            stale: false,
            percent: Some(40),
        }),
    }
}

fn down() -> RealServerStatus {
    RealServerStatus {
        name: "web2".into(),
        address: "10.0.0.22".parse().unwrap(),
        state: ServerState::Down,
        since: Some(NOW - 12_000),
        last_answer: Some(LastAnswer {
            at: NOW,
            good: false,
            fault: Some(Fault::Refused),
            text: "connection refused".into(),
            took_us: 90,
            in_a_row: 12,
            failures: 14,
        }),
        weight: WeightStatus {
            file: Some(2),
            effective: None,
            why: vec![reason(
                Step::Health,
                None,
                "its check fails: connection refused",
            )],
        },
        connections: ConnectionCounts::default(),
        drain: None,
        agent: None,
        ..draining()
    }
}

fn reason(step: Step, weight: Option<u32>, text: &str) -> Reason {
    Reason {
        step,
        weight,
        text: text.into(),
    }
}

fn drain() -> DrainStatus {
    DrainStatus {
        since: NOW - 5000,
        deadline: Some(NOW + 55_000),
        remaining: 16,
        ended: false,
        because: "ordered by uid 0".into(),
    }
}

fn drain_override() -> OverrideStatus {
    OverrideStatus {
        id: 3,
        kind: OverrideKind::Drain,
        subject: "web1 of http".into(),
        target: "web1".into(),
        service: Some("http".into()),
        weight: None,
        reason: Some("new kernel".into()),
        by: "uid 0".into(),
        since: NOW - 5000,
        expires: None,
        drain: Some(drain()),
    }
}

fn member(server: &str, last: u8) -> Member {
    Member {
        service: "http".into(),
        server: server.into(),
        address: [10, 0, 0, last].into(),
        port: Some(80),
    }
}

/// What the kernel holds of it, a service by mark besides.
pub(crate) fn observation() -> Observation {
    let by_address = ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: [192, 0, 2, 10].into(),
        port: 80,
    };
    let by_mark = ServiceKey::Mark {
        family: Family::V4,
        mark: 7,
    };
    let server = DestinationKey {
        address: [10, 0, 0, 21].into(),
        port: 80,
    };
    let mut observed = Observation::default();
    for key in [by_address, by_mark] {
        let mut service = Service::without_destinations(ServiceAttributes {
            scheduler: "wlc".into(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            one_packet: false,
        });
        let weighing = Destination {
            forwarding: Forwarding::Masquerade,
            weight: 3,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        service.destinations.insert(server, weighing);
        observed.state.services.insert(key, service);
        observed.services.insert(key, counters());
        let numbers = DestinationCounters {
            active: 12,
            inactive: 3,
            persistent: 1,
            counters: counters(),
        };
        observed.destinations.insert((key, server), numbers);
    }
    observed
}

fn counters() -> Counters {
    Counters {
        connections: 100,
        packets_in: 1000,
        packets_out: 900,
        bytes_in: 100_000,
        bytes_out: 90_000,
        ..Counters::default()
    }
}
