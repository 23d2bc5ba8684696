//! What nftables tables consist of, in the kernel's words (`include/uapi/linux/netfilter/nf_tables.h`).
//!
//! Plain values: the codec turns them into messages and back, the nftables data plane decides which
//! there are. A value that was read equals the value that was written, so that a difference is a
//! difference. Numbers are in host order unless a field says otherwise; keys and data of elements
//! are the bytes of the registers, each field padded to four bytes.

/// The families of tables that farmctl uses (`NFPROTO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableFamily {
    /// `NFPROTO_INET`: IPv4 and IPv6 in one table.
    Inet,
    /// `NFPROTO_NETDEV`: frames of an interface, before anything else sees them.
    Netdev,
}

/// Which table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableKey {
    /// Its family.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
}

/// A table with everything in it, in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which.
    pub key: TableKey,
    /// The comment that `nft` shows (`NFTA_TABLE_USERDATA`); at most 127 bytes.
    pub comment: Option<String>,
    /// Its sets and maps.
    pub sets: Vec<Set>,
    /// Its chains.
    pub chains: Vec<Chain>,
    /// Its rules, chain by chain, in the order in which they run.
    pub rules: Vec<Rule>,
}

/// A set or map without its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Its name in the table.
    pub name: String,
    /// The fields of its key, in order.
    pub key: Vec<Field>,
    /// The fields of its data; empty for a set.
    pub data: Vec<Field>,
    /// Keys are ranges (`NFT_SET_INTERVAL`), in concatenations field by field.
    pub interval: bool,
    /// Rules add elements (`NFT_SET_EVAL`), which time out (`NFT_SET_TIMEOUT`).
    pub dynamic: bool,
    /// The most elements of a dynamic set.
    pub size: Option<u32>,
    /// Each element counts the packets that meet it (`NFTA_SET_EXPR` counter).
    pub counter: bool,
}

/// A field of a key: its length in the packet and what `nft` calls it (`enum nft_datatypes`, which
/// lives in nft itself and only matters for what it prints).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `ipv4_addr`, 4 bytes.
    Ipv4,
    /// `ipv6_addr`, 16 bytes.
    Ipv6,
    /// `inet_proto`, 1 byte.
    Protocol,
    /// `inet_service`, 2 bytes in network order.
    Port,
    /// `mark`, 4 bytes in host order: any number.
    Number,
}

/// One element of a set or map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// The key; the first one of a range.
    pub key: Vec<u8>,
    /// The last key of a range (`NFTA_SET_ELEM_KEY_END`).
    pub key_end: Option<Vec<u8>>,
    /// The data; empty for a set.
    pub data: Vec<u8>,
    /// The comment that `nft` shows (`NFTA_SET_ELEM_USERDATA`); at most 127 bytes.
    pub comment: Option<String>,
    /// What it counted, or where it begins to count; none where the set does not count. In a set
    /// that counts it is always read, 0 if need be.
    pub counter: Option<ElementCounter>,
}

/// The counter of an element (`NFTA_COUNTER_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ElementCounter {
    /// Packets that met the element.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name in the table.
    pub name: String,
    /// Where it is hooked in; none for a chain that others jump to.
    pub hook: Option<Hook>,
}

/// Where in the kernel a base chain runs. Its policy is to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// `NF_INET_*`, or `NF_NETDEV_INGRESS` (0) in the netdev family.
    pub number: u32,
    /// Lower runs earlier.
    pub priority: i32,
    /// The interfaces of a netdev chain, sorted.
    pub devices: Vec<String>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The chain that it is in.
    pub chain: String,
    /// Its steps.
    pub expressions: Vec<Expression>,
    /// The comment that `nft` shows (`NFTA_RULE_USERDATA`); at most 127 bytes.
    pub comment: Option<String>,
}

/// A 32-bit register, from 0 to 15 (`NFT_REG32_00` and on). Longer values take those that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register(pub u8);

/// How a comparison holds (`enum nft_cmp_ops`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The register equals the value.
    Equal,
    /// It differs.
    Different,
    /// It is not above it.
    AtMost,
    /// It is not below it.
    AtLeast,
}

/// Where in a packet bytes are (`enum nft_payload_bases`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// From the Ethernet header.
    Link,
    /// From the IP header.
    Network,
    /// From the transport header.
    Transport,
}

/// What a `meta` expression knows (`enum nft_meta_keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    /// The packet's mark.
    Mark,
    /// The family of the hook, one byte (`NFPROTO_*`).
    Family,
    /// The transport protocol, one byte.
    TransportProtocol,
    /// The Ethernet protocol, two bytes in network order.
    EtherType,
    /// Whom the frame is for, one byte (`PACKET_HOST` is 0).
    PacketType,
}

/// What a `ct` expression knows (`enum nft_ct_keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conntrack {
    /// One bit of `NF_CT_STATE_*`, four bytes in host order.
    State,
    /// 0 for the original direction, 1 for answers; one byte.
    Direction,
    /// `IPS_*`, four bytes in host order.
    Status,
    /// The IPv4 destination that the client wrote (`NFT_CT_DST_IP`, original direction).
    OriginalDestination4,
    /// The IPv6 destination that the client wrote.
    OriginalDestination6,
    /// The transport protocol, one byte.
    Protocol,
    /// The port that the client wrote, two bytes in network order.
    OriginalDestinationPort,
}

