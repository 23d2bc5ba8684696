use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::spec::{EffectiveMassFailure, Kind, MassFailureThen, Timing, read};

/// A farm with a pool `web` of three real servers and a service `http` that uses it, with these keys
/// in `defaults`, in the pool, in the second real server and in the service.
fn farm(defaults: &str, pool: &str, server: &str, service: &str) -> Farm {
    let text = format!(
        "version: 1
vips: {{ www: {{ addresses: [192.0.2.10/24], interface: eth0 }} }}
defaults: {{ {defaults} }}
pools:
  web: {{ {pool} real_servers: [{{ address: 10.0.0.21 }}, {{ address: 10.0.0.22, {server} }}, {{ address: 10.0.0.23 }}] }}
services:
  http: {{ vip: www, port: 80, pool: web, {service} }}
"
    );
    let reading = read("test.yaml", text.as_bytes());
    assert_eq!(reading.problems, [], "{text}");
    reading.value.unwrap()
}

/// How the real servers of the service `http` are checked.
fn checks(farm: &Farm) -> Vec<Option<Arc<EffectiveCheck>>> {
    let service = farm.services.values().next().unwrap();
    let effective = EffectiveService::of(farm, service);
    let servers = effective.real_servers.into_iter();
    servers.map(|server| server.check).collect()
}

fn word(check: Option<&Arc<EffectiveCheck>>) -> &'static str {
    let check = check.map(|check| check.kind.as_ref().map_or("agent", Kind::word));
    check.unwrap_or("none")
}

fn words(farm: &Farm) -> Vec<&'static str> {
    checks(farm)
        .iter()
        .map(|check| word(check.as_ref()))
        .collect()
}

#[test]
fn a_farm_that_says_nothing_checks_nothing() {
    assert_eq!(words(&farm("", "", "", "")), ["none"; 3]);
    assert_eq!(
        words(&farm("check: { interval: 5s }", "", "", "")),
        ["none"; 3]
    );
}

#[test]
fn the_nearest_kind_is_asked() {
    let defaults = "check: tcp";
    assert_eq!(words(&farm(defaults, "", "", "")), ["tcp"; 3]);
    assert_eq!(words(&farm(defaults, "check: http,", "", "")), ["http"; 3]);
    let service = "check: { ping: {} }";
    assert_eq!(
        words(&farm(defaults, "check: http,", "", service)),
        ["ping"; 3]
    );
    let server = "check: { smtp: {} }";
    assert_eq!(
        words(&farm(defaults, "check: http,", server, service)),
        ["ping", "smtp", "ping"]
    );
}

#[test]
fn times_are_taken_key_by_key_and_a_kind_as_a_whole() {
    let farm = farm(
        "check: { interval: 10s, timeout: 4s, rise: 5 }",
        "check: { http: { path: /a, host: x }, timeout: 3s },",
        "check: { http: { body: OK }, fall: 1 }",
        "check: { interval: 20s }",
    );
    let checks = checks(&farm);
    let second = checks[1].as_ref().unwrap();
    let Some(Kind::Http(http)) = &second.kind else {
        panic!("{second:?}");
    };
    assert_eq!(
        (http.body.as_deref(), http.host.as_deref(), http.path()),
        (Some("OK"), None, "/")
    );
    let expected = Timing {
        interval: Duration::from_secs(20),
        timeout: Duration::from_secs(3),
        rise: 5,
        fall: 1,
        fast_retry: Duration::from_secs(5),
        warm_up: Duration::from_secs(5),
    };
    assert_eq!(second.timing, expected);
    assert_eq!(
        checks[0].as_ref().unwrap().timing,
        Timing {
            fall: 3,
            ..expected
        }
    );
}

#[test]
fn none_unsets_what_is_farther_away_and_what_is_nearer_begins_anew() {
    let none = "check: none";
    assert_eq!(
        words(&farm("check: tcp", "", none, "")),
        ["tcp", "none", "tcp"]
    );
    assert_eq!(words(&farm("check: tcp", "", "", none)), ["none"; 3]);
    let server = "check: { ping: {}, fall: 1 }";
    let farm = farm("check: { tcp: {}, rise: 9 }", "", server, none);
    let timing = checks(&farm)[1].as_ref().unwrap().timing;
    assert_eq!((timing.rise, timing.fall), (Timing::RISE, 1));
}

