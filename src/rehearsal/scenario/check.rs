//! From what is written to what is meant: every name is one of the farm's, every time within the
//! load, every step one that this farmctl can do. Called by `read`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::names::Names;
use super::written::{
    ACTIONS, Short, WrittenLink, WrittenLoad, WrittenPrograms, WrittenRun, WrittenScenario,
    WrittenSplit, WrittenStep, WrittenWeight,
};
use super::{Action, Fate, Healed, Link, Load, Programs, Scenario, Step};
use crate::spec::{Farm, Name, Path, Place, Problem, Reading, listed, nearest};

/// The most addresses that the clients have of one family.
const MAX_CLIENTS: u32 = 64;
/// The longest load.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

pub(super) struct Check<'a> {
    pub(super) names: Names<'a>,
    pub(super) reading: &'a Reading<WrittenScenario>,
    pub(super) found: Vec<Problem>,
}

impl<'a> Check<'a> {
    pub(super) fn new(farm: &'a Farm, reading: &'a Reading<WrittenScenario>) -> Self {
        Self {
            names: Names { farm },
            reading,
            found: Vec::new(),
        }
    }

    /// What is wrong.
    pub(super) fn found(self) -> Vec<Problem> {
        self.found
    }

    /// The scenario, without what is wrong.
    pub(super) fn scenario(&mut self, written: &WrittenScenario) -> Scenario {
        let root = Path::root();
        let duration = written.duration.0;
        if duration.is_zero() || duration > LONGEST {
            self.wrong(
                &root.key("duration"),
                "the load must last between 1ms and 1d",
                "write how long the rehearsal is to last, such as `10s`",
            );
        }
        let mut steps: Vec<Step> = written
            .steps
            .iter()
            .enumerate()
            .filter_map(|(number, step)| self.step(step, written, &root.key("steps").index(number)))
            .collect();
        steps.sort_by_key(|step| step.at);
        let lines = written.expect.iter().enumerate();
        Scenario {
            duration,
            load: self.load(&written.load, &root.key("load")),
            steps,
            expect: lines
                .filter_map(|(number, line)| {
                    let path = root.key("expect").index(number);
                    self.expectation(&line.0, written, &path)
                })
                .collect(),
        }
    }

    fn load(&mut self, written: &WrittenLoad, path: &Path) -> Load {
        if !(1..=MAX_CLIENTS).contains(&written.clients) {
            self.wrong(
                &path.key("clients"),
                &format!("there cannot be {} clients", written.clients),
                &format!("write a number from 1 to {MAX_CLIENTS}"),
            );
        }
        for (key, value, most) in [
            ("keep_alive", written.keep_alive, 1_000),
            ("downloads", written.downloads, 100),
        ] {
            if value > most {
                self.wrong(
                    &path.key(key),
                    &format!("{value} connections for each service are too many"),
                    &format!("write a number up to {most}"),
                );
            }
        }
        if written.timeout.0.is_zero() {
            self.wrong(
                &path.key("timeout"),
                "no answer comes in no time",
                "write how long a client waits, such as `2s`",
            );
        }
        for (number, name) in written.services.iter().flatten().enumerate() {
            self.service(name, &path.key("services").index(number));
        }
        Load {
            clients: written.clients,
            rate: written.rate,
            keep_alive: written.keep_alive,
            downloads: written.downloads,
            udp: written.udp,
            timeout: written.timeout.0,
            services: written.services.clone(),
        }
    }

    fn step(
        &mut self,
        step: &WrittenStep,
        scenario: &WrittenScenario,
        path: &Path,
    ) -> Option<Step> {
        if step.at.0 > scenario.duration.0 {
            self.wrong(
                &path.key("at"),
                &format!("the load ends at {}, before this step", scenario.duration),
                "move the step, or raise `duration`",
            );
        }
        let action = match step.written().as_slice() {
            [] => {
                self.without_action(path);
                None
            }
            [one] => self.action(step, &path.key(one)),
            [first, second, ..] => {
                self.two_actions(path, first, second);
                None
            }
        };
        Some(Step {
            at: step.at.0,
            action: action?,
            note: step.note.clone(),
        })
    }

    fn without_action(&mut self, path: &Path) {
        self.wrong(
            path,
            "the step says when, but not what",
            &format!("add one of {}", listed(ACTIONS)),
        );
    }

    fn two_actions(&mut self, path: &Path, first: &str, second: &str) {
        let problem = Problem::error(
            "two-actions",
            Place::Key(path.key(second)),
            format!("`{second}` is a second action beside `{first}`"),
        );
        self.found.push(
            problem
                .labelled("one action for each step")
                .related(Place::Key(path.key(first)), "the first one")
                .helped("write two steps with the same time"),
        );
    }

