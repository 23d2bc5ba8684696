//! Chains to bytes and back.

use super::table::write_key;
use super::wire::{self, chain, kind};
use super::{Seen, body};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::batch::Batch;
use crate::netlink::error::Result;
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::nft::model::{Chain, Hook, TableKey};

pub(super) fn push(batch: &mut Batch, table: &TableKey, new: &Chain) {
    batch.push(kind::NEW_CHAIN, NLM_F_CREATE, |writer| {
        write_key(writer, table);
        writer.string(chain::NAME, &new.name);
        if let Some(hook) = &new.hook {
            write_hook(writer, hook);
        }
    });
}

fn write_hook(writer: &mut Writer, hook: &Hook) {
    writer.nest(chain::HOOK, |nest| {
        nest.be32(chain::HOOK_NUMBER, hook.number);
        nest.bytes(chain::HOOK_PRIORITY, &hook.priority.to_be_bytes());
        if !hook.devices.is_empty() {
            nest.nest(chain::HOOK_DEVICES, |list| {
                for device in &hook.devices {
                    list.string(wire::LIST_ELEMENT, device);
                }
            });
        }
    });
    writer.be32(chain::POLICY, wire::ACCEPT);
    writer.string(chain::TYPE, &hook.kind);
}

/// What a message says of a chain.
#[derive(Default)]
struct Found {
    table: String,
    name: String,
    kind: String,
    number: Option<u32>,
    priority: Option<i32>,
    devices: Vec<String>,
    policy: Option<u32>,
    flags: u32,
}

impl Found {
    /// `None` where it is one that farmctl never makes, such as one that drops.
    fn chain(self) -> Option<Chain> {
        let (name, policy) = (self.name, self.policy);
        if self.flags & !chain::BASE != 0 {
            return None;
        }
        let (Some(number), Some(priority)) = (self.number, self.priority) else {
            return Some(Chain { name, hook: None });
        };
        let hook = Some(Hook {
            kind: self.kind,
            number,
            priority,
            devices: self.devices,
        });
        (policy == Some(wire::ACCEPT)).then_some(Chain { name, hook })
    }
}

/// Reads a `NFT_MSG_NEWCHAIN` message.
pub fn read_chain(payload: &[u8]) -> Result<Seen<Chain>> {
    let mut found = Found::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            wire::TABLE => found.table = attribute.text(),
            chain::NAME => found.name = attribute.text(),
            chain::TYPE => found.kind = attribute.text(),
            chain::POLICY => found.policy = Some(attribute.be32()?),
            chain::FLAGS => found.flags = attribute.be32()?,
            chain::HOOK => read_hook(attribute, &mut found)?,
            _ => {}
        }
    }
    found.devices.sort_unstable();
    let (table, name) = (found.table.clone(), found.name.clone());
    let value = found.chain();
    Ok(Seen { table, name, value })
}

fn read_hook(hook: Attribute<'_>, found: &mut Found) -> Result<()> {
    for attribute in hook.nested() {
        let attribute = attribute?;
        match attribute.kind {
            chain::HOOK_NUMBER => found.number = Some(attribute.be32()?),
            chain::HOOK_PRIORITY => {
                found.priority = Some(i32::from_be_bytes(attribute.octets()?));
            }
            // The kernel says a single device twice: here, and in the list of devices.
            chain::HOOK_DEVICE if found.devices.is_empty() => {
                found.devices = vec![attribute.text()];
            }
            chain::HOOK_DEVICES => {
                let names = attribute.nested().map(|device| Ok(device?.text()));
                found.devices = names.collect::<Result<_>>()?;
            }
            _ => {}
        }
    }
    Ok(())
}
