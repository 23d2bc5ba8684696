//! Sets and maps to bytes and back, without their elements.

use super::table::write_key;
use super::wire::{self, kind, set};
use super::{Seen, body, element};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::batch::Batch;
use crate::netlink::error::Result;
use crate::netlink::message::NLM_F_CREATE;
use crate::netlink::nft::model::{Field, Set, TableKey};

/// How many bits a field's number takes in the type of a concatenation: an agreement between the
/// programs that print nftables, of which the kernel knows nothing.
const FIELD_BITS: u32 = 6;
const FIELDS: [Field; 5] = [
    Field::Ipv4,
    Field::Ipv6,
    Field::Protocol,
    Field::Port,
    Field::Number,
];

impl Field {
    /// How many bytes of the packet it is.
    fn length(self) -> u32 {
        match self {
            Self::Ipv4 | Self::Number => 4,
            Self::Ipv6 => 16,
            Self::Protocol => 1,
            Self::Port => 2,
        }
    }

    /// What the printing programs call it.
    fn number(self) -> u32 {
        match self {
            Self::Ipv4 => 7,
            Self::Ipv6 => 8,
            Self::Protocol => 12,
            Self::Port => 13,
            Self::Number => 19,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.number() == number)
    }
}

/// How many bytes these fields take in registers.
fn length(fields: &[Field]) -> u32 {
    let padded = |field: &Field| field.length().next_multiple_of(4);
    fields.iter().map(padded).sum()
}

fn concatenated(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |number, field| {
        number.wrapping_shl(FIELD_BITS) | field.number()
    })
}

fn separated(mut number: u32) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while number != 0 {
        fields.push(Field::from_number(number & ((1 << FIELD_BITS) - 1))?);
        number >>= FIELD_BITS;
    }
    fields.reverse();
    Some(fields)
}

fn flags(new: &Set) -> u32 {
    let ranges = if new.key.len() > 1 {
        set::IS_INTERVAL | set::IS_CONCATENATION
    } else {
        set::IS_INTERVAL
    };
    let given = [
        (new.interval, ranges),
        (!new.data.is_empty(), set::IS_MAP),
        (new.dynamic, set::IS_DYNAMIC | set::IS_TIMED),
    ];
    let chosen = given.into_iter().filter(|(is, _)| *is);
    chosen.fold(0, |flags, (_, bits)| flags | bits)
}

/// `id` tells the sets of one transaction apart.
pub(super) fn push(batch: &mut Batch, table: &TableKey, new: &Set, id: u32) {
    batch.push(kind::NEW_SET, NLM_F_CREATE, |writer| {
        write_key(writer, table);
        writer.string(set::NAME, &new.name);
        writer.be32(set::FLAGS, flags(new));
        writer.be32(set::KEY_TYPE, concatenated(&new.key));
        writer.be32(set::KEY_LENGTH, length(&new.key));
        if !new.data.is_empty() {
            writer.be32(set::DATA_TYPE, concatenated(&new.data));
            writer.be32(set::DATA_LENGTH, length(&new.data));
        }
        writer.be32(set::ID, id);
        write_description(writer, new);
        write_byte_orders(writer, new);
        if new.counter {
            writer.nest(set::EXPRESSION, |nest| element::write_counter(nest, None));
        }
    });
}

/// Tells the printing programs, which know the byte order of every other field from its type, that a
/// number which stands alone is in host order.
fn write_byte_orders(writer: &mut Writer, new: &Set) {
    let sides = [(KEY_ORDER, &new.key), (DATA_ORDER, &new.data)];
    let numbers = sides
        .iter()
        .filter(|(_, fields)| **fields == [Field::Number]);
    if numbers.clone().count() == 0 {
        return;
    }
    writer.compose(set::USERDATA, |value| {
        for (side, _) in numbers {
            value.raw(&[*side, 4]);
            value.raw(&HOST_ORDER.to_ne_bytes());
        }
    });
}

/// What the user data of a set say: the byte orders of its key and of its data, and which.
const KEY_ORDER: u8 = 0;
const DATA_ORDER: u8 = 1;
const HOST_ORDER: u32 = 1;

fn write_description(writer: &mut Writer, new: &Set) {
    let fields = new.interval && new.key.len() > 1;
    if new.size.is_none() && !fields {
        return;
    }
    writer.nest(set::DESCRIPTION, |nest| {
        if let Some(size) = new.size {
            nest.be32(set::DESCRIPTION_SIZE, size);
        }
        if fields {
            nest.nest(set::DESCRIPTION_FIELDS, |list| {
                for field in &new.key {
                    let write = |nest: &mut Writer| nest.be32(wire::LIST_ELEMENT, field.length());
                    list.nest(wire::LIST_ELEMENT, write);
                }
            });
        }
    });
}

/// What a message says of a set.
#[derive(Default)]
struct Found {
    table: String,
    name: String,
    flags: u32,
    key: (u32, u32),
    data: (u32, u32),
    size: Option<u32>,
    counter: bool,
    /// It has something that farmctl's sets never have.
    strange: bool,
}

impl Found {
    /// `None` where these are not the words for it.
    fn set(&self) -> Option<Set> {
        let key = separated(self.key.0)?;
        let data = separated(self.data.0)?;
        let flag = |bits| self.flags & bits == bits;
        let set = Set {
            name: self.name.clone(),
            interval: flag(set::IS_INTERVAL),
            dynamic: flag(set::IS_DYNAMIC | set::IS_TIMED),
            size: self.size,
            counter: self.counter,
            key,
            data,
        };
        let said = (length(&set.key), length(&set.data), flags(&set));
        let found = (self.key.1, self.data.1, self.flags & !set::HAS_EXPRESSION);
        (said == found && !self.strange).then_some(set)
    }
}

/// Reads a `NFT_MSG_NEWSET` message.
pub fn read_set(payload: &[u8]) -> Result<Seen<Set>> {
    let mut found = Found::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            wire::TABLE => found.table = attribute.text(),
            set::NAME => found.name = attribute.text(),
            set::FLAGS => found.flags = attribute.be32()?,
            set::KEY_TYPE => found.key.0 = attribute.be32()?,
            set::KEY_LENGTH => found.key.1 = attribute.be32()?,
            set::DATA_TYPE => found.data.0 = attribute.be32()?,
            set::DATA_LENGTH => found.data.1 = attribute.be32()?,
            set::DESCRIPTION => found.size = read_size(attribute)?,
            set::EXPRESSION => {
                found.counter = element::read_counter(attribute)?.is_some();
                found.strange |= !found.counter;
            }
            set::TIMEOUT | set::OBJECT_TYPE | set::EXPRESSIONS => found.strange = true,
            _ => {}
        }
    }
    Ok(Seen {
        value: found.set(),
        table: found.table,
        name: found.name,
    })
}

fn read_size(description: Attribute<'_>) -> Result<Option<u32>> {
    for attribute in description.nested() {
        let attribute = attribute?;
        if attribute.kind == set::DESCRIPTION_SIZE {
            return attribute.be32().map(Some);
        }
    }
    Ok(None)
}
