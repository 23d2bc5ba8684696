use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[expect(
    clippy::cast_precision_loss,
    reason = "far below 2^52, or compared loosely"
)]
fn float(value: u64) -> f64 {
    value as f64
}

fn shares(weights: &[u32]) -> Vec<Share<String>> {
    let named = weights.iter().enumerate();
    named
        .map(|(number, &weight)| Share {
            name: format!("10.0.{}.{}:8080", number / 250, number % 250),
            weight,
        })
        .collect()
}

/// The name of each slot's owner.
fn owners(shares: &[Share<String>], size: Size) -> Vec<&str> {
    let table = table(shares, size);
    let names = table.iter().map(|&place| shares[place].name.as_str());
    names.collect()
}

fn count(owners: &[&str]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for owner in owners {
        *counts.entry((*owner).to_owned()).or_default() += 1;
    }
    counts
}

/// Which part of the survivors' slots moves when a server goes, in hundredths of a per cent.
fn moved(all: &[Share<String>], gone: usize, size: Size) -> usize {
    let mut left = all.to_vec();
    let gone = left.remove(gone).name;
    let (before, after) = (owners(all, size), owners(&left, size));
    let kept: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(before, _)| **before != gone)
        .collect();
    let moved = kept
        .iter()
        .filter(|(before, after)| before != after)
        .count();
    moved * 10_000 / kept.len()
}

fn assert_fair(shares: &[Share<String>], size: Size) {
    let total: u64 = shares.iter().map(|share| u64::from(share.weight)).sum();
    let counts = count(&owners(shares, size));
    for share in shares {
        let exact = f64::from(share.weight) * f64::from(size.slots()) / float(total);
        let slots = f64::from(*counts.get(&share.name).unwrap_or(&0));
        let slack = (exact / 100.0).max(1.0);
        assert!(
            (slots - exact).abs() <= slack,
            "{share:?}: {slots} for {exact}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn shares_follow_the_weights_to_one_slot_or_one_per_cent(
        weights in prop::collection::vec(0_u32..200, 1..30),
        size in prop::sample::select(&Size::ALL[..3]),
    ) {
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        assert_fair(&shares(&weights), size);
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(
        weights in prop::collection::vec(0_u32..9, 1..20),
        turn in 0_usize..20,
    ) {
        let shares = shares(&weights);
        let mut turned = shares.clone();
        turned.rotate_left(turn % weights.len());
        prop_assert_eq!(owners(&shares, Size::Small), owners(&turned, Size::Small));
    }

    #[test]
    fn at_most_one_per_cent_of_the_survivors_slots_move_when_a_server_goes(
        weights in prop::collection::vec(1_u32..100, 2..40),
        gone in any::<prop::sample::Index>(),
    ) {
        let shares = shares(&weights);
        let gone = gone.index(shares.len());
        prop_assert!(moved(&shares, gone, Size::steady(shares.len())) <= 100);
    }
}

#[test]
fn a_server_without_weight_has_no_slot() {
    let shares = shares(&[1, 0, 2]);
    let table = table(&shares, Size::Small);
    assert_eq!(table.len(), 1024);
    assert!(!table.contains(&1));
}

#[test]
fn nobody_with_a_weight_is_an_empty_table() {
    assert_eq!(table(&shares(&[0, 0]), Size::Small), Vec::<usize>::new());
    assert_eq!(table::<&str>(&[], Size::Small), Vec::<usize>::new());
}

#[test]
fn the_smallest_weight_beside_the_largest_still_has_a_slot() {
    let table = table(&shares(&[u32::MAX, 1]), Size::Small);
    assert_eq!(table.iter().filter(|&&place| place == 1).count(), 1);
}

#[test]
fn many_servers_of_one_weight_share_the_largest_table() {
    let shares = shares(&[7; 100]);
    assert_fair(&shares, Size::Largest);
    assert!(moved(&shares, 77, Size::Largest) <= 100);
}

#[test]
fn every_machine_comes_to_the_same_table() {
    // Written out: directors with other processors and other builds must agree.
    let table = table(&shares(&[1, 2, 3]), Size::Small);
    let first: String = table[..48].iter().map(ToString::to_string).collect();
    assert_eq!(first, "212022021222122020222122112122222021002012211221");
}

#[test]
fn distances_are_logarithms() {
    for (draw, bits) in [(0, 10), (511, 10), (1023, 10), (40_000, 16)] {
        let exact = -((float(draw) + 0.5) / f64::from(1_u32 << bits)).log2();
        let found = float(distance(draw, bits)) / float(1 << 58);
        assert!((exact - found).abs() < 1e-9, "{draw}: {exact} {found}");
    }
}
