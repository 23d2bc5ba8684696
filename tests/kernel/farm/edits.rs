//! Edits of the file under live connections: none breaks unless its server was cut off.

use std::io::ErrorKind;
use std::process::Child;

use super::{Live, Method, Run, Site, Text};
use crate::bed::{Connection, Family};

/// A site on which everything is edited while clients are connected.
struct Edited {
    site: Site,
    live: Live,
    text: Text,
}

impl Edited {
    fn start(text: Text) -> Self {
        let site = Site::serving(&text);
        let live = Live::start(&site, 6);
        Self { site, live, text }
    }

    /// Applies another text; nobody notices.
    fn edit(&mut self, text: Text) {
        let run = self.site.farmctl.converge(&text.to_string(), &[]);
        assert_ne!(run.json()["kernel_writes"], 0, "an edit is seen");
        self.live.is_whole();
        self.text = text;
    }

    /// Of 12 new connections each server gets so many.
    #[track_caller]
    fn spreads(&self, expected: [usize; 3]) {
        for family in Family::BOTH {
            assert_eq!(self.site.spread(family, 12), expected, "{family:?}");
        }
    }
}

fn edits_break_nothing(method: Method) {
    let mut edited = Edited::start(Text::new(method));
    edited.spreads([2, 4, 6]);
    edited.edit(edited.text.with_servers(&[(1, 3), (2, 2), (3, 1)]));
    edited.spreads([6, 4, 2]);
    edited.edit(edited.text.with_scheduler("rr"));
    edited.spreads([4, 4, 4]);
    edited.edit(
        edited
            .text
            .with_scheduler("wrr")
            .with_servers(&[(1, 0), (2, 2), (3, 1)]),
    );
    edited.spreads([0, 8, 4]);
    edited.live.finish();
}

#[test]
fn weights_and_schedulers_change_under_live_connections_by_nat() {
    edits_break_nothing(Method::Nat);
}

#[test]
fn weights_and_schedulers_change_under_live_connections_by_direct_routing() {
    edits_break_nothing(Method::DirectRouting);
}

#[test]
fn weights_and_schedulers_change_under_live_connections_through_tunnels() {
    edits_break_nothing(Method::Tunnel);
}

#[test]
fn the_forwarding_method_changes_under_live_connections_there_and_back() {
    let mut edited = Edited::start(Text::new(Method::DirectRouting));
    edited.site.real_servers_hold_for(Method::Tunnel);
    edited.edit(edited.text.with_method(Method::Tunnel));
    edited.spreads([2, 4, 6]);
    edited.edit(edited.text.with_method(Method::DirectRouting));
    edited.spreads([2, 4, 6]);
    edited.live.finish();
}

#[test]
fn a_server_joins_under_live_connections() {
    for method in [Method::Nat, Method::DirectRouting, Method::Tunnel] {
        let text = Text::new(method);
        let mut edited = Edited::start(text.with_servers(&[(1, 1), (2, 2)]));
        edited.spreads([4, 8, 0]);
        edited.edit(text);
        edited.spreads([2, 4, 6]);
        edited.live.finish();
    }
}

/// The connections to rs1, and an apply that drains it.
fn drain_first(edited: &mut Edited) -> (Vec<Connection>, Child) {
    let leaving = edited.live.part_with("rs1");
    assert_eq!(leaving.len(), 2, "one of each family");
    let without = edited.text.with_servers(&[(2, 2), (3, 3)]);
    edited.site.farmctl.write(&without.to_string());
    let arguments = ["apply", "-o", "json", "--drain-timeout", "1h"];
    let farmctl = &edited.site.farmctl;
    let apply = farmctl
        .node()
        .run(|| farmctl.command(&arguments).spawn().unwrap());
    (leaving, apply)
}

fn a_drained_server_keeps_its_connections(method: Method) {
    let mut edited = Edited::start(Text::new(method));
    let (mut leaving, mut apply) = drain_first(&mut edited);
    edited.site.wait_until(|kernel| {
        let mut servers = kernel
            .services
            .values()
            .flat_map(|(_, servers)| servers.values());
        servers.any(|server| server.weight == 0)
    });
    for connection in &mut leaving {
        assert_eq!(connection.get().unwrap().server, "rs1");
    }
    for family in Family::BOTH {
        assert_eq!(edited.site.spread(family, 10), [0, 4, 6], "{family:?}");
    }
    assert_eq!(
        apply.try_wait().unwrap(),
        None,
        "it waits for the connections"
    );
    edited.live.is_whole();
    leaving.into_iter().for_each(Connection::reset);
    Run::of(&apply.wait_with_output().unwrap()).exits(0);
    edited.live.is_whole();
    let kernel = edited.site.farmctl.kernel();
    assert!(
        kernel
            .services
            .values()
            .all(|(_, servers)| servers.len() == 2)
    );
    edited.live.finish();
}

#[test]
fn a_server_that_is_drained_by_nat_goes_when_its_last_connection_has_ended() {
    a_drained_server_keeps_its_connections(Method::Nat);
}

#[test]
fn a_server_that_is_drained_by_direct_routing_goes_when_its_last_connection_has_ended() {
    a_drained_server_keeps_its_connections(Method::DirectRouting);
}

#[test]
fn a_drain_that_takes_too_long_cuts_what_is_left_and_says_how_much() {
    let mut edited = Edited::start(Text::new(Method::Nat));
    let mut cut = edited.live.part_with("rs1");
    let without = edited.text.with_servers(&[(2, 2), (3, 3)]).to_string();
    let run = edited
        .site
        .farmctl
        .apply(&without, &["--drain-timeout", "3s"])
        .exits(0);
    run.says("cuts 1 live connection");
    for connection in &mut cut {
        let error = connection.get().unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ConnectionReset,
            "expire_nodest_conn is on"
        );
    }
    edited.live.finish();
}

#[test]
fn a_server_that_is_removed_without_draining_takes_only_its_own_connections_along() {
    for method in [Method::Nat, Method::DirectRouting, Method::Tunnel] {
        let mut edited = Edited::start(Text::new(method));
        let mut cut = edited.live.part_with("rs1");
        edited.edit(edited.text.with_servers(&[(2, 2), (3, 3)]));
        for connection in &mut cut {
            let error = connection.get().unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::ConnectionReset,
                "expire_nodest_conn is on"
            );
        }
        edited.live.finish();
    }
}
