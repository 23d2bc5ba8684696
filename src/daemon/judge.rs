//! Whether a text can be run on this machine, and what of it is new. Pure.
//!
//! It may take tens of milliseconds for a large farm: the shell calls it beside its loop.

use std::sync::Arc;

use crate::api::{FileProblem, FileRevision};
use crate::health::{Layout, Server};
use crate::reconcile::Digest;
use crate::spec::{
    self, DataplaneKind, Farm, Kind, Name, Path, Place, Problem, Severity, SourceText,
};
use crate::state::{Change, HostFacts, desired, plan};

/// Where a text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What messages call the file.
    pub file: String,
    /// Its text's digest.
    pub digest: Digest,
    /// The commit, where git is the source.
    pub commit: Option<Commit>,
    /// When it was first seen, in milliseconds since 1970.
    pub since: u64,
}

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// Who signed it, where signatures were asked for and this one is good.
    pub signed_by: Option<String>,
}

/// A text that can be run.
#[derive(Debug, Clone)]
pub struct Good {
    /// Which it is.
    pub revision: Revision,
    /// What it says.
    pub farm: Arc<Farm>,
    /// The text itself.
    pub text: Arc<str>,
    /// What differs from what runs.
    pub news: News,
    /// What is not wrong, and worth a look.
    pub warnings: Vec<FileProblem>,
}

/// What of a text differs from what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum News {
    /// Something that is more than a removal, or nothing.
    #[default]
    Mixed,
    /// Only removals: half of a file that is being written looks like that.
    RemovalsOnly,
}

/// A text that can't be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Bad {
    /// Which it is.
    pub revision: Revision,
    /// What is wrong, with the first place: one sentence.
    pub message: String,
    /// Everything that is wrong, each with its place.
    pub problems: Vec<FileProblem>,
}

/// What a judgement gave.
#[derive(Debug, Clone)]
pub enum Judged {
    /// It can be run.
    Good(Arc<Good>),
    /// It can't.
    Bad(Arc<Bad>),
    /// There is no text: why, in half a sentence.
    Absent(String),
}

/// What a text is judged against.
#[derive(Debug, Clone, Default)]
pub struct Against {
    /// The data plane that is used whatever the file says.
    pub forced: Option<DataplaneKind>,
    /// The data plane of this machine, where it is known.
    pub dataplane: Option<DataplaneKind>,
    /// What runs, and which node this machine is in it.
    pub running: Option<(Arc<Farm>, Option<Name>)>,
    /// Whether the text may name programs to run.
    pub programs: Programs,
}

/// Whether a text may name programs to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Programs {
    /// It may.
    #[default]
    Allowed,
    /// Nobody signed it, and the source says that then nothing of it is executed.
    Refused,
}

/// Judges a text.
pub fn judge(revision: Revision, bytes: &[u8], against: &Against) -> Judged {
    let mut reading = spec::read(&revision.file, bytes);
    force(reading.value.as_mut(), against.forced);
    let farm = reading.value.as_ref();
    let found = farm.map(|farm| find(farm, &reading.pruned, against));
    if let Some(found) = found {
        reading = reading.with(found);
    }
    let failed = reading.problems.iter().any(is_error);
    let problems: Vec<FileProblem> = reading
        .problems
        .iter()
        .map(|problem| told(problem, &reading.source))
        .collect();
    match reading.value {
        Some(farm) if !failed => Judged::Good(Arc::new(Good {
            news: news(&farm, against),
            farm: Arc::new(farm),
            text: reading.source.into_text().into(),
            warnings: problems,
            revision,
        })),
        _ => Judged::Bad(Arc::new(Bad {
            message: summary(&revision.file, &reading.problems, &problems),
            problems,
            revision,
        })),
    }
}

fn force(farm: Option<&mut Farm>, kind: Option<DataplaneKind>) {
    let directors = farm.and_then(|farm| farm.directors.as_mut());
    if let (Some(directors), Some(kind)) = (directors, kind) {
        directors.dataplane = kind.into();
    }
}

/// What `validate` finds, and what this machine's data plane can't do.
fn find(farm: &Farm, pruned: &[Path], against: &Against) -> Vec<Problem> {
    let mut found = spec::validate(farm, pruned);
    let named = farm.directors.as_ref().and_then(|it| it.dataplane.named());
    if against.programs == Programs::Refused {
        found.extend(programs(farm));
    }
    if let (None, Some(kind)) = (named, against.dataplane) {
        found.extend(spec::lacking(farm, kind));
    }
    found
}

