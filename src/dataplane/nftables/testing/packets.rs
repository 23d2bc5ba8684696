//! What of a packet rules can read.

use std::net::IpAddr;

use super::machine::Packet;
use crate::netlink::nft::model::{Base, Conntrack, Meta};

impl Packet {
    /// The first packet of a connection.
    pub(in super::super) fn new(
        protocol: u8,
        source: (&str, u16),
        destination: (&str, u16),
    ) -> Self {
        let at = |(address, port): (&str, u16)| (address.parse().unwrap(), port);
        Self {
            source: at(source),
            destination: at(destination),
            protocol,
            tcp_flags: 0x02,
            mark: 0,
            original: at(destination),
            direction: 0,
            kind: 0,
            quoted: None,
        }
    }

    pub(super) fn meta(&self, key: Meta) -> Vec<u8> {
        let v4 = self.source.0.is_ipv4();
        match key {
            Meta::Mark => self.mark.to_ne_bytes().to_vec(),
            Meta::Family => vec![if v4 { 2 } else { 10 }],
            Meta::TransportProtocol => vec![self.protocol],
            Meta::EtherType => if v4 { [8, 0] } else { [0x86, 0xdd] }.to_vec(),
            Meta::PacketType => vec![self.kind],
        }
    }

    pub(super) fn conntrack(&self, key: Conntrack) -> Vec<u8> {
        match key {
            Conntrack::State => 8_u32.to_ne_bytes().to_vec(),
            Conntrack::Status => 0_u32.to_ne_bytes().to_vec(),
            Conntrack::Direction => vec![self.direction],
            Conntrack::OriginalDestination4 | Conntrack::OriginalDestination6 => {
                octets(self.original.0)
            }
            Conntrack::Protocol => vec![self.protocol],
            Conntrack::OriginalDestinationPort => self.original.1.to_be_bytes().to_vec(),
        }
    }

    /// None where the packet is too short.
    pub(super) fn payload(&self, base: Base, offset: u32, length: u32) -> Option<Vec<u8>> {
        let bytes = match base {
            Base::Link => return None,
            Base::Network => self.network(),
            Base::Transport => self.transport(),
        };
        let start = usize::try_from(offset).unwrap();
        let end = start + usize::try_from(length).unwrap();
        bytes.get(start..end).map(<[u8]>::to_vec)
    }

    fn network(&self) -> Vec<u8> {
        let mut bytes = if self.source.0.is_ipv4() {
            let mut header = vec![0; 12];
            header[0] = 0x45;
            header[9] = self.protocol;
            header
        } else {
            let mut header = vec![0; 8];
            header[0] = 0x60;
            header[6] = self.protocol;
            header
        };
        bytes.extend(octets(self.source.0));
        bytes.extend(octets(self.destination.0));
        bytes
    }

    fn transport(&self) -> Vec<u8> {
        if let Some((kind, quoted)) = &self.quoted {
            let mut bytes = vec![*kind, 0, 0, 0, 0, 0, 0, 0];
            bytes.extend(quoted.network());
            bytes.extend(&quoted.transport()[..8]);
            return bytes;
        }
        let mut bytes = self.source.1.to_be_bytes().to_vec();
        bytes.extend(self.destination.1.to_be_bytes());
        bytes.resize(20, 0);
        bytes[13] = self.tcp_flags;
        bytes
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}
