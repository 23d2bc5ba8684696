//! Objects of another tool: shown, and never touched.

use std::net::IpAddr;

use farmctl::netlink::ipvs::{
    Command, Destination, Family as Inet, ForwardingMethod, Netmask, Protocol, Service, ServiceId,
    Tunnel,
};

use super::kernel::meddle;
use super::{Kernel, Live, Method, Site, Text};
use crate::bed::{Family, Net};

/// A TCP service as another tool makes it.
pub(super) fn service(address: IpAddr, port: u16) -> Service {
    Service {
        id: ServiceId::Address {
            protocol: Protocol::Tcp,
            address,
            port,
        },
        scheduler: "rr".to_owned(),
        flags: 0,
        timeout: 0,
        netmask: Netmask::full(Inet::of(address)),
        engine: None,
    }
}

/// A destination as another tool makes it.
pub(super) fn destination(address: IpAddr, port: u16, weight: u32) -> Destination {
    Destination {
        address,
        port,
        forwarding: ForwardingMethod::Masquerade,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
        tunnel: Tunnel::default(),
    }
}

/// What makes a service of another tool with the first real server behind it.
fn make(address: IpAddr, port: u16) -> [Command; 2] {
    let service = service(address, port);
    let server = Net::Back.address(family_of(address), 11);
    let add = Command::NewDestination(service.id, destination(server, 8080, 1));
    [Command::NewService(service), add]
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    }
}

/// Another tool's services beside the farm's own: on the VIP, elsewhere, and by a mark.
pub(super) fn settle(site: &Site) -> Kernel {
    let vip = Method::Nat.vip(Family::V4);
    let node = &site.farm.director;
    meddle(node, &make(vip, 8443));
    meddle(node, &make(Net::Uplink.address(Family::V6, 2), 25));
    let by_mark = Service {
        id: ServiceId::Mark {
            family: Inet::Inet,
            mark: 7,
        },
        ..service(vip, 0)
    };
    meddle(node, &[Command::NewService(by_mark)]);
    site.farmctl.kernel()
}

#[test]
fn what_another_tool_made_is_shown_by_diff_and_never_touched() {
    let site = Site::new(Method::Nat);
    let foreign = settle(&site);
    let text = Text::new(Method::Nat);
    let shown = site
        .farmctl
        .diff(&text.to_string(), &[])
        .exits(1)
        .list("foreign");
    assert_eq!(shown.len(), 3, "{shown:?}");
    for words in ["10.8.0.100:8443", "[fd08::2]:25", "mark 7"] {
        assert!(
            shown.iter().any(|line| line.contains(words)),
            "{words}: {shown:?}"
        );
    }
    site.farmctl.converge(&text.to_string(), &[]);
    assert!(site.farmctl.kernel().has_unchanged(&foreign));
    let fewer = text.with_servers(&[(2, 3)]).to_string();
    site.farmctl
        .apply(&fewer, &["--prune", "owned", "--adopt", "--allow-shrink"])
        .exits(0);
    assert!(site.farmctl.kernel().has_unchanged(&foreign));
}

#[test]
fn a_farm_that_is_emptied_leaves_what_another_tool_made() {
    let site = Site::new(Method::Nat);
    let foreign = settle(&site);
    site.farmctl
        .apply(&Text::new(Method::Nat).to_string(), &[])
        .exits(0);
    let nothing = "version: 1\nfarm: test\n";
    site.farmctl.apply(nothing, &[]).exits(5);
    site.farmctl.apply(nothing, &["--allow-shrink"]).exits(0);
    let left = site.farmctl.kernel();
    assert_eq!(left.services, foreign.services);
    assert_eq!(left.addresses, foreign.addresses);
}

#[test]
fn a_service_that_the_file_claims_and_another_tool_made_is_a_conflict() {
    let site = Site::new(Method::Nat);
    meddle(&site.farm.director, &make(Method::Nat.vip(Family::V4), 80));
    let before = site.farmctl.kernel();
    let text = Text::new(Method::Nat).to_string();
    let told = site.farmctl.diff(&text, &[]).exits(1).list("conflicts");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("10.8.0.100:80"), "{told:?}");
    site.farmctl
        .apply(&text, &[])
        .exits(4)
        .says("10.8.0.100:80");
    assert_eq!(site.farmctl.kernel(), before, "nothing was done at all");
}

#[test]
fn an_address_that_is_up_already_is_a_conflict_until_it_is_adopted() {
    let site = Site::new(Method::Nat);
    let vip = Method::Nat.vip(Family::V4);
    site.farm
        .director
        .add_address("uplink", &format!("{vip}/32"));
    let before = site.farmctl.kernel();
    let text = Text::new(Method::Nat).to_string();
    site.farmctl
        .apply(&text, &[])
        .exits(4)
        .says(&vip.to_string());
    assert_eq!(site.farmctl.kernel(), before);
    site.farmctl.converge(&text, &["--adopt"]);
    assert_eq!(site.spread(Family::V4, 6), [1, 2, 3]);
}

#[test]
fn adopting_edits_in_place_under_live_connections() {
    let site = Site::new(Method::Nat);
    for family in Family::BOTH {
        let vip = Method::Nat.vip(family);
        meddle(&site.farm.director, &make(vip, 80));
        site.farm.director.add_address("uplink", &alone(vip));
    }
    site.farm.director.forward();
    let mut live = Live::start(&site, 2);
    site.farmctl
        .converge(&Text::new(Method::Nat).to_string(), &["--adopt"]);
    live.is_whole();
    for family in Family::BOTH {
        assert_eq!(site.spread(family, 12), [2, 4, 6]);
    }
    live.finish();
}

fn alone(ip: IpAddr) -> String {
    format!("{ip}/{}", if ip.is_ipv4() { 32 } else { 128 })
}

#[test]
fn a_roll_back_leaves_what_another_tool_made() {
    let site = Site::new(Method::Nat);
    // The last step of the plan, the address of IPv6, is refused by this kernel.
    site.farm
        .director
        .set("net/ipv6/conf/uplink/disable_ipv6", "1");
    let vip = Method::Nat.vip(Family::V4);
    meddle(&site.farm.director, &make(vip, 8443));
    let before = site.farmctl.kernel();
    site.farmctl
        .apply(&Text::new(Method::Nat).to_string(), &[])
        .exits(1);
    assert_eq!(site.farmctl.kernel(), before);
}
