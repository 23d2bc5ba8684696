//! A scenario: what clients do during a rehearsal, what happens to the farm meanwhile, and what is
//! expected to hold.
//!
//! [`Scenario`] is checked: every name in it is one of the farm's, every step is one that this
//! farmctl can do. Nothing here does a step (that is the stage's) or judges what was measured
//! (that is `expect`'s). Called by `cli` and by the stage.

mod check;
mod lines;
mod names;
mod rate;
mod read;
mod schema;
mod written;

pub use rate::RateError;
pub use read::{ScenarioReading, default_scenario, read};
pub use schema::scenario_schema;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expect::Expectation;
use crate::spec::Name;

/// A whole scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// How long there is load.
    pub duration: Duration,
    /// What the clients do.
    pub load: Load,
    /// What happens, in the order of time; never after the end.
    pub steps: Vec<Step>,
    /// What must hold.
    pub expect: Vec<Expectation>,
}

/// What the clients do. Counts and rates are for each service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// How many addresses the clients of the whole rehearsal have, for each family.
    pub clients: u32,
    /// New connections in a second (HTTP: one request each).
    pub rate: Rate,
    /// Connections that stay open and ask ten times in a second.
    pub keep_alive: u32,
    /// Downloads that last as long as the load (HTTP services only).
    pub downloads: u32,
    /// New UDP flows in a second (UDP services only).
    pub udp: Rate,
    /// A request that has no answer after this time is lost.
    pub timeout: Duration,
    /// The services that get load; none means every one.
    pub services: Option<Vec<Name>>,
}

impl Default for Load {
    /// What a scenario leaves out.
    fn default() -> Self {
        let written = written::WrittenLoad::default();
        Self {
            clients: written.clients,
            rate: written.rate,
            keep_alive: written.keep_alive,
            downloads: written.downloads,
            udp: written.udp,
            timeout: written.timeout.0,
            services: written.services,
        }
    }
}

/// How often in a second: `200/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u32);

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, from the beginning of the load.
    pub at: Duration,
    /// What.
    pub action: Action,
    /// What the report says beside it.
    pub note: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Applies another farm.yaml on every director. A relative path is one from the scenario's
    /// directory.
    Apply(PathBuf),
    /// Writes another text into the directors' farm.yaml and does not wait for what comes of it.
    Edit(PathBuf),
    /// Applies the present file with another weight of one real server.
    Weight {
        /// The service; the real server's entry in its pool counts as the service's.
        service: Name,
        /// The real server, by its name in the file.
        server: String,
        /// The new weight.
        weight: u32,
    },
    /// The programs of a real server end in good order: listeners close first, then connections.
    Stop(Programs),
    /// They run again.
    Start(Programs),
    /// They are killed: connections are reset.
    Kill(Programs),
    /// Every answer of a real server's programs comes this much later; zero ends it.
    Slow {
        /// The real server.
        server: Programs,
        /// How much later.
        by: Duration,
    },
    /// A real server's programs take connections and say nothing.
    Pause(Programs),
    /// They go on.
    Resume(Programs),
    /// A node's cable to one network is pulled.
    Cut(Link),
    /// It is plugged in again, and its delay and split end.
    Heal(Healed),
    /// The nodes of a network are parted: only those in one group reach each other. Nodes that are
    /// not named (and the clients, whose name is `client`) stay with the first group.
    Split {
        /// The network.
        network: Name,
        /// The groups of nodes.
        groups: Vec<Vec<Name>>,
    },
    /// Every packet that a node sends on one network comes this much later (netem); zero ends it.
    Delay {
        /// The node and the network.
        link: Link,
        /// How much later.
        by: Duration,
    },
    /// Runs a command in a node's namespace.
    Run {
        /// The node.
        node: Name,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A director forgets every connection, as another one that takes over would not know them.
    FlushConnections(Name),
    /// Runs farmctl on every director.
    Farmctl(Vec<String>),
    /// Something befalls a director's daemon.
    Daemon {
        /// The director.
        director: Name,
        /// What.
        fate: Fate,
    },
}

/// What befalls a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// SIGKILL.
    Killed,
    /// SIGSTOP.
    Frozen,
    /// SIGCONT.
    Thawed,
    /// SIGTERM where it runs, and a new one is started.
    Restarted,
}

/// The programs of a node that are meant: a real server's, on one port or on all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The node, or a real server that is written without a node, by its name in the file.
    pub node: String,
    /// Only the program on this port of the real server; none means every one.
    pub port: Option<u16>,
}

/// A node's connection to a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The node.
    pub node: Name,
    /// The network.
    pub network: Name,
}

/// What is healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healed {
    /// Every link, split and delay.
    All,
    /// One link: what was cut or delayed there.
    Link(Link),
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
pub enum StepOutcome {
    /// Done.
    Done,
    /// It could not be done; why.
    Failed(String),
}

#[cfg(test)]
mod tests;
