//! `farmctl rehearse`, and the two hidden commands behind it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::args::{GateArgs, RehearseArgs, StageArgs};
use super::failure::{Failure, code};
use super::files;
use super::plane;
use super::session::{self, Loaded, Session};
use crate::reconcile;
use crate::rehearsal::backstage::{self, Ended};
use crate::rehearsal::behind;
use crate::rehearsal::isolation::Privilege;
use crate::rehearsal::picture;
use crate::rehearsal::report::{self, Material, Outcome, Report};
use crate::rehearsal::scenario::{self, Action, Scenario};
use crate::rehearsal::stage::{Message, Script, Written};
use crate::spec::{self, DataplaneKind};

/// What the shell adds to a signal's number for the exit code of a command that it ended.
const BY_SIGNAL: i32 = 128;

/// Runs the command.
pub(super) fn run(session: &Session<'_>, args: &RehearseArgs) -> Result<u8, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    has_one_director(&loaded)?;
    let dataplane = dataplane(session, &loaded)?;
    let played = Played::of(session, &loaded, args, dataplane)?;
    let progress = Progress::new(session);
    let state = std::path::absolute(&session.global.state_dir).map_err(Failure::of)?;
    let ended = backstage::rehearse(
        &played.script,
        privilege(dataplane)?,
        &state,
        &mut |message| {
            progress.tell(message);
        },
    );
    progress.end();
    let ended = ended.map_err(Failure::of)?;
    let report = report(&loaded, &played, &ended);
    let code = show(session, &report, ended.signal)?;
    keep_page(session, args, &report)?;
    Ok(code)
}

/// Writes the page where the command line says so, and tells where it is.
fn keep_page(session: &Session<'_>, args: &RehearseArgs, report: &Report) -> Result<(), Failure> {
    let Some(path) = &args.report else {
        return Ok(());
    };
    std::fs::write(path, picture::page(report)).map_err(|error| {
        let path = path.display();
        Failure::error(format!("{path} can't be written: {error}"))
    })?;
    let place = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    session.out.message(&format!(
        "The picture of the run is in {}.",
        place.display()
    ));
    Ok(())
}

/// The gate.
pub(super) fn gate(session: &Session<'_>, args: &GateArgs) -> u8 {
    let GateArgs {
        privilege,
        parent,
        state,
    } = args;
    behind::gate(*privilege, *parent, state, &mut |message| {
        say(session, &message);
    })
}

/// The stage.
pub(super) fn stage(session: &Session<'_>, args: &StageArgs) -> u8 {
    behind::play(args.privilege, &args.state, &mut |message| {
        say(session, &message);
    });
    code::OK
}

/// One message on one line, as `backstage` reads it.
fn say(session: &Session<'_>, message: &Message) {
    if let Ok(line) = serde_json::to_string(message) {
        session.out.result(&line);
    }
}

fn has_one_director(loaded: &Loaded) -> Result<(), Failure> {
    let members = loaded
        .farm
        .directors
        .as_ref()
        .map_or(1, |all| all.members.len());
    if members == 1 {
        return Ok(());
    }
    Err(Failure::error(format!(
        "{} has {members} directors: which of them holds a floating address is decided between \
         them, which this farmctl does not do yet. Rehearse the farm with one of them in \
         `directors.members`",
        loaded.name
    )))
}

/// The data plane: what was asked for, what the file names, ip_vs where it is loaded and this is
/// root, else nftables. Nothing is loaded into this machine's kernel for a rehearsal that does not
/// ask for it.
fn dataplane(session: &Session<'_>, loaded: &Loaded) -> Result<DataplaneKind, Failure> {
    let named = session.dataplane.or_else(|| reconcile::named(&loaded.farm));
    let (kind, why) = named.map_or_else(
        || {
            let there = Path::new("/proc/net/ip_vs").exists() && geteuid().is_root();
            if there {
                (
                    DataplaneKind::Ipvs,
                    "this kernel has ip_vs and you are root",
                )
            } else {
                (
                    DataplaneKind::Nftables,
                    "ip_vs is not loaded, or you are not root",
                )
            }
        },
        |kind| (kind, "it was asked for"),
    );
    let why = format!("The data plane of this rehearsal is {kind}: {why}.");
    plane::judge(session, loaded, kind, &why)?;
    Ok(kind)
}

fn privilege(dataplane: DataplaneKind) -> Result<Privilege, Failure> {
    match dataplane {
        DataplaneKind::Nftables => Ok(Privilege::Namespaced),
        DataplaneKind::Ipvs if geteuid().is_root() => Ok(Privilege::Root),
        DataplaneKind::Ipvs => Err(Failure::error(
            "ip_vs takes orders from real root only: run the rehearsal as root, or on the other \
             data plane with --dataplane nftables",
        )),
    }
}

/// What is played.
struct Played {
    script: Script,
    scenario: Scenario,
}

impl Played {
    fn of(
        session: &Session<'_>,
        loaded: &Loaded,
        args: &RehearseArgs,
        dataplane: DataplaneKind,
    ) -> Result<Self, Failure> {
        let farm = Written {
            name: loaded.name.clone(),
            text: loaded.text.clone(),
        };
        let mut played = Self {
            script: Script {
                farm,
                scenario: None,
                files: BTreeMap::new(),
                dataplane,
            },
            scenario: scenario::default_scenario(),
        };
        if let Some(path) = &args.scenario {
            let (written, scenario) = read_scenario(session, loaded, path)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            played.script.files = files_of(session, &scenario, folder, dataplane)?;
            played.script.scenario = Some(written);
            played.scenario = scenario;
        }
        Ok(played)
    }
}

