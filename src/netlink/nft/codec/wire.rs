//! The numbers of nftables on the wire (`include/uapi/linux/netfilter/nf_tables.h`, `nfnetlink.h`).

/// Message types: the subsystem (`NFNL_SUBSYS_NFTABLES`) in the high byte, `NFT_MSG_*` below. The
/// answer to a question has the type of the message that makes such a thing.
pub(crate) mod kind {
    pub(crate) const NEW_TABLE: u16 = 0x0a00;
    pub(crate) const GET_TABLE: u16 = 0x0a01;
    pub(crate) const DELETE_TABLE: u16 = 0x0a02;
    pub(crate) const NEW_CHAIN: u16 = 0x0a03;
    pub(crate) const GET_CHAIN: u16 = 0x0a04;
    pub(crate) const DELETE_CHAIN: u16 = 0x0a05;
    pub(crate) const NEW_RULE: u16 = 0x0a06;
    pub(crate) const GET_RULE: u16 = 0x0a07;
    pub(crate) const DELETE_RULE: u16 = 0x0a08;
    pub(crate) const NEW_SET: u16 = 0x0a09;
    pub(crate) const GET_SET: u16 = 0x0a0a;
    pub(crate) const DELETE_SET: u16 = 0x0a0b;
    pub(crate) const NEW_ELEMENT: u16 = 0x0a0c;
    pub(crate) const GET_ELEMENT: u16 = 0x0a0d;
    pub(crate) const DELETE_ELEMENT: u16 = 0x0a0e;
    pub(crate) const NEW_GENERATION: u16 = 0x0a0f;
    pub(crate) const GET_GENERATION: u16 = 0x0a10;
    /// `NFNL_MSG_BATCH_BEGIN` and `_END`.
    pub(crate) const BEGIN: u16 = 0x10;
    pub(crate) const END: u16 = 0x11;
}

/// The subsystem that a batch is for, in its opening and closing message.
pub(crate) const SUBSYSTEM: u8 = 10;
/// The size of `struct nfgenmsg`, bytes.
pub(crate) const HEADER: usize = 4;
/// `NFPROTO_*`.
pub(crate) const PROTOCOL_INET: u8 = 1;
pub(crate) const PROTOCOL_NETDEV: u8 = 5;
/// `NF_ACCEPT`.
pub(crate) const ACCEPT: u32 = 1;

/// `NFTA_TABLE_NAME`, which is also `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`, `NFTA_SET_TABLE` and
/// `NFTA_SET_ELEM_LIST_TABLE`.
pub(crate) const TABLE: u16 = 1;
/// `NFTA_LIST_ELEM`, which is also `NFTA_DEVICE_NAME` and `NFTA_SET_FIELD_LEN`.
pub(crate) const LIST_ELEMENT: u16 = 1;
/// `NFTA_DATA_*`.
pub(crate) const VALUE: u16 = 1;
pub(crate) const VERDICT: u16 = 2;

/// `NFTA_TABLE_*`.
pub(crate) mod table {
    pub(crate) const FLAGS: u16 = 2;
    pub(crate) const USERDATA: u16 = 6;
}

/// `NFTA_CHAIN_*`, `NFTA_HOOK_*`.
pub(crate) mod chain {
    pub(crate) const NAME: u16 = 3;
    pub(crate) const HOOK: u16 = 4;
    pub(crate) const POLICY: u16 = 5;
    pub(crate) const TYPE: u16 = 7;
    pub(crate) const FLAGS: u16 = 10;
    pub(crate) const HOOK_NUMBER: u16 = 1;
    pub(crate) const HOOK_PRIORITY: u16 = 2;
    pub(crate) const HOOK_DEVICE: u16 = 3;
    pub(crate) const HOOK_DEVICES: u16 = 4;
    /// `NFT_CHAIN_BASE`, which the kernel adds to chains that have a hook.
    pub(crate) const BASE: u32 = 1;
}

/// `NFTA_RULE_*`.
pub(crate) mod rule {
    pub(crate) const CHAIN: u16 = 2;
    pub(crate) const EXPRESSIONS: u16 = 4;
    pub(crate) const USERDATA: u16 = 7;
}

/// `NFTA_SET_*`, `NFTA_SET_DESC_*`, `enum nft_set_flags`.
pub(crate) mod set {
    pub(crate) const NAME: u16 = 2;
    pub(crate) const FLAGS: u16 = 3;
    pub(crate) const KEY_TYPE: u16 = 4;
    pub(crate) const KEY_LENGTH: u16 = 5;
    pub(crate) const DATA_TYPE: u16 = 6;
    pub(crate) const DATA_LENGTH: u16 = 7;
    pub(crate) const DESCRIPTION: u16 = 9;
    pub(crate) const ID: u16 = 10;
    pub(crate) const TIMEOUT: u16 = 11;
    pub(crate) const USERDATA: u16 = 13;
    pub(crate) const OBJECT_TYPE: u16 = 15;
    pub(crate) const EXPRESSION: u16 = 17;
    pub(crate) const EXPRESSIONS: u16 = 18;
    pub(crate) const DESCRIPTION_SIZE: u16 = 1;
    pub(crate) const DESCRIPTION_FIELDS: u16 = 2;
    pub(crate) const IS_INTERVAL: u32 = 0x4;
    pub(crate) const IS_MAP: u32 = 0x8;
    pub(crate) const IS_TIMED: u32 = 0x10;
    pub(crate) const IS_DYNAMIC: u32 = 0x20;
    pub(crate) const IS_CONCATENATION: u32 = 0x80;
    /// Set by some programs where elements have expressions; it changes nothing for one of them.
    pub(crate) const HAS_EXPRESSION: u32 = 0x100;
}

/// `NFTA_SET_ELEM_LIST_*`, `NFTA_SET_ELEM_*`.
pub(crate) mod element {
    pub(crate) const LIST_SET: u16 = 2;
    pub(crate) const LIST_ELEMENTS: u16 = 3;
    pub(crate) const KEY: u16 = 1;
    pub(crate) const DATA: u16 = 2;
    pub(crate) const FLAGS: u16 = 3;
    pub(crate) const TIMEOUT: u16 = 4;
    pub(crate) const EXPIRATION: u16 = 5;
    pub(crate) const USERDATA: u16 = 6;
    pub(crate) const EXPRESSION: u16 = 7;
    pub(crate) const PADDING: u16 = 8;
    pub(crate) const KEY_END: u16 = 10;
}

/// `NFTA_EXPR_*`, `NFTA_COUNTER_*`.
pub(crate) mod expression {
    pub(crate) const NAME: u16 = 1;
    pub(crate) const DATA: u16 = 2;
    pub(crate) const COUNTER_BYTES: u16 = 1;
    pub(crate) const COUNTER_PACKETS: u16 = 2;
}

/// `NFTA_GEN_*`.
pub(crate) mod generation {
    pub(crate) const ID: u16 = 1;
    pub(crate) const PROCESS: u16 = 2;
    pub(crate) const PROCESS_NAME: u16 = 3;
}
