//! Refuses a file that shrinks the farm so much that it is likely a mistake. Pure.
//!
//! What counts is what the last accepted file asked for ([`Footprint`]), not what the kernel
//! holds: undoing a hand edit is no shrinking, and a file that lost its half while the machine was
//! off is. Before any file was accepted, what is ours in the kernel counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::state::{ServiceKey, State};

use super::Digest;

/// Whether a file may shrink the farm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shrink {
    /// It is refused.
    #[default]
    Refused,
    /// It is what the operator wants, this once (`--allow-shrink`).
    Allowed,
}

/// What a file asks for, as far as the guards look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Footprint {
    /// The floating addresses.
    pub vips: BTreeSet<IpAddr>,
    /// The services, each with the sum of its destinations' weights.
    pub services: BTreeMap<ServiceKey, u64>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    vips: BTreeSet<IpAddr>,
    services: Vec<(ServiceKey, u64)>,
}

impl From<Form> for Footprint {
    fn from(form: Form) -> Self {
        Self {
            vips: form.vips,
            services: form.services.into_iter().collect(),
        }
    }
}

impl From<Footprint> for Form {
    fn from(footprint: Footprint) -> Self {
        Self {
            vips: footprint.vips,
            services: footprint.services.into_iter().collect(),
        }
    }
}

impl Footprint {
    /// Of a state. The addresses of its services count as floating addresses: a node that does
    /// not hold them now still serves them.
    pub fn of(state: &State) -> Self {
        let put_up = state.addresses.keys().map(|key| key.address);
        let served = state.services.keys().filter_map(|key| match key {
            ServiceKey::Address { address, .. } => Some(*address),
            ServiceKey::Mark { .. } => None,
        });
        let services = state.services.iter();
        Self {
            vips: put_up.chain(served).collect(),
            services: services
                .map(|(key, service)| (*key, service.weight()))
                .collect(),
        }
    }

    /// With floating addresses that the file names for other machines to hold.
    #[must_use]
    pub fn with_vips(mut self, vips: impl IntoIterator<Item = IpAddr>) -> Self {
        self.vips.extend(vips);
        self
    }
}

/// Why a file is refused. Its text says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Floating addresses would go.
    VipsRemoved {
        /// Which.
        removed: Vec<IpAddr>,
        /// How many there are.
        of: usize,
    },
    /// More than half of the services would go.
    ServicesRemoved {
        /// Which.
        removed: Vec<ServiceKey>,
        /// How many there are.
        of: usize,
    },
    /// A service would lose more than half of its weight.
    WeightLost {
        /// Which.
        service: ServiceKey,
        /// The sum of the weights before.
        from: u64,
        /// The sum of the weights after.
        to: u64,
    },
    /// The file is the beginning of the last accepted one.
    CutShort {
        /// Its length, bytes.
        length: usize,
        /// The length of the accepted file, bytes.
        of: usize,
    },
    /// An earlier change waits for its confirmation.
    Unconfirmed {
        /// Of which farm.
        farm: String,
        /// How long it waits still, seconds.
        seconds: u64,
    },
    /// The file was undone before, because its confirmation did not come.
    Rejected {
        /// The file.
        file: Digest,
    },
}

/// What a refusal that can be passed ends with.
const ADVICE: &str = "If that is what you want, add --allow-shrink.";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VipsRemoved { removed, of } => fmt_vips(removed, *of, f),
            Self::ServicesRemoved { removed, of } => write!(
                f,
                "{} of {of} services would be removed, which is more than half: {}. {ADVICE}",
                removed.len(),
                list(removed)
            ),
            Self::WeightLost { service, from, to } => write!(
                f,
                "service {service} would lose more than half of its weight: from {from} to {to}. \
                 {ADVICE}"
            ),
            Self::CutShort { length, of } => write!(
                f,
                "the file is the first {length} bytes of the last accepted one ({of} bytes): \
                 it was probably cut short on its way here. Bring the whole file. {ADVICE}"
            ),
            Self::Unconfirmed { farm, seconds } => write!(
                f,
                "an earlier change of farm {farm} waits for its confirmation and is undone in \
                 {seconds} s. Say `farmctl confirm` if it is good, or wait until it is undone"
            ),
            Self::Rejected { file } => write!(
                f,
                "this very file ({file}) was applied before and undone, because nobody confirmed \
                 it. Change what was wrong with it; if nothing was, change a comment"
            ),
        }
    }
}

fn fmt_vips(removed: &[IpAddr], of: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let which = list(removed);
    if removed.len() == of {
        let all = if of == 1 { "the last VIP" } else { "every VIP" };
        return write!(f, "{all} would be removed: {which}. {ADVICE}");
    }
    let count = removed.len();
    write!(
        f,
        "{count} of {of} VIPs would be removed: {which}. {ADVICE}"
    )
}

