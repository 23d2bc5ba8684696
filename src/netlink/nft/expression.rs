//! The nftables expressions that mark rules consist of: a small register machine
//! (`NFTA_EXPR_*`, `NFTA_META_*`, `NFTA_CMP_*`, `NFTA_PAYLOAD_*`, `NFTA_IMMEDIATE_*`).
//!
//! An expression that is none of these, or that uses another register than the first, is read as
//! [`Expression::Other`]. Used by the codec beside it.

use crate::netlink::attribute::{Attribute, Writer};
use crate::netlink::error::Result;

/// The only register that mark rules use (`NFT_REG_1`).
const REGISTER: u32 = 1;
/// `NFTA_LIST_ELEM`, `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
const LIST_ELEMENT: u16 = 1;
const NAME: u16 = 1;
const DATA: u16 = 2;
/// `NFTA_DATA_VALUE`.
const VALUE: u16 = 1;

/// What a `meta` expression reads or sets (`enum nft_meta_keys`).
pub(super) const META_MARK: u32 = 3;
pub(super) const META_FAMILY: u32 = 15;
pub(super) const META_PROTOCOL: u32 = 16;
/// Where a payload begins (`enum nft_payload_bases`).
pub(super) const NETWORK_HEADER: u32 = 1;
pub(super) const TRANSPORT_HEADER: u32 = 2;

/// How a comparison holds (`enum nft_cmp_ops`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    AtMost,
    AtLeast,
}

impl Operator {
    fn number(self) -> u32 {
        match self {
            Self::Equal => 0,
            Self::AtMost => 3,
            Self::AtLeast => 5,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        [Self::Equal, Self::AtMost, Self::AtLeast]
            .into_iter()
            .find(|op| op.number() == number)
    }
}

/// One step of a rule. The register is always the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Loads something about the packet.
    Load(u32),
    /// Stores into something about the packet.
    Store(u32),
    /// Loads bytes of the packet: base, offset, length.
    Payload(u32, u32, u32),
    /// Ends the rule unless the register compares so with the value.
    Compare(Operator, Vec<u8>),
    /// Loads a constant.
    Constant(Vec<u8>),
    /// Anything else, by its name.
    Other(String),
}

impl Expression {
    pub(super) fn write(&self, list: &mut Writer) {
        list.nest(LIST_ELEMENT, |element| {
            element.string(NAME, self.name());
            element.nest(DATA, |data| self.write_data(data));
        });
    }

    fn name(&self) -> &str {
        match self {
            Self::Load(_) | Self::Store(_) => "meta",
            Self::Payload(..) => "payload",
            Self::Compare(..) => "cmp",
            Self::Constant(_) => "immediate",
            Self::Other(name) => name,
        }
    }

    fn write_data(&self, data: &mut Writer) {
        match self {
            Self::Load(key) => {
                data.be32(2, *key);
                data.be32(1, REGISTER);
            }
            Self::Store(key) => {
                data.be32(2, *key);
                data.be32(3, REGISTER);
            }
            Self::Payload(base, offset, length) => {
                for (kind, value) in (1..).zip([REGISTER, *base, *offset, *length]) {
                    data.be32(kind, value);
                }
            }
            Self::Compare(operator, value) => {
                data.be32(1, REGISTER);
                data.be32(2, operator.number());
                data.nest(3, |nest| nest.bytes(VALUE, value));
            }
            Self::Constant(value) => {
                data.be32(1, REGISTER);
                data.nest(2, |nest| nest.bytes(VALUE, value));
            }
            Self::Other(_) => {}
        }
    }

    /// Reads one element of a rule's list.
    pub(super) fn read(element: Attribute<'_>) -> Result<Self> {
        let (mut name, mut fields) = (String::new(), Fields::default());
        for attribute in element.nested() {
            let attribute = attribute?;
            match attribute.kind {
                NAME => name = attribute.text(),
                DATA => fields = Fields::read(attribute)?,
                _ => {}
            }
        }
        let known = match name.as_str() {
            "meta" => fields.meta(),
            "payload" => fields.payload(),
            "cmp" => fields.compare(),
            "immediate" => fields.constant(),
            _ => None,
        };
        Ok(known.unwrap_or(Self::Other(name)))
    }
}

/// How many attributes the known expressions have at most, and room for 0.
const FIELDS: usize = 8;

/// The attributes of an expression by their type; which means what depends on the name.
#[derive(Default)]
struct Fields<'a> {
    by_kind: [Option<Attribute<'a>>; FIELDS],
    more: bool,
}

impl<'a> Fields<'a> {
    fn read(data: Attribute<'a>) -> Result<Self> {
        let mut fields = Self::default();
        for attribute in data.nested() {
            let attribute = attribute?;
            match fields.by_kind.get_mut(usize::from(attribute.kind)) {
                Some(field) => *field = Some(attribute),
                None => fields.more = true,
            }
        }
        Ok(fields)
    }

    fn number(&self, kind: usize) -> Option<u32> {
        self.by_kind.get(kind)?.as_ref()?.be32().ok()
    }

    /// The numbers of these attributes, if there are no others.
    fn only<const N: usize>(&self, kinds: [usize; N]) -> Option<[u32; N]> {
        let present = self.by_kind.iter().flatten().count();
        if self.more || present != N {
            return None;
        }
        let mut numbers = [0; N];
        for (number, kind) in numbers.iter_mut().zip(kinds) {
            *number = self.number(kind)?;
        }
        Some(numbers)
    }

    fn value(&self, kind: usize) -> Option<Vec<u8>> {
        let data = self.by_kind.get(kind)?.as_ref()?;
        let value = data.nested().next()?.ok()?;
        (value.kind == VALUE).then(|| value.value.to_vec())
    }

    fn meta(&self) -> Option<Expression> {
        if let Some([REGISTER, key]) = self.only([1, 2]) {
            return Some(Expression::Load(key));
        }
        if let Some([key, REGISTER]) = self.only([2, 3]) {
            return Some(Expression::Store(key));
        }
        None
    }

    fn payload(&self) -> Option<Expression> {
        let [register, base, offset, length] = self.only([1, 2, 3, 4])?;
        (register == REGISTER).then_some(Expression::Payload(base, offset, length))
    }

    fn compare(&self) -> Option<Expression> {
        let operator = Operator::from_number(self.number(2)?)?;
        let value = self.value(3)?;
        (self.number(1)? == REGISTER).then_some(Expression::Compare(operator, value))
    }

    fn constant(&self) -> Option<Expression> {
        let value = self.value(2)?;
        (self.number(1)? == REGISTER).then_some(Expression::Constant(value))
    }
}
