//! `make demo`: farmctl on the farm of `farm.yaml`, which is made of network namespaces.
//!
//! A client, the director `lb1` and three web servers, with the interfaces and addresses that the
//! file names. Everything that is shown is what the program printed and what clients got; where a
//! promise is not kept the demonstration says so and fails. Started by `demo/run`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a demonstration prints, and stops at the first thing that is not as promised"
)]

#[expect(dead_code, unused_imports, reason = "the bed has more than this needs")]
#[path = "../tests/kernel/bed/mod.rs"]
mod bed;
mod site;

use std::fs;

use bed::{Connection, Download};
use site::{FAMILIES, Site, headline, service};

const FARM: &str = include_str!("../farm.yaml");
/// One arrives each 20 ms, until the rest is asked for.
const KILOBYTES: usize = 400;

fn main() {
    // `cargo test` and its like ask for a list of tests: there is none.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    println!("A client, the director lb1 and the servers web1, web2 and web3,");
    println!("as network namespaces on Linux {}.", kernel.trim());
    let site = Site::new(FARM);
    begin(&site);
    let clients = Clients::arrive(&site);
    edit(&site, clients);
    headline("The same again: nothing to do, and no write goes to the kernel.");
    assert!(site.farmctl(&["apply", "-v"]).contains("Nothing to do"));
    println!("\nThat was farmctl. The file is farm.yaml; README.md goes on from here.");
}

fn begin(site: &Site) {
    headline("Is the file right?");
    site.farmctl(&["validate"]);
    headline("What would change?");
    site.farmctl(&["diff"]);
    headline("Do it.");
    site.farmctl(&["apply"]);
    headline("60 requests by IPv4 and 60 by IPv6. The weights are 1, 2 and 3.");
    site.shows_spread([20, 40, 60]);
}

/// Clients who are connected while the farm changes.
struct Clients {
    kept: Vec<(Connection, bed::Answer)>,
    downloads: Vec<Download>,
}

impl Clients {
    fn arrive(site: &Site) -> Self {
        headline("Two clients start a download, and twelve keep a connection open.");
        let mut clients = Self {
            kept: Vec::new(),
            downloads: Vec::new(),
        };
        for family in FAMILIES {
            for _ in 0..6 {
                let mut connection = site.client.connect(service(family)).unwrap();
                let answer = connection.get().unwrap();
                clients.kept.push((connection, answer));
            }
            let mut download = site.client.download(service(family), KILOBYTES).unwrap();
            download.wait_for(10);
            clients.downloads.push(download);
        }
        println!("12 connections are open; 2 downloads of {KILOBYTES} kB run.");
        clients
    }

    fn leave(mut self) {
        for (connection, before) in &mut self.kept {
            assert_eq!(
                connection.get().unwrap(),
                *before,
                "the same server, the same port"
            );
        }
        println!("\n12 of 12 connections still reach the server that they had.");
        for mut download in self.downloads {
            download.wait_for_more();
            let arrived = download.finish().unwrap();
            println!("{arrived} of {KILOBYTES} kB arrived, each in its place.");
        }
    }
}

fn edit(site: &Site, clients: Clients) {
    headline("Meanwhile somebody turns the weights round in the file.");
    let edited = FARM
        .replace("weight: 3", "weight: last")
        .replace("weight: 1", "weight: 3")
        .replace("weight: last", "weight: 1");
    site.write(&edited);
    site.farmctl(&["diff"]);
    site.farmctl(&["apply"]);
    site.shows_spread([60, 40, 20]);
    headline("What is so now, and what became of those who were connected?");
    site.farmctl(&["status"]);
    clients.leave();
}