    fn action(&mut self, step: &WrittenStep, path: &Path) -> Option<Action> {
        if let Some(name) = &step.apply {
            return Some(Action::Apply(PathBuf::from(name)));
        }
        if let Some(name) = &step.edit {
            return Some(Action::Edit(PathBuf::from(name)));
        }
        if let Some(weight) = &step.weight {
            return Some(self.weight(weight, path));
        }
        if let Some(programs) = &step.stop {
            return Some(Action::Stop(self.programs(programs, path)));
        }
        if let Some(programs) = &step.start {
            return Some(Action::Start(self.programs(programs, path)));
        }
        if let Some(programs) = &step.kill {
            return Some(Action::Kill(self.programs(programs, path)));
        }
        if let Some(slow) = &step.slow {
            self.server(&slow.server, &path.key("server"));
            let server = Programs {
                node: slow.server.clone(),
                port: slow.port,
            };
            let by = slow.by.0;
            return Some(Action::Slow { server, by });
        }
        if let Some(programs) = &step.pause {
            return Some(Action::Pause(self.programs(programs, path)));
        }
        if let Some(programs) = &step.resume {
            return Some(Action::Resume(self.programs(programs, path)));
        }
        self.network_action(step, path)
    }

    fn network_action(&mut self, step: &WrittenStep, path: &Path) -> Option<Action> {
        if let Some(link) = &step.cut {
            return Some(Action::Cut(self.link(&link.node, &link.network, path)));
        }
        if let Some(healed) = &step.heal {
            return self.heal(healed, path);
        }
        if let Some(split) = &step.split {
            return Some(self.split(split, path));
        }
        if let Some(delay) = &step.delay {
            let link = self.link(&delay.node, &delay.network, path);
            let by = delay.by.0;
            return Some(Action::Delay { link, by });
        }
        if let Some(run) = &step.run {
            return Some(self.run(run, path));
        }
        self.director_action(step, path)
    }

    fn director_action(&mut self, step: &WrittenStep, path: &Path) -> Option<Action> {
        if let Some(name) = &step.flush_connections {
            return self.director(name, path).map(Action::FlushConnections);
        }
        if let Some(words) = &step.farmctl {
            return self.farmctl(words, path);
        }
        let fates = [
            (&step.kill_director, Fate::Killed),
            (&step.freeze_director, Fate::Frozen),
            (&step.thaw_director, Fate::Thawed),
            (&step.restart_director, Fate::Restarted),
        ];
        let (name, fate) = fates
            .into_iter()
            .find_map(|(name, fate)| Some((name.as_ref()?, fate)))?;
        let director = self.director(name, path)?;
        Some(Action::Daemon { director, fate })
    }

    fn farmctl(&mut self, words: &[String], path: &Path) -> Option<Action> {
        if words.is_empty() {
            self.wrong(
                path,
                "there is no command",
                "write a list, such as `[drain, web2, --reason, new disk]`",
            );
            return None;
        }
        Some(Action::Farmctl(words.to_vec()))
    }

    fn weight(&mut self, weight: &WrittenWeight, path: &Path) -> Action {
        if self.service(&weight.service, &path.key("service")) {
            let known = self.names.servers_of(&weight.service);
            self.name(&weight.server, &known, "real server", &path.key("server"));
        }
        if weight.weight > 65_535 {
            self.wrong(
                &path.key("weight"),
                &format!("{} is no weight", weight.weight),
                "write a number from 0 to 65535",
            );
        }
        Action::Weight {
            service: weight.service.clone(),
            server: weight.server.clone(),
            weight: weight.weight,
        }
    }

    fn programs(&mut self, written: &Short<WrittenPrograms>, path: &Path) -> Programs {
        let (node, port) = match written {
            Short::Word(node) => {
                self.server(node, path);
                (node.clone(), None)
            }
            Short::Long(programs) => {
                self.server(&programs.node, &path.key("node"));
                (programs.node.clone(), programs.port)
            }
        };
        Programs { node, port }
    }

    fn heal(&mut self, healed: &Short<WrittenLink>, path: &Path) -> Option<Action> {
        match healed {
            Short::Word(word) if word == "all" => Some(Action::Heal(Healed::All)),
            Short::Word(word) => {
                self.wrong(
                    path,
                    &format!("`{word}` is not what can be healed"),
                    "write `all`, or `{ node: …, network: … }` for one cable",
                );
                None
            }
            Short::Long(link) => {
                let link = self.link(&link.node, &link.network, path);
                Some(Action::Heal(Healed::Link(link)))
            }
        }
    }

