//! The farm file at the top and every example: applied, verified, and applied again to no effect.

use std::fs;
use std::path::{Path, PathBuf};

use super::Farmctl;
use crate::bed::Node;

/// A machine with the interfaces and addresses that the examples give to `lb1`.
pub(super) fn lb1() -> Farmctl {
    let director = Node::new("lb1");
    for (interface, addresses) in [
        ("eth0", ["192.0.2.11/24", "2001:db8::11/64"]),
        ("eth1", ["10.0.0.11/24", "fd00::11/64"]),
    ] {
        director.cable(interface, &director, &format!("{interface}-far"));
        for address in addresses {
            director.add_address(interface, address);
        }
    }
    Farmctl::on(&director)
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let entries = fs::read_dir(top().join("examples")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    paths
}

/// The addresses of the VIPs in a file, taken from its text.
fn vips(text: &str) -> Vec<String> {
    let farm: farmctl::spec::Farm = serde_yaml::from_str(text).unwrap();
    let groups = farm.vips.values().flat_map(|vip| &vip.addresses);
    groups
        .map(|written| written.address.address.to_string())
        .collect()
}

fn holds(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let farmctl = lb1();
    let before = farmctl.kernel();
    farmctl.diff(&text, &[]).exits(1);
    assert_eq!(farmctl.kernel(), before, "looking changes nothing");
    farmctl.converge(&text, &[]);
    let kernel = farmctl.kernel();
    assert!(!kernel.services.is_empty());
    assert!(
        kernel
            .services
            .values()
            .all(|(_, servers)| !servers.is_empty())
    );
    for vip in vips(&text) {
        assert!(kernel.has_address(&vip), "{vip} is up: {kernel:#?}");
    }
    let nothing = "version: 1\n";
    farmctl.apply(nothing, &["--allow-shrink"]).exits(0);
    let left = farmctl.kernel();
    assert!(left.services.is_empty(), "{left:#?}");
    assert_eq!(left.addresses, before.addresses);
}

#[test]
fn the_farm_at_the_top_applies_as_it_stands() {
    holds(&top().join("farm.yaml"));
}

#[test]
fn every_example_applies_as_it_stands() {
    let all = examples();
    assert!(all.len() >= 5, "{all:?}");
    for path in &all {
        println!("{}", path.display());
        holds(path);
    }
}
