//! What a scenario's steps do.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use super::daemon::Daemon;
use super::error::{Error, Result};
use super::lay::Site;
use super::links::Damage;
use super::{Applied, Interrupt, Script, directors};
use crate::clock::{Clock, SystemClock};
use crate::dataplane::{self, Nftables};
use crate::rehearsal::edit;
use crate::rehearsal::report::Weights;
use crate::rehearsal::scenario::{Action, Fate, Programs};
use crate::rehearsal::servers::{Ending, Program};
use crate::rehearsal::topology::Topology;
use crate::spec::{DataplaneKind, Farm, Name, read};

/// How long a step waits for a command.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks whether the command has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// The farm while it is played on.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub script: &'a Script,
    pub topology: &'a Topology,
    pub site: &'a Site,
    /// The built-in servers, by machine.
    pub programs: BTreeMap<String, Vec<Program>>,
    /// The directors' daemons, by machine.
    daemons: BTreeMap<String, Daemon>,
    /// What the directors applied last.
    pub text: String,
    /// Every run of farmctl.
    pub applied: Vec<Applied>,
    interrupt: &'a Interrupt,
    damage: Damage,
    /// How many commands were run.
    commands: usize,
}

impl<'a> Scene<'a> {
    /// The farm as it was built; the servers run, nothing is applied yet.
    pub(super) fn new(
        script: &'a Script,
        topology: &'a Topology,
        site: &'a Site,
        interrupt: &'a Interrupt,
    ) -> Result<Self> {
        let mut scene = Self {
            script,
            topology,
            site,
            programs: BTreeMap::new(),
            daemons: BTreeMap::new(),
            text: script.farm.text.clone(),
            applied: Vec::new(),
            interrupt,
            damage: Damage::default(),
            commands: 0,
        };
        for (name, machine) in &topology.machines {
            let listens = machine.listens.iter();
            let programs = listens.map(|one| Program::new(name, one.speech, one.at));
            scene.programs.insert(name.clone(), programs.collect());
            scene.on_programs(name, None, start)?;
        }
        Ok(scene)
    }

    /// Starts a daemon with the farm's file on every director.
    pub(super) fn start(&mut self) -> Result<()> {
        for director in &self.topology.directors {
            let mut daemon = Daemon::new(director, self.script.dataplane)?;
            daemon.write(&self.text)?;
            daemon.start(self.site, self.interrupt)?;
            self.daemons.insert(director.machine.clone(), daemon);
        }
        Ok(())
    }

    fn write(&self, text: &str) -> Result<()> {
        self.daemons.values().try_for_each(|one| one.write(text))
    }

    fn apply_text(&mut self, text: &str) -> Result<()> {
        self.write(text)?;
        self.farmctl(&["apply", "farm.yaml"])?;
        text.clone_into(&mut self.text);
        Ok(())
    }

    fn farmctl(&mut self, words: &[&str]) -> Result<()> {
        let runs = directors::farmctl(self.site, &self.topology.directors, words)?;
        let complaint = runs.last().and_then(Applied::complaint);
        self.applied.extend(runs);
        complaint.map_or(Ok(()), |complaint| Err(Error::Refused(complaint)))
    }

    /// What each server's part should be by the file that is in force.
    pub(super) fn weights(&self) -> Weights {
        let Some(farm) = farm(&self.text) else {
            return Weights::default();
        };
        let machine_at = |ip| self.topology.machine_at(ip).map(str::to_owned);
        Weights::new(&farm, self.script.dataplane, &machine_at)
    }

    /// Does what a step says. Where that changes the weights, they are returned.
    pub(super) fn act(&mut self, action: &Action) -> Result<Option<Weights>> {
        match action {
            Action::Apply(path) => return self.apply_file(path).map(Some),
            Action::Edit(path) => return self.edit(path),
            Action::Weight {
                service,
                server,
                weight,
            } => return self.weigh(service, server, *weight).map(Some),
            Action::Stop(programs) => self.on(programs, |_, _, one| {
                one.end(Ending::Orderly);
                Ok(())
            })?,
            Action::Kill(programs) => self.on(programs, |_, _, one| {
                one.end(Ending::Killed);
                Ok(())
            })?,
            Action::Start(programs) => self.on(programs, start)?,
            Action::Slow { server, by } => self.on(server, |_, _, program| {
                program.slow(*by);
                Ok(())
            })?,
            Action::Pause(programs) => self.on(programs, |_, _, program| {
                program.pause();
                Ok(())
            })?,
            Action::Resume(programs) => self.on(programs, |_, _, program| {
                program.resume();
                Ok(())
            })?,
            Action::Cut(link) => self.damage.cut(self.site, self.topology, link)?,
            Action::Heal(what) => self.damage.heal(self.site, self.topology, what)?,
            Action::Split { network, groups } => {
                self.damage
                    .split(self.site, self.topology, network, groups)?;
            }
            Action::Delay { link, by } => {
                self.damage.delay(self.site, self.topology, link, *by)?;
            }
            Action::Run { node, command } => self.run(node, command)?,
            Action::FlushConnections(director) => self.flush(director)?,
            Action::Farmctl(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.farmctl(&words)?;
            }
            Action::Daemon { director, fate } => self.befall(director, *fate)?,
        }
        Ok(None)
    }

