//! Who takes which slot of a service: from the scheduler and the weights to a list of
//! destinations, and to what chooses a slot of it.
//!
//! Pure; called by the compiler.

use super::content::Unfit;
use crate::dataplane::consistent::{self, Share, Size};
use crate::spec::EXACT_STEPS;
use crate::state::{Destination, DestinationKey, SchedulerFlags, Service, ServiceAttributes};

/// What of a packet chooses the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Input {
    /// The client's address, or with persistence what of it tells clients apart.
    Client,
    /// The client's address and port: each connection by itself.
    Connection,
    /// The address that the client wrote.
    Destination,
}

/// How a slot is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Method {
    /// By a hash.
    Hash(Input),
    /// One after another.
    Sequence,
}

/// How a service spreads connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spread {
    /// How a slot is chosen.
    pub(super) method: Method,
    /// The owner of each slot; empty where no destination takes connections.
    pub(super) slots: Vec<DestinationKey>,
}

/// The largest sum of weights whose shares are exact, where they are spread by a hash.
const EXACT: u64 = 64;
/// Otherwise shares are rounded onto so many slots: the first that is fine enough.
const ROUNDED: [u32; 3] = [256, 1024, 4096];

/// Who takes a destination's part: its name for the table that hashes clients.
type Parts = Vec<(DestinationKey, u32)>;

impl Spread {
    /// How a service spreads connections.
    pub(super) fn of(service: &Service) -> Result<Self, Unfit> {
        let attributes = &service.attributes;
        let flags = attributes.scheduler_flags;
        let has_port = flags.contains(SchedulerFlags::PORT);
        let by_client = if has_port {
            Input::Connection
        } else {
            Input::Client
        };
        match (attributes.scheduler.as_str(), is_exact(attributes)) {
            ("rr", true) => sequence(&parts(service, |_| 1)),
            ("wrr", true) => sequence(&parts(service, |it| it.weight)),
            ("rr" | "lc", false) => Ok(proportional(&parts(service, |_| 1))),
            ("wrr" | "wlc", false) => Ok(proportional(&parts(service, |it| it.weight))),
            ("sh", false) => {
                let parts = parts(service, |it| it.weight);
                Ok(hashed(&parts, by_client, Size::fair(parts.len())))
            }
            ("mh", false) => {
                let parts = parts(service, |it| it.weight);
                Ok(hashed(&parts, by_client, Size::steady(parts.len())))
            }
            ("dh", false) => {
                let parts = parts(service, |_| 1);
                Ok(hashed(&parts, Input::Destination, Size::fair(parts.len())))
            }
            ("fo", false) => Ok(foremost(service)),
            _ => Err(Unfit::Scheduler(described(attributes))),
        }
    }

    /// How many slots there are; 1 where none has an owner.
    pub(super) fn modulus(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX).max(1)
    }
}

fn is_exact(attributes: &ServiceAttributes) -> bool {
    attributes.scheduler_flags.contains(SchedulerFlags::EXACT)
}

fn described(attributes: &ServiceAttributes) -> String {
    super::words::service(&ServiceAttributes {
        persistence: None,
        ..attributes.clone()
    })
}

/// The destinations that take connections, with their weights as a scheduler sees them.
fn parts(service: &Service, weight: impl Fn(&Destination) -> u32) -> Parts {
    let all = service.destinations.iter();
    all.filter(|(_, destination)| destination.weight > 0)
        .map(|(key, destination)| (*key, weight(destination)))
        .collect()
}

/// The weights without what they have in common, and their sum.
fn reduced(parts: &[(DestinationKey, u32)]) -> (Vec<u64>, u64) {
    let common = parts
        .iter()
        .fold(0, |all, (_, weight)| divisor(all, *weight));
    let weights: Vec<u64> = parts
        .iter()
        .map(|(_, weight)| u64::from(weight / common.max(1)))
        .collect();
    let sum = weights.iter().sum();
    (weights, sum)
}

fn divisor(one: u32, other: u32) -> u32 {
    if other == 0 {
        one
    } else {
        divisor(other, one % other)
    }
}

/// `rr` and `wrr` in turn.
fn sequence(parts: &[(DestinationKey, u32)]) -> Result<Spread, Unfit> {
    let (weights, sum) = reduced(parts);
    if sum > EXACT_STEPS {
        return Err(Unfit::LongSequence(sum));
    }
    Ok(Spread {
        method: Method::Sequence,
        slots: smooth(&weights)
            .into_iter()
            .map(|place| parts[place].0)
            .collect(),
    })
}