#[test]
fn an_agent_is_merged_key_by_key_and_stands_alone_or_beside_a_kind() {
    let pool = "check: { tcp: {}, agent: { port: 9100, interval: 1s } },";
    let farm = farm("", pool, "check: { agent: { interval: 2s } }", "");
    let agents: Vec<_> = checks(&farm)
        .into_iter()
        .map(|check| check.unwrap().agent.clone().unwrap())
        .map(|agent| (agent.port(), agent.interval().as_secs()))
        .collect();
    assert_eq!(agents, [(9100, 1), (9100, 2), (9100, 1)]);
    let unset = self::farm("", pool, "check: { agent: none }", "");
    assert_eq!(checks(&unset)[1].as_ref().unwrap().agent, None);
    let alone = self::farm("", "check: agent,", "check: { agent: none }", "");
    assert_eq!(words(&alone), ["agent", "none", "agent"]);
}

#[test]
fn what_is_left_out_is_as_the_documentation_says() {
    let farm = farm(
        "check: tcp",
        "",
        "check: { interval: 200ms }",
        "check: { warm_up: 0s }",
    );
    let checks = checks(&farm);
    let usual = Timing {
        interval: Duration::from_millis(500),
        timeout: Duration::from_millis(500),
        rise: 2,
        fall: 3,
        fast_retry: Duration::from_millis(125),
        warm_up: Duration::ZERO,
    };
    assert_eq!(checks[0].as_ref().unwrap().timing, usual);
    let quick = checks[1].as_ref().unwrap().timing;
    let times = [quick.timeout, quick.fast_retry].map(|time| time.as_millis());
    assert_eq!(times, [200, 50]);
}

#[test]
fn real_servers_that_are_checked_alike_share_one_check() {
    let mut servers = String::new();
    for number in 0..10_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let _infallible = write!(servers, "{{ address: 10.1.{high}.{low} }}, ");
    }
    let text = format!(
        "version: 1
vips: {{ www: {{ addresses: [192.0.2.10/24], interface: eth0 }} }}
services: {{ http: {{ vip: www, port: 80, check: {{ http: {{ path: /healthz }} }}, real_servers: [{servers}] }} }}
"
    );
    let farm = read("many.yaml", text.as_bytes()).value.unwrap();
    let checks = checks(&farm);
    let first = checks[0].as_ref().unwrap();
    assert_eq!(checks.len(), 10_000);
    assert!(
        checks
            .iter()
            .flatten()
            .all(|check| Arc::ptr_eq(check, first))
    );
}

#[test]
fn the_port_is_the_checks_own_or_the_servers_or_the_first_of_the_service() {
    let port = |service: &str, server: &str| {
        let text = format!(
            "version: 1\nvips: {{ www: {{ addresses: [192.0.2.10/24], interface: eth0 }} }}\nservices: {{ http: {{ vip: www, {service}, real_servers: [{{ address: 10.0.0.21, {server} }}] }} }}\n"
        );
        let farm = read("port.yaml", text.as_bytes()).value.unwrap();
        let service = EffectiveService::of(&farm, farm.services.values().next().unwrap());
        service.check_port(&service.real_servers[0])
    };
    assert_eq!(port("port: 80", ""), Some(80));
    assert_eq!(port("port: 80, check: tcp", "port: 8080"), Some(8080));
    assert_eq!(
        port("port: 80, check: { tcp: {}, port: 9000 }", "port: 8080"),
        Some(9000)
    );
    assert_eq!(port("ports: [21, 30000-30100]", "port: 8080"), Some(21));
    assert_eq!(
        port("port: 80, forwarding: direct_routing", "port: 8080"),
        Some(80)
    );
    assert_eq!(port("port: 0", ""), None);
    assert_eq!(
        port("firewall_mark: 7, check: { tcp: {}, port: 80 }", ""),
        Some(80)
    );
}

#[test]
fn a_guard_of_the_pool_fills_in_from_the_defaults_unless_the_service_has_none() {
    let guard = |pool: &str, service: &str| {
        let defaults = "service: { mass_failure: { within: 9s, then: hold } }";
        let farm = farm(defaults, pool, "", service);
        EffectiveService::of(&farm, farm.services.values().next().unwrap()).mass_failure
    };
    let expected = |share: u8| EffectiveMassFailure {
        share: format!("{share}%").parse().unwrap(),
        within: Duration::from_secs(9),
        then: MassFailureThen::Hold,
    };
    assert_eq!(guard("", ""), Some(expected(60)));
    assert_eq!(
        guard("mass_failure: { share: 50% },", ""),
        Some(expected(50))
    );
    assert_eq!(
        guard("mass_failure: { share: 50% },", "mass_failure: none"),
        None
    );
}