    fn link(&mut self, node: &Name, network: &Name, path: &Path) -> Link {
        if self.node(node.as_str(), &path.key("node")) {
            self.network_of(node, network, &path.key("network"));
        }
        Link {
            node: node.clone(),
            network: network.clone(),
        }
    }

    fn split(&mut self, split: &WrittenSplit, path: &Path) -> Action {
        let known = self.names.networks();
        self.name(
            split.network.as_str(),
            &known,
            "network",
            &path.key("network"),
        );
        if split
            .groups
            .iter()
            .filter(|group| !group.is_empty())
            .count()
            < 2
        {
            self.wrong(
                &path.key("groups"),
                "a network is split into two groups or more",
                "write them as `[[lb1], [lb2, client]]`",
            );
        }
        let mut seen = BTreeSet::new();
        for (number, group) in split.groups.iter().enumerate() {
            for (place, name) in group.iter().enumerate() {
                let path = path.key("groups").index(number).index(place);
                self.node(name.as_str(), &path);
                if !seen.insert(name.as_str()) {
                    self.wrong(
                        &path,
                        &format!("`{name}` is in two groups"),
                        "keep it in one of them",
                    );
                }
            }
        }
        Action::Split {
            network: split.network.clone(),
            groups: split.groups.clone(),
        }
    }

    fn run(&mut self, run: &WrittenRun, path: &Path) -> Action {
        self.node(run.node.as_str(), &path.key("node"));
        if run.command.is_empty() {
            self.wrong(
                &path.key("command"),
                "the command is empty",
                "write the program and its arguments as a list: `[ip, route]`",
            );
        }
        Action::Run {
            node: run.node.clone(),
            command: run.command.clone(),
        }
    }

    fn service(&mut self, name: &Name, path: &Path) -> bool {
        let known = self.names.services();
        self.name(name.as_str(), &known, "service", path)
    }

    fn server(&mut self, name: &str, path: &Path) {
        let known = self.names.all_servers();
        self.name(name, &known, "real server", path);
    }

    fn node(&mut self, name: &str, path: &Path) -> bool {
        let known = self.names.nodes();
        self.name(name, &known, "node", path)
    }

    fn director(&mut self, name: &str, path: &Path) -> Option<Name> {
        let known = self.names.directors();
        let good = self.name(name, &known, "director", path);
        name.parse().ok().filter(|_| good)
    }

    fn network_of(&mut self, node: &Name, network: &Name, path: &Path) {
        let Some(known) = self.names.networks_of(node) else {
            return;
        };
        if known.contains(network.as_str()) {
            return;
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!("`{node}` is not on a network `{network}`");
        let problem = Problem::error("unknown-name", Place::Value(path.clone()), message);
        let problem = match nearest(network.as_str(), known.iter().copied()) {
            Some(near) => problem.labelled(format!("did you mean `{near}`?")),
            None => problem.labelled("not a network of this node"),
        };
        self.found
            .push(problem.helped(format!("it is on {}", listed(&known))));
    }

    fn name(&mut self, name: &str, known: &BTreeSet<&str>, what: &str, path: &Path) -> bool {
        self.name_at(name, known, what, Place::Value(path.clone()))
    }

    /// Whether a name is known; a real server may also be named by its address.
    pub(super) fn name_at(
        &mut self,
        name: &str,
        known: &BTreeSet<&str>,
        what: &str,
        place: Place,
    ) -> bool {
        if known.contains(name) || what == "real server" && self.names.is_servers_address(name) {
            return true;
        }
        let message = match what {
            "network" => format!("no node is on a network `{name}`"),
            _ => format!("the farm has no {what} `{name}`"),
        };
        let problem = Problem::error("unknown-name", place, message);
        let problem = match nearest(name, known.iter().copied()) {
            Some(near) => problem.labelled(format!("did you mean `{near}`?")),
            None => problem.labelled("not in the farm"),
        };
        let help = match known.len() {
            0 => format!("the farm names no {what}; remove the step"),
            1..=12 => format!(
                "known: {}",
                listed(&known.iter().copied().collect::<Vec<_>>())
            ),
            _ => format!("write a {what} of the farm.yaml"),
        };
        self.found.push(problem.helped(help));
        false
    }

    fn wrong(&mut self, path: &Path, message: &str, help: &str) {
        let problem = Problem::error("wrong-value", Place::Value(path.clone()), message);
        self.found.push(problem.labelled("not valid").helped(help));
    }
}
