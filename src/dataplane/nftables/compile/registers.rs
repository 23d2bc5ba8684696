//! Which register holds what, and how it gets there.
//!
//! The fields stand side by side so that every key is one run of registers: client port, client,
//! then K (address, protocol, port), then X (or the slot's number). With IPv6 that is exactly the 16
//! registers that there are. A rule loads all that it reads: the kernel keeps nothing between two.

use super::super::class::Kind;
use super::super::fields;
use super::super::schema::{SetId, SetKind};
use crate::netlink::nft::model::{
    AddressFamily, Base, Comparison, Conntrack, Expression, Meta, Register, TableFamily, Verdict,
};
use crate::state::{Family, ServiceKey};

/// The registers of a family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registers(pub(super) Family);

impl Registers {
    pub(super) const CLIENT_PORT: Register = Register(0);
    pub(super) const CLIENT: Register = Register(1);

    /// How many registers an address takes.
    fn width(self) -> u8 {
        match self.0 {
            Family::V4 => 1,
            Family::V6 => 4,
        }
    }

    /// Where K begins.
    pub(super) fn service(self) -> Register {
        Register(1 + self.width())
    }

    pub(super) fn protocol(self) -> Register {
        Register(1 + 2 * self.width())
    }

    pub(super) fn port(self) -> Register {
        Register(2 + 2 * self.width())
    }

    /// Where X begins, and before it the number of the slot.
    pub(super) fn target(self) -> Register {
        Register(3 + 2 * self.width())
    }

    /// The port or the interface of X.
    pub(super) fn word(self) -> Register {
        Register(3 + 3 * self.width())
    }

    /// The length of an address, bytes.
    pub(super) fn address_length(self) -> u32 {
        u32::from(self.width()) * 4
    }

    pub(super) fn family(self) -> AddressFamily {
        match self.0 {
            Family::V4 => AddressFamily::V4,
            Family::V6 => AddressFamily::V6,
        }
    }

    /// A set of this family.
    pub(super) fn set(self, table: TableFamily, kind: SetKind) -> String {
        let id = SetId {
            table,
            kind,
            family: self.0,
        };
        id.name()
    }

    fn network(self, place: [u32; 2], into: Register) -> Expression {
        Expression::Payload {
            base: Base::Network,
            offset: match self.0 {
                Family::V4 => place[0],
                Family::V6 => place[1],
            },
            length: self.address_length(),
            into,
        }
    }

    /// The source address of the packet.
    pub(super) fn load_source(self, into: Register) -> Expression {
        self.network([12, 8], into)
    }

    /// The destination address of the packet.
    pub(super) fn load_destination(self, into: Register) -> Expression {
        self.network([16, 24], into)
    }

    /// Address, protocol and port of the packet.
    pub(super) fn load_addressed(self) -> Vec<Expression> {
        vec![
            self.load_destination(self.service()),
            load_protocol(self.protocol()),
            load_port(DESTINATION_PORT, self.port()),
        ]
    }

    /// K of a packet, for one way of telling services.
    pub(super) fn load_service(self, kind: Kind, table: TableFamily) -> Vec<Expression> {
        let addressed = match kind {
            Kind::Mark => Vec::new(),
            Kind::OwnMark | Kind::Port => self.load_addressed(),
            Kind::EveryPort => vec![
                self.load_destination(self.service()),
                load_protocol(self.protocol()),
            ],
        };
        self.with_kind(kind, table, addressed)
    }

    /// K of a connection as its client wrote it, whatever the packet looks like by now.
    pub(super) fn load_original(self, kind: Kind) -> Vec<Expression> {
        let load = |key, into| Expression::Conntrack { key, into };
        let destination = match self.0 {
            Family::V4 => Conntrack::OriginalDestination4,
            Family::V6 => Conntrack::OriginalDestination6,
        };
        let address = load(destination, self.service());
        let protocol = load_protocol(self.protocol());
        let port = load(Conntrack::OriginalDestinationPort, self.port());
        let addressed = match kind {
            Kind::Mark => Vec::new(),
            Kind::OwnMark | Kind::Port => vec![address, protocol, port],
            Kind::EveryPort => vec![address, protocol],
        };
        self.with_kind(kind, TableFamily::Inet, addressed)
    }

    fn with_kind(
        self,
        kind: Kind,
        table: TableFamily,
        mut steps: Vec<Expression>,
    ) -> Vec<Expression> {
        match kind {
            Kind::Port => {}
            Kind::EveryPort => steps.push(zeros(self.port(), 4)),
            Kind::Mark => {
                steps.push(zeros(self.service(), self.width() * 4));
                steps.push(Expression::Meta {
                    key: Meta::Mark,
                    into: Register(self.protocol().0 - 1),
                });
                steps.extend([zeros(self.protocol(), 4), zeros(self.port(), 4)]);
            }
            Kind::OwnMark => {
                steps.push(Expression::Lookup {
                    set: self.set(table, SetKind::Marks),
                    key: self.service(),
                    // The filler goes into the client's address, which is loaded later.
                    into: Some(Register(self.service().0 - 1)),
                });
                steps.extend([zeros(self.protocol(), 4), zeros(self.port(), 4)]);
            }
        }
        steps
    }

