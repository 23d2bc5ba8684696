//! What is wrong with a farm that is well written: names that lead nowhere, addresses that two
//! things claim, options that the kernel refuses or ignores.
//!
//! Everything is found in one run, and each finding says what to write instead. Nothing here reads
//! text (`spec::reader` does), asks the kernel or knows which machine it runs on. Called by the
//! reader, once the text has become a [`Farm`].

mod addresses;
mod capabilities;
mod checks;
mod clashes;
mod context;
mod directors;
mod families;
mod file_source;
mod forwarding;
mod listeners;
mod mass_failure;
mod nodes;
mod notifications;
mod persistence;
mod ports;
mod quorum;
mod real_servers;
mod references;
mod schedulers;
mod settings;
mod settings_of_daemon;
mod sorry_server;
mod suggest;
mod targets;
mod unused;
mod vip_interface;
mod vip_prefix;
mod vips;

use self::context::Context;
use super::{DataplaneKind, Farm, Path, Problem};

/// One kind of check.
type Check = fn(&Context<'_>, &mut Vec<Problem>);

/// Every check. They are independent of each other.
const CHECKS: &[Check] = &[
    references::names_lead_somewhere,
    unused::everything_is_used,
    nodes::nodes_are_written_in_one_form,
    nodes::node_addresses_can_be_used,
    addresses::no_address_is_claimed_twice,
    vips::vips_have_addresses,
    vips::vip_addresses_can_be_used,
    vip_interface::vips_are_on_an_interface,
    vip_prefix::vip_prefixes_agree,
    directors::directors_are_listed_once,
    directors::vips_of_several_directors_have_an_owner,
    directors::connection_sync_can_run,
    settings::timeouts_are_accepted_by_the_kernel,
    settings::sysctls_are_in_range,
    listeners::services_listen_on_one_thing,
    listeners::marks_can_be_used,
    listeners::protocols_fit,
    listeners::together_has_a_meaning,
    ports::port_lists_do_not_overlap,
    ports::port_lists_are_not_huge,
    clashes::ports_have_one_service,
    clashes::marks_have_one_service,
    schedulers::weights_are_used,
    schedulers::options_have_an_effect,
    persistence::persistence_is_accepted_by_the_kernel,
    persistence::engines_see_their_protocol,
    persistence::port_zero_is_persistent,
    forwarding::tunnels_are_accepted_by_the_kernel,
    forwarding::ports_are_changed_by_nat_only,
    forwarding::one_packet_answers_need_another_way,
    forwarding::directly_routed_servers_are_neighbours,
    real_servers::servers_are_named_once,
    real_servers::server_numbers_are_in_range,
    real_servers::servers_are_listed_once,
    real_servers::services_have_real_servers,
    real_servers::some_server_has_a_weight,
    sorry_server::sorry_servers_are_somewhere,
    targets::targets_are_written_in_one_way,
    targets::targets_can_be_reached,
    families::servers_fit_the_families_of_the_vip,
    families::every_family_has_a_server,
    families::mixed_tunnels_go_without_sync,
    checks::checks_have_one_kind,
    checks::checks_ask_something,
    checks::times_of_checks_fit,
    checks::expressions_and_bytes_can_be_read,
    checks::options_of_checks_have_an_effect,
    checks::programs_can_be_run,
    checks::checks_have_a_port,
    checks::checks_can_be_asked_from_there,
    checks::data_paths_are_for_connections,
    checks::services_are_checked_or_say_so,
    quorum::quorums_can_be_reached,
    mass_failure::guards_against_mass_failure_help,
    mass_failure::options_for_failures_have_checks,
    mass_failure::changing_weights_are_used,
    file_source::sources_can_be_fetched,
    file_source::sources_say_who_is_trusted,
    settings_of_daemon::options_of_the_daemon_fit,
    notifications::notifications_can_be_delivered,
    capabilities::the_named_dataplane_can_do_it,
    capabilities::options_are_of_the_named_dataplane,
];

/// Everything that is wrong with the farm, in a fixed order.
///
/// `pruned` are the entries that the reader took out because it could not read them: what they would
/// have defined or used is not called missing or unused. Places of problems count the items that
/// are left; the reader turns them into places of the text.
pub fn validate(farm: &Farm, pruned: &[Path]) -> Vec<Problem> {
    let context = Context::new(farm, pruned);
    let mut problems = Vec::new();
    for check in CHECKS {
        check(&context, &mut problems);
    }
    problems
}

/// Everything that a data plane can't do of what the farm asks for: for a farm that leaves the
/// choice to the machine, once the machine has chosen. [`validate`] says the same of a data plane
/// that the file names.
pub fn lacking(farm: &Farm, dataplane: DataplaneKind) -> Vec<Problem> {
    capabilities::lacking(&Context::new(farm, &[]), dataplane)
}

#[cfg(test)]
mod tests;