/// Programs that a file which nobody signed names.
fn programs(farm: &Farm) -> Vec<Problem> {
    let problem = |place: Path| {
        let place = Place::Value(place);
        let message = "nobody signed this revision, so it may name no program to run";
        Problem::error("program-unsigned", place, message)
            .helped("sign the commit and say who may (`source: { git: { signed: … } }`), or leave the program out")
    };
    let layout = Layout::of(farm);
    let servers = layout.groups.iter().flat_map(|(key, group)| {
        let runs = |server: &&Server| {
            let kind = server.check.as_ref().and_then(|check| check.kind());
            matches!(kind, Some(Kind::Exec(_)))
        };
        let found = group.servers.iter().filter(runs);
        found.map(|_| Path::root().key("services").key(&key.service))
    });
    let told = farm
        .notifications
        .iter()
        .filter(|(_, it)| it.exec.is_some());
    let told = told.map(|(name, _)| Path::root().key("notifications").key(name));
    let mut places: Vec<Path> = servers.chain(told).collect();
    places.sort();
    places.dedup();
    places.into_iter().map(problem).collect()
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// Whether nothing but removals lies between what runs and this farm. The machine's interfaces
/// play no part: the guards look after addresses.
fn news(farm: &Farm, against: &Against) -> News {
    let (Some((running, node)), Some(kind)) = (&against.running, against.dataplane) else {
        return News::Mixed;
    };
    let host = HostFacts::default();
    let state = |farm: &Farm| desired(farm, node.as_ref(), &host, kind).state;
    let plan = plan(&state(running), &state(farm));
    if !plan.is_empty() && plan.changes.iter().all(removes) {
        News::RemovalsOnly
    } else {
        News::Mixed
    }
}

fn removes(change: &Change) -> bool {
    matches!(
        change,
        Change::DeleteService { .. }
            | Change::DeleteDestination { .. }
            | Change::DeleteAddress { .. }
    )
}

fn told(problem: &Problem, source: &SourceText) -> FileProblem {
    let start = source.locate(&problem.place).start;
    let before = source.text().get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |place| place + 1);
    let column = before.get(line_start..).map_or(0, |it| it.chars().count());
    FileProblem {
        code: problem.code.to_owned(),
        message: problem.message.clone(),
        help: problem.help.clone(),
        file: source.name().to_owned(),
        path: source.path(&problem.place).to_string(),
        line: 1 + before.matches('\n').count(),
        column: 1 + column,
    }
}

/// The first error with its place, and how many more there are.
fn summary(file: &str, found: &[Problem], problems: &[FileProblem]) -> String {
    let mut errors = found.iter().zip(problems).filter(|(it, _)| is_error(it));
    let Some((_, first)) = errors.next() else {
        return format!("{file} holds no farm");
    };
    let place = format!("{}:{}:{}", first.file, first.line, first.column);
    let more = match errors.count() {
        0 => String::new(),
        1 => " (and 1 more problem)".to_owned(),
        more => format!(" (and {more} more problems)"),
    };
    format!("{place}: {}{more}", first.message)
}

impl Revision {
    /// The name by which an operator approves it: the commit, else the digest.
    pub fn name(&self) -> String {
        let commit = self.commit.as_ref().map(|commit| commit.id.clone());
        commit.unwrap_or_else(|| self.digest.to_string())
    }

    /// Whether an operator's word names it: its whole name or at least the first seven digits of
    /// it.
    pub fn is_named(&self, word: &str) -> bool {
        const SHORTEST: usize = 7;
        let names = [
            Some(self.digest.to_string()),
            self.commit.as_ref().map(|it| it.id.clone()),
        ];
        let fits = |name: &String| word.len() >= SHORTEST && name.starts_with(word);
        names.iter().flatten().any(fits)
    }

    /// In the words of the status.
    pub fn status(&self) -> FileRevision {
        FileRevision {
            file: self.file.clone(),
            hash: self.digest.to_string(),
            commit: self.commit.as_ref().map(|commit| commit.id.clone()),
            signed_by: self.commit.as_ref().and_then(|it| it.signed_by.clone()),
            since: self.since,
            from_memory: false,
        }
    }
}
