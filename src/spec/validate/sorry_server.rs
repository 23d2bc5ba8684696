//! Sorry servers once their defaults are filled in.
//!
//! What they have in common with real servers is in `targets`. Called by `validate`.

use std::collections::BTreeSet;

use super::context::{Context, option_path};
use super::targets::nowhere;
use crate::spec::{OrNone, Path, Problem, SorryServer, VirtualService};

/// After the defaults, a sorry server is a machine.
pub(super) fn sorry_servers_are_somewhere(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let default = context
        .farm
        .defaults
        .as_ref()
        .and_then(|defaults| defaults.service.as_ref()?.sorry_server.as_ref());
    let mut reported: BTreeSet<Path> = BTreeSet::new();
    for service in context.services() {
        let own = own(service.written);
        let targets = [own, default].into_iter().flatten();
        let somewhere = targets
            .clone()
            .any(|sorry| sorry.node.is_some() || sorry.address.is_some());
        let path = option_path(
            service,
            "sorry_server",
            service.written.sorry_server.as_ref(),
        );
        let is_used = service.effective.sorry_server.is_some();
        if is_used && !somewhere && !context.lost(&path) && reported.insert(path.clone()) {
            problems.push(nowhere(path, "sorry server"));
        }
    }
}

fn own(service: &VirtualService) -> Option<&SorryServer> {
    match service.sorry_server.as_ref()? {
        OrNone::Some(sorry) => Some(sorry),
        OrNone::None => None,
    }
}
