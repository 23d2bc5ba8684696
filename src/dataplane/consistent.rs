//! A table of slots in which few slots change hands when a server comes or goes, whatever the
//! servers are called and in whatever order they are listed.
//!
//! It keeps the promise of Maglev's table (Eisenbud et al., NSDI 2016, s. 3.4) by other means,
//! because plain Maglev moves 1 to 5 % of the survivors' slots at the sizes that are bearable here.
//! Each server draws a number for each slot, and the best number divided by weight takes the slot
//! (weighted rendezvous hashing): by that alone nothing but the slots of the server that goes would
//! move, but shares would be off by chance. So a server may take only as many as its exact share
//! and one in a hundred, and what is too much goes to the next best. The numbers of a server are a
//! permutation and not independent draws: less is too much, and so less moves.
//!
//! Only integers are used, so that every machine comes to the same table. It never fails; it is
//! called by the data planes that hash.

use std::collections::BinaryHeap;

/// A server that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<K> {
    /// Its name: the same on every machine, and no other server's.
    pub name: K,
    /// Its part of the whole; 0 takes no slot.
    pub weight: u32,
}

/// How many slots a table has: a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// 1,024.
    Small,
    /// 4,096.
    Medium,
    /// 16,384.
    Large,
    /// 65,536.
    Largest,
}

impl Size {
    /// Every size, from the smallest.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Largest];

    /// The smallest table in which at most 1 % of the survivors' slots move when one of so many
    /// servers goes (measured; the property test beside this module holds it to that).
    pub fn steady(servers: usize) -> Self {
        match servers {
            0..=2 => Self::Small,
            3..=64 => Self::Large,
            _ => Self::Largest,
        }
    }

    /// The smallest table with a hundred slots for each server, in which 2 to 5 % may move.
    pub fn fair(servers: usize) -> Self {
        match servers {
            0..=10 => Self::Small,
            11..=40 => Self::Medium,
            41..=160 => Self::Large,
            _ => Self::Largest,
        }
    }

    /// How many slots that is.
    pub fn slots(self) -> u32 {
        1 << self.bits()
    }

    fn bits(self) -> u32 {
        match self {
            Self::Small => 10,
            Self::Medium => 12,
            Self::Large => 14,
            Self::Largest => 16,
        }
    }
}

/// The owner of each slot, as a place in `shares`; empty where nobody has a weight.
///
/// The order of `shares` does not matter. Shares are exact to one slot or one in a hundred.
#[must_use]
pub fn table<K: AsRef<[u8]>>(shares: &[Share<K>], size: Size) -> Vec<usize> {
    let usable = || shares.iter().enumerate().filter(|(_, it)| it.weight > 0);
    if let (Some((only, _)), None) = (usable().next(), usable().nth(1)) {
        return vec![only; size.slots() as usize];
    }
    let distances = distances(size.bits());
    let mut drawn: Vec<Candidate> = usable()
        .map(|(place, share)| {
            let hash = digest(share.name.as_ref());
            Candidate::new(place, share.weight, hash, &distances)
        })
        .collect();
    drawn.sort_by_key(|it| (it.hash, it.place));
    match drawn.as_slice() {
        [] => Vec::new(),
        several => Draft::new(several, size).settled(),
    }
}

/// A server with its number for each slot; the smallest number takes the slot.
struct Candidate {
    place: usize,
    weight: u32,
    hash: u64,
    numbers: Vec<u64>,
}

impl Candidate {
    fn new(place: usize, weight: u32, hash: u64, distances: &[u64]) -> Self {
        let draws = permutation(hash, distances.len()).into_iter();
        let number = |draw: usize| distances[draw] / u64::from(weight);
        Self {
            place,
            weight,
            hash,
            numbers: draws.map(number).collect(),
        }
    }
}

/// A table on its way: who holds what, and how much each may hold.
struct Draft<'a> {
    candidates: &'a [Candidate],
    slots: usize,
    limits: Vec<usize>,
    /// What each holds, the worst number first.
    held: Vec<BinaryHeap<(u64, usize)>>,
}

impl<'a> Draft<'a> {
    fn new(candidates: &'a [Candidate], size: Size) -> Self {
        let mut draft = Self {
            candidates,
            slots: size.slots() as usize,
            limits: Vec::new(),
            held: candidates.iter().map(|_| BinaryHeap::new()).collect(),
        };
        for slot in 0..draft.slots {
            if let Some((number, first)) = draft.next_best(slot, None) {
                draft.held[first].push((number, slot));
            }
        }
        let wishes: Vec<usize> = draft.held.iter().map(BinaryHeap::len).collect();
        draft.limits = limits(candidates, &wishes, draft.slots);
        draft
    }

    /// The best candidate for a slot after the one that could not keep it.
    fn next_best(&self, slot: usize, after: Option<(u64, usize)>) -> Option<(u64, usize)> {
        let numbers = self.candidates.iter().enumerate();
        numbers
            .map(|(index, candidate)| (candidate.numbers[slot], index))
            .filter(|&choice| after.is_none_or(|last| choice > last))
            .min()
    }

