//! Tables to bytes and back.

use super::wire::{self, kind, table};
use super::{Seen, body, userdata};
use crate::netlink::attribute::{Writer, attributes};
use crate::netlink::batch::Batch;
use crate::netlink::error::Result;
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::nft::model::{TableFamily, TableKey};

/// Appends the header of a question or change and the name of the table that it is about.
pub(crate) fn write_key(writer: &mut Writer, table: &TableKey) {
    let family = match table.family {
        TableFamily::Inet => wire::PROTOCOL_INET,
        TableFamily::Netdev => wire::PROTOCOL_NETDEV,
    };
    writer.raw(&[family, 0, 0, 0]);
    writer.string(wire::TABLE, &table.name);
}

pub(super) fn push(batch: &mut Batch, key: &TableKey, comment: Option<&str>) {
    batch.push(kind::NEW_TABLE, NLM_F_CREATE, |writer| {
        write_key(writer, key);
        userdata::write(writer, table::USERDATA, comment);
    });
}

/// Which table a message is about; `None` where it is of another family than those that farmctl
/// knows.
pub fn read_key(payload: &[u8]) -> Result<Option<TableKey>> {
    let family = match payload.first() {
        Some(&wire::PROTOCOL_INET) => TableFamily::Inet,
        Some(&wire::PROTOCOL_NETDEV) => TableFamily::Netdev,
        _ => return Ok(None),
    };
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        if attribute.kind == wire::TABLE {
            let name = attribute.text();
            return Ok(Some(TableKey { family, name }));
        }
    }
    Ok(None)
}

/// Reads a `NFT_MSG_NEWTABLE` message: a table's comment. There is no value where the table is
/// switched off, or belongs to a socket (`NFTA_TABLE_FLAGS`).
pub fn read_table(payload: &[u8]) -> Result<Seen<Option<String>>> {
    let (mut name, mut comment, mut flags) = (String::new(), None, 0);
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            wire::TABLE => name = attribute.text(),
            table::FLAGS => flags = attribute.be32()?,
            table::USERDATA => comment = userdata::read(attribute),
            _ => {}
        }
    }
    Ok(Seen {
        table: name.clone(),
        name,
        value: (flags == 0).then_some(comment),
    })
}
