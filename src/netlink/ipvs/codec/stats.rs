//! Counters to attributes and back (`IPVS_STATS_ATTR_*`), in their 32-bit and 64-bit forms.

use super::super::entry::Stats;
use super::super::wire::stats as kind;
use crate::netlink::attribute::{Attribute, Writer};
use crate::netlink::error::Result;

/// The counters in the order of their attributes.
fn counters(stats: &mut Stats) -> [&mut u64; 10] {
    [
        &mut stats.connections,
        &mut stats.incoming_packets,
        &mut stats.outgoing_packets,
        &mut stats.incoming_bytes,
        &mut stats.outgoing_bytes,
        &mut stats.connection_rate,
        &mut stats.incoming_packet_rate,
        &mut stats.outgoing_packet_rate,
        &mut stats.incoming_byte_rate,
        &mut stats.outgoing_byte_rate,
    ]
}

/// Whether the 32-bit form has 64 bits for this counter all the same: bytes.
fn always_wide(attribute: u16) -> bool {
    matches!(attribute, 4 | 5)
}

pub(super) fn write(nest: &mut Writer, narrow: u16, wide: u16, stats: &Stats) {
    let mut stats = *stats;
    let counters = counters(&mut stats);
    nest.nest(narrow, |nest| {
        for (attribute, counter) in (kind::CONNS..).zip(&counters) {
            if always_wide(attribute) {
                nest.u64(attribute, **counter);
            } else {
                nest.u32(attribute, u32::try_from(**counter).unwrap_or(u32::MAX));
            }
        }
    });
    nest.nest(wide, |nest| {
        for (attribute, counter) in (kind::CONNS..).zip(&counters) {
            nest.u64(attribute, **counter);
        }
    });
}

/// Collects both forms; the 64-bit one wins, which kernels before 4.1 do not send.
#[derive(Default)]
pub(super) struct Reader {
    narrow: Stats,
    wide: Option<Stats>,
}

impl Reader {
    pub(super) fn take_narrow(&mut self, attribute: Attribute<'_>) -> Result<()> {
        self.narrow = read(attribute)?;
        Ok(())
    }

    pub(super) fn take_wide(&mut self, attribute: Attribute<'_>) -> Result<()> {
        self.wide = Some(read(attribute)?);
        Ok(())
    }

    pub(super) fn found(&self) -> Stats {
        self.wide.unwrap_or(self.narrow)
    }
}

fn read(nest: Attribute<'_>) -> Result<Stats> {
    let mut stats = Stats::default();
    let counters = counters(&mut stats);
    for attribute in nest.nested() {
        let attribute = attribute?;
        if (kind::CONNS..=kind::OUTBPS).contains(&attribute.kind) {
            *counters[usize::from(attribute.kind - kind::CONNS)] = attribute.counter()?;
        }
    }
    Ok(stats)
}