    fn apply_file(&mut self, path: &Path) -> Result<Weights> {
        let text = self.file(path)?.to_owned();
        self.apply_text(&text)?;
        Ok(self.weights())
    }

    /// Writes the file and goes on. A good one is taken to be in force at once.
    fn edit(&mut self, path: &Path) -> Result<Option<Weights>> {
        let text = self.file(path)?.to_owned();
        self.write(&text)?;
        if farm(&text).is_none() {
            return Ok(None);
        }
        self.text = text;
        Ok(Some(self.weights()))
    }

    fn file(&self, path: &Path) -> Result<&str> {
        let known = self.script.files.get(path);
        known.map(|file| file.text.as_str()).ok_or_else(|| {
            let path = path.display();
            Error::Refused(format!("{path} is not among the rehearsal's files"))
        })
    }

    fn befall(&mut self, director: &Name, fate: Fate) -> Result<()> {
        let known = self.daemons.get_mut(director.as_str());
        let unknown = || Error::Refused(format!("{director} has no daemon"));
        known
            .ok_or_else(unknown)?
            .suffer(fate, self.site, self.interrupt)
    }

    fn weigh(&mut self, service: &Name, server: &str, weight: u32) -> Result<Weights> {
        let name = &self.script.farm.name;
        let edited = edit::weight(name, &self.text, service.as_str(), server, weight);
        self.apply_text(&edited.map_err(|error| Error::Refused(error.to_string()))?)?;
        Ok(self.weights())
    }

    fn on(
        &mut self,
        which: &Programs,
        work: impl Fn(&Site, &str, &mut Program) -> Result<()>,
    ) -> Result<()> {
        let machine = self.machine(&which.node)?.to_owned();
        self.on_programs(&machine, which.port, work)
    }

    fn on_programs(
        &mut self,
        machine: &str,
        port: Option<u16>,
        work: impl Fn(&Site, &str, &mut Program) -> Result<()>,
    ) -> Result<()> {
        let all = self.programs.get_mut(machine).into_iter().flatten();
        let chosen = all.filter(|one| port.is_none_or(|port| one.at().port() == port));
        let mut done = 0;
        for program in chosen {
            work(self.site, machine, program)?;
            done += 1;
        }
        match port {
            Some(port) if done == 0 => Err(Error::Refused(format!(
                "{machine} has no program on port {port}"
            ))),
            _ => Ok(()),
        }
    }

    /// The machine that a real server is, by its node's name or its own.
    fn machine(&self, name: &str) -> Result<&str> {
        if let Some((machine, _)) = self.topology.machines.get_key_value(name) {
            return Ok(machine);
        }
        let mut servers = self
            .topology
            .targets
            .iter()
            .flat_map(|target| &target.servers);
        let known = servers.find(|one| one.name == name);
        known
            .map(|one| one.machine.as_str())
            .ok_or_else(|| Error::Refused(format!("there is no real server called {name}")))
    }

    /// Waits for the command's own end; what it leaves in the background goes on.
    fn run(&mut self, node: &Name, words: &[String]) -> Result<()> {
        let Some((path, arguments)) = words.split_first() else {
            return Ok(());
        };
        self.commands += 1;
        let said = PathBuf::from(directors::HOME).join(format!("said-{}", self.commands));
        let file = File::create(&said).map_err(Error::system("a file can't be made"))?;
        let mut command = directors::program(path);
        command.args(arguments).current_dir("/");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        let told = format!("{path} can't be run");
        let mut child = self
            .site
            .space(node.as_str())?
            .run(|| command.spawn().map_err(Error::system(told)))?;
        let Some(status) = self.wait_for(&mut child)? else {
            return Err(Error::Refused(format!(
                "{path} still ran when the step gave up waiting; it ends with the rehearsal"
            )));
        };
        if status.success() {
            return Ok(());
        }
        let said = fs::read(&said).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        Err(Error::Refused(format!(
            "{path}: {status}: {}",
            said.trim_end()
        )))
    }

    /// The end of a command; none where it takes too long, or the performance is to end.
    fn wait_for(&self, child: &mut Child) -> Result<Option<ExitStatus>> {
        let end = SystemClock.now() + PATIENCE;
        while SystemClock.now() < end {
            let ended = child
                .try_wait()
                .map_err(Error::system("a command is lost"))?;
            if ended.is_some() || self.interrupt.wait(GLANCE) {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    fn flush(&self, director: &Name) -> Result<()> {
        if self.script.dataplane == DataplaneKind::Ipvs {
            return Err(Error::Refused(
                "ip_vs can't be made to forget its connections while its services stay; rehearse \
                 this step on nftables"
                    .to_owned(),
            ));
        }
        let space = self.site.space(director.as_str())?;
        space.run(|| {
            let refused = |error: dataplane::Error| Error::Refused(error.to_string());
            let mut plane = Nftables::open().map_err(refused)?;
            plane.forget_everything().map_err(refused)
        })
    }
}

fn start(site: &Site, machine: &str, program: &mut Program) -> Result<()> {
    let at = program.at();
    let told = format!("the built-in server can't listen at {at}");
    site.space(machine)?
        .run(|| program.start().map_err(Error::system(told)))
}

/// The farm that a text says; none where it is wrong.
pub(super) fn farm(text: &str) -> Option<Farm> {
    read("farm.yaml", text.as_bytes()).value
}
