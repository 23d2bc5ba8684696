//! The directors as a group: who they are, who holds the VIPs, how they tell connections.
//!
//! Called by `validate`.

use std::collections::BTreeMap;

use super::context::{Context, at, section};
use crate::spec::{ConnectionSync, Directors, Name, Path, Place, Problem};

/// Every director is listed, once.
pub(super) fn directors_are_listed_once(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Some(directors) = &context.farm.directors else {
        return;
    };
    let list = section("directors").key("members");
    if directors.members.is_empty() && !context.lost(&list) {
        problems.push(no_members(&list));
    }
    let mut seen: BTreeMap<&Name, usize> = BTreeMap::new();
    for (index, name) in directors.members.iter().enumerate() {
        match seen.get(name) {
            None => drop(seen.insert(name, index)),
            Some(first) => problems.push(listed_twice(name, list.index(*first), list.index(index))),
        }
    }
}

fn no_members(list: &Path) -> Problem {
    Problem::error(
        "no-directors",
        at(list.clone()),
        "the list of directors is empty",
    )
    .labelled("no director")
    .helped(
        "name a node: `members: [lb1]`; or remove `directors`, then the machine that runs \
             farmctl is the director",
    )
}

fn listed_twice(name: &Name, first: Path, second: Path) -> Problem {
    Problem::error(
        "duplicate-entry",
        at(second),
        format!("the director `{name}` is listed twice"),
    )
    .labelled("listed again")
    .helped("remove one of them")
    .related(at(first), "listed here too")
}

/// Where several directors could hold a VIP, the file says who does.
pub(super) fn vips_of_several_directors_have_an_owner(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let Some(directors) = &context.farm.directors else {
        return;
    };
    let mut members = directors.members.clone();
    members.sort_unstable();
    members.dedup();
    let mut ownerless = context
        .farm
        .vips
        .iter()
        .filter(|(_, vip)| vip.ownership.is_none())
        .map(|(name, _)| section("vips").key(name))
        .filter(|path| members.len() > 1 && !context.lost(&path.key("ownership")));
    if let Some(first) = ownerless.next() {
        let problem = ownerless.fold(no_owner(members.len(), first), |problem, path| {
            problem.related(Place::Key(path), "this one too")
        });
        let list = section("directors").key("members");
        problems.push(problem.related(at(list), "the directors"));
    }
}

fn no_owner(count: usize, path: Path) -> Problem {
    let name = path
        .segments()
        .last()
        .map_or_else(String::new, |segment| match segment {
            crate::spec::Segment::Key(key) => key.clone(),
            crate::spec::Segment::Index(index) => index.to_string(),
        });
    Problem::error(
        "ownership-missing",
        Place::Key(path),
        format!("{count} directors could hold the VIP `{name}`, and nothing says which one does"),
    )
    .labelled("no `ownership`")
    .helped(
        "there are three choices. `ownership: quorum`: the directors and a witness vote, and one \
         holds it. `ownership: vrrp`: the directors agree by VRRP, and two may hold it when they \
         can't hear each other. `ownership: none`: somebody else puts it up and takes it down. \
         This farmctl has only `none` yet; or list one director",
    )
}

/// The kernel takes the options of connection synchronisation.
pub(super) fn connection_sync_can_run(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Some(directors) = &context.farm.directors else {
        return;
    };
    let Some(sync) = &directors.connection_sync else {
        return;
    };
    let path = section("directors").key("connection_sync");
    problems.extend(alone(directors, &path));
    problems.extend(sync_interface(context, sync, &path));
    problems.extend(sync_network(context, sync, &path));
    problems.extend(sync_numbers(sync, &path));
}

fn alone(directors: &Directors, path: &Path) -> Option<Problem> {
    (directors.members.len() == 1).then(|| {
        Problem::warning(
            "sync-alone",
            Place::Key(path.clone()),
            "connections are told to other directors, but there is only one",
        )
        .labelled("nobody listens")
        .helped("remove `connection_sync`, or add the other director to `members`")
    })
}

fn sync_interface(context: &Context<'_>, sync: &ConnectionSync, path: &Path) -> Option<Problem> {
    match (&sync.network, &sync.interface) {
        (Some(_), Some(_)) => Some(
            Problem::error(
                "both-given",
                Place::Key(path.key("interface")),
                "`connection_sync` has both `network` and `interface`",
            )
            .labelled("an interface")
            .helped("keep one of them")
            .related(Place::Key(path.key("network")), "and a network"),
        ),
        (None, None) if !context.lost(path) => Some(
            Problem::error(
                "neither-given",
                Place::Key(path.clone()),
                "`connection_sync` does not say over which network the directors tell each other",
            )
            .labelled("neither `network` nor `interface`")
            .helped("write `network: NAME` with a network of the directors, or `interface: eth1`"),
        ),
        (Some(_), None) | (None, _) => None,
    }
}

/// Each director is on the network, by an interface.
fn sync_network(context: &Context<'_>, sync: &ConnectionSync, path: &Path) -> Vec<Problem> {
    let Some(network) = &sync.network else {
        return Vec::new();
    };
    let known = context
        .farm
        .nodes
        .values()
        .any(|node| node.on(network).is_some());
    if !known {
        return Vec::new();
    }
    let lacking = context.directors().into_iter().filter(|(name, node)| {
        let interface = node.on(network).and_then(|site| site.interface);
        interface.is_none() && !context.lost(&section("nodes").key(name))
    });
    lacking
        .map(|(name, _)| {
            Problem::error(
                "director-lacks-network",
                at(path.key("network")),
                format!("the director `{name}` has no interface on the network `{network}`"),
            )
            .labelled(format!("`{name}` can't tell its connections"))
            .helped("give the director an interface on this network, or choose another network")
            .related(
                at(section("nodes").key(name)),
                format!("`{name}` is defined here"),
            )
        })
        .collect()
}

fn sync_numbers(sync: &ConnectionSync, path: &Path) -> Vec<Problem> {
    let group =
        sync.group
            .filter(|group| !group.is_multicast())
            .map(|group| {
                Problem::error(
            "sync-group",
            at(path.key("group")),
            format!("the group {group} is not a multicast address"),
        )
        .labelled("not a multicast address")
        .helped("leave it out (224.0.0.81), or write one such as `224.0.0.82` or `\"ff02::81\"`")
            });
    let length = sync
        .max_length
        .filter(|length| !(1024..=65_507).contains(length))
        .map(|length| {
            out_of_range(
                path.key("max_length"),
                "max_length",
                u64::from(length),
                "1024 to 65507 bytes",
            )
        });
    let port = sync.port.filter(|port| *port == 0).map(|_| {
        out_of_range(
            path.key("port"),
            "port",
            0,
            "1 to 65535; the kernel's own choice is 8848",
        )
    });
    let ttl = sync.ttl.filter(|ttl| *ttl == 0).map(|_| {
        out_of_range(
            path.key("ttl"),
            "ttl",
            0,
            "1 to 255; the kernel's own choice is 1",
        )
    });
    group
        .into_iter()
        .chain(length)
        .chain(port)
        .chain(ttl)
        .collect()
}

/// A number that the kernel would refuse or change.
pub(super) fn out_of_range(path: Path, key: &str, value: u64, range: &str) -> Problem {
    Problem::error(
        "out-of-range",
        at(path),
        format!("`{key}` can't be {value}"),
    )
    .labelled("out of range")
    .helped(format!("write {range}"))
}
