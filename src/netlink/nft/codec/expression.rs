//! Expressions, the steps of rules, to bytes.
//!
//! Which attribute has which number is said at each: `NFTA_META_*`, `NFTA_CT_*` and so on, in the
//! order of the header. What is left out here has the kernel's default.

use super::wire::{self, expression};
use crate::netlink::attribute::Writer;
use crate::netlink::nft::model::{
    AddressFamily, Base, Comparison, Conntrack, Expression, Meta, Register, Verdict,
};

pub(super) use super::steps::read;

/// The register of verdicts (`NFT_REG_VERDICT`).
pub(super) const VERDICT_REGISTER: u32 = 0;
/// `NFT_REG_1` and `NFT_REG32_00`: the first register as one of 16 bytes and as one of 4.
const REGISTER_1: u32 = 1;
const REGISTER32_00: u32 = 8;
/// How many small registers make a large one, and how many there are.
const SMALL_IN_LARGE: u8 = 4;
const REGISTERS: u8 = 16;

impl Register {
    /// The kernel's number, as it says it itself: the large register where one begins.
    pub(super) fn number(self) -> u32 {
        let small = u32::from(self.0);
        if self.0 < REGISTERS && self.0.is_multiple_of(SMALL_IN_LARGE) {
            REGISTER_1 + small / u32::from(SMALL_IN_LARGE)
        } else {
            REGISTER32_00 + small
        }
    }

    pub(super) fn from_number(number: u32) -> Option<Self> {
        (0..REGISTERS).map(Self).find(|register| {
            register.number() == number || REGISTER32_00 + u32::from(register.0) == number
        })
    }
}

/// Types of values that the kernel has numbers for.
pub(super) trait Numbered: Copy + Sized + 'static {
    /// All of them.
    const ALL: &'static [(Self, u32)];

    fn number(self) -> u32;

    fn from_number(number: u32) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, other)| *other == number);
        found.map(|(value, _)| *value)
    }
}

macro_rules! numbered {
    ($type:ident { $($value:ident = $number:literal),* $(,)? }) => {
        impl Numbered for $type {
            const ALL: &'static [(Self, u32)] = &[$(($type::$value, $number)),*];

            fn number(self) -> u32 {
                match self {
                    $($type::$value => $number),*
                }
            }
        }
    };
}

numbered!(Meta { Mark = 3, Family = 15, TransportProtocol = 16, EtherType = 1, PacketType = 19 });
numbered!(Conntrack {
    State = 0,
    Direction = 1,
    Status = 2,
    Protocol = 10,
    OriginalDestinationPort = 12,
    OriginalDestination4 = 20,
    OriginalDestination6 = 22,
});
numbered!(Base { Link = 0, Network = 1, Transport = 2 });
numbered!(Comparison { Equal = 0, Different = 1, AtMost = 3, AtLeast = 5 });
numbered!(AddressFamily { V4 = 2, V6 = 10 });

/// Appends one step to the list of a rule.
pub(super) fn write(list: &mut Writer, step: &Expression) {
    list.nest(wire::LIST_ELEMENT, |element| {
        element.string(expression::NAME, name(step));
        element.nest(expression::DATA, |data| write_data(data, step));
    });
}

fn name(step: &Expression) -> &str {
    match step {
        Expression::Meta { .. } | Expression::SetMark { .. } => "meta",
        Expression::Conntrack { .. } => "ct",
        Expression::Payload { .. } => "payload",
        Expression::Constant { .. } | Expression::Verdict(_) => "immediate",
        Expression::Compare { .. } => "cmp",
        Expression::Bitwise { .. } => "bitwise",
        Expression::Hash { .. } => "hash",
        Expression::Sequence { .. } => "numgen",
        Expression::Lookup { .. } => "lookup",
        Expression::Remember { .. } => "dynset",
        Expression::TranslateDestination { .. } | Expression::TranslateSource { .. } => "nat",
        Expression::Masquerade => "masq",
        Expression::Forward { .. } => "fwd",
        Expression::Reset | Expression::Unreachable => "reject",
        Expression::Counter => "counter",
        Expression::Other(name) => name,
    }
}