/// Reads and judges the files that a scenario applies.
fn files_of(
    session: &Session<'_>,
    scenario: &Scenario,
    folder: &Path,
    dataplane: DataplaneKind,
) -> Result<BTreeMap<PathBuf, Written>, Failure> {
    let mut all = edits(scenario, folder)?;
    for named in applied(scenario) {
        let file = session.judge(files::read(&folder.join(named))?)?;
        let why = format!("The data plane of this rehearsal is {dataplane}.");
        plane::judge(session, &file, dataplane, &why)?;
        let Loaded { name, text, .. } = file;
        all.insert(named.to_owned(), Written { name, text });
    }
    Ok(all)
}

/// The texts that the steps write into the farm's file: bad ones too, so nobody judges them here.
fn edits(scenario: &Scenario, folder: &Path) -> Result<BTreeMap<PathBuf, Written>, Failure> {
    let mut all = BTreeMap::new();
    for step in &scenario.steps {
        if let Action::Edit(named) = &step.action {
            let files::Text { name, bytes } = files::read(&folder.join(named))?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            all.insert(named.clone(), Written { name, text });
        }
    }
    Ok(all)
}

/// The files that the steps apply.
fn applied(scenario: &Scenario) -> impl Iterator<Item = &Path> {
    scenario.steps.iter().filter_map(|step| match &step.action {
        Action::Apply(path) => Some(path.as_path()),
        Action::Edit(_)
        | Action::Weight { .. }
        | Action::Stop(_)
        | Action::Start(_)
        | Action::Kill(_)
        | Action::Slow { .. }
        | Action::Cut(_)
        | Action::Heal(_)
        | Action::Split { .. }
        | Action::Delay { .. }
        | Action::Run { .. }
        | Action::Pause(_)
        | Action::Resume(_)
        | Action::FlushConnections(_)
        | Action::Farmctl(_)
        | Action::Daemon { .. } => None,
    })
}

/// Reads the scenario. Problems are told; one with an error ends the command.
fn read_scenario(
    session: &Session<'_>,
    loaded: &Loaded,
    path: &Path,
) -> Result<(Written, Scenario), Failure> {
    let text = files::read(path)?;
    let reading = scenario::read(&text.name, &text.bytes, &loaded.farm);
    if !reading.problems.is_empty() {
        let style = session::style(session.out.message_paint);
        let told = spec::report::render(&reading.problems, &reading.source, style);
        session.out.message(&told);
    }
    let known = reading
        .scenario
        .ok_or_else(|| Failure::silent(code::ERROR))?;
    let written = Written {
        name: text.name,
        text: reading.source.into_text(),
    };
    Ok((written, known))
}

/// What was seen, judged.
fn report(loaded: &Loaded, played: &Played, ended: &Ended) -> Report {
    let performance = &ended.performance;
    Report::new(&Material {
        farm: loaded.farm.farm.as_str(),
        dataplane: &played.script.dataplane.to_string(),
        scenario: &played.scenario,
        record: &performance.record,
        events: &performance.events,
        weights: &performance.weights,
        notes: &performance.notes,
        interrupted: performance.interrupted,
    })
}

/// Prints the report; its outcome is the exit code.
fn show(session: &Session<'_>, report: &Report, signal: Option<Signal>) -> Result<u8, Failure> {
    if session.wants_values() {
        session.value(report)?;
    } else {
        session.out.result(&report::text(report));
    }
    Ok(exit_code(report, signal))
}

fn exit_code(report: &Report, signal: Option<Signal>) -> u8 {
    // The numbers of signals are small.
    let by_signal = signal.and_then(|signal| u8::try_from(BY_SIGNAL + signal as i32).ok());
    match (report.outcome, by_signal) {
        (_, Some(code)) => code,
        (Outcome::Held, None) => code::OK,
        (Outcome::Failed | Outcome::Interrupted, None) => code::DIFFERENT,
    }
}

/// One line that is written over on a terminal; elsewhere only what happened.
struct Progress<'a> {
    session: &'a Session<'a>,
    terminal: bool,
    shown: Cell<usize>,
}

impl<'a> Progress<'a> {
    fn new(session: &'a Session<'a>) -> Self {
        Self {
            session,
            terminal: std::io::stderr().is_terminal(),
            shown: Cell::new(0),
        }
    }

    fn tell(&self, message: &Message) {
        match message {
            Message::Progress(text) if self.terminal => self.over(text),
            Message::Progress(text) => self.session.out.detail(text),
            Message::Event(event) => {
                self.end();
                let at = event.at.as_secs_f32();
                self.session
                    .out
                    .message(&format!("{at:7.2} s  {}", event.what));
            }
            Message::Done(_) | Message::Failed(_) => {}
        }
    }

    fn over(&self, text: &str) {
        let width = self.shown.replace(text.chars().count());
        self.session.out.status(&format!("\r{text:width$}"));
    }

    /// Wipes the line.
    fn end(&self) {
        let width = self.shown.replace(0);
        if width > 0 {
            self.session.out.status(&format!("\r{:width$}\r", ""));
        }
    }
}
