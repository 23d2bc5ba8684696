use std::fmt::Write;

use super::*;
use crate::spec::read;

/// A farm of so many services, each with a VIP and ten real servers of its own.
fn large(services: usize) -> String {
    let mut text =
        "version: 1\nnodes:\n  lb1: { address: 10.0.0.1/8, interface: eth0 }\n".to_owned();
    text.push_str("directors: { members: [lb1] }\nvips:\n");
    let address = |service: usize, host: usize| {
        format!("10.{}.{}.{}", 1 + host, service / 250, 1 + service % 250)
    };
    for service in 0..services {
        let vip = address(service, 200);
        writeln!(text, "  v{service}: {{ addresses: [{vip}/8] }}").unwrap();
    }
    text.push_str("services:\n");
    for service in 0..services {
        write!(
            text,
            "  s{service}: {{ vip: v{service}, port: 80, real_servers: ["
        )
        .unwrap();
        for host in 0..10 {
            write!(text, "{{ address: {} }}, ", address(service, host)).unwrap();
        }
        text.push_str("] }\n");
    }
    text
}

#[test]
fn a_large_farm_without_mistakes_has_no_problem() {
    let reading = read("large.yaml", large(500).as_bytes());
    let farm = reading.value.unwrap();
    assert_eq!(farm.services.len(), 500);
    assert_eq!(validate(&farm, &[]), []);
}

#[test]
fn what_could_not_be_read_is_not_called_missing_or_unused() {
    let text = "version: 1\nnodes: { web9: { address: 10.0.0.29 } }\nvips: { www: { addresses: [192.0.2.10/24], interface: eth0 } }\nservices: { http: { vip: www, port: 80, pool: web, sorry_server: { node: web1 } } }\n";
    let farm = read("pruned.yaml", text.as_bytes()).value.unwrap();
    let codes = |pruned: &[Path]| -> Vec<&str> {
        let problems = validate(&farm, pruned);
        problems.iter().map(|problem| problem.code).collect()
    };
    assert_eq!(codes(&[]), ["unknown-pool", "unknown-node", "unused-node"]);
    let root = Path::root();
    let pool = root.key("pools").key("web");
    let node = root.key("nodes").key("web1");
    assert_eq!(codes(std::slice::from_ref(&pool)), ["unknown-node"]);
    assert_eq!(codes(&[pool, node]), [""; 0]);
}

#[test]
fn the_same_farm_has_the_same_problems_in_the_same_order() {
    let text = "version: 1\nvips: { a: { addresses: [192.0.2.10/24] }, b: { addresses: [192.0.2.10/24] } }\nservices: { x: { vip: a }, y: { vip: c, port: 0 } }\n";
    let farm = read("order.yaml", text.as_bytes()).value.unwrap();
    let first = validate(&farm, &[]);
    assert!(first.len() > 5, "{first:?}");
    assert_eq!(validate(&farm, &[]), first);
}
