//! Whether a file goes with the data plane that a command works with ([`Chosen`]); what speaks
//! against it is told with its places. Called by every command that looks at a kernel.

use super::failure::Failure;
use super::session::{self, Loaded, Session};
use crate::reconcile::{Chosen, Record, named};
use crate::spec::{self, DataplaneKind, report};

/// Chooses for a file, and ends the command where the file asks for more than that data plane can
/// do.
pub(super) fn for_file(
    session: &Session<'_>,
    loaded: &Loaded,
    record: &Record,
) -> Result<Chosen, Failure> {
    let asked = session.dataplane.or_else(|| named(&loaded.farm));
    let chosen = Chosen::of(asked, record).map_err(Failure::of)?;
    judge(session, loaded, chosen.kind, &chosen.explanation())?;
    Ok(chosen)
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
