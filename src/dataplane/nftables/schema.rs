//! Which sets and maps the two tables may have: their names, keys and data.
//!
//! Called by everything in this data plane that speaks of sets. Pure.

use super::fields::address_field;
use crate::netlink::nft::model::{Field, Set, TableFamily};
use crate::state::Family;

/// What a set is for. K is what makes a service (address, protocol, port), X is where it sends
/// (address and port; in the netdev table address and interface).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SetKind {
    /// `{K}`: every service, with its attributes as comment.
    Services,
    /// `{K . X}`: every destination, with its weight as comment; it counts connections.
    Servers,
    /// `{K . slot : X}`: who takes the next connection.
    Slots,
    /// `{client . K : X}`: which client went where.
    Persist,
    /// `{address . protocol . ports : mark}`: marks that packets never carry, in the field of an
    /// address.
    Marks,
    /// `{server . protocol . port : address . port}`: whom a server's answers come from.
    Reverse,
    /// `{K . server}`: connections that get the director's own address.
    Masquerade,
    /// `{K . X}`: connections that are reset.
    Killed,
    /// `{client port . client . address . protocol . port : X}`: flows of direct routing.
    Flows,
    /// The same key: flows of which an end was seen.
    Closing,
}

impl SetKind {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Services, "services"),
        (Self::Servers, "servers"),
        (Self::Slots, "slots"),
        (Self::Persist, "persist"),
        (Self::Marks, "marks"),
        (Self::Reverse, "reverse"),
        (Self::Masquerade, "masquerade"),
        (Self::Killed, "killed"),
        (Self::Flows, "flows"),
        (Self::Closing, "closing"),
    ];

    fn word(self) -> &'static str {
        let all = Self::ALL.into_iter();
        all.filter(|(kind, _)| *kind == self)
            .map(|(_, word)| word)
            .next()
            .unwrap_or_default()
    }

    fn size(self) -> Option<u32> {
        let most = if self == Self::Killed {
            MOST_KILLED
        } else {
            MOST
        };
        self.is_dynamic().then_some(most)
    }

    /// Whether elements come by packets, and go by themselves.
    pub(super) fn is_dynamic(self) -> bool {
        matches!(
            self,
            Self::Persist | Self::Killed | Self::Flows | Self::Closing
        )
    }
}

/// One set or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SetId {
    /// In which table.
    pub(super) table: TableFamily,
    /// What it is for.
    pub(super) kind: SetKind,
    /// For packets of which family.
    pub(super) family: Family,
}

/// The most clients that are remembered, and the most flows.
const MOST: u32 = 1 << 20;
/// The most destinations whose connections are reset at a time.
const MOST_KILLED: u32 = 1 << 16;

impl SetId {
    /// `slots_4`.
    pub(super) fn name(self) -> String {
        let number = match self.family {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        format!("{}_{number}", self.kind.word())
    }

    /// The set of that name; none where farmctl has none.
    pub(super) fn named(table: TableFamily, name: &str) -> Option<Self> {
        let (word, number) = name.rsplit_once('_')?;
        let family = match number {
            "4" => Family::V4,
            "6" => Family::V6,
            _ => return None,
        };
        let (kind, _) = SetKind::ALL.into_iter().find(|(_, known)| *known == word)?;
        let id = Self {
            table,
            kind,
            family,
        };
        id.is_known().then_some(id)
    }

    /// Whether the table may have such a set.
    fn is_known(self) -> bool {
        let shared = [
            SetKind::Servers,
            SetKind::Slots,
            SetKind::Persist,
            SetKind::Marks,
        ];
        let routed = [SetKind::Flows, SetKind::Closing];
        match self.table {
            TableFamily::Inet => !routed.contains(&self.kind),
            TableFamily::Netdev => shared.contains(&self.kind) || routed.contains(&self.kind),
        }
    }

    /// The set as the kernel is told of it.
    pub(super) fn definition(self) -> Set {
        Set {
            name: self.name(),
            key: self.key(),
            data: self.data(),
            interval: self.kind == SetKind::Marks,
            dynamic: self.kind.is_dynamic(),
            size: self.kind.size(),
            counter: self.kind == SetKind::Servers,
        }
    }

    fn key(self) -> Vec<Field> {
        let address = address_field(self.family);
        let service = [address, Field::Protocol, Field::Port];
        let target = self.target();
        match self.kind {
            SetKind::Services | SetKind::Marks | SetKind::Reverse => service.to_vec(),
            SetKind::Servers | SetKind::Killed => [&service[..], &target].concat(),
            SetKind::Slots => [&service[..], &[Field::Number]].concat(),
            SetKind::Persist => [&[address], &service[..]].concat(),
            SetKind::Masquerade => [&service[..], &[address]].concat(),
            SetKind::Flows | SetKind::Closing => [&[Field::Port, address], &service[..]].concat(),
        }
    }

    fn data(self) -> Vec<Field> {
        match self.kind {
            // The first field is a filler: see `Expression::Lookup`.
            SetKind::Slots | SetKind::Persist | SetKind::Flows => {
                [&[Field::Port], &self.target()[..]].concat()
            }
            SetKind::Reverse => vec![address_field(self.family), Field::Port],
            SetKind::Marks => vec![Field::Number, address_field(self.family)],
            SetKind::Services
            | SetKind::Servers
            | SetKind::Masquerade
            | SetKind::Killed
            | SetKind::Closing => Vec::new(),
        }
    }

    /// X.
    fn target(self) -> [Field; 2] {
        let word = match self.table {
            TableFamily::Inet => Field::Port,
            TableFamily::Netdev => Field::Number,
        };
        [address_field(self.family), word]
    }
}
