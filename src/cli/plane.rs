//! Which data plane a command works with: the one that has farmctl's services, else the one that
//! the file names, else the one that this kernel has.
//!
//! Nothing is written here: the choice is in the record with the first service that is made.
//! Called by every command that looks at a kernel.

use super::failure::Failure;
use super::session::{self, Loaded, Session};
use crate::dataplane;
use crate::reconcile::Record;
use crate::spec::{self, DataplaneKind, Farm, report};

/// The data plane of a command, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Which one.
    pub kind: DataplaneKind,
    because: Because,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Because {
    /// The file names it.
    Named,
    /// It has farmctl's services.
    Recorded,
    /// The kernel has it; the reason as half a sentence.
    Kernel(String),
}

/// The data plane that a file asks for; none where it leaves the choice to the machine.
pub(super) fn named(farm: &Farm) -> Option<DataplaneKind> {
    let directors = farm.directors.as_ref()?;
    directors.dataplane.named()
}

impl Chosen {
    /// Chooses for a machine with this record. `asked` is what the file names; where it names
    /// nothing, and nothing is there yet, the kernel is asked.
    pub(super) fn of(asked: Option<DataplaneKind>, record: &Record) -> Result<Self, Failure> {
        let because = match asked {
            Some(_) => Because::Named,
            None => Because::Recorded,
        };
        if let Some(kind) = record.choose(asked).map_err(Failure::of)? {
            return Ok(Self { kind, because });
        }
        let found = dataplane::resolve()?;
        Ok(Self {
            kind: found.dataplane,
            because: Because::Kernel(found.because),
        })
    }

    /// Chooses for a file, and ends the command where the file asks for more than that data plane
    /// can do.
    pub(super) fn for_file(
        session: &Session<'_>,
        loaded: &Loaded,
        record: &Record,
    ) -> Result<Self, Failure> {
        let asked = session.dataplane.or_else(|| named(&loaded.farm));
        let chosen = Self::of(asked, record)?;
        judge(session, loaded, chosen.kind, &chosen.explanation())?;
        Ok(chosen)
    }

    /// Why it is this one, a full sentence.
    fn explanation(&self) -> String {
        let kind = self.kind;
        match &self.because {
            Because::Named => format!("The data plane is {kind}: the file says so."),
            Because::Recorded => {
                format!("The data plane is {kind}: farmctl's services are on it, and stay there.")
            }
            Because::Kernel(reason) => {
                format!(
                    "The data plane is {kind}, because the file leaves the choice and {reason}."
                )
            }
        }
    }

    /// What an operator should know about the choice: where the machine chose, and chose the
    /// second best.
    pub(super) fn note(&self) -> Option<String> {
        let second = self.kind == DataplaneKind::Nftables;
        let by_kernel = matches!(self.because, Because::Kernel(_));
        (second && by_kernel).then(|| self.explanation())
    }

    /// What an operator should know where the record can't be read: it would name the data plane.
    pub(super) fn guess(&self) -> Option<String> {
        let guessed = matches!(self.because, Because::Kernel(_));
        guessed.then(|| {
            format!(
                "Nor is it known which data plane was chosen; {} is looked at.",
                self.kind
            )
        })
    }
}

/// Ends the command where a file does not go with the data plane that was looked at.
pub(super) fn fits(
    session: &Session<'_>,
    loaded: &Loaded,
    seen: DataplaneKind,
) -> Result<(), Failure> {
    if let Some(named) = named(&loaded.farm).filter(|named| *named != seen) {
        return Err(Failure::error(format!(
            "the snapshot is of a machine whose data plane is {seen}, and {} asks for {named}: they \
             can't be compared. Take a snapshot of a machine on {named}, or compare two versions \
             of the file with --base",
            loaded.name
        )));
    }
    let why = format!("The data plane is {seen}: the snapshot is of it.");
    judge(session, loaded, seen, &why)
}

/// Ends the command where the file asks for more than a data plane can do, after all of it was
/// told. A file that names its data plane was judged by it when it was read.
pub(super) fn judge(
    session: &Session<'_>,
    loaded: &Loaded,
    dataplane: DataplaneKind,
    why: &str,
) -> Result<(), Failure> {
    if named(&loaded.farm).is_some() {
        return Ok(());
    }
    let lacking = spec::lacking(&loaded.farm, dataplane);
    if lacking.is_empty() {
        return Ok(());
    }
    // The places of the text were dropped when it was read; this needs them once more.
    let count = lacking.len();
    let told = spec::read(&loaded.name, loaded.text.as_bytes()).with(lacking);
    let style = session::style(session.out.message_paint);
    session.out.message(why);
    session
        .out
        .message(&report::render(&told.problems, &told.source, style));
    let things = match count {
        1 => "1 thing".to_owned(),
        count => format!("{count} things"),
    };
    Err(Failure::error(format!(
        "{} asks for {things} that {dataplane} can't do, and {dataplane} is the data plane here",
        loaded.name
    )))
}
