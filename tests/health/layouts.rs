//! What a file makes the engine ask.

use std::sync::Arc;

use farmctl::health::{Group, Layout, Question, SorryServer};
use farmctl::spec::{Kind, QuorumCount};

use super::files::{farm, server, simple};

/// The only group of a file.
fn group(text: &str) -> Group {
    let layout = Layout::of(&farm(text));
    let (_, group) = layout.groups.into_iter().next().expect("a group");
    group
}

/// What the first server is asked.
fn question(text: &str) -> Arc<Question> {
    let server = group(text).servers.into_iter().next().expect("a server");
    server.check.expect("a check")
}

#[test]
fn a_server_is_asked_on_its_own_port_or_on_the_checks() {
    let text = simple(1, 1, "", "").replace("port: 80, weight", "port: 8080, weight");
    assert_eq!(question(&text).port, 8080);
    assert_eq!(question(&text).address, server(1));
    assert_eq!(question(&simple(1, 1, "", "port: 99")).port, 99);
    let elsewhere = question(&simple(1, 1, "", "address: 192.168.7.7"));
    assert_eq!(elsewhere.address.to_string(), "192.168.7.7");
}

#[test]
fn a_service_with_several_ports_and_protocols_asks_once_on_its_first_port() {
    let text = simple(1, 1, "protocol: [tcp, udp]", "")
        .replace("    port: 80\n", "    ports: [53, 8000-8100]\n")
        .replace("port: 80, weight", "weight");
    let layout = Layout::of(&farm(&text));
    assert_eq!(layout.groups.len(), 1);
    assert_eq!(question(&text).port, 53);
}

#[test]
fn a_ping_has_no_port_and_a_program_has_the_servers_name() {
    let ping = question(&simple(1, 1, "", "").replace("tcp: {}", "ping: {}"));
    assert_eq!((ping.port, ping.name.as_str()), (0, ""));
    let exec = "exec: { command: [/etc/farmctl/scripts/look] }";
    let exec = question(&simple(1, 1, "", "").replace("tcp: {}", exec));
    assert_eq!((exec.port, exec.name.as_str()), (0, "192.168.0.1"));
}

#[test]
fn a_check_with_an_agent_makes_two_questions_and_each_has_only_its_own() {
    let text = simple(1, 1, "", "agent: { port: 4444, interval: 7s }");
    let servers = group(&text).servers;
    let (check, agent) = (servers[0].check.clone(), servers[0].agent.clone());
    let (check, agent) = (check.expect("a check"), agent.expect("an agent"));
    assert!(matches!(check.kind(), Some(Kind::Tcp(_))) && check.check.agent.is_none());
    assert!(agent.kind().is_none() && agent.check.agent.is_some());
    assert_eq!((check.port, agent.port), (80, 4444));
    assert_eq!(agent.check.timing.interval.as_secs(), 7);
    let plain = question(&simple(1, 1, "", ""));
    assert_eq!(
        plain, check,
        "a check beside an agent shares its probe with one alone"
    );
}

#[test]
fn a_question_through_the_data_path_knows_the_vip() {
    let through = question(&simple(
        1,
        1,
        "forwarding: direct_routing",
        "way: data_path",
    ));
    assert_eq!(
        through.vip.map(|vip| vip.to_string()).as_deref(),
        Some("10.0.0.1")
    );
    assert_eq!(question(&simple(1, 1, "", "")).vip, None);
}

#[test]
fn rules_and_the_sorry_server_are_those_of_the_service() {
    let service = "sorry_server: { address: 192.168.0.99 }\n    slow_start: 9s\n    \
                   quorum: { minimum: 2, count: weight }";
    let group = group(&simple(3, 1, service, ""));
    assert_eq!(group.sorry, SorryServer::Present);
    assert_eq!(group.slow_start.map(|length| length.as_secs()), Some(9));
    assert_eq!(
        (group.quorum.minimum, group.quorum.count),
        (2, QuorumCount::Weight)
    );
    let text = simple(1, 1, "", "") + "daemon: { concurrency: 3 }\n";
    assert_eq!(Layout::of(&farm(&text)).concurrency.get(), 3);
}

#[test]
fn each_family_is_a_group_of_its_own() {
    let text = simple(2, 1, "", "").replace(
        "[10.0.0.1/32]",
        "[10.0.0.1/32, 10.0.0.2/32, 2001:db8::1/128]",
    );
    let layout = Layout::of(&farm(&text));
    let sizes: Vec<usize> = layout
        .groups
        .values()
        .map(|group| group.servers.len())
        .collect();
    assert_eq!(sizes, [2, 0], "the servers have no IPv6 address");
}
