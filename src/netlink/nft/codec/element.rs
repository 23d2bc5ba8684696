//! Elements of sets and maps to bytes and back.

use super::table::write_key;
use super::wire::{self, element, expression};
use super::{body, userdata};
use crate::netlink::attribute::{Attribute, Writer, attributes};
use crate::netlink::batch::Batch;
use crate::netlink::error::Result;
use crate::netlink::message;
use crate::netlink::nft::model::{Element, ElementCounter, TableKey};
use crate::netlink::nft::{ElementKey, Temporary};

/// The longest list of elements in one message, bytes: its length has 16 bits.
const LONGEST_LIST: usize = 0xffff;

/// Which elements a message is about.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) table: &'a TableKey,
    pub(super) set: &'a str,
}

/// Appends one message with as many of these elements as fit, and at least one; returns how many.
pub(super) fn push<T>(
    batch: &mut Batch,
    place: Place<'_>,
    items: &[T],
    write: impl Fn(&mut Writer, &T),
) -> usize {
    let mut taken = 0;
    batch.push(place.kind, place.flags, |writer| {
        write_key(writer, place.table);
        writer.string(element::LIST_SET, place.set);
        let start = writer.len();
        writer.nest(element::LIST_ELEMENTS, |list| {
            for item in items {
                let before = list.len();
                list.nest(wire::LIST_ELEMENT, |nest| write(nest, item));
                if taken > 0 && list.len() - start > LONGEST_LIST {
                    list.truncate(before);
                    break;
                }
                taken += 1;
            }
        });
    });
    taken
}

/// Appends what an element consists of.
pub(super) fn write(nest: &mut Writer, new: &Element, timeout: Option<u64>) {
    write_key_of(nest, &new.key, new.key_end.as_deref());
    if !new.data.is_empty() {
        write_value(nest, element::DATA, &new.data);
    }
    if let Some(timeout) = timeout {
        nest.bytes(element::TIMEOUT, &timeout.to_be_bytes());
    }
    userdata::write(nest, element::USERDATA, new.comment.as_deref());
    // A counter that begins at 0 is made by the kernel where the set has them.
    if let Some(counter) = new.counter.filter(|counter| *counter != <_>::default()) {
        nest.nest(element::EXPRESSION, |expression| {
            write_counter(expression, Some(counter));
        });
    }
}

/// Appends what tells an element from the others.
pub(super) fn write_element_key(nest: &mut Writer, key: &ElementKey) {
    write_key_of(nest, &key.key, key.key_end.as_deref());
}

fn write_key_of(nest: &mut Writer, key: &[u8], key_end: Option<&[u8]>) {
    write_value(nest, element::KEY, key);
    if let Some(end) = key_end {
        write_value(nest, element::KEY_END, end);
    }
}

fn write_value(nest: &mut Writer, kind: u16, value: &[u8]) {
    nest.nest(kind, |data| data.bytes(wire::VALUE, value));
}

/// Appends a counter expression and, where given, what it has counted.
pub(super) fn write_counter(nest: &mut Writer, counted: Option<ElementCounter>) {
    nest.string(expression::NAME, "counter");
    nest.nest(expression::DATA, |data| {
        if let Some(counted) = counted {
            let (bytes, packets) = (counted.bytes.to_be_bytes(), counted.packets.to_be_bytes());
            data.bytes(expression::COUNTER_BYTES, &bytes);
            data.bytes(expression::COUNTER_PACKETS, &packets);
        }
    });
}

/// What a counter expression has counted; `None` where it is another expression.
pub(super) fn read_counter(nest: Attribute<'_>) -> Result<Option<ElementCounter>> {
    let (mut is_counter, mut counted) = (false, ElementCounter::default());
    for attribute in nest.nested() {
        let attribute = attribute?;
        match attribute.kind {
            expression::NAME => is_counter = attribute.text() == "counter",
            expression::DATA => counted = read_counts(attribute)?,
            _ => {}
        }
    }
    Ok(is_counter.then_some(counted))
}

fn read_counts(data: Attribute<'_>) -> Result<ElementCounter> {
    let mut counted = ElementCounter::default();
    for attribute in data.nested() {
        let attribute = attribute?;
        match attribute.kind {
            expression::COUNTER_BYTES => counted.bytes = attribute.be64()?,
            expression::COUNTER_PACKETS => counted.packets = attribute.be64()?,
            _ => {}
        }
    }
    Ok(counted)
}

/// The elements that one message tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenElements {
    /// The table's name.
    pub table: String,
    /// The set's name.
    pub set: String,
    /// The elements.
    pub elements: Vec<Temporary>,
    /// How many more there are that farmctl never writes, such as one that stands for the end of
    /// a range.
    pub strange: usize,
}

/// Reads a `NFT_MSG_NEWSETELEM` message.
pub fn read_elements(payload: &[u8]) -> Result<SeenElements> {
    let mut seen = SeenElements::default();
    for attribute in attributes(body(payload)?) {
        let attribute = attribute?;
        match attribute.kind {
            wire::TABLE => seen.table = attribute.text(),
            element::LIST_SET => seen.set = attribute.text(),
            element::LIST_ELEMENTS => {
                for nest in attribute.nested() {
                    match read_element(nest?)? {
                        Some(element) => seen.elements.push(element),
                        None => seen.strange += 1,
                    }
                }
            }
            _ => {}
        }
    }
    Ok(seen)
}

fn read_element(nest: Attribute<'_>) -> Result<Option<Temporary>> {
    let mut found = Temporary::default();
    let mut strange = false;
    for attribute in nest.nested() {
        let attribute = attribute?;
        let element = &mut found.element;
        match attribute.kind {
            element::KEY => element.key = read_value(attribute)?.unwrap_or_default(),
            element::KEY_END => element.key_end = read_value(attribute)?,
            element::DATA => match read_value(attribute)? {
                Some(data) => element.data = data,
                None => strange = true,
            },
            element::TIMEOUT => found.timeout = Some(attribute.be64()?),
            element::EXPIRATION => found.remaining = Some(attribute.be64()?),
            element::USERDATA => element.comment = userdata::read(attribute),
            element::EXPRESSION => {
                element.counter = read_counter(attribute)?;
                strange |= element.counter.is_none();
            }
            element::FLAGS => strange |= attribute.be32()? != 0,
            element::PADDING => {}
            _ => strange = true,
        }
    }
    strange |= found.element.key.is_empty();
    Ok((!strange).then_some(found))
}

/// The bytes in `NFTA_DATA_VALUE`; `None` where it is a verdict.
fn read_value(data: Attribute<'_>) -> Result<Option<Vec<u8>>> {
    for attribute in data.nested() {
        let attribute = attribute?;
        if attribute.kind == wire::VALUE {
            return Ok(Some(attribute.value.to_vec()));
        }
    }
    Ok(None)
}

/// Which element the byte at `offset` is in, of a message of ours: the list is last in it.
pub(super) fn element_at(message: &[u8], offset: usize) -> Option<usize> {
    let left = message.len().checked_sub(offset)?;
    let body = message.get(message::HEADER + wire::HEADER..)?;
    let list = attributes(body)
        .map_while(Result::ok)
        .find(|attribute| attribute.kind == element::LIST_ELEMENTS)?;
    if left > list.value.len() {
        return None;
    }
    let mut elements = list.nested();
    let mut index = 0;
    while elements.next()?.is_ok() && elements.left() >= left {
        index += 1;
    }
    Some(index)
}