/// What a rule does when it is met (`enum nft_verdicts`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The packet goes on, past this base chain.
    Accept,
    /// The packet is dropped.
    Drop,
    /// Back to the chain that jumped here.
    Return,
    /// Another chain, and back.
    Jump(String),
}

/// The protocol family of an address in a register (`NFPROTO_IPV4`, `NFPROTO_IPV6`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// One step of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `meta`: loads.
    Meta {
        /// What.
        key: Meta,
        /// Into.
        into: Register,
    },
    /// `meta`: sets the packet's mark.
    SetMark {
        /// From.
        from: Register,
    },
    /// `ct`: loads.
    Conntrack {
        /// What.
        key: Conntrack,
        /// Into.
        into: Register,
    },
    /// `payload`: loads bytes of the packet; the rest of the last register becomes 0.
    Payload {
        /// From where.
        base: Base,
        /// How far on, bytes.
        offset: u32,
        /// How many bytes.
        length: u32,
        /// Into.
        into: Register,
    },
    /// `immediate`: loads a constant.
    Constant {
        /// Into.
        into: Register,
        /// The bytes.
        value: Vec<u8>,
    },
    /// `immediate`: ends the rule with a verdict.
    Verdict(Verdict),
    /// `cmp`: goes on only if it holds.
    Compare {
        /// Of what.
        from: Register,
        /// How.
        comparison: Comparison,
        /// With what.
        value: Vec<u8>,
    },
    /// `bitwise`: `into = from & mask ^ flip`, as many bytes as the masks have.
    Bitwise {
        /// From.
        from: Register,
        /// Into.
        into: Register,
        /// What stays.
        mask: Vec<u8>,
        /// What is turned over.
        flip: Vec<u8>,
    },
    /// `hash`: Jenkins' hash of bytes, scaled to `offset..offset + modulus`.
    Hash {
        /// From.
        from: Register,
        /// How many bytes.
        length: u32,
        /// Into.
        into: Register,
        /// How many results there are.
        modulus: u32,
        /// The seed.
        seed: u32,
        /// The first result.
        offset: u32,
    },
    /// `numgen`: `offset..offset + modulus`, one after another.
    Sequence {
        /// Into.
        into: Register,
        /// How many results there are.
        modulus: u32,
        /// The first result.
        offset: u32,
    },
    /// `lookup`: goes on only if the set has the key; a map's data goes into a register.
    ///
    /// The program `nft` (1.0.6 at least) knows of each register which expression filled it last,
    /// and aborts when it prints a rule in which a register that a map's data went to is part of
    /// another key, or of the data that [`Self::Remember`] takes. So what a map looks up for further
    /// use has a filler as its first field, the lookup goes into the register before the one that
    /// is meant, and that one is loaded again with what it had. The registers behind, which the
    /// data fills too, must have been loaded once before with as many bytes, whatever they are:
    /// `nft` has never seen the data there. `docs/decisions/0006-what-nft-prints.md` says more.
    Lookup {
        /// The set or map, of the same table.
        set: String,
        /// Where the key begins.
        key: Register,
        /// Where the data goes; none for a set.
        into: Option<Register>,
    },
    /// `dynset`: adds an element, or lets its time begin again.
    Remember {
        /// The dynamic set or map, of the same table.
        set: String,
        /// Where the key begins.
        key: Register,
        /// Where the data begins; none for a set.
        data: Option<Register>,
        /// How long the element stays, milliseconds.
        timeout: u64,
    },
    /// `nat`: translates the destination (`NFT_NAT_DNAT`).
    TranslateDestination {
        /// The family of the address.
        family: AddressFamily,
        /// Where the address begins.
        address: Register,
        /// Where the port is; none keeps the packet's.
        port: Option<Register>,
    },
    /// `nat`: translates the source (`NFT_NAT_SNAT`).
    TranslateSource {
        /// The family of the address.
        family: AddressFamily,
        /// Where the address begins.
        address: Register,
        /// Where the port is; none keeps the packet's.
        port: Option<Register>,
    },
    /// `masq`: translates the source to the address of the interface that the packet leaves by.
    Masquerade,
    /// `fwd`: sends the packet to a neighbour's hardware address, past the rest of the kernel.
    Forward {
        /// Where the interface's index is.
        device: Register,
        /// Where the neighbour's address begins.
        neighbour: Register,
        /// Its family.
        family: AddressFamily,
    },
    /// `reject` with a TCP reset (`NFT_REJECT_TCP_RST`).
    Reset,
    /// `reject` with "port unreachable" of either family (`NFT_REJECT_ICMPX_UNREACH`).
    Unreachable,
    /// `counter`, with what it counted. Two counters are equal, whatever they counted.
    Counter,
    /// Anything else, by its name: it equals nothing that farmctl writes.
    Other(String),
}
