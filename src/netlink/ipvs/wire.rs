//! The numbers of the IPVS protocol, from `include/uapi/linux/ip_vs.h`. They never change in a
//! released kernel. Used by the codec beside it; the flags also by the data plane.

/// Family name and version (`IPVS_GENL_NAME`, `IPVS_GENL_VERSION`).
pub(super) const FAMILY: &str = "IPVS";
pub(super) const VERSION: u8 = 1;

/// Address families (`include/linux/socket.h`), which IPVS sends as 16-bit numbers.
pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 10;

/// Clients stay with one destination (`IP_VS_SVC_F_PERSISTENT`).
pub const FLAG_PERSISTENT: u32 = 0x0001;
/// The service is in the kernel's table (`IP_VS_SVC_F_HASHED`): set by the kernel alone, never
/// written, and no part of a comparison.
pub const FLAG_HASHED: u32 = 0x0002;
/// Every packet is scheduled by itself (`IP_VS_SVC_F_ONEPACKET`).
pub const FLAG_ONE_PACKET: u32 = 0x0004;
/// The scheduler's first flag (`IP_VS_SVC_F_SCHED1`): for `sh` and `mh`, fall back to another
/// destination when the chosen one cannot serve.
pub const FLAG_SCHED1: u32 = 0x0008;
/// The scheduler's second flag (`IP_VS_SVC_F_SCHED2`): for `sh` and `mh`, include the port.
pub const FLAG_SCHED2: u32 = 0x0010;
/// The scheduler's third flag (`IP_VS_SVC_F_SCHED3`), which no scheduler uses.
pub const FLAG_SCHED3: u32 = 0x0020;

/// IP in IP (`IP_VS_CONN_F_TUNNEL_TYPE_IPIP`).
pub const TUNNEL_IPIP: u8 = 0;
/// Generic UDP encapsulation (`IP_VS_CONN_F_TUNNEL_TYPE_GUE`).
pub const TUNNEL_GUE: u8 = 1;
/// Generic routing encapsulation (`IP_VS_CONN_F_TUNNEL_TYPE_GRE`).
pub const TUNNEL_GRE: u8 = 2;
/// The outer packet carries a checksum (`IP_VS_TUNNEL_ENCAP_FLAG_CSUM`); gue and gre.
pub const TUNNEL_CHECKSUM: u16 = 1;
/// The inner checksum is computed at the far end (`IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM`); gue.
pub const TUNNEL_REMOTE_CHECKSUM: u16 = 2;

/// `IPVS_CMD_*`.
pub(super) mod command {
    pub(in super::super) const NEW_SERVICE: u8 = 1;
    pub(in super::super) const SET_SERVICE: u8 = 2;
    pub(in super::super) const DEL_SERVICE: u8 = 3;
    pub(in super::super) const GET_SERVICE: u8 = 4;
    pub(in super::super) const NEW_DEST: u8 = 5;
    pub(in super::super) const SET_DEST: u8 = 6;
    pub(in super::super) const DEL_DEST: u8 = 7;
    pub(in super::super) const GET_DEST: u8 = 8;
    pub(in super::super) const NEW_DAEMON: u8 = 9;
    pub(in super::super) const DEL_DAEMON: u8 = 10;
    pub(in super::super) const GET_DAEMON: u8 = 11;
    pub(in super::super) const SET_CONFIG: u8 = 12;
    pub(in super::super) const GET_CONFIG: u8 = 13;
    pub(in super::super) const SET_INFO: u8 = 14;
    pub(in super::super) const GET_INFO: u8 = 15;
    pub(in super::super) const ZERO: u8 = 16;
    pub(in super::super) const FLUSH: u8 = 17;
}

/// `IPVS_CMD_ATTR_*`: what a message may hold.
pub(super) mod top {
    pub(in super::super) const SERVICE: u16 = 1;
    pub(in super::super) const DEST: u16 = 2;
    pub(in super::super) const DAEMON: u16 = 3;
    pub(in super::super) const TIMEOUT_TCP: u16 = 4;
    pub(in super::super) const TIMEOUT_TCP_FIN: u16 = 5;
    pub(in super::super) const TIMEOUT_UDP: u16 = 6;
}

/// `IPVS_SVC_ATTR_*`.
pub(super) mod service {
    pub(in super::super) const AF: u16 = 1;
    pub(in super::super) const PROTOCOL: u16 = 2;
    pub(in super::super) const ADDR: u16 = 3;
    pub(in super::super) const PORT: u16 = 4;
    pub(in super::super) const FWMARK: u16 = 5;
    pub(in super::super) const SCHED_NAME: u16 = 6;
    pub(in super::super) const FLAGS: u16 = 7;
    pub(in super::super) const TIMEOUT: u16 = 8;
    pub(in super::super) const NETMASK: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    pub(in super::super) const PE_NAME: u16 = 11;
    pub(in super::super) const STATS64: u16 = 12;
}

/// `IPVS_DEST_ATTR_*`.
pub(super) mod dest {
    pub(in super::super) const ADDR: u16 = 1;
    pub(in super::super) const PORT: u16 = 2;
    pub(in super::super) const FWD_METHOD: u16 = 3;
    pub(in super::super) const WEIGHT: u16 = 4;
    pub(in super::super) const U_THRESH: u16 = 5;
    pub(in super::super) const L_THRESH: u16 = 6;
    pub(in super::super) const ACTIVE_CONNS: u16 = 7;
    pub(in super::super) const INACT_CONNS: u16 = 8;
    pub(in super::super) const PERSIST_CONNS: u16 = 9;
    pub(in super::super) const STATS: u16 = 10;
    pub(in super::super) const ADDR_FAMILY: u16 = 11;
    pub(in super::super) const STATS64: u16 = 12;
    pub(in super::super) const TUN_TYPE: u16 = 13;
    pub(in super::super) const TUN_PORT: u16 = 14;
    pub(in super::super) const TUN_FLAGS: u16 = 15;
}

/// `IPVS_DAEMON_ATTR_*`.
pub(super) mod daemon {
    pub(in super::super) const STATE: u16 = 1;
    pub(in super::super) const MCAST_IFN: u16 = 2;
    pub(in super::super) const SYNC_ID: u16 = 3;
    pub(in super::super) const SYNC_MAXLEN: u16 = 4;
    pub(in super::super) const MCAST_GROUP: u16 = 5;
    pub(in super::super) const MCAST_GROUP6: u16 = 6;
    pub(in super::super) const MCAST_PORT: u16 = 7;
    pub(in super::super) const MCAST_TTL: u16 = 8;
    /// `IP_VS_STATE_MASTER` and `IP_VS_STATE_BACKUP`.
    pub(in super::super) const MASTER: u32 = 1;
    pub(in super::super) const BACKUP: u32 = 2;
}

/// `IPVS_STATS_ATTR_*`, in the order of [`super::Stats`]'s counters from 1.
pub(super) mod stats {
    pub(in super::super) const CONNS: u16 = 1;
    pub(in super::super) const OUTBPS: u16 = 10;
}

/// `IPVS_INFO_ATTR_*`.
pub(super) mod info {
    pub(in super::super) const VERSION: u16 = 1;
    pub(in super::super) const CONN_TAB_SIZE: u16 = 2;
}
