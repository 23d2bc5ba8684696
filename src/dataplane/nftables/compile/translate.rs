//! The rules of the inet table beside the choice itself: who is looked up, whose source is
//! translated, which connections are reset.

use super::super::class::Kind;
use super::super::fields::protocol_number;
use super::super::schema::SetKind;
use super::frame::choose_chain;
use super::registers::{ACK, RST, Registers, SYN, compare, jump, load_port, load_protocol};
use super::registers::{DESTINATION_PORT, SOURCE_PORT, of_flags, of_protocol, zeros};
use crate::netlink::nft::model::{
    Comparison, Conntrack, Expression, Meta, Register, Rule, TableFamily,
};
use crate::state::{Family, Protocol};

pub(super) const PREROUTING: &str = "prerouting";
pub(super) const OUTPUT: &str = "output";
pub(super) const POSTROUTING: &str = "postrouting";
pub(super) const FORWARD: &str = "forward";
pub(super) const INPUT: &str = "input";

fn rule(chain: &str, comment: &str, expressions: Vec<Expression>) -> Rule {
    Rule {
        chain: chain.to_owned(),
        expressions,
        comment: Some(comment.to_owned()),
    }
}

/// Goes on only for packets of a family.
fn of_family(family: Family) -> Vec<Expression> {
    let scratch = Register(0);
    // NFPROTO_IPV4, NFPROTO_IPV6.
    let number = match family {
        Family::V4 => 2,
        Family::V6 => 10,
    };
    vec![
        Expression::Meta {
            key: Meta::Family,
            into: scratch,
        },
        compare(scratch, Comparison::Equal, &[number]),
    ]
}

/// New connections of a protocol are looked up, from the network and from this machine.
pub(super) fn entries(family: Family, protocol: Protocol) -> [Rule; 2] {
    [PREROUTING, OUTPUT].map(|chain| {
        let mut steps = of_family(family);
        steps.extend(of_protocol(protocol_number(protocol)));
        steps.push(jump(&choose_chain(TableFamily::Inet, family)));
        rule(chain, &format!("{family} {protocol}"), steps)
    })
}

/// The server sees this machine as the client.
pub(super) fn masquerade(family: Family, kind: Kind) -> Rule {
    let registers = Registers(family);
    let mut steps = of_family(family);
    steps.extend(registers.load_original(kind));
    steps.push(registers.load_destination(registers.target()));
    steps.push(Expression::Lookup {
        set: registers.set(TableFamily::Inet, SetKind::Masquerade),
        key: registers.service(),
        into: None,
    });
    steps.push(Expression::Masquerade);
    rule(POSTROUTING, "masquerade", steps)
}

/// A server's packet of a connection that this machine knows nothing of, because another director
/// had it until now: the source becomes what the client wrote to. Connection tracking then takes
/// the rest of the connection in both directions. A bare SYN is the server's own new connection.
///
/// Address translation sees only packets without a connection; nothing else needs to be asked.
pub(super) fn reverse(family: Family) -> Rule {
    let registers = Registers(family);
    let mut steps = of_family(family);
    steps.extend(of_protocol(protocol_number(Protocol::Tcp)));
    steps.extend(of_flags(SYN | ACK, Comparison::Different, SYN));
    steps.push(registers.load_source(registers.service()));
    steps.push(load_protocol(registers.protocol()));
    steps.push(load_port(SOURCE_PORT, registers.port()));
    steps.extend(registers.veil());
    steps.push(Expression::Lookup {
        set: registers.set(TableFamily::Inet, SetKind::Reverse),
        key: registers.service(),
        into: Some(registers.target()),
    });
    steps.push(Expression::TranslateSource {
        family: registers.family(),
        address: registers.target(),
        port: Some(registers.word()),
    });
    rule(POSTROUTING, "connections of another director", steps)
}

/// Connections to destinations in the set are reset, in the direction of the client only: its
/// answer, a reset of its own, ends the server's side.
pub(super) fn killed(family: Family, kinds: &[Kind]) -> Vec<Rule> {
    let chains = [FORWARD, INPUT].into_iter();
    chains
        .flat_map(|chain| kinds.iter().map(move |kind| (chain, *kind)))
        .flat_map(|(chain, kind)| {
            let same_port = (kind != Kind::Port).then(|| kill(family, kind, SamePort::Yes));
            let mut all = vec![kill(family, kind, SamePort::No)];
            all.extend(same_port);
            all.into_iter()
                .map(move |steps| rule(chain, "reset", steps))
        })
        .collect()
}

/// Whether the destination has no port of its own.
#[derive(Clone, Copy)]
enum SamePort {
    Yes,
    No,
}

fn kill(family: Family, kind: Kind, same_port: SamePort) -> Vec<Expression> {
    let registers = Registers(family);
    let scratch = Register(0);
    let mut steps = of_family(family);
    steps.extend(of_protocol(protocol_number(Protocol::Tcp)));
    steps.extend(of_flags(RST, Comparison::Equal, 0));
    steps.push(Expression::Conntrack {
        key: Conntrack::Direction,
        into: scratch,
    });
    steps.push(compare(scratch, Comparison::Equal, &[0]));
    steps.extend(registers.load_original(kind));
    steps.push(registers.load_destination(registers.target()));
    steps.push(match same_port {
        SamePort::Yes => zeros(registers.word(), 4),
        SamePort::No => load_port(DESTINATION_PORT, registers.word()),
    });
    steps.push(Expression::Lookup {
        set: registers.set(TableFamily::Inet, SetKind::Killed),
        key: registers.service(),
        into: None,
    });
    steps.push(Expression::Reset);
    steps
}
