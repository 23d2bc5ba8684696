//! Netlink attributes: type, length, value, padding (`struct nlattr`, `include/uapi/linux/netlink.h`).
//!
//! [`Writer`] appends them to a buffer that callers reuse, [`attributes`] reads them without
//! copying and without ever panicking. Used by every protocol of [`crate::netlink`].

use super::error::{Error, Result};

/// The alignment of attributes and messages (`NLA_ALIGNTO`, `NLMSG_ALIGNTO`), bytes.
const ALIGNMENT: usize = 4;
/// The size of an attribute's header, bytes.
const HEADER: usize = 4;
/// The longest value ever written. The kernel takes no name longer than 255 bytes and no nest of
/// ours comes near this, so cutting here only keeps the 16-bit length field honest.
const LONGEST_VALUE: usize = 0xffff - HEADER;
/// The type's flag bits, "nested" and "network byte order" (`NLA_TYPE_MASK`).
const FLAG_BITS: u16 = 0xc000;
/// The flag of a nest. The kernel does not ask for it and ipvsadm sets it only at the top, but a
/// strict reader wants it.
const NESTED: u16 = 0x8000;

/// Appends netlink structures to a growing buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A writer with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Overwrites bytes at `start`; what does not fit is left alone.
    pub(super) fn patch(&mut self, start: usize, value: &[u8]) {
        if let Some(place) = self.bytes.get_mut(start..start + value.len()) {
            place.copy_from_slice(value);
        }
    }

    /// Appends bytes that are not an attribute, such as a protocol's fixed header.
    pub fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    pub(super) fn pad(&mut self) {
        let length = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(length, 0);
    }

    /// Appends an attribute with this value.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) {
        let value = &value[..value.len().min(LONGEST_VALUE)];
        let length = u16::try_from(HEADER + value.len()).unwrap_or(u16::MAX);
        self.raw(&length.to_ne_bytes());
        self.raw(&kind.to_ne_bytes());
        self.raw(value);
        self.pad();
    }

    /// Appends a text with the NUL that the kernel's string attributes end in.
    pub fn string(&mut self, kind: u16, text: &str) {
        let text = &text.as_bytes()[..text.len().min(LONGEST_VALUE - 1)];
        self.compose(kind, |value| {
            value.raw(text);
            value.raw(&[0]);
        });
    }

    /// Appends an attribute whose value is the bytes that `fill` writes, of any length that fits.
    pub fn compose(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.raw(&[0, 0]);
        self.raw(&kind.to_ne_bytes());
        fill(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.patch(start, &length.to_ne_bytes());
        self.pad();
    }

    /// Appends one byte.
    pub fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// Appends a number in the machine's byte order.
    pub fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in the machine's byte order.
    pub fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in the machine's byte order.
    pub fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in network byte order.
    pub fn be16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends a number in network byte order.
    pub fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends an attribute that holds the attributes which `fill` writes.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        self.compose(kind | NESTED, fill);
    }
}