    /// Hands on what is too much until nobody has too much.
    fn settled(mut self) -> Vec<usize> {
        for index in 0..self.held.len() {
            while let Some(spare) = self.spare(index) {
                self.hand_on(spare, index);
            }
        }
        let mut owners = vec![0; self.slots];
        for (candidate, held) in self.candidates.iter().zip(&self.held) {
            for &(_, slot) in held {
                owners[slot] = candidate.place;
            }
        }
        owners
    }

    fn spare(&mut self, index: usize) -> Option<(u64, usize)> {
        let held = &mut self.held[index];
        (held.len() > self.limits[index])
            .then(|| held.pop())
            .flatten()
    }

    /// A slot goes to its next best, which may hand another one on for it.
    fn hand_on(&mut self, (mut number, mut slot): (u64, usize), mut from: usize) {
        while let Some((next_number, next)) = self.next_best(slot, Some((number, from))) {
            self.held[next].push((next_number, slot));
            match self.spare(next) {
                None => return,
                Some((spare_number, spare_slot)) => {
                    (number, slot, from) = (spare_number, spare_slot, next);
                }
            }
        }
    }
}

/// How many slots each gets: what it wishes for, as far as that is its exact share to one slot or
/// one in a hundred; in all, as many as there are.
fn limits(candidates: &[Candidate], wishes: &[usize], slots: usize) -> Vec<usize> {
    let total: u64 = candidates.iter().map(|it| u64::from(it.weight)).sum();
    let bounds: Vec<(usize, usize)> = candidates
        .iter()
        .map(|it| bounds(it.weight, total, slots))
        .collect();
    let mut limits: Vec<usize> = wishes
        .iter()
        .zip(&bounds)
        .map(|(wish, (low, high))| *wish.clamp(low, high))
        .collect();
    let mut given: usize = limits.iter().sum();
    let fullness =
        |limits: &[usize], index: usize| per_weight(limits[index], candidates[index].weight);
    while given < slots {
        let open = (0..limits.len()).filter(|&index| limits[index] < bounds[index].1);
        let Some(index) = open.min_by_key(|&index| fullness(&limits, index)) else {
            break;
        };
        limits[index] += 1;
        given += 1;
    }
    while given > slots {
        let rich = (0..limits.len())
            .max_by_key(|&index| (limits[index] > bounds[index].0, fullness(&limits, index)));
        let Some(index) = rich else { break };
        limits[index] = limits[index].saturating_sub(1);
        given -= 1;
    }
    limits
}

/// The fewest and the most slots for a weight.
fn bounds(weight: u32, total: u64, slots: usize) -> (usize, usize) {
    let product = u128::from(weight) * slots as u128;
    let (whole, hundred) = (u128::from(total), 100 * u128::from(total));
    let (floor, ceiling) = (product / whole, product.div_ceil(whole));
    let low = floor.min((99 * product).div_ceil(hundred)).max(1);
    let high = ceiling.max(101 * product / hundred);
    let narrow = |wide: u128| usize::try_from(wide).unwrap_or(slots).min(slots);
    (narrow(low), narrow(high))
}

fn per_weight(slots: usize, weight: u32) -> u128 {
    ((slots as u128) << 64) / u128::from(weight)
}

/// FNV-1a of a name, well mixed.
fn digest(name: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    mix(name.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A permutation of `0..slots` (Fisher and Yates), drawn by SplitMix64 from the hash.
fn permutation(hash: u64, slots: usize) -> Vec<usize> {
    let mut draws: Vec<usize> = (0..slots).collect();
    let mut state = hash;
    for last in (1..slots).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        draws.swap(last, scaled(mix(state), last + 1));
    }
    draws
}

/// A number below `bound`, which is at most 2^16, from the upper half of a drawn one.
fn scaled(drawn: u64, bound: usize) -> usize {
    usize::try_from(((drawn >> 32) * bound as u64) >> 32).unwrap_or(0)
}

fn distances(bits: u32) -> Vec<u64> {
    (0..1 << bits).map(|draw| distance(draw, bits)).collect()
}

/// How far a draw is from the best: `-log2((draw + 1/2) / 2^bits)` with 58 bits behind the point.
///
/// The logarithm is taken by squaring: a square of 2 or more gives a 1 for the next bit.
fn distance(draw: u64, bits: u32) -> u64 {
    const POINT: u32 = 58;
    let odd = 2 * draw + 1; // In halves of 1 / 2^bits.
    let exponent = odd.ilog2();
    let mut mantissa = u128::from(odd) << (63 - exponent); // 1 to 2, 63 bits behind the point.
    let mut fraction = 0_u64;
    for _ in 0..POINT {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >> 64 != 0 {
            fraction |= 1;
            mantissa >>= 1;
        }
    }
    let whole = u64::from(bits + 1) << POINT;
    whole - ((u64::from(exponent) << POINT) | fraction)
}

#[cfg(test)]
mod tests;
