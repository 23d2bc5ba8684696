//! Runs packets through rules, register by register, as the kernel does.
//!
//! What the kernel would refuse when a rule is added panics: a register that is read before it is
//! written in the same rule, or a key of another length than the set's. The hash is another one.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::tables::Tables;
use crate::netlink::nft::ElementKey;
use crate::netlink::nft::model::{
    Comparison, Element, Expression, Register, Rule, TableFamily, Verdict,
};

/// A packet, and what the kernel knows beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Packet {
    pub(in super::super) source: (IpAddr, u16),
    pub(in super::super) destination: (IpAddr, u16),
    /// 6, 17, 132.
    pub(in super::super) protocol: u8,
    pub(in super::super) tcp_flags: u8,
    pub(in super::super) mark: u32,
    /// What the client wrote to, where the packet was translated since.
    pub(in super::super) original: (IpAddr, u16),
    /// 1 for an answer.
    pub(in super::super) direction: u8,
    /// 0 for a frame for this machine.
    pub(in super::super) kind: u8,
    /// Behind the ICMP header, where it is an ICMP error of this type.
    pub(in super::super) quoted: Option<(u8, Box<Packet>)>,
}

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Fate {
    /// No rule decided.
    Unchanged,
    /// Its destination is translated; the port stays where there is none.
    To(IpAddr, Option<u16>),
    /// Its source is translated.
    From(IpAddr, Option<u16>),
    /// Its source becomes the director's address.
    Masqueraded,
    /// It left by an interface to a neighbour.
    Forwarded(u32, IpAddr),
    /// The client is told that nobody is there.
    Refused,
    /// The client is told that the connection is over.
    Reset,
}

impl Fate {
    /// The server that the connection went to, and its port, where it became another one.
    pub(in super::super) fn server(&self) -> (IpAddr, Option<u16>) {
        match *self {
            Self::To(address, port) => (address, port),
            Self::Forwarded(_, address) => (address, None),
            Self::Unchanged | Self::From(..) | Self::Masqueraded | Self::Refused | Self::Reset => {
                panic!("{self:?}")
            }
        }
    }
}

/// Tables with packets.
pub(in super::super) struct Machine {
    pub(in super::super) tables: Tables,
    sequences: BTreeMap<(String, usize), u32>,
    /// How many elements dynamic sets take.
    pub(in super::super) room: usize,
}

enum Step {
    On,
    Next,
    Done(Fate),
    Jump(String),
    Leave,
}

impl Machine {
    pub(in super::super) fn new(tables: Tables) -> Self {
        Self {
            tables,
            sequences: BTreeMap::new(),
            room: usize::MAX,
        }
    }

    /// What a chain does with a packet; unchanged where there is none.
    pub(in super::super) fn run(
        &mut self,
        family: TableFamily,
        chain: &str,
        packet: &Packet,
    ) -> Fate {
        self.chain(family, chain, packet).unwrap_or(Fate::Unchanged)
    }

    /// None where the packet comes back.
    fn chain(&mut self, family: TableFamily, chain: &str, packet: &Packet) -> Option<Fate> {
        let rules: Vec<Rule> = self.tables.get(family)?.chains.get(chain)?.1.clone();
        for (number, rule) in rules.iter().enumerate() {
            let mut run = Run {
                machine: self,
                family,
                place: (chain.to_owned(), number),
                packet,
                registers: [None; 64],
            };
            match run.rule(rule) {
                Step::On | Step::Next => {}
                Step::Done(fate) => return Some(fate),
                Step::Leave => return Some(Fate::Unchanged),
                Step::Jump(to) => {
                    if let Some(fate) = self.chain(family, &to, packet) {
                        return Some(fate);
                    }
                }
            }
        }
        None
    }

    /// What a counting element counted.
    pub(in super::super) fn counted(
        &self,
        family: TableFamily,
        set: &str,
    ) -> BTreeMap<Vec<u8>, u64> {
        let held = self.tables.get(family).unwrap();
        let elements = held.sets[set].1.values();
        elements
            .map(|it| (it.key.clone(), it.counter.unwrap_or_default().packets))
            .collect()
    }
}

struct Run<'a> {
    machine: &'a mut Machine,
    family: TableFamily,
    place: (String, usize),
    packet: &'a Packet,
    registers: [Option<u8>; 64],
}