/// One attribute as found in received bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type, without the flag bits.
    pub kind: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn array<const N: usize>(&self) -> Result<[u8; N]> {
        self.value.try_into().map_err(|_| {
            let (kind, length) = (self.kind, self.value.len());
            Error::malformed(format!(
                "attribute {kind} has {length} bytes instead of {N}"
            ))
        })
    }

    /// The value as one byte; another length is [`Error::Malformed`], as for all of these.
    pub fn u8(&self) -> Result<u8> {
        self.array().map(u8::from_ne_bytes)
    }

    /// The value as a number in the machine's byte order.
    pub fn u16(&self) -> Result<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    /// The value as a number in the machine's byte order.
    pub fn u32(&self) -> Result<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    /// The value as a number in network byte order.
    pub fn be16(&self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The value as a number in network byte order.
    pub fn be32(&self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The value as a number in network byte order.
    pub fn be64(&self) -> Result<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// The value as a number of four or of eight bytes: the kernel has counters of both sizes.
    pub fn counter(&self) -> Result<u64> {
        if self.value.len() == 4 {
            return self.u32().map(u64::from);
        }
        self.array().map(u64::from_ne_bytes)
    }

    /// The value as exactly `N` numbers in the machine's byte order.
    pub fn u32s<const N: usize>(&self) -> Result<[u32; N]> {
        let (words, rest) = self.value.as_chunks::<4>();
        let words: &[[u8; 4]; N] = words
            .try_into()
            .ok()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| {
                let (kind, length) = (self.kind, self.value.len());
                Error::malformed(format!(
                    "attribute {kind} has {length} bytes, not {N} numbers"
                ))
            })?;
        Ok(words.map(u32::from_ne_bytes))
    }

    /// The value as exactly `N` bytes.
    pub fn octets<const N: usize>(&self) -> Result<[u8; N]> {
        self.array()
    }

    /// The value as text up to its NUL. Bytes that are not UTF-8 become U+FFFD: a name that
    /// somebody else gave must not stop the reading of a table.
    pub fn text(&self) -> String {
        let end = self.value.iter().position(|&byte| byte == 0);
        String::from_utf8_lossy(&self.value[..end.unwrap_or(self.value.len())]).into_owned()
    }

    /// The attributes inside this one.
    pub fn nested(&self) -> Attributes<'a> {
        attributes(self.value)
    }
}

/// The attributes in these bytes, in order.
pub fn attributes(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

/// Iterates over attributes; ends after the first that is malformed.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// How many bytes have not been read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    fn split(&mut self, header: [u8; HEADER]) -> Result<Attribute<'a>> {
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & !FLAG_BITS;
        let Some(value) = self.rest.get(HEADER..length) else {
            let left = std::mem::take(&mut self.rest).len();
            return Err(Error::malformed(format!(
                "attribute {kind} says it has {length} bytes where {left} are left"
            )));
        };
        let next = length.next_multiple_of(ALIGNMENT).min(self.rest.len());
        self.rest = &self.rest[next..];
        Ok(Attribute { kind, value })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        // Fewer bytes than a header are padding, as the kernel's nla_ok() has it.
        let header = self.rest.first_chunk().copied()?;
        Some(self.split(header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_reads_back() {
        let mut writer = Writer::new();
        writer.u8(1, 7);
        writer.be16(2, 0x1234);
        writer.nest(3, |nest| nest.string(4, "wlc"));
        writer.u64(5, u64::MAX);
        let read: Vec<_> = attributes(writer.as_bytes())
            .collect::<Result<_>>()
            .unwrap();
        assert_eq!(read[0].u8().unwrap(), 7);
        assert_eq!(read[1].value, [0x12, 0x34]);
        assert_eq!(read[2].nested().next().unwrap().unwrap().text(), "wlc");
        assert_eq!(read[3].counter().unwrap(), u64::MAX);
    }

    #[test]
    fn a_length_beyond_the_end_is_reported_once_and_ends_the_reading() {
        let bytes = [8, 0, 1, 0, 9];
        let mut read = attributes(&bytes);
        assert!(matches!(read.next(), Some(Err(Error::Malformed { .. }))));
        assert!(read.next().is_none());
    }

    #[test]
    fn a_length_shorter_than_the_header_is_malformed() {
        let bytes = [3, 0, 1, 0, 0, 0, 0, 0];
        assert!(matches!(
            attributes(&bytes).next(),
            Some(Err(Error::Malformed { .. }))
        ));
    }

    #[test]
    fn a_value_that_outgrows_its_length_field_is_cut_to_fit() {
        let mut writer = Writer::new();
        writer.bytes(1, &vec![7; 70_000]);
        let read = attributes(writer.as_bytes()).next().unwrap().unwrap();
        assert_eq!(read.value.len(), LONGEST_VALUE);
    }
}
