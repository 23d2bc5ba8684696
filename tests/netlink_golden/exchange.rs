//! The IPVS messages of a recording, read.

use farmctl::netlink::Errno;
use farmctl::netlink::ipvs::{Command, Family, Query, Reply, codec};

use crate::recording::{Direction, IPVS, each_message};

/// What a program asked or told IPVS.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Told(Command),
    Asked(Query),
}

pub(crate) fn asked(name: &str) -> Vec<Asked> {
    let mut found = Vec::new();
    each_message(name, Direction::Sent, |message| {
        if message.kind == IPVS {
            found.push(match codec::read_query(message.payload) {
                Ok(query) => Asked::Asked(query),
                Err(_) => Asked::Told(codec::read_command(message.payload).unwrap()),
            });
        }
    });
    found
}

/// The one command of a recording; ipvsadm asks for the version before it.
pub(crate) fn command(name: &str) -> Command {
    let mut found = asked(name);
    assert_eq!(found.len(), 2, "{name}");
    assert_eq!(found[0], Asked::Asked(Query::Info), "{name}");
    match found.remove(1) {
        Asked::Told(command) => command,
        Asked::Asked(query) => panic!("{name} asks {query:?}"),
    }
}

pub(crate) fn replies(name: &str, family: Family) -> Vec<Reply> {
    let mut found = Vec::new();
    each_message(name, Direction::Received, |message| {
        if message.kind == IPVS {
            found.push(codec::read_reply(message.payload, family).unwrap());
        }
    });
    found
}

pub(crate) fn verdict(name: &str) -> Option<Errno> {
    let mut last = None;
    each_message(name, Direction::Received, |message| {
        if let Some(verdict) = message.verdict().unwrap() {
            last = Some(verdict.errno);
        }
    });
    last.unwrap()
}
