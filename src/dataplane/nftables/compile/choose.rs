//! The rules by which packets find a service and a destination: one, two or three for each class.
//!
//! The last rule of a kind refuses what no rule before it took, because no destination takes
//! connections.

use super::super::class::{Class, Kind, Memory, Onward};
use super::super::schema::SetKind;
use super::super::slots::{Input, Method};
use super::frame::choose_chain;
use super::registers::{Registers, SOURCE_PORT, compare, load_port};
use crate::netlink::nft::model::{Comparison, Expression, Register, Rule, TableFamily};
use crate::state::Family;

/// How long a flow of direct routing is kept after its last packet, milliseconds: until a second
/// packet shows that there is one, as UDP.
pub(super) const NEW_FLOW: u64 = 300_000;

/// The rules of a class, in order.
pub(super) fn choice(class: &Class, seed: u32) -> Vec<Rule> {
    let writer = Writer {
        class,
        seed,
        registers: Registers(class.family),
    };
    let mut rules = Vec::new();
    if let Some(memory) = class.memory {
        rules.push(writer.rule("remembered", writer.remembered(memory)));
        rules.push(writer.rule(
            "chosen and remembered",
            writer.chosen(Some(memory), Keep::Flow),
        ));
    } else if class.onward == Onward::Routed {
        rules.push(writer.rule("chosen", writer.chosen(None, Keep::Flow)));
    }
    let full = if rules.is_empty() {
        "chosen"
    } else {
        "chosen, where the memory is full"
    };
    rules.push(writer.rule(full, writer.chosen(None, Keep::Nothing)));
    rules
}

/// Refuses what belongs to a service.
pub(super) fn refusal(family: Family, kind: Kind) -> Rule {
    let registers = Registers(family);
    let mut steps = registers.load_service(kind, TableFamily::Inet);
    steps.push(Expression::Lookup {
        set: registers.set(TableFamily::Inet, SetKind::Services),
        key: registers.service(),
        into: None,
    });
    steps.push(Expression::Unreachable);
    Rule {
        chain: choose_chain(TableFamily::Inet, family),
        expressions: steps,
        comment: Some(format!("{}: nobody takes connections", told(kind))),
    }
}

fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Mark => "by mark",
        Kind::OwnMark => "by ports together",
        Kind::Port => "by port",
        Kind::EveryPort => "on every port",
    }
}

/// Whether a flow of direct routing is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Flow,
    Nothing,
}

struct Writer<'a> {
    class: &'a Class,
    seed: u32,
    registers: Registers,
}