/// `rr` and `wrr` by a hash of each connection.
fn proportional(parts: &[(DestinationKey, u32)]) -> Spread {
    let (weights, sum) = reduced(parts);
    let counts = if sum <= EXACT {
        weights
    } else {
        rounded(&weights, sum)
    };
    let owned = parts.iter().zip(&counts);
    Spread {
        method: Method::Hash(Input::Connection),
        slots: owned
            .flat_map(|((key, _), count)| (0..*count).map(|_| *key))
            .collect(),
    }
}

/// Weights rounded onto the fewest slots on which every share is within a twentieth of its own.
fn rounded(weights: &[u64], sum: u64) -> Vec<u64> {
    let mut counts = Vec::new();
    for slots in ROUNDED {
        counts = apportioned(weights, sum, u64::from(slots));
        let fine = weights.iter().zip(&counts).all(|(weight, count)| {
            let (exact, given) = (weight * u64::from(slots), count * sum);
            exact.abs_diff(given) * 20 <= exact
        });
        if fine {
            break;
        }
    }
    counts
}

/// Shares by the largest remainder; nobody gets nothing.
fn apportioned(weights: &[u64], sum: u64, slots: u64) -> Vec<u64> {
    let mut counts: Vec<u64> = weights
        .iter()
        .map(|weight| (weight * slots / sum).max(1))
        .collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&place| (std::cmp::Reverse(weights[place] * slots % sum), place));
    let given: u64 = counts.iter().sum();
    for &place in order.iter().cycle().take(missing(slots, given)) {
        counts[place] += 1;
    }
    for _ in 0..missing(given, slots) {
        let most = (0..counts.len()).max_by_key(|&place| (counts[place], place));
        if let Some(place) = most.filter(|&place| counts[place] > 1) {
            counts[place] -= 1;
        }
    }
    counts
}

fn missing(of: u64, have: u64) -> usize {
    usize::try_from(of.saturating_sub(have)).unwrap_or(0)
}

/// `sh`, `mh` and `dh`.
fn hashed(parts: &[(DestinationKey, u32)], input: Input, size: Size) -> Spread {
    let shares: Vec<Share<Vec<u8>>> = parts
        .iter()
        .map(|(key, weight)| Share {
            name: super::fields::translated(*key),
            weight: *weight,
        })
        .collect();
    let owners = consistent::table(&shares, size).into_iter();
    Spread {
        method: Method::Hash(input),
        slots: owners.map(|place| parts[place].0).collect(),
    }
}

/// `fo`: the largest weight takes all; of several the first.
fn foremost(service: &Service) -> Spread {
    let usable = service.destinations.iter();
    let first = usable
        .filter(|(_, destination)| destination.weight > 0)
        .max_by_key(|(key, destination)| (destination.weight, std::cmp::Reverse(**key)));
    Spread {
        method: Method::Hash(Input::Connection),
        slots: first.map(|(key, _)| *key).into_iter().collect(),
    }
}

