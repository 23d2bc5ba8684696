//! What was changed by hand on ip_vs, which tells of nothing: the keeper finds it and puts it
//! right.

use farmctl::netlink::ipvs::{Command, Destination, Service};
use farmctl::reconcile::keeper::Said;
use farmctl::state::{Change, Subject};

use super::foreign::{self, destination};
use super::keeper::Kept;
use super::kernel::meddle;
use super::{Kernel, Method, Site, Text};
use crate::bed::{Family, Net};

/// What a keeper made, before a hand is laid on it.
struct Made {
    site: Site,
    kept: Kept,
    kernel: Kernel,
    service: Service,
    first: Destination,
}

impl Made {
    fn new() -> Self {
        let site = Site::new(Method::Nat);
        let kept = Kept::serving(&site, &Text::new(Method::Nat).to_string());
        let kernel = site.farmctl.kernel();
        let (service, servers) = kernel.services.values().next().unwrap().clone();
        Self {
            first: *servers.values().next().unwrap(),
            site,
            kept,
            kernel,
            service,
        }
    }

    /// The command is told as drift and put right.
    #[track_caller]
    fn is_put_right(&mut self, command: Command) -> Vec<Subject> {
        meddle(&self.site.farm.director, &[command]);
        let subjects = self.kept.hear(|one| {
            let Said::Drift { changes, .. } = one else {
                return None;
            };
            Some(changes.iter().map(Change::subject).collect())
        });
        self.site.wait_until(|kernel| *kernel == self.kernel);
        subjects
    }
}

/// acassen/keepalived#1877, #1018: what was changed or removed with ipvsadm was not restored.
#[test]
fn each_kind_of_thing_that_was_changed_by_hand_is_put_right() {
    let mut made = Made::new();
    let id = made.service.id;
    let heavier = Destination {
        weight: 77,
        ..made.first
    };
    let subjects = made.is_put_right(Command::SetDestination(id, heavier));
    assert!(matches!(&subjects[..], [Subject::Destination(..)]));
    let other = Service {
        scheduler: "sed".to_owned(),
        ..made.service.clone()
    };
    let subjects = made.is_put_right(Command::SetService(other));
    assert!(matches!(&subjects[..], [Subject::Service(_)]));
    let stranger = destination(Net::Back.address(Family::V4, 77), 8080, 1);
    let subjects = made.is_put_right(Command::NewDestination(id, stranger));
    assert!(matches!(&subjects[..], [Subject::Destination(..)]));
    let first = made.first.id();
    made.is_put_right(Command::DelDestination(id, first));
    let subjects = made.is_put_right(Command::DelService(id));
    assert!(matches!(&subjects[..], [Subject::Service(_)]));
    made.site.farm.director.set("net/ipv4/ip_forward", "0");
    made.site.wait_until(|kernel| *kernel == made.kernel);
}

/// acassen/keepalived#1877: a table that was flushed stayed empty.
#[test]
fn a_table_that_was_flushed_by_hand_is_made_again() {
    let mut made = Made::new();
    made.is_put_right(Command::Flush);
}

/// kube-proxy#6: it flushed what others had made.
#[test]
fn what_another_tool_makes_and_changes_is_left_alone() {
    let site = Site::new(Method::Nat);
    let others = foreign::settle(&site);
    let mut kept = Kept::serving(&site, &Text::new(Method::Nat).to_string());
    let text = Text::new(Method::Nat).with_scheduler("rr").to_string();
    kept.file(&text);
    assert!(site.farmctl.kernel().has_unchanged(&others));
}