fn write_data(data: &mut Writer, step: &Expression) {
    match step {
        // Destination 1, key 2, source 3.
        Expression::Meta { key, into } => numbers(data, &[(2, key.number()), (1, into.number())]),
        Expression::SetMark { from } => {
            numbers(data, &[(2, Meta::Mark.number()), (3, from.number())]);
        }
        Expression::Conntrack { key, into } => write_conntrack(data, *key, *into),
        Expression::Payload { .. } => write_payload(data, step),
        // Destination 1, data 2.
        Expression::Constant { into, value } => {
            data.be32(1, into.number());
            write_value(data, 2, value);
        }
        Expression::Verdict(verdict) => write_verdict(data, verdict),
        Expression::Compare { .. } => write_compare(data, step),
        Expression::Bitwise { .. } => write_bitwise(data, step),
        Expression::Hash { .. } => write_hash(data, step),
        Expression::Sequence { .. } => write_sequence(data, step),
        Expression::Lookup { set, key, into } => write_lookup(data, set, *key, *into),
        Expression::Remember { .. } => write_remember(data, step),
        Expression::TranslateDestination { .. } | Expression::TranslateSource { .. } => {
            write_translate(data, step);
        }
        Expression::Forward { .. } => write_forward(data, step),
        // Type 1, code 2.
        Expression::Reset => data.be32(1, TCP_RESET),
        Expression::Unreachable => {
            data.be32(1, ICMPX);
            data.u8(2, PORT_UNREACHABLE);
        }
        // They need nothing; a counter begins at 0.
        Expression::Masquerade | Expression::Counter | Expression::Other(_) => {}
    }
}

fn numbers(data: &mut Writer, given: &[(u16, u32)]) {
    for &(kind, number) in given {
        data.be32(kind, number);
    }
}

fn write_value(data: &mut Writer, kind: u16, value: &[u8]) {
    data.nest(kind, |nest| nest.bytes(wire::VALUE, value));
}

/// A register that may be left out.
fn write_register(data: &mut Writer, kind: u16, register: Option<Register>) {
    if let Some(register) = register {
        data.be32(kind, register.number());
    }
}

/// `IP_CT_DIR_ORIGINAL`.
pub(super) const ORIGINAL: u8 = 0;

impl Conntrack {
    /// Whether it must be said of which direction it is.
    pub(super) fn has_direction(self) -> bool {
        match self {
            Self::OriginalDestination4
            | Self::OriginalDestination6
            | Self::OriginalDestinationPort => true,
            Self::State | Self::Direction | Self::Status | Self::Protocol => false,
        }
    }
}

/// Destination 1, key 2, direction 3.
fn write_conntrack(data: &mut Writer, key: Conntrack, into: Register) {
    numbers(data, &[(1, into.number()), (2, key.number())]);
    if key.has_direction() {
        data.u8(3, ORIGINAL);
    }
}

/// Destination 1, base 2, offset 3, length 4.
fn write_payload(data: &mut Writer, step: &Expression) {
    if let Expression::Payload {
        base,
        offset,
        length,
        into,
    } = *step
    {
        let place = [(1, into.number()), (2, base.number())];
        numbers(data, &place);
        numbers(data, &[(3, offset), (4, length)]);
    }
}

/// Source 1, operation 2, data 3.
fn write_compare(data: &mut Writer, step: &Expression) {
    if let Expression::Compare {
        from,
        comparison,
        value,
    } = step
    {
        numbers(data, &[(1, from.number()), (2, comparison.number())]);
        write_value(data, 3, value);
    }
}

/// Source 1, destination 2, length 3, mask 4, flip 5.
fn write_bitwise(data: &mut Writer, step: &Expression) {
    if let Expression::Bitwise {
        from,
        into,
        mask,
        flip,
    } = step
    {
        let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
        let place = [(1, from.number()), (2, into.number()), (3, length)];
        numbers(data, &place);
        write_value(data, 4, mask);
        write_value(data, 5, flip);
    }
}

