//! Firewall marks for services of many ports with one persistence.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{EffectiveService, Farm, Name, Ports, VirtualService};

/// The first mark that farmctl may set itself. Marks that somebody else sets should be elsewhere.
pub const MARKS_FIRST: u32 = 0x0fa0_0000;

/// The last mark that farmctl may set itself.
pub const MARKS_LAST: u32 = 0x0faf_ffff;

/// A mark for each service whose ports are together.
///
/// A mark follows from the names of the farm and the service, so that it stays the same whatever
/// else is edited, and is the same on every director. Where two names meet on one mark, or the file
/// uses it for something else, the later name takes the next free one.
pub(super) fn allot(farm: &Farm) -> BTreeMap<&Name, u32> {
    let mut taken: BTreeSet<u32> = farm
        .services
        .values()
        .filter_map(|service| service.firewall_mark)
        .collect();
    let mut marks = BTreeMap::new();
    let together = |(_, service): &(_, &VirtualService)| service.together == Some(true);
    for (name, service) in farm.services.iter().filter(together) {
        if let Ports::Together(_) = EffectiveService::of(farm, service).ports {
            let mark = free_from(first_choice(&farm.farm, name), &taken);
            taken.insert(mark);
            marks.insert(name, mark);
        }
    }
    marks
}

fn free_from(first: u32, taken: &BTreeSet<u32>) -> u32 {
    let mut mark = first;
    while taken.contains(&mark) {
        mark = if mark == MARKS_LAST {
            MARKS_FIRST
        } else {
            mark + 1
        };
        if mark == first {
            break;
        }
    }
    mark
}

/// By the FNV-1a hash of `FARM/SERVICE`: small, and the same in every version of farmctl.
pub(super) fn first_choice(farm: &Name, service: &Name) -> u32 {
    const BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let text = format!("{farm}/{service}");
    let hash = text.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(PRIME)
    });
    MARKS_FIRST | (hash & (MARKS_LAST - MARKS_FIRST))
}