fn at(register: Register) -> usize {
    usize::from(register.0) * 4
}

impl Run<'_> {
    fn rule(&mut self, rule: &Rule) -> Step {
        for step in &rule.expressions {
            let done = self.step(step);
            if !matches!(done, Step::On) {
                return done;
            }
        }
        Step::Next
    }

    /// Bytes into registers; the rest of the last one becomes 0.
    fn store(&mut self, into: Register, bytes: &[u8]) -> Step {
        let start = at(into);
        for place in start..start + bytes.len().next_multiple_of(4) {
            self.registers[place] = Some(0);
        }
        for (place, byte) in bytes.iter().enumerate() {
            self.registers[start + place] = Some(*byte);
        }
        Step::On
    }

    fn load(&self, from: Register, length: usize) -> Vec<u8> {
        let start = at(from);
        let bytes = self.registers[start..start + length].iter();
        bytes
            .map(|byte| byte.unwrap_or_else(|| panic!("{from:?} is read first: {:?}", self.place)))
            .collect()
    }

    fn number(&self, from: Register) -> u32 {
        u32::from_ne_bytes(self.load(from, 4).try_into().unwrap())
    }

    fn address(&self, from: Register, length: usize) -> IpAddr {
        let bytes = self.load(from, length);
        match length {
            4 => <[u8; 4]>::try_from(bytes).unwrap().into(),
            _ => <[u8; 16]>::try_from(bytes).unwrap().into(),
        }
    }

    fn port(&self, from: Register) -> u16 {
        u16::from_be_bytes(self.load(from, 2).try_into().unwrap())
    }

    fn length(&self) -> usize {
        if self.packet.source.0.is_ipv4() {
            4
        } else {
            16
        }
    }

    fn go_on(is_so: bool) -> Step {
        if is_so { Step::On } else { Step::Next }
    }

    fn step(&mut self, step: &Expression) -> Step {
        match step {
            Expression::Meta { key, into } => {
                let bytes = self.packet.meta(*key);
                self.store(*into, &bytes)
            }
            Expression::Conntrack { key, into } => {
                let bytes = self.packet.conntrack(*key);
                self.store(*into, &bytes)
            }
            Expression::Payload {
                base,
                offset,
                length,
                into,
            } => match self.packet.payload(*base, *offset, *length) {
                Some(bytes) => self.store(*into, &bytes),
                None => Step::Next,
            },
            Expression::Constant { into, value } => {
                assert!(value.len() <= 16, "the kernel takes 16 bytes");
                self.store(*into, value)
            }
            Expression::Compare {
                from,
                comparison,
                value,
            } => Self::go_on(self.compare(*from, *comparison, value)),
            Expression::Bitwise {
                from,
                into,
                mask,
                flip,
            } => {
                let bytes = self.load(*from, mask.len());
                let each = bytes.iter().zip(mask).zip(flip);
                let bytes: Vec<u8> = each.map(|((it, mask), flip)| it & mask ^ flip).collect();
                self.store(*into, &bytes)
            }
            Expression::Hash {
                from,
                length,
                into,
                modulus,
                seed,
                offset,
            } => {
                let bytes = self.load(*from, usize::try_from(*length).unwrap());
                let number = offset + scaled(&bytes, *seed, *modulus);
                self.store(*into, &number.to_ne_bytes())
            }
            Expression::Sequence {
                into,
                modulus,
                offset,
            } => {
                let number = offset + self.turn(*modulus);
                self.store(*into, &number.to_ne_bytes())
            }
            Expression::Lookup { set, key, into } => self.lookup(set, *key, *into),
            Expression::Remember { set, key, data, .. } => self.remember(set, *key, *data),
            Expression::Verdict(Verdict::Jump(chain)) => Step::Jump(chain.clone()),
            Expression::Verdict(_) => Step::Leave,
            Expression::TranslateDestination { .. }
            | Expression::TranslateSource { .. }
            | Expression::Forward { .. }
            | Expression::Masquerade
            | Expression::Reset
            | Expression::Unreachable
            | Expression::SetMark { .. }
            | Expression::Counter
            | Expression::Other(_) => Step::Done(self.fate(step)),
        }
    }

    fn fate(&self, step: &Expression) -> Fate {
        let length = self.length();
        let port = |port: &Option<Register>| port.map(|port| self.port(port));
        if let Expression::TranslateDestination {
            address, port: to, ..
        } = step
        {
            return Fate::To(self.address(*address, length), port(to));
        }
        if let Expression::TranslateSource {
            address, port: to, ..
        } = step
        {
            return Fate::From(self.address(*address, length), port(to));
        }
        if let Expression::Forward {
            device, neighbour, ..
        } = step
        {
            return Fate::Forwarded(self.number(*device), self.address(*neighbour, length));
        }
        let plain = [
            (Expression::Masquerade, Fate::Masqueraded),
            (Expression::Reset, Fate::Reset),
            (Expression::Unreachable, Fate::Refused),
        ];
        let found = plain.into_iter().find(|(known, _)| known == step);
        found
            .unwrap_or_else(|| panic!("farmctl writes no {step:?}"))
            .1
    }

    fn compare(&self, from: Register, comparison: Comparison, value: &[u8]) -> bool {
        let order = self.load(from, value.len()).as_slice().cmp(value);
        match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::Different => order.is_ne(),
            Comparison::AtMost => order.is_le(),
            Comparison::AtLeast => order.is_ge(),
        }
    }

    fn turn(&mut self, modulus: u32) -> u32 {
        let count = self.machine.sequences.entry(self.place.clone());
        let count = count.or_default();
        let turn = *count % modulus;
        *count += 1;
        turn
    }

    fn lookup(&mut self, name: &str, key: Register, into: Option<Register>) -> Step {
        let width = self.width(name);
        let key = self.load(key, width);
        let held = self.machine.tables.get_mut(self.family).unwrap();
        let (set, elements) = held.sets.get_mut(name).unwrap();
        let found = if set.interval {
            let mut all = elements.values_mut();
            all.find(|it| is_within(&key, &it.key, it.key_end.as_ref().unwrap()))
        } else {
            let key = ElementKey {
                key: key.clone(),
                key_end: None,
            };
            elements.get_mut(&key)
        };
        let Some(element) = found else {
            return Step::Next;
        };
        if let Some(counter) = &mut element.counter {
            counter.packets += 1;
        }
        let data = element.data.clone();
        match into {
            Some(into) => self.store(into, &data),
            None => Step::On,
        }
    }

    fn width(&self, set: &str) -> usize {
        let (set, _) = &self.machine.tables.get(self.family).unwrap().sets[set];
        width_of(&set.key)
    }

    fn remember(&mut self, name: &str, key: Register, data: Option<Register>) -> Step {
        let key = self.load(key, self.width(name));
        let set = &self.machine.tables.get(self.family).unwrap().sets[name].0;
        assert!(set.dynamic, "{name}");
        let length = width_of(&set.data);
        let data = data.map_or_else(Vec::new, |from| self.load(from, length));
        let room = self.machine.room;
        let held = self.machine.tables.get_mut(self.family).unwrap();
        let elements = &mut held.sets.get_mut(name).unwrap().1;
        let place = ElementKey {
            key: key.clone(),
            key_end: None,
        };
        if !elements.contains_key(&place) && elements.len() >= room {
            return Step::Next;
        }
        // An element that is there keeps its data.
        elements.entry(place).or_insert(Element {
            key,
            data,
            ..Element::default()
        });
        Step::On
    }
}

fn width_of(fields: &[crate::netlink::nft::model::Field]) -> usize {
    use crate::netlink::nft::model::Field;
    let width = |field: &Field| match field {
        Field::Ipv6 => 16,
        Field::Ipv4 | Field::Protocol | Field::Port | Field::Number => 4,
    };
    fields.iter().map(width).sum()
}

/// Field by field; those of marks are all of four bytes but an IPv6 address, which is no range.
fn is_within(key: &[u8], first: &[u8], last: &[u8]) -> bool {
    let fields = key.chunks(4).zip(first.chunks(4)).zip(last.chunks(4));
    key.len() == first.len()
        && fields
            .into_iter()
            .all(|((key, first), last)| first <= key && key <= last)
}

fn scaled(bytes: &[u8], seed: u32, modulus: u32) -> u32 {
    let start = 0xcbf2_9ce4_8422_2325 ^ u64::from(seed);
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(start, step);
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let upper = (mixed ^ (mixed >> 32)) & 0xffff_ffff;
    u32::try_from((upper * u64::from(modulus)) >> 32).unwrap()
}
