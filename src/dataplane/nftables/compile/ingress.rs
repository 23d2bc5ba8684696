//! The rules of direct routing: frames are taken off the interface before the rest of the kernel
//! sees them. There is no connection tracking there; each flow is kept with its server by a map.
//!
//! Fragments have no ports and are not taken.

use super::super::fields::protocol_number;
use super::super::schema::SetKind;
use super::choose::{flow, forward, remember_flow};
use super::frame::choose_chain;
use super::registers::{DESTINATION_PORT, FIN, RST, Registers, SYN};
use super::registers::{compare, jump, load_port, of_flags, of_protocol};
use crate::netlink::nft::model::{
    Base, Comparison, Expression, Meta, Register, Rule, TableFamily, Verdict,
};
use crate::state::{Family, Protocol};

pub(super) const INGRESS: &str = "ingress";

/// How long a flow is kept after its last packet, milliseconds, as ip_vs does: TCP and SCTP; TCP
/// after an end was seen; UDP.
const CONNECTED: u64 = 900_000;
const ENDING: u64 = 120_000;
const DATAGRAMS: u64 = 300_000;

/// `PACKET_HOST`, `NF_INET`'s ICMP numbers, and `ETH_P_IP` and `ETH_P_IPV6`.
const FOR_THIS_HOST: u8 = 0;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;

fn ethertype(family: Family) -> [u8; 2] {
    match family {
        Family::V4 => [0x08, 0x00],
        Family::V6 => [0x86, 0xdd],
    }
}

fn load(key: Meta) -> Expression {
    Expression::Meta {
        key,
        into: Register(0),
    }
}

/// Frames for other machines are none of ours; what is left is looked up by family.
pub(super) fn entrance(families: &[Family]) -> Vec<Rule> {
    let rule = |comment: String, expressions| Rule {
        chain: INGRESS.to_owned(),
        expressions,
        comment: Some(comment),
    };
    let others = vec![
        load(Meta::PacketType),
        compare(Register(0), Comparison::Different, &[FOR_THIS_HOST]),
        Expression::Verdict(Verdict::Accept),
    ];
    let mut rules = vec![rule("frames for others".to_owned(), others)];
    rules.extend(families.iter().map(|family| {
        let steps = vec![
            load(Meta::EtherType),
            compare(Register(0), Comparison::Equal, &ethertype(*family)),
            jump(&choose_chain(TableFamily::Netdev, *family)),
        ];
        rule(family.to_string(), steps)
    }));
    rules
}

struct Flows {
    registers: Registers,
}

impl Flows {
    fn rule(&self, comment: &str, expressions: Vec<Expression>) -> Rule {
        Rule {
            chain: choose_chain(TableFamily::Netdev, self.registers.0),
            expressions,
            comment: Some(comment.to_owned()),
        }
    }

    fn set(&self, kind: SetKind) -> String {
        self.registers.set(TableFamily::Netdev, kind)
    }

    /// A flow's server, where the flow is known; `port` loads the last field of its key.
    fn look_up(&self, port: Expression) -> Vec<Expression> {
        let mut steps = self.registers.veil().to_vec();
        let (set, key) = (self.set(SetKind::Flows), Registers::CLIENT_PORT);
        steps.extend(self.registers.look_up_target(set, key, port));
        steps
    }

    fn port(&self) -> Expression {
        load_port(DESTINATION_PORT, self.registers.port())
    }

    fn remember(&self, kind: SetKind, timeout: u64) -> Expression {
        remember_flow(self.registers, kind, timeout)
    }

    /// After a FIN or RST a flow is kept for a short time only.
    fn ended(&self) -> Rule {
        let mut steps = of_protocol(protocol_number(Protocol::Tcp));
        steps.extend(of_flags(FIN | RST, Comparison::Different, 0));
        steps.extend(flow(self.registers));
        steps.extend(self.look_up(self.port()));
        steps.push(self.remember(SetKind::Flows, ENDING));
        steps.push(self.remember(SetKind::Closing, ENDING));
        steps.push(forward(self.registers));
        self.rule("flows that end", steps)
    }

