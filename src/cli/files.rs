//! Where texts come from: a path, standard input, or a revision in git.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// A text and what messages call it.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// The path, `standard input`, or `REV:PATH`.
    pub name: String,
    /// The bytes, read but not looked at.
    pub bytes: Vec<u8>,
}

/// The farm's file of a command: its argument, else `--file`, else farm.yaml.
pub(super) fn chosen(argument: Option<&Path>, global: Option<&Path>) -> PathBuf {
    argument
        .or(global)
        .unwrap_or(Path::new("farm.yaml"))
        .to_owned()
}

/// Reads a file, or standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Text, Failure> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::error(format!("standard input can't be read: {error}")))?;
        return Ok(Text {
            name: "standard input".into(),
            bytes,
        });
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(Text {
        name: path.display().to_string(),
        bytes,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let help = if error.kind() == std::io::ErrorKind::NotFound {
        "; give the farm's file: farmctl … FILE"
    } else {
        ""
    };
    Failure::error(format!("{} can't be read: {error}{help}", path.display()))
}

/// Reads another version of a file: `base` is a file's path, else a git revision of `path`.
pub(super) fn read_base(base: &str, path: &Path) -> Result<Text, Failure> {
    if base == "-" || Path::new(base).is_file() {
        return read(Path::new(base));
    }
    read_revision(base, path)
}

#[expect(clippy::disallowed_methods, reason = "git alone knows its revisions")]
fn read_revision(revision: &str, path: &Path) -> Result<Text, Failure> {
    let absolute = path
        .canonicalize()
        .map_err(|error| Failure::error(format!("{} can't be read: {error}", path.display())))?;
    let (Some(folder), Some(file)) = (absolute.parent(), absolute.file_name()) else {
        return Err(Failure::error(format!("{} is no file", path.display())));
    };
    let object = format!("{revision}:./{}", file.to_string_lossy());
    // A revision is an operand, never an option, whatever it begins with.
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["show", "--end-of-options", &object])
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| Failure::error(format!("git can't be run: {error}")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::error(format!(
            "{revision} is neither a file nor a git revision that has {}: {}",
            path.display(),
            reason.trim()
        )));
    }
    Ok(Text {
        name: object,
        bytes: output.stdout,
    })
}
