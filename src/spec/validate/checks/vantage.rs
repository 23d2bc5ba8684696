//! From where a check is asked.
//!
//! Called by `validate`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::context::{Context, WrittenVip, at, section};
use super::super::listeners::OWN_MARKS;
use super::super::vip_prefix::family_word;
use super::{Asked, Written, asked, written};
use crate::spec::{Check, Name, Path, Problem};

/// Addresses, marks and namespaces are such that a question can come from there.
pub(in crate::spec::validate) fn checks_can_be_asked_from_there(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let floating: BTreeMap<IpAddr, WrittenVip<'_>> = context
        .vip_addresses()
        .map(|vip| (vip.address.address.address, vip))
        .collect();
    let marks: BTreeMap<u32, &Name> = context
        .farm
        .services
        .iter()
        .filter_map(|(name, service)| Some((service.firewall_mark?, name)))
        .collect();
    for written in written(context) {
        problems.extend(bind(&floating, &written));
        problems.extend(mark(&marks, &written));
        problems.extend(namespace(&written));
    }
    for asked in asked(context) {
        problems.extend(other_family(&asked));
    }
}

fn bind(floating: &BTreeMap<IpAddr, WrittenVip<'_>>, written: &Written<'_>) -> Option<Problem> {
    let address = written.check.bind?;
    let path = written.path.key("bind");
    if address.is_unspecified() || address.is_multicast() {
        let problem = Problem::error(
            "check-bind",
            at(path),
            format!("{address} is no machine's own address"),
        );
        return Some(
            problem.labelled("nothing can come from it").helped(
                "write an address of the director, or leave `bind` out: the kernel chooses",
            ),
        );
    }
    let vip = floating.get(&address)?;
    Some(
        Problem::error(
            "check-bind",
            at(path),
            format!("{address} is an address of the VIP `{}`", vip.name),
        )
        .labelled("floats")
        .helped(
            "write an address of the director's own, or leave `bind` out: only the director that \
             holds the VIP could ask from it",
        )
        .related(at(vip.path.clone()), "the floating address"),
    )
}

fn mark(marks: &BTreeMap<u32, &Name>, written: &Written<'_>) -> Option<Problem> {
    let mark = written.check.mark?;
    let path = written.path.key("mark");
    let problem = |message: String| {
        Problem::error("check-mark", at(path.clone()), message).labelled("not for checks")
    };
    if OWN_MARKS.contains(&mark) {
        return Some(
            problem(format!(
                "the firewall mark {mark} is one of those that farmctl sets itself"
            ))
            .helped(format!(
                "choose a mark outside {} to {}",
                OWN_MARKS.start(),
                OWN_MARKS.end()
            )),
        );
    }
    let name = marks.get(&mark)?;
    Some(
        problem(format!(
            "the service `{name}` takes packets with the firewall mark {mark}: the questions would \
             be balanced"
        ))
        .helped("choose another mark for the check")
        .related(
            at(section("services").key(name).key("firewall_mark")),
            "the service's mark",
        ),
    )
}

fn namespace(written: &Written<'_>) -> Option<Problem> {
    let name = written.check.namespace.as_deref()?;
    let dots = matches!(name, "." | "..");
    let odd = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    let good = (1..=255).contains(&name.len()) && !dots && !name.contains(odd);
    (!good).then(|| {
        Problem::error(
            "check-namespace",
            at(written.path.key("namespace")),
            format!(
                "`{}` is not the name of a network namespace",
                name.escape_debug()
            ),
        )
        .labelled("cannot be entered")
        .helped("write the name that `ip netns list` shows, without a path")
    })
}

/// An address to ask from that reaches none of a real server's addresses.
fn other_family(asked: &Asked<'_, '_>) -> Option<Problem> {
    let bind = asked.check.vantage.bind?;
    let path: Path = asked
        .said(|check: &Check| check.bind.is_some())?
        .key("bind");
    let own: Vec<IpAddr> = match asked.check.address {
        Some(address) => vec![address],
        None => asked.server.addresses.clone(),
    };
    let other = own.first()?;
    let fits = own
        .iter()
        .any(|address| address.is_ipv4() == bind.is_ipv4());
    (!fits).then(|| {
        Problem::error(
            "check-bind",
            at(path),
            format!(
                "`bind` is {}, and `{}` has {} addresses only",
                family_word(bind),
                asked.server.name,
                family_word(*other)
            ),
        )
        .labelled("cannot reach it")
        .helped(format!(
            "write an {} address of the director, or leave `bind` out: the kernel chooses",
            family_word(*other)
        ))
    })
}
