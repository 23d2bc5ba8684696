//! Changes that somebody made by hand to what farmctl made: shown, and repaired by one apply.

use farmctl::netlink::ipvs::{Command, Destination, Service, ServiceId};

use super::foreign::destination;
use super::kernel::meddle;
use super::{Kernel, Method, Site, Text};
use crate::bed::{Family, Net};

/// What is there, before a hand is laid on it.
struct Made {
    site: Site,
    text: String,
    kernel: Kernel,
    service: Service,
    first: Destination,
}

impl Made {
    fn new() -> Self {
        let text = Text::new(Method::Nat);
        let site = Site::serving(&text);
        let kernel = site.farmctl.kernel();
        let (service, servers) = kernel.services.values().next().unwrap().clone();
        Self {
            site,
            text: text.to_string(),
            first: *servers.values().next().unwrap(),
            service,
            kernel,
        }
    }

    fn id(&self) -> ServiceId {
        self.service.id
    }

    /// Diff shows a difference that says this; one apply restores everything.
    #[track_caller]
    fn is_shown_and_repaired(&self, words: &str) {
        assert_ne!(
            self.site.farmctl.kernel(),
            self.kernel,
            "something was done by hand"
        );
        let shown = self
            .site
            .farmctl
            .diff(&self.text, &[])
            .exits(1)
            .list("changes");
        assert!(
            shown.iter().any(|change| change.contains(words)),
            "{words}: {shown:#?}"
        );
        self.site.farmctl.apply(&self.text, &[]).exits(0);
        assert_eq!(self.site.farmctl.kernel(), self.kernel);
        self.site.farmctl.diff(&self.text, &[]).exits(0);
    }

    fn by_hand(&self, commands: &[Command]) {
        meddle(&self.site.farm.director, commands);
    }
}

#[test]
fn a_weight_that_was_changed_by_hand_is_shown_and_repaired() {
    let made = Made::new();
    let heavier = Destination {
        weight: 77,
        ..made.first
    };
    made.by_hand(&[Command::SetDestination(made.id(), heavier)]);
    made.is_shown_and_repaired("77");
}

#[test]
fn a_scheduler_that_was_changed_by_hand_is_shown_and_repaired() {
    let made = Made::new();
    let other = Service {
        scheduler: "sed".to_owned(),
        ..made.service.clone()
    };
    made.by_hand(&[Command::SetService(other)]);
    made.is_shown_and_repaired("sed");
}

#[test]
fn a_destination_that_was_added_by_hand_is_shown_and_removed() {
    let made = Made::new();
    let stranger = destination(Net::Back.address(Family::V4, 77), 8080, 1);
    made.by_hand(&[Command::NewDestination(made.id(), stranger)]);
    made.is_shown_and_repaired("10.1.0.77");
}

#[test]
fn a_destination_that_was_removed_by_hand_is_shown_and_added_again() {
    let made = Made::new();
    made.by_hand(&[Command::DelDestination(made.id(), made.first.id())]);
    made.is_shown_and_repaired(&made.first.address.to_string());
}

#[test]
fn a_service_that_was_deleted_by_hand_is_shown_and_made_again() {
    let made = Made::new();
    made.by_hand(&[Command::DelService(made.id())]);
    made.is_shown_and_repaired("10.8.0.100:80");
}

#[test]
fn a_table_that_was_flushed_by_hand_is_made_again() {
    let made = Made::new();
    made.by_hand(&[Command::Flush]);
    made.is_shown_and_repaired("fd08::100");
}

#[test]
fn a_vip_that_was_removed_by_hand_is_shown_and_put_up_again() {
    let made = Made::new();
    made.site
        .farm
        .director
        .remove_address("uplink", "10.8.0.100/32");
    made.is_shown_and_repaired("10.8.0.100");
    made.site
        .farm
        .director
        .remove_address("uplink", "fd08::100/128");
    made.is_shown_and_repaired("fd08::100");
}

#[test]
fn forwarding_that_was_switched_off_by_hand_is_shown_and_switched_on_again() {
    let made = Made::new();
    made.site.farm.director.set("net/ipv4/ip_forward", "0");
    made.is_shown_and_repaired("ip_forward");
    made.site
        .farm
        .director
        .set("net/ipv4/vs/expire_nodest_conn", "0");
    made.is_shown_and_repaired("expire_nodest_conn");
}