/// One round of smooth weighted round robin: who is furthest behind its share goes next, so that a
/// large weight comes in between the small ones and not in a burst.
fn smooth(weights: &[u64]) -> Vec<usize> {
    let sum: u64 = weights.iter().sum();
    let mut behind = vec![0_i64; weights.len()];
    let mut order = Vec::new();
    for _ in 0..sum {
        for (behind, weight) in behind.iter_mut().zip(weights) {
            *behind += weight.cast_signed();
        }
        let next =
            (0..weights.len()).max_by_key(|&place| (behind[place], std::cmp::Reverse(place)));
        if let Some(next) = next {
            behind[next] -= sum.cast_signed();
            order.push(next);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::state::Forwarding;

    fn key(number: u8) -> DestinationKey {
        DestinationKey {
            address: [10, 0, 0, number].into(),
            port: 80,
        }
    }

    fn spread(scheduler: &str, flags: SchedulerFlags, weights: &[u32]) -> Result<Spread, Unfit> {
        let destinations = weights.iter().zip(1..);
        Spread::of(&Service {
            attributes: ServiceAttributes {
                scheduler: scheduler.to_owned(),
                scheduler_flags: flags,
                persistence: None,
                one_packet: false,
            },
            destinations: destinations
                .map(|(weight, number)| {
                    let destination = Destination {
                        forwarding: Forwarding::Masquerade,
                        weight: *weight,
                        upper_threshold: 0,
                        lower_threshold: 0,
                    };
                    (key(number), destination)
                })
                .collect(),
        })
    }

    fn plain(scheduler: &str, weights: &[u32]) -> Spread {
        spread(scheduler, SchedulerFlags::default(), weights).unwrap()
    }

    fn counts(spread: &Spread) -> Vec<u32> {
        let mut counts = BTreeMap::<_, u32>::new();
        for slot in &spread.slots {
            *counts.entry(*slot).or_default() += 1;
        }
        counts.into_values().collect()
    }

    #[test]
    fn small_weights_are_exact_after_what_they_have_in_common() {
        assert_eq!(counts(&plain("wrr", &[100, 200, 300])), [1, 2, 3]);
        assert_eq!(counts(&plain("rr", &[100, 200, 300])), [1, 1, 1]);
        assert_eq!(counts(&plain("wrr", &[31, 33])), [31, 33]);
    }

    #[test]
    fn large_weights_are_rounded_onto_few_moduli() {
        assert_eq!(counts(&plain("wrr", &[50, 51])), [127, 129]);
        assert_eq!(plain("wrr", &[1, 3000]).modulus(), 4096);
    }

    #[test]
    fn a_destination_without_weight_has_no_slot() {
        for scheduler in ["rr", "wrr", "lc", "wlc", "sh", "mh", "dh", "fo"] {
            let spread = plain(scheduler, &[0, 2, 0]);
            assert!(
                spread.slots.iter().all(|slot| *slot == key(2)),
                "{scheduler}"
            );
            assert!(plain(scheduler, &[0, 0]).slots.is_empty(), "{scheduler}");
        }
    }

    #[test]
    fn fail_over_takes_the_largest_weight_and_of_several_the_first() {
        assert_eq!(plain("fo", &[1, 5, 5, 2]).slots, [key(2)]);
    }

    #[test]
    fn exact_turns_are_smooth() {
        let spread = spread("wrr", SchedulerFlags::EXACT, &[5, 1, 1]).unwrap();
        let turns: Vec<_> = [1, 1, 2, 1, 3, 1, 1].map(key).into();
        assert_eq!(spread.slots, turns);
        assert_eq!(spread.method, Method::Sequence);
    }

    #[test]
    fn what_nftables_has_no_means_for_is_refused() {
        for scheduler in ["sed", "nq", "lblc", "lblcr", "ovf", "twos", "made-up"] {
            assert!(spread(scheduler, SchedulerFlags::default(), &[1]).is_err());
        }
        let exact = spread("wlc", SchedulerFlags::EXACT, &[1]);
        let text = exact.unwrap_err().to_string();
        assert!(text.contains("`wlc exact`"), "{text}");
        let long = spread("wrr", SchedulerFlags::EXACT, &[20_000, 1]).unwrap_err();
        assert!(long.to_string().contains("20001"), "{long}");
    }

    #[test]
    fn hashing_by_port_is_by_connection() {
        let method = |flags| spread("mh", flags, &[1, 2]).unwrap().method;
        assert_eq!(
            method(SchedulerFlags::PORT),
            Method::Hash(Input::Connection)
        );
        assert_eq!(
            method(SchedulerFlags::FALLBACK),
            Method::Hash(Input::Client)
        );
    }

    proptest! {
        #[test]
        fn shares_are_within_a_slot_or_a_twentieth(
            weights in prop::collection::vec(1_u32..10_000, 1..200),
        ) {
            let spread = plain("wrr", &weights);
            let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
            let slots = u64::from(spread.modulus());
            for (weight, count) in weights.iter().zip(counts(&spread)) {
                let (exact, given) = (u64::from(*weight) * slots, u64::from(count) * sum);
                prop_assert!(exact.abs_diff(given) <= sum.max(exact / 20) + sum);
            }
        }

        #[test]
        fn a_round_of_turns_has_everybody_as_often_as_it_weighs(
            weights in prop::collection::vec(1_u64..20, 1..8),
        ) {
            let order = smooth(&weights);
            for (place, weight) in weights.iter().enumerate() {
                let turns = order.iter().filter(|&&turn| turn == place).count();
                prop_assert_eq!(turns as u64, *weight);
            }
        }
    }
}
