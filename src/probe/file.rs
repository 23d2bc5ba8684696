//! A file on the director says how a real server is: it is there, and its first line is read as an
//! agent's answer.
//!
//! Whoever may write the file decides; what is read is bounded, and only ordinary files are read:
//! a FIFO or a device would hold the reader. It is read on a thread of its own, so that a file
//! system that does not answer holds up nothing but its own question. Called by [`super::ask`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use tokio::task::spawn_blocking;

use super::agent::AgentLine;
use super::{Failure, Report, Target, Tools};
use crate::health::{Fault, Question};
use crate::spec::FileCheck;

/// So much of a file is read, in bytes.
const LIMIT: u64 = 4096;

/// Asks one.
pub(super) async fn ask(
    check: &FileCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let path = path(check, target.question())?;
    let place = tools.outstanding().enter(target).await?;
    target.waits_for("the file system");
    let reading = spawn_blocking(move || {
        let read = read(&path);
        drop(place);
        (path, read)
    });
    let (path, read) = reading
        .await
        .map_err(|_| Failure::here("the thread of a file was lost"))?;
    match read {
        Ok(bytes) => Ok(judge(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => missing(check, &path),
        Err(error) => Err(Failure::here(format!("{}: {error}", path.display()))),
    }
}

/// The path with the real server's name and address in their places.
fn path(check: &FileCheck, question: &Question) -> Result<PathBuf, Failure> {
    let name = &question.name;
    let is_odd = name.contains('/') || ["", ".", ".."].contains(&name.as_str());
    if is_odd && check.path.contains("{name}") {
        return Err(Failure::here(format!("`{name}` cannot stand in a path")));
    }
    let path = check.path.replace("{name}", name);
    let path = PathBuf::from(path.replace("{address}", &question.address.to_string()));
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Failure::here(format!(
        "`path` needs a whole path, not {}",
        path.display()
    )))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn missing(check: &FileCheck, path: &Path) -> Result<Report, Failure> {
    let text = format!("{} is missing", path.display());
    if check.missing_is_up == Some(true) {
        return Ok(Report::pass(text));
    }
    Err(Failure::server(Fault::SaysDown, text))
}

/// A file whose first line has no word of an agent says no more than that it is there.
fn judge(bytes: &[u8]) -> Report {
    let line = AgentLine::read(bytes);
    if line.says_nothing() {
        return Report::pass("the file is there");
    }
    Report::from(line.verdict()).with_advice(line.advice())
}