/// Source 1, destination 2, length 3, modulus 4, seed 5, offset 6, type 7.
fn write_hash(data: &mut Writer, step: &Expression) {
    if let Expression::Hash {
        from,
        length,
        into,
        modulus,
        seed,
        offset,
    } = *step
    {
        numbers(data, &[(1, from.number()), (2, into.number())]);
        numbers(data, &[(3, length), (4, modulus), (5, seed)]);
        numbers(data, &[(6, offset), (7, JENKINS)]);
    }
}

/// `NFT_HASH_JENKINS` and `NFT_NG_INCREMENTAL`.
pub(super) const JENKINS: u32 = 0;
pub(super) const INCREMENTAL: u32 = 0;

/// Destination 1, modulus 2, type 3, offset 4.
fn write_sequence(data: &mut Writer, step: &Expression) {
    if let Expression::Sequence {
        into,
        modulus,
        offset,
    } = *step
    {
        numbers(data, &[(1, into.number()), (2, modulus)]);
        numbers(data, &[(3, INCREMENTAL), (4, offset)]);
    }
}

/// Set 1, source 2, destination 3.
fn write_lookup(data: &mut Writer, set: &str, key: Register, into: Option<Register>) {
    data.string(1, set);
    data.be32(2, key.number());
    write_register(data, 3, into);
}

/// `NFT_DYNSET_OP_UPDATE`.
pub(super) const UPDATE: u32 = 1;

/// Set 1, operation 3, key 4, data 5, timeout 6 in milliseconds.
fn write_remember(data: &mut Writer, step: &Expression) {
    if let Expression::Remember {
        set,
        key,
        data: from,
        timeout,
    } = step
    {
        data.string(1, set);
        numbers(data, &[(3, UPDATE), (4, key.number())]);
        write_register(data, 5, *from);
        if *timeout != 0 {
            data.bytes(6, &timeout.to_be_bytes());
        }
    }
}

/// `NF_DROP`, `NFT_JUMP`, `NFT_RETURN`.
pub(super) const DROP: u32 = 0;
pub(super) const JUMP: u32 = (-3_i32).cast_unsigned();
pub(super) const RETURN: u32 = (-5_i32).cast_unsigned();

/// Destination 1, data 2; in it a verdict 2, and in that a code 1 and a chain 2.
fn write_verdict(data: &mut Writer, verdict: &Verdict) {
    data.be32(1, VERDICT_REGISTER);
    let (code, chain) = match verdict {
        Verdict::Accept => (wire::ACCEPT, None),
        Verdict::Drop => (DROP, None),
        Verdict::Return => (RETURN, None),
        Verdict::Jump(chain) => (JUMP, Some(chain)),
    };
    data.nest(2, |value| {
        value.nest(wire::VERDICT, |nest| {
            nest.be32(1, code);
            if let Some(chain) = chain {
                nest.string(2, chain);
            }
        });
    });
}

/// `NFT_NAT_SNAT` and `NFT_NAT_DNAT`.
pub(super) const SOURCE: u32 = 0;
pub(super) const DESTINATION: u32 = 1;
/// `NFT_REJECT_TCP_RST`, `NFT_REJECT_ICMPX_UNREACH`, `NFT_REJECT_ICMPX_PORT_UNREACH`.
pub(super) const TCP_RESET: u32 = 1;
pub(super) const ICMPX: u32 = 2;
pub(super) const PORT_UNREACHABLE: u8 = 1;

/// Type 1, family 2, address 3, port 5.
fn write_translate(data: &mut Writer, step: &Expression) {
    let is_source = matches!(step, Expression::TranslateSource { .. });
    let kind = if is_source { SOURCE } else { DESTINATION };
    if let Expression::TranslateSource {
        family,
        address,
        port,
    }
    | Expression::TranslateDestination {
        family,
        address,
        port,
    } = *step
    {
        numbers(data, &[(1, kind), (2, family.number())]);
        data.be32(3, address.number());
        write_register(data, 5, port);
    }
}

/// Device 1, address 2, family 3.
fn write_forward(data: &mut Writer, step: &Expression) {
    if let Expression::Forward {
        device,
        neighbour,
        family,
    } = *step
    {
        numbers(data, &[(1, device.number()), (2, neighbour.number())]);
        data.be32(3, family.number());
    }
}
