use std::fs;
use std::path::Path;

use super::*;
use crate::spec::read;

fn farm(text: &str) -> Farm {
    let reading = read("test.yaml", text.as_bytes());
    assert_eq!(reading.problems, []);
    reading.value.unwrap()
}

fn of(text: &str) -> Topology {
    Topology::of(&farm(text), &[]).unwrap()
}

/// What a person would draw.
fn drawing(topology: &Topology) -> String {
    let mut lines = Vec::new();
    for (name, machine) in &topology.machines {
        lines.push(format!("{name}: {:?}", machine.role));
        for one in &machine.interfaces {
            let shown = one.addresses.iter().take(4);
            let addresses: Vec<String> = shown.map(ToString::to_string).collect();
            let wire = &topology.wires[one.wire].name;
            lines.push(format!("  {} on {wire}: {}", one.name, addresses.join(" ")));
        }
        for route in &machine.routes {
            lines.push(format!("  {}", way(route)));
        }
        for held in &machine.held {
            lines.push(format!("  holds {} on {}", held.vip, held.device));
        }
        for (device, local) in &machine.checks {
            lines.push(format!(
                "  {device} takes GRE packets with a checksum to {local}"
            ));
        }
        for one in &machine.unpacks {
            lines.push(format!("  unpacks {one:?}"));
        }
        for one in &machine.listens {
            lines.push(format!("  {:?} at {}", one.speech, one.at));
        }
    }
    for target in &topology.targets {
        let servers: Vec<String> = target
            .servers
            .iter()
            .map(|one| format!("{}={}", one.machine, one.weight))
            .collect();
        let Target {
            service,
            speech,
            at,
            ..
        } = target;
        lines.push(format!(
            "ask {service} by {speech:?} at {at}: {}",
            servers.join(" ")
        ));
    }
    lines.extend(topology.notes.clone());
    lines.join("\n")
}

fn way(route: &Route) -> String {
    let Route {
        family,
        to,
        gateway,
        interface,
        from,
    } = route;
    let to = to.map_or_else(|| format!("default {family:?}"), |to| to.to_string());
    let gateway = gateway.map_or_else(String::new, |by| format!(" by {by}"));
    let from = from.map_or_else(String::new, |ip| format!(" from {ip}"));
    format!("{to}{gateway} on {interface}{from}")
}

fn of_file(path: &str) -> Topology {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    of(&fs::read_to_string(path).unwrap())
}

#[test]
fn the_farm_at_the_top_is_laid_out_as_it_is_written() {
    insta::assert_snapshot!(drawing(&of_file("farm.yaml")));
}

#[test]
fn every_way_of_forwarding_has_its_routes() {
    insta::assert_snapshot!(drawing(&of_file("examples/mixed.yaml")));
}

#[test]
fn the_smallest_file_gets_a_director_and_real_servers_beside_it() {
    insta::assert_snapshot!(drawing(&of_file("examples/smallest.yaml")));
}

#[test]
fn tunnels_end_beyond_the_router() {
    insta::assert_snapshot!(drawing(&of_file("examples/tunnel.yaml")));
}

#[test]
fn every_example_can_be_laid_out() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut laid = 0;
    for entry in fs::read_dir(top.join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let topology = of(&text);
        assert!(!topology.targets.is_empty(), "{text}");
        assert!(
            topology
                .targets
                .iter()
                .all(|target| target.servers.len() > 1),
            "{text}"
        );
        laid += 1;
    }
    assert!(laid >= 8);
}

const PAIR: &str = "version: 1
nodes:
  lb1: { address: 192.0.2.11/24, interface: eth0 }
  web1: { address: 192.0.2.21 }
directors: { members: [lb1] }
vips: { www: { addresses: [192.0.2.10/24] } }
services:
  http: { vip: www, port: 80, real_servers: [{ node: web1 }] }
";

#[test]
fn a_missing_prefix_is_that_of_the_neighbours() {
    let topology = of(&PAIR.replace("/24", "/27"));
    let web = &topology.machines["web1"].interfaces[0];
    assert_eq!(web.addresses[0].to_string(), "192.0.2.21/27");
    assert_eq!(web.wire, topology.machines["lb1"].interfaces[0].wire);
}

#[test]
fn nat_real_servers_beside_the_clients_answer_through_the_floating_address() {
    let topology = of(PAIR);
    let route = &topology.machines["web1"].routes[0];
    assert_eq!(way(route), "default V4 by 192.0.2.10 on eth0");
}

#[test]
fn a_floating_address_without_neighbours_has_a_route_of_its_own() {
    let topology = of(&PAIR.replace("[192.0.2.10/24]", "[203.0.113.1/32]"));
    let router: Vec<String> = topology.machines[ROUTER].routes.iter().map(way).collect();
    assert_eq!(router, ["203.0.113.1/32 on eth0"]);
}

#[test]
fn clients_come_from_a_prefix_that_the_file_does_not_use() {
    let text = PAIR.replace("192.0.2.", "198.18.2.");
    let topology = of(&text);
    assert!(topology.clients.contains(&"100.64.0.10".parse().unwrap()));
    assert_eq!(topology.clients.len(), usize::from(CLIENT_ADDRESSES) * 2);
}

#[test]
fn a_prefix_without_room_for_the_router_is_told() {
    let text = PAIR
        .replace("192.0.2.21", "192.0.2.9")
        .replace("/24", "/30");
    let error = Topology::of(&farm(&text), &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs an address in 192.0.2.8/30"),
        "{error}"
    );
}

#[test]
fn machines_of_later_files_are_there_from_the_beginning() {
    let later = PAIR
        .replace("web1", "web2")
        .replace("192.0.2.21", "192.0.2.22");
    let topology = Topology::of(&farm(PAIR), &[&farm(&later)]).unwrap();
    assert_eq!(topology.machines["web2"].listens.len(), 1);
    assert_eq!(topology.targets[0].servers.len(), 1);
}

#[test]
fn addresses_that_somebody_else_puts_up_are_put_up() {
    let text = PAIR.replace("[192.0.2.10/24] }", "[192.0.2.10/24], ownership: none }");
    let director = &of(&text).machines["lb1"].interfaces[0];
    assert_eq!(director.addresses[1].to_string(), "192.0.2.10/24");
}

#[test]
fn services_without_clients_are_told() {
    let text = PAIR.replace("port: 80", "firewall_mark: 7");
    let topology = of(&text);
    assert!(topology.targets.is_empty());
    assert!(topology.notes[0].contains("nobody sets its firewall mark 7"));
}
