//! Expressions, the steps of rules, from bytes.
//!
//! A step that farmctl would not write, or that has one attribute more, is
//! [`Expression::Other`]: whoever changed it must show.

use super::expression::{
    DESTINATION, DROP, ICMPX, INCREMENTAL, JENKINS, JUMP, Numbered, ORIGINAL, PORT_UNREACHABLE,
    RETURN, SOURCE, TCP_RESET, UPDATE, VERDICT_REGISTER,
};
use super::wire::{self, expression};
use crate::netlink::attribute::Attribute;
use crate::netlink::error::Result;
use crate::netlink::nft::model::{Conntrack, Expression, Meta, Register, Verdict};

/// Reads one element of a rule's list.
pub(super) fn read(element: Attribute<'_>) -> Result<Expression> {
    let (mut name, mut fields) = (String::new(), Fields::default());
    for attribute in element.nested() {
        let attribute = attribute?;
        match attribute.kind {
            expression::NAME => name = attribute.text(),
            expression::DATA => fields = Fields::read(attribute)?,
            _ => {}
        }
    }
    let known = match name.as_str() {
        "meta" => fields.meta(),
        "ct" => fields.conntrack(),
        "payload" => fields.payload(),
        "immediate" => fields.constant().or_else(|| fields.verdict()),
        "cmp" => fields.compare(),
        "bitwise" => fields.bitwise(),
        "hash" => fields.hash(),
        "numgen" => fields.sequence(),
        "lookup" => fields.lookup(),
        "dynset" => fields.remember(),
        "nat" => fields.translate(),
        "masq" => fields.only(&[]).map(|()| Expression::Masquerade),
        "fwd" => fields.forward(),
        "reject" => fields.reject(),
        // Bytes 1, packets 2: what it has counted. Padding 3: machines that need aligned numbers.
        "counter" => fields.only(&[1, 2, 3]).map(|()| Expression::Counter),
        _ => None,
    };
    Ok(known.unwrap_or(Expression::Other(name)))
}