/// The first ten, and how many more.
fn list<T: fmt::Display>(items: &[T]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    match items.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Everything that speaks against going from one footprint to another.
pub fn check_shrinking(before: &Footprint, after: &Footprint) -> Vec<Refusal> {
    let vips = check_vips(before, after);
    let services = check_services(before, after);
    vips.into_iter()
        .chain(services)
        .chain(check_weights(before, after))
        .collect()
}

fn check_vips(before: &Footprint, after: &Footprint) -> Option<Refusal> {
    let removed: Vec<IpAddr> = before.vips.difference(&after.vips).copied().collect();
    (!removed.is_empty()).then_some(Refusal::VipsRemoved {
        removed,
        of: before.vips.len(),
    })
}

fn check_services(before: &Footprint, after: &Footprint) -> Option<Refusal> {
    let gone = |key: &&ServiceKey| !after.services.contains_key(*key);
    let removed: Vec<ServiceKey> = before.services.keys().filter(gone).copied().collect();
    let of = before.services.len();
    (removed.len() * 2 > of).then_some(Refusal::ServicesRemoved { removed, of })
}

fn check_weights(before: &Footprint, after: &Footprint) -> impl Iterator<Item = Refusal> {
    before.services.iter().filter_map(|(&service, &from)| {
        let to = *after.services.get(&service)?;
        let halved = u128::from(to) * 2 < u128::from(from);
        halved.then_some(Refusal::WeightLost { service, from, to })
    })
}

/// Whether a file is a mere beginning of the accepted one. White space at the end does not count:
/// losing it loses nothing.
pub fn check_cut(accepted: &str, text: &str) -> Option<Refusal> {
    let shorter = text.trim_end().len() < accepted.trim_end().len();
    (shorter && accepted.starts_with(text)).then_some(Refusal::CutShort {
        length: text.len(),
        of: accepted.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{address_key, state_of_ports, state_of_weights, vip};
    use super::*;
    use crate::state::Address;

    fn footprint(ports: &[u16]) -> Footprint {
        Footprint::of(&state_of_ports(ports))
    }

    fn refusals(before: &Footprint, after: &Footprint) -> Vec<String> {
        let refusals = check_shrinking(before, after);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_farm_that_stays_or_grows_passes() {
        assert!(refusals(&footprint(&[80]), &footprint(&[80])).is_empty());
        assert!(refusals(&footprint(&[80]), &footprint(&[80, 81])).is_empty());
        assert!(refusals(&Footprint::default(), &footprint(&[80])).is_empty());
    }

    #[test]
    fn half_of_the_services_may_go_and_one_more_may_not() {
        let before = footprint(&[1, 2, 3, 4]);
        assert!(refusals(&before, &footprint(&[1, 2])).is_empty());
        let said = refusals(&before, &footprint(&[1]));
        assert_eq!(
            said,
            [
                "3 of 4 services would be removed, which is more than half: tcp 192.0.2.10:2, \
              tcp 192.0.2.10:3, tcp 192.0.2.10:4. If that is what you want, add --allow-shrink."
            ]
        );
    }

    #[test]
    fn half_of_a_weight_may_go_and_more_may_not() {
        let before = Footprint::of(&state_of_weights(&[2, 4]));
        assert!(refusals(&before, &Footprint::of(&state_of_weights(&[3]))).is_empty());
        let said = refusals(&before, &Footprint::of(&state_of_weights(&[2])));
        assert_eq!(
            said,
            [
                "service tcp 192.0.2.10:80 would lose more than half of its weight: from 6 to 2. \
              If that is what you want, add --allow-shrink."
            ]
        );
    }

    #[test]
    fn any_vip_that_goes_is_refused_and_one_that_moves_to_another_interface_is_not() {
        let mut two = state_of_ports(&[80]);
        let address = Address {
            prefix: 32,
            no_prefix_route: true,
        };
        two.addresses.insert(address_key("eth0", vip(11)), address);
        let mut moved = state_of_ports(&[80]);
        moved
            .addresses
            .insert(address_key("eth1", vip(11)), address);
        assert!(refusals(&Footprint::of(&two), &Footprint::of(&moved)).is_empty());
        assert_eq!(
            refusals(&Footprint::of(&two), &footprint(&[80])),
            [
                "1 of 2 VIPs would be removed: 192.0.2.11. If that is what you want, add --allow-shrink."
            ]
        );
    }

    #[test]
    fn a_vip_that_another_machine_holds_is_not_removed() {
        let named = Footprint::default().with_vips([vip(10)]);
        let said = refusals(&footprint(&[80]), &named);
        assert_eq!(said.len(), 1, "only the service goes: {said:?}");
    }

    #[test]
    fn the_last_vip_is_named_as_such() {
        let said = refusals(&footprint(&[80]), &Footprint::default());
        assert!(
            said[0].starts_with("the last VIP would be removed: 192.0.2.10."),
            "{said:?}"
        );
    }

    #[test]
    fn a_file_cut_at_any_byte_that_loses_something_is_refused() {
        let whole = "version: 1\nservices:\n  http: {}\n\n";
        for end in 0..whole.len() {
            let cut = check_cut(whole, &whole[..end]);
            assert_eq!(cut.is_some(), end < whole.trim_end().len(), "cut at {end}");
        }
        assert_eq!(check_cut(whole, whole), None);
        assert_eq!(check_cut(whole, "version: 1\nservices: {}\n"), None);
    }
}
