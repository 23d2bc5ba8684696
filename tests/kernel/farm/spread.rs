//! Who answers, by the weights of the file; and that applying it again does nothing.

use super::{Kernel, Method, Site, Text};
use crate::bed::Family;

fn weights_are_seen(method: Method) {
    let text = Text::new(method).to_string();
    let site = Site::new(method);
    let bare = site.farmctl.kernel();
    site.farmctl.converge(&text, &[]);
    for family in Family::BOTH {
        assert_eq!(site.spread(family, 60), [10, 20, 30], "{family:?}");
    }
    differs_only_by_the_farm(&bare, &site.farmctl.kernel(), method);
}

/// Two services with three servers each, two addresses, and nothing else.
fn differs_only_by_the_farm(bare: &Kernel, made: &Kernel, method: Method) {
    let servers: Vec<usize> = made.services.values().map(|(_, all)| all.len()).collect();
    assert_eq!(servers, [3, 3]);
    let mut addresses = made.addresses.clone();
    let held = addresses.get_mut(method.net().interface()).unwrap();
    held.retain(|address| {
        let ip = address.split('/').next().unwrap();
        !Family::BOTH
            .map(|family| method.vip(family).to_string())
            .contains(&ip.to_owned())
    });
    assert_eq!(addresses, bare.addresses);
}

#[test]
fn weights_are_seen_in_who_answers_by_nat() {
    weights_are_seen(Method::Nat);
}

#[test]
fn weights_are_seen_in_who_answers_by_direct_routing() {
    weights_are_seen(Method::DirectRouting);
}

#[test]
fn weights_are_seen_in_who_answers_through_tunnels() {
    weights_are_seen(Method::Tunnel);
}

#[test]
fn weights_are_seen_in_who_answers_through_gue_tunnels_with_and_without_checksums() {
    for checksum in ["none", "full", "remote"] {
        let word = format!("{{ tunnel: {{ gue: {{ port: 6080, checksum: {checksum} }} }} }}");
        let text = Text::new(Method::Tunnel).to_string();
        let text = text.replace("forwarding: tunnel", &format!("forwarding: {word}"));
        let site = Site::new(Method::Tunnel);
        for family in Family::BOTH {
            for server in &site.farm.real_servers {
                server.receive_gue(6080, family);
            }
        }
        site.farmctl.converge(&text, &[]);
        for family in Family::BOTH {
            assert_eq!(site.spread(family, 6), [1, 2, 3], "{checksum} {family:?}");
        }
    }
}

#[test]
fn a_nat_service_makes_the_director_forward_by_itself() {
    let site = Site::new(Method::Nat);
    assert_eq!(site.farm.director.sysctl("net/ipv4/ip_forward"), "0");
    site.farmctl
        .apply(&Text::new(Method::Nat).to_string(), &[])
        .exits(0);
    assert_eq!(site.farm.director.sysctl("net/ipv4/ip_forward"), "1");
    assert_eq!(
        site.farm.director.sysctl("net/ipv6/conf/all/forwarding"),
        "1"
    );
}

#[test]
fn a_dry_run_changes_nothing_and_says_what_it_would_do() {
    let site = Site::new(Method::Nat);
    let bare = site.farmctl.kernel();
    let text = Text::new(Method::Nat).to_string();
    let run = site.farmctl.apply(&text, &["--dry-run"]).exits(0);
    assert_eq!(site.farmctl.kernel(), bare);
    assert!(!site.farmctl.state("record.json").exists());
    let wanted: Vec<String> = run.json()["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(text_of)
        .collect();
    let told = site.farmctl.diff(&text, &[]).exits(1).json();
    let told: Vec<String> = told["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(text_of)
        .collect();
    assert_eq!(wanted, told, "diff and a dry run say the same");
    assert_eq!(
        site.farmctl.apply(&text, &[]).exits(0).json()["changes"],
        run.json()["changes"],
        "what is done is what was announced"
    );
}

fn text_of(change: &serde_json::Value) -> String {
    change["text"].as_str().unwrap().to_owned()
}
