//! Operators' orders to a running daemon.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::{Daemon, Site, all_serve, checked, holds, spread, weights};
use crate::bed::Family;

// keepalived #1228, dpvs #333, LVS #34, kubernetes #57841: no drain.
#[test]
fn a_drain_loses_no_download_and_takes_the_server_out_when_the_last_has_ended() {
    let site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    let service = site.service(Family::V4);
    let downloads: Vec<_> = (0..12)
        .map(|_| site.farm.client.download(service, 150).unwrap())
        .collect();
    for server in ["rs1", "rs2"] {
        daemon.order(
            "/v1/drain",
            &json!({ "server": server, "reason": "new disk" }),
        );
    }
    daemon.wait_for("both drain", |status| {
        weights(status) == [Some(0), Some(0), Some(3)]
    });
    holds(&site, [Some(0), Some(0), Some(3)]);
    assert_eq!(spread(&site), [0, 0, 30], "nothing new");
    for download in downloads {
        download.finish().unwrap();
    }
    daemon.wait_for("both are out", |status| {
        weights(status) == [None, None, Some(3)]
    });
    holds(&site, [None, None, Some(3)]);
}

// kube-proxy's drain list was only in memory: kubernetes #92019, #108319.
#[test]
fn overrides_outlive_kill_9() {
    let site = Site::new(super::Method::Nat);
    let daemon = Daemon::start(&site, &checked());
    daemon.wait_for("all serve", all_serve);
    holds(&site, [Some(1), Some(2), Some(3)]);
    daemon.order(
        "/v1/weight",
        &json!({ "server": "rs1", "weight": 7, "reason": "bigger" }),
    );
    daemon.wait_for("the weight", |status| weights(status)[0] == Some(7));
    std::thread::sleep(Duration::from_millis(300));
    daemon.end(Signal::SIGKILL);
    let daemon = Daemon::again(&site, &[]).converged();
    let status = daemon.wait_for("the weight again", |status| weights(status)[0] == Some(7));
    assert_eq!(status["overrides"][0]["reason"], "bigger");
}