    /// Looks up X by a key that is all loaded, its last field by `last`.
    ///
    /// The data goes over that field, with the filler that `nft` needs; see [`Expression::Lookup`].
    pub(super) fn look_up_target(
        self,
        set: String,
        key: Register,
        last: Expression,
    ) -> [Expression; 2] {
        let lookup = Expression::Lookup {
            set,
            key,
            into: Some(self.port()),
        };
        [lookup, last]
    }

    /// The port that K has.
    pub(super) fn load_service_port(self, kind: Kind) -> Expression {
        match kind {
            Kind::Port => load_port(DESTINATION_PORT, self.port()),
            Kind::Mark | Kind::OwnMark | Kind::EveryPort => zeros(self.port(), 4),
        }
    }

    /// Fills the registers of X for the eyes of `nft`, which never sees what a map puts there.
    pub(super) fn veil(self) -> [Expression; 2] {
        let port = load_port(DESTINATION_PORT, self.word());
        [self.load_destination(self.target()), port]
    }

    /// The same where the first of them holds a number.
    pub(super) fn veil_behind_number(self) -> Vec<Expression> {
        let rest = Expression::Payload {
            base: Base::Network,
            offset: 8,
            length: 12,
            into: Register(self.target().0 + 1),
        };
        let mut steps = vec![load_port(DESTINATION_PORT, self.word())];
        steps.extend((self.0 == Family::V6).then_some(rest));
        steps
    }

    /// Goes on only if K is this service's.
    pub(super) fn only(self, kind: Kind, key: ServiceKey) -> Vec<Expression> {
        let equal = |from, value: &[u8]| compare(from, Comparison::Equal, value);
        match key {
            ServiceKey::Mark { mark, .. } if kind == Kind::Mark => {
                let place = Register(self.protocol().0 - 1);
                vec![equal(place, &mark.to_ne_bytes())]
            }
            ServiceKey::Mark { family, mark } => {
                vec![equal(self.service(), &fields::marked(family, mark))]
            }
            ServiceKey::Address {
                protocol,
                address,
                port,
            } => vec![
                equal(self.service(), &fields::address(address)),
                equal(self.protocol(), &[fields::protocol_number(protocol)]),
                equal(self.port(), &port.to_be_bytes()),
            ],
        }
    }
}

/// Where the ports stand in a TCP, UDP and SCTP header.
pub(super) const SOURCE_PORT: u32 = 0;
pub(super) const DESTINATION_PORT: u32 = 2;
/// Where the flags stand in a TCP header (RFC 9293 s. 3.1), and three of them.
const TCP_FLAGS: u32 = 13;
pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

pub(super) fn load_port(offset: u32, into: Register) -> Expression {
    Expression::Payload {
        base: Base::Transport,
        offset,
        length: 2,
        into,
    }
}

pub(super) fn load_protocol(into: Register) -> Expression {
    Expression::Meta {
        key: Meta::TransportProtocol,
        into,
    }
}

pub(super) fn zeros(into: Register, count: u8) -> Expression {
    Expression::Constant {
        into,
        value: vec![0; usize::from(count)],
    }
}

pub(super) fn compare(from: Register, comparison: Comparison, value: &[u8]) -> Expression {
    Expression::Compare {
        from,
        comparison,
        value: value.to_vec(),
    }
}

/// Goes on only for packets of a protocol.
pub(super) fn of_protocol(number: u8) -> Vec<Expression> {
    let scratch = Register(0);
    vec![
        load_protocol(scratch),
        compare(scratch, Comparison::Equal, &[number]),
    ]
}

/// Goes on only if these TCP flags, of those in the mask, are as compared.
pub(super) fn of_flags(mask: u8, comparison: Comparison, value: u8) -> Vec<Expression> {
    let scratch = Register(0);
    vec![
        Expression::Payload {
            base: Base::Transport,
            offset: TCP_FLAGS,
            length: 1,
            into: scratch,
        },
        Expression::Bitwise {
            from: scratch,
            into: scratch,
            mask: vec![mask],
            flip: vec![0],
        },
        compare(scratch, comparison, &[value]),
    ]
}

pub(super) fn jump(chain: &str) -> Expression {
    Expression::Verdict(Verdict::Jump(chain.to_owned()))
}
