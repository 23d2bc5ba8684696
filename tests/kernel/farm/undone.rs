//! A run that fails in the middle leaves everything as it was.

use super::{Live, Method, Site, Text};
use crate::bed::Family;

/// A site whose kernel refuses an address of IPv6, the last thing that goes up.
fn refusing(method: Method) -> Site {
    let site = Site::new(method);
    let interface = method.net().interface();
    let sysctl = format!("net/ipv6/conf/{interface}/disable_ipv6");
    site.farm.director.set(&sysctl, "1");
    site
}

#[test]
fn a_first_apply_that_fails_at_its_last_step_leaves_nothing() {
    let site = refusing(Method::Nat);
    let before = site.farmctl.kernel();
    let run = site
        .farmctl
        .apply(&Text::new(Method::Nat).to_string(), &[])
        .exits(1);
    run.says("fd08::100");
    assert_eq!(site.farmctl.kernel(), before);
    assert!(!site.farmctl.state("journal.json").exists());
    site.farmctl.diff("version: 1\nfarm: test\n", &[]).exits(0);
}

#[test]
fn a_later_apply_that_fails_restores_what_was_edited_under_live_connections() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let mut live = Live::start(&site, 6);
    let before = site.farmctl.kernel();
    // A second VIP where the kernel takes no address of IPv6 comes with edits of all that is there.
    site.farm
        .director
        .set("net/ipv6/conf/front/disable_ipv6", "1");
    let before_front = before.addresses["front"].clone();
    let mut wider = text.with_servers(&[(1, 5), (2, 5)]).with_scheduler("rr");
    wider.more =
        "  more: { vip: second, port: 81, real_servers: [{ node: rs1, network: back }] }\n"
            .to_owned();
    let wider = wider.to_string().replace(
        "vips:\n",
        "vips:\n  second: { addresses: [\"fd09::111/64\"], network: front }\n",
    );
    site.farmctl.apply(&wider, &[]).exits(1).says("fd09::111");
    let mut after = site.farmctl.kernel();
    // Switching IPv6 off took the director's own address there, which is not farmctl's doing.
    after.addresses.insert("front".to_owned(), before_front);
    assert_eq!(after, before);
    live.is_whole();
    for family in Family::BOTH {
        assert_eq!(site.spread(family, 12), [2, 4, 6]);
    }
    live.finish();
    site.farmctl
        .apply(&text.to_string(), &[])
        .exits(0)
        .did_nothing();
}

#[test]
fn what_the_kernel_does_not_know_is_found_before_anything_is_changed() {
    let site = Site::new(Method::Nat);
    let before = site.farmctl.kernel();
    let text = Text::new(Method::Nat).with("persistence: { timeout: 5m, engine: nosuch }");
    let run = site.farmctl.apply(&text.to_string(), &[]);
    assert!(matches!(run.code, Some(1 | 2)), "{run}");
    run.says("nosuch");
    assert_eq!(site.farmctl.kernel(), before);
}

#[test]
fn an_interface_that_is_not_there_changes_nothing() {
    let site = Site::new(Method::Nat);
    let before = site.farmctl.kernel();
    let text = Text::new(Method::Nat).to_string();
    let text = text.replace("network: uplink }\nservices", "interface: eth7 }\nservices");
    let run = site.farmctl.apply(&text, &[]);
    assert_eq!(run.code, Some(1), "{run}");
    run.says("Nothing was changed")
        .says("goes on eth7, and this machine has no such interface");
    assert_eq!(site.farmctl.kernel(), before);
}