    /// What comes after the end does not make it longer. A SYN is a new connection.
    fn closing(&self) -> Rule {
        let mut steps = of_protocol(protocol_number(Protocol::Tcp));
        steps.extend(of_flags(SYN, Comparison::Equal, 0));
        steps.extend(flow(self.registers));
        steps.push(Expression::Lookup {
            set: self.set(SetKind::Closing),
            key: Registers::CLIENT_PORT,
            into: None,
        });
        steps.extend(self.look_up(self.port()));
        steps.push(forward(self.registers));
        self.rule("flows that have ended", steps)
    }

    fn known(&self, protocol: Protocol) -> Rule {
        let timeout = match protocol {
            Protocol::Tcp | Protocol::Sctp => CONNECTED,
            Protocol::Udp => DATAGRAMS,
        };
        let mut steps = of_protocol(protocol_number(protocol));
        steps.extend(flow(self.registers));
        steps.extend(self.look_up(self.port()));
        steps.push(self.remember(SetKind::Flows, timeout));
        steps.push(forward(self.registers));
        self.rule(&format!("{protocol} flows"), steps)
    }

    /// An error about a packet that a server sent (RFC 792, RFC 4443 s. 3), "too big" above all,
    /// goes to that server. In the packet that it quotes source and destination are the other way
    /// round.
    fn errors(&self) -> Rule {
        let registers = self.registers;
        let transport = |offset, length, into| Expression::Payload {
            base: Base::Transport,
            offset,
            length,
            into,
        };
        let equal = |value: &[u8]| compare(Register(0), Comparison::Equal, value);
        let quoted = Quoted::of(registers.0);
        let mut steps = of_protocol(quoted.protocol);
        steps.push(transport(0, 1, Register(0)));
        steps.push(equal(&[quoted.kind]));
        if let Some(first) = quoted.first {
            steps.push(transport(8, 1, Register(0)));
            steps.push(equal(&[first]));
        }
        let length = registers.address_length();
        steps.extend([
            transport(quoted.ports + 2, 2, Registers::CLIENT_PORT),
            transport(quoted.destination, length, Registers::CLIENT),
            transport(quoted.source, length, registers.service()),
            transport(quoted.next, 1, registers.protocol()),
            transport(quoted.ports, 2, registers.port()),
        ]);
        let port = transport(quoted.ports, 2, registers.port());
        steps.extend(self.look_up(port));
        steps.push(forward(registers));
        self.rule("errors about answers", steps)
    }
}

/// Where things stand in an ICMP error, from its first byte.
struct Quoted {
    protocol: u8,
    /// The error's type: destination unreachable with IPv4, packet too big with IPv6.
    kind: u8,
    /// The first byte of the quoted packet, where it matters: without IPv4 options.
    first: Option<u8>,
    next: u32,
    source: u32,
    destination: u32,
    ports: u32,
}

impl Quoted {
    fn of(family: Family) -> Self {
        match family {
            Family::V4 => Self {
                protocol: ICMP,
                kind: 3,
                first: Some(0x45),
                next: 17,
                source: 20,
                destination: 24,
                ports: 28,
            },
            Family::V6 => Self {
                protocol: ICMP6,
                kind: 2,
                first: None,
                next: 14,
                source: 16,
                destination: 32,
                ports: 48,
            },
        }
    }
}

/// What comes before any choice: flows that are known.
pub(super) fn flows(family: Family, protocols: &[Protocol]) -> Vec<Rule> {
    let flows = Flows {
        registers: Registers(family),
    };
    let mut rules = Vec::new();
    if protocols.contains(&Protocol::Tcp) {
        rules.extend([flows.ended(), flows.closing()]);
    }
    rules.extend(protocols.iter().map(|protocol| flows.known(*protocol)));
    rules.push(flows.errors());
    rules
}