/// How many attributes the known expressions have at most, and room for 0.
const FIELDS: usize = 16;

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

    /// `None` if there is any other than these.
    fn only(&self, kinds: &[usize]) -> Option<()> {
        let strange =
            |(kind, field): (usize, &Option<_>)| field.is_some() && !kinds.contains(&kind);
        (!self.more && !self.by_kind.iter().enumerate().any(strange)).then_some(())
    }

    fn get(&self, kind: usize) -> Option<&Attribute<'a>> {
        self.by_kind.get(kind)?.as_ref()
    }

    fn number(&self, kind: usize) -> Option<u32> {
        self.get(kind)?.be32().ok()
    }

    /// A number that may be left out where it has this value.
    fn number_or(&self, kind: usize, default: u32) -> Option<u32> {
        match self.get(kind) {
            Some(attribute) => attribute.be32().ok(),
            None => Some(default),
        }
    }

    fn register(&self, kind: usize) -> Option<Register> {
        Register::from_number(self.number(kind)?)
    }

    /// A register that may be left out: `Some(None)`.
    #[expect(
        clippy::option_option,
        reason = "left out is no register, strange is no answer"
    )]
    fn register_or_none(&self, kind: usize) -> Option<Option<Register>> {
        match self.get(kind) {
            Some(_) => self.register(kind).map(Some),
            None => Some(None),
        }
    }

    /// One of a type's values, by the kernel's number of it.
    fn value<T: Numbered>(&self, kind: usize) -> Option<T> {
        T::from_number(self.number(kind)?)
    }

    fn bytes(&self, kind: usize) -> Option<Vec<u8>> {
        let value = self.get(kind)?.nested().next()?.ok()?;
        (value.kind == wire::VALUE).then(|| value.value.to_vec())
    }

    fn text(&self, kind: usize) -> Option<String> {
        self.get(kind).map(Attribute::text)
    }

    fn meta(&self) -> Option<Expression> {
        let key = self.value(2)?;
        if self.only(&[1, 2]).is_some() {
            let into = self.register(1)?;
            return Some(Expression::Meta { key, into });
        }
        self.only(&[2, 3])?;
        let from = self.register(3)?;
        (key == Meta::Mark).then_some(Expression::SetMark { from })
    }

    fn conntrack(&self) -> Option<Expression> {
        self.only(&[1, 2, 3])?;
        let key: Conntrack = self.value(2)?;
        let original = match self.get(3) {
            Some(direction) => direction.u8().ok()? == ORIGINAL,
            None => !key.has_direction(),
        };
        let into = self.register(1)?;
        original.then_some(Expression::Conntrack { key, into })
    }

    fn payload(&self) -> Option<Expression> {
        self.only(&[1, 2, 3, 4])?;
        Some(Expression::Payload {
            into: self.register(1)?,
            base: self.value(2)?,
            offset: self.number(3)?,
            length: self.number(4)?,
        })
    }

    fn constant(&self) -> Option<Expression> {
        self.only(&[1, 2])?;
        Some(Expression::Constant {
            into: self.register(1)?,
            value: self.bytes(2)?,
        })
    }

    fn verdict(&self) -> Option<Expression> {
        self.only(&[1, 2])?;
        if self.number(1)? != VERDICT_REGISTER {
            return None;
        }
        let verdict = self.get(2)?.nested().next()?.ok()?;
        if verdict.kind != wire::VERDICT {
            return None;
        }
        let fields = Self::read(verdict).ok()?;
        fields.only(&[1, 2])?;
        let verdict = match (fields.number(1)?, fields.text(2)) {
            (wire::ACCEPT, None) => Verdict::Accept,
            (DROP, None) => Verdict::Drop,
            (RETURN, None) => Verdict::Return,
            (JUMP, Some(chain)) => Verdict::Jump(chain),
            _ => return None,
        };
        Some(Expression::Verdict(verdict))
    }

    fn compare(&self) -> Option<Expression> {
        self.only(&[1, 2, 3])?;
        Some(Expression::Compare {
            from: self.register(1)?,
            comparison: self.value(2)?,
            value: self.bytes(3)?,
        })
    }

    fn bitwise(&self) -> Option<Expression> {
        // Operation 6: 0 is the one with two masks.
        self.only(&[1, 2, 3, 4, 5, 6])?;
        let (mask, flip) = (self.bytes(4)?, self.bytes(5)?);
        let length = usize::try_from(self.number(3)?).ok()?;
        if self.number_or(6, 0)? != 0 || mask.len() != length || flip.len() != length {
            return None;
        }
        Some(Expression::Bitwise {
            from: self.register(1)?,
            into: self.register(2)?,
            mask,
            flip,
        })
    }

    fn hash(&self) -> Option<Expression> {
        self.only(&[1, 2, 3, 4, 5, 6, 7])?;
        let hash = Expression::Hash {
            from: self.register(1)?,
            into: self.register(2)?,
            length: self.number(3)?,
            modulus: self.number(4)?,
            seed: self.number(5)?,
            offset: self.number_or(6, 0)?,
        };
        (self.number_or(7, JENKINS)? == JENKINS).then_some(hash)
    }

    fn sequence(&self) -> Option<Expression> {
        self.only(&[1, 2, 3, 4])?;
        let sequence = Expression::Sequence {
            into: self.register(1)?,
            modulus: self.number(2)?,
            offset: self.number_or(4, 0)?,
        };
        (self.number(3)? == INCREMENTAL).then_some(sequence)
    }

    fn lookup(&self) -> Option<Expression> {
        // The set's number in a transaction 4; flags 5: 0 unless it is turned round.
        self.only(&[1, 2, 3, 4, 5])?;
        let lookup = Expression::Lookup {
            set: self.text(1)?,
            key: self.register(2)?,
            into: self.register_or_none(3)?,
        };
        (self.number_or(5, 0)? == 0).then_some(lookup)
    }

    fn remember(&self) -> Option<Expression> {
        // The set's number in a transaction 2, padding 8; flags 9: 0 unless it is turned round.
        self.only(&[1, 2, 3, 4, 5, 6, 8, 9])?;
        let timeout = self.get(6).map_or(Some(0), |timeout| timeout.be64().ok())?;
        let remember = Expression::Remember {
            set: self.text(1)?,
            key: self.register(4)?,
            data: self.register_or_none(5)?,
            timeout,
        };
        (self.number(3)? == UPDATE && self.number_or(9, 0)? == 0).then_some(remember)
    }

    fn translate(&self) -> Option<Expression> {
        // The last address 4 and the last port 6 are the first ones again. Flags 7: those two
        // that the kernel adds itself say that an address and that a port is given.
        self.only(&[1, 2, 3, 4, 5, 6, 7])?;
        let (family, address) = (self.value(2)?, self.register(3)?);
        let port = self.register_or_none(5)?;
        let last_address = self.register_or_none(4)?.unwrap_or(address);
        let last_port = self.register_or_none(6)?.or(port);
        if last_address != address || last_port != port || self.number_or(7, 0)? & !3 != 0 {
            return None;
        }
        match self.number(1)? {
            SOURCE => Some(Expression::TranslateSource {
                family,
                address,
                port,
            }),
            DESTINATION => Some(Expression::TranslateDestination {
                family,
                address,
                port,
            }),
            _ => None,
        }
    }

    fn forward(&self) -> Option<Expression> {
        self.only(&[1, 2, 3])?;
        Some(Expression::Forward {
            device: self.register(1)?,
            neighbour: self.register(2)?,
            family: self.value(3)?,
        })
    }

    fn reject(&self) -> Option<Expression> {
        self.only(&[1, 2])?;
        let code = self.get(2).map_or(Some(0), |code| code.u8().ok())?;
        match (self.number(1)?, code) {
            (TCP_RESET, _) => Some(Expression::Reset),
            (ICMPX, PORT_UNREACHABLE) => Some(Expression::Unreachable),
            _ => None,
        }
    }
}
