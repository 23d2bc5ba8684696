//! The file of a [`super::Site`], written from what a test wants to vary.

use std::fmt;

use super::{DATAPLANE, Method};
use crate::bed::{Family, Farm, Net};

/// The farm's file: one service on both families of one VIP.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// How packets get to the real servers.
    pub(super) method: Method,
    /// The scheduler, as it is written.
    pub(super) scheduler: &'static str,
    /// Each real server's number (1 to 3) and weight.
    pub(super) servers: Vec<(usize, u32)>,
    /// More lines of the service, each `key: value`.
    pub(super) service: Vec<String>,
    /// More lines at the top.
    pub(super) more: String,
}

impl Text {
    /// The three servers with the weights 1, 2 and 3 in turns.
    pub(super) fn new(method: Method) -> Self {
        Self {
            method,
            scheduler: "wrr",
            servers: vec![(1, 1), (2, 2), (3, 3)],
            service: Vec::new(),
            more: String::new(),
        }
    }

    /// The same with other servers.
    pub(super) fn with_servers(&self, servers: &[(usize, u32)]) -> Self {
        Self {
            servers: servers.to_vec(),
            ..self.clone()
        }
    }

    /// The same with another scheduler.
    pub(super) fn with_scheduler(&self, scheduler: &'static str) -> Self {
        Self {
            scheduler,
            ..self.clone()
        }
    }

    /// The same with another forwarding method.
    pub(super) fn with_method(&self, method: Method) -> Self {
        Self {
            method,
            ..self.clone()
        }
    }

    /// The same with one more line in the service.
    pub(super) fn with(&self, line: &str) -> Self {
        let mut text = self.clone();
        text.service.push(line.to_owned());
        text
    }

    /// A farm of the three real servers and one VIP where these services are, each line of them as
    /// it is written in the file.
    pub(super) fn of_services(method: Method, services: &str) -> String {
        let [v4, v6] = Family::BOTH.map(|family| method.vip(family));
        let mut text = String::from("version: 1\nfarm: test\nnodes:\n");
        for host in Farm::REAL_SERVERS {
            let [v4, v6] = Family::BOTH.map(|family| method.servers_net().address(family, host));
            text += &format!("  rs{}: {{ addresses: [{v4}, \"{v6}\"] }}\n", host - 10);
        }
        let (net, word) = (method.net().interface(), method.word());
        text += &format!("defaults: {{ service: {{ forwarding: {word}, scheduler: rr }} }}\n");
        text += &format!(
            "vips: {{ www: {{ addresses: [{v4}/24, \"{v6}/64\"], interface: {net} }} }}\n"
        );
        format!("{text}services:\n{services}")
    }

    fn fmt_node(f: &mut fmt::Formatter<'_>, name: &str, host: u8) -> fmt::Result {
        writeln!(f, "  {name}:\n    networks:")?;
        for net in [Net::Front, Net::Back] {
            let [v4, v6] = Family::BOTH.map(|family| net.address(family, host));
            let name = net.interface();
            writeln!(
                f,
                "      {name}: {{ interface: {name}, addresses: [{v4}/24, \"{v6}/64\"] }}"
            )?;
        }
        Ok(())
    }

    fn fmt_nodes(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nodes:\n")?;
        Self::fmt_node(f, "lb1", 2)?;
        let [v4, v6] = Family::BOTH.map(|family| Net::Uplink.address(family, 2));
        writeln!(
            f,
            "      uplink: {{ interface: uplink, addresses: [{v4}/24, \"{v6}/64\"] }}"
        )?;
        for (number, host) in [(1, 11), (2, 12), (3, 13)] {
            Self::fmt_node(f, &format!("rs{number}"), host)?;
        }
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("version: 1\nfarm: test\n")?;
        Self::fmt_nodes(f)?;
        writeln!(f, "directors:\n  members: [lb1]{DATAPLANE}")?;
        f.write_str(
            "  ipvs: { timeouts: { tcp_fin: 1s }, sysctls: { expire_nodest_conn: true } }\n",
        )?;
        let [v4, v6] = Family::BOTH.map(|family| self.method.vip(family));
        let (net, forwarding) = (self.method.net().interface(), self.method.word());
        writeln!(
            f,
            "vips:\n  www: {{ addresses: [{v4}/24, \"{v6}/64\"], network: {net} }}"
        )?;
        writeln!(f, "services:\n  http:\n    vip: www\n    port: 80")?;
        writeln!(
            f,
            "    scheduler: {}\n    forwarding: {forwarding}",
            self.scheduler
        )?;
        for line in &self.service {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "    real_servers:")?;
        let (network, port) = (self.method.servers_net().interface(), self.method.port());
        for (number, weight) in &self.servers {
            writeln!(
                f,
                "      - {{ node: rs{number}, network: {network}, port: {port}, weight: {weight} }}"
            )?;
        }
        f.write_str(&self.more)
    }
}