impl Writer<'_> {
    fn table(&self) -> TableFamily {
        self.class.onward.table()
    }

    fn set(&self, kind: SetKind) -> String {
        self.registers.set(self.table(), kind)
    }

    fn rule(&self, what: &str, expressions: Vec<Expression>) -> Rule {
        Rule {
            chain: choose_chain(self.table(), self.class.family),
            expressions,
            comment: Some(format!("{}: {what}", told(self.class.kind))),
        }
    }

    /// A client that is remembered goes where it went, as long as that server is there at all.
    fn remembered(&self, memory: Memory) -> Vec<Expression> {
        let mut steps = self.fields();
        steps.extend(self.gate(memory));
        steps.extend(self.registers.veil());
        steps.extend(self.look_up(SetKind::Persist, Registers::CLIENT));
        steps.extend(self.accept_target());
        steps.push(self.remember(memory));
        steps.extend(self.onward(Keep::Flow));
        steps
    }

    fn chosen(&self, remembers: Option<Memory>, keep: Keep) -> Vec<Expression> {
        let mut steps = self.fields();
        steps.extend(self.class.memory.into_iter().flat_map(|it| self.gate(it)));
        steps.extend(self.slot());
        steps.extend(self.registers.veil_behind_number());
        steps.extend(self.look_up(SetKind::Slots, self.registers.service()));
        steps.extend(self.accept_target());
        steps.extend(remembers.map(|memory| self.remember(memory)));
        steps.extend(self.onward(keep));
        steps
    }

    fn look_up(&self, kind: SetKind, key: Register) -> [Expression; 2] {
        let last = self.registers.load_service_port(self.class.kind);
        let set = self.set(kind);
        self.registers.look_up_target(set, key, last)
    }

    /// K, and of the client what the class reads. K comes first: what finds it out may write over
    /// the client.
    fn fields(&self) -> Vec<Expression> {
        let class = self.class;
        let mut steps = self.registers.load_service(class.kind, self.table());
        if class.method == Method::Hash(Input::Connection) {
            steps.push(load_port(SOURCE_PORT, Registers::CLIENT_PORT));
        }
        let by_client = [Input::Client, Input::Connection].map(Method::Hash);
        if class.memory.is_some() || by_client.contains(&class.method) {
            steps.push(self.registers.load_source(Registers::CLIENT));
            steps.extend(class.memory.and_then(|memory| self.mask(memory)));
        }
        let only = class.only.into_iter();
        steps.extend(only.flat_map(|key| self.registers.only(class.kind, key)));
        steps
    }

    /// What of the client's address tells clients apart.
    fn mask(&self, memory: Memory) -> Option<Expression> {
        let length = self.registers.address_length();
        if u32::from(memory.prefix) >= length * 8 {
            return None;
        }
        let mask: Vec<u8> = (0..length)
            .map(|byte| {
                let kept = u32::from(memory.prefix).saturating_sub(byte * 8).min(8);
                !0xff_u8.checked_shr(kept).unwrap_or(0)
            })
            .collect();
        Some(Expression::Bitwise {
            from: Registers::CLIENT,
            into: Registers::CLIENT,
            flip: vec![0; mask.len()],
            mask,
        })
    }

    /// Goes on only if the service has this memory.
    fn gate(&self, memory: Memory) -> Vec<Expression> {
        let mut steps = vec![Expression::Constant {
            into: self.registers.target(),
            value: memory.marker().to_ne_bytes().to_vec(),
        }];
        steps.extend(self.look_up(SetKind::Slots, self.registers.service()));
        steps
    }

    /// The number of the slot.
    fn slot(&self) -> Vec<Expression> {
        let (into, address) = (self.registers.target(), self.registers.address_length());
        let hash = |from, length| Expression::Hash {
            from,
            length,
            into,
            modulus: self.class.modulus,
            seed: self.seed,
            offset: self.class.offset(),
        };
        match self.class.method {
            Method::Hash(Input::Client) => vec![hash(Registers::CLIENT, address)],
            Method::Hash(Input::Connection) => vec![hash(Registers::CLIENT_PORT, 4 + address)],
            Method::Hash(Input::Destination) => {
                vec![self.registers.load_destination(into), hash(into, address)]
            }
            Method::Sequence => vec![Expression::Sequence {
                into,
                modulus: self.class.modulus,
                offset: self.class.offset(),
            }],
        }
    }

    /// Goes on only if X is a destination of the service of the sort that this rule is for, and
    /// counts the connection.
    fn accept_target(&self) -> Vec<Expression> {
        let mut steps = Vec::new();
        let many_ports = self.class.kind != Kind::Port;
        let port = match self.class.onward {
            Onward::Translated => Some(Comparison::Different),
            Onward::TranslatedSamePort => Some(Comparison::Equal),
            Onward::Routed => None,
        };
        let port = port.filter(|_| many_ports);
        steps.extend(port.map(|how| compare(self.registers.word(), how, &[0, 0])));
        steps.push(Expression::Lookup {
            set: self.set(SetKind::Servers),
            key: self.registers.service(),
            into: None,
        });
        steps
    }

    fn remember(&self, memory: Memory) -> Expression {
        Expression::Remember {
            set: self.set(SetKind::Persist),
            key: Registers::CLIENT,
            data: Some(self.registers.port()),
            timeout: u64::from(memory.timeout) * 1000,
        }
    }

    fn onward(&self, keep: Keep) -> Vec<Expression> {
        let (address, word) = (self.registers.target(), self.registers.word());
        let translate = |port: Option<Register>| Expression::TranslateDestination {
            family: self.registers.family(),
            address,
            port,
        };
        match (self.class.onward, keep) {
            (Onward::Translated, _) => vec![translate(Some(word))],
            (Onward::TranslatedSamePort, _) => vec![translate(None)],
            (Onward::Routed, Keep::Nothing) => vec![forward(self.registers)],
            (Onward::Routed, Keep::Flow) => {
                let mut steps = flow(self.registers);
                steps.push(remember_flow(self.registers, SetKind::Flows, NEW_FLOW));
                steps.push(forward(self.registers));
                steps
            }
        }
    }
}

/// The key of a flow.
pub(super) fn flow(registers: Registers) -> Vec<Expression> {
    let mut steps = vec![
        load_port(SOURCE_PORT, Registers::CLIENT_PORT),
        registers.load_source(Registers::CLIENT),
    ];
    steps.extend(registers.load_addressed());
    steps
}

/// Writes a flow down, or lets its time begin again.
pub(super) fn remember_flow(registers: Registers, kind: SetKind, timeout: u64) -> Expression {
    Expression::Remember {
        set: registers.set(TableFamily::Netdev, kind),
        key: Registers::CLIENT_PORT,
        data: (kind == SetKind::Flows).then(|| registers.port()),
        timeout,
    }
}

/// Sends the frame to X.
pub(super) fn forward(registers: Registers) -> Expression {
    Expression::Forward {
        device: registers.word(),
        neighbour: registers.target(),
        family: registers.family(),
    }
}
