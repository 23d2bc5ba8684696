//! Where a daemon takes its file from: a repository that can be named, and a plain word about who
//! is trusted.
//!
//! Called by `validate`.

use super::context::{Context, at, section};
use super::settings_of_daemon::at_least;
use crate::spec::{GitSource, Path, Place, Problem, Signed, Unsigned};

/// The repository, the branch and the file can be asked for, and nothing in them is an option or a
/// secret.
pub(super) fn sources_can_be_fetched(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Some(source) = &context.farm.source else {
        return;
    };
    let git = &source.git;
    let path = section("source").key("git");
    problems.extend(repository(git, &path));
    problems.extend(reference(git, &path));
    problems.extend(file(git, &path));
    problems.extend(at_least(&path, "poll", git.poll, 1));
    problems.extend(unused_credentials(git, &path));
}

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    Ssh,
    Other,
}

/// None where git would not reach it, or would run a program for it.
fn transport(repository: &str) -> Option<Transport> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if repository.starts_with('-') || repository.contains(odd) || repository.contains("::") {
        return None;
    }
    match repository.split_once("://") {
        Some(("https" | "http", _)) => Some(Transport::Https),
        Some(("ssh", _)) => Some(Transport::Ssh),
        Some(("git" | "file", _)) => Some(Transport::Other),
        Some(_) => None,
        None if repository.starts_with('/') => Some(Transport::Other),
        None => repository
            .split_once(':')
            .filter(|(host, path)| !host.is_empty() && !path.is_empty() && !host.contains('/'))
            .map(|_| Transport::Ssh),
    }
}

fn repository(git: &GitSource, path: &Path) -> Option<Problem> {
    let place = at(path.key("repository"));
    if transport(&git.repository).is_none() {
        let text = git.repository.escape_debug();
        let problem = Problem::error(
            "git-repository",
            place,
            format!("`{text}` is not a repository that farmctl fetches from"),
        );
        return Some(problem.labelled("not fetched").helped(
            "write `https://host/path`, `ssh://user@host/path`, `user@host:path`, or a path from `/`",
        ));
    }
    let (_, rest) = git.repository.split_once("://")?;
    let login = rest.split('/').next()?.rsplit_once('@')?.0;
    login.contains(':').then(|| {
        Problem::error(
            "secret-in-file",
            place,
            "the repository's address holds a password",
        )
        .labelled("everybody who reads this file reads it")
        .helped("write the address without it, and the password in a file: `credentials_file`")
    })
}

/// What git-check-ref-format(1) allows, and no option.
fn reference(git: &GitSource, path: &Path) -> Option<Problem> {
    let name = git.reference.as_deref()?;
    let odd = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\')
    };
    let good = !name.is_empty()
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !["..", "//", "@{", "/."]
            .iter()
            .any(|part| name.contains(part))
        && !name.contains(odd);
    (!good).then(|| {
        Problem::error(
            "git-ref",
            at(path.key("ref")),
            format!(
                "`{}` is not the name of a branch or tag",
                name.escape_debug()
            ),
        )
        .labelled("cannot be followed")
        .helped("write it as `git branch` shows it, such as `main` or `site/production`")
    })
}

fn file(git: &GitSource, path: &Path) -> Option<Problem> {
    let file = git.path.as_deref()?;
    let step = |step: &str| !matches!(step, "" | "." | "..");
    let good = file.split('/').all(step) && !file.starts_with('-') && !file.contains(':');
    (!good || file.contains(char::is_control)).then(|| {
        Problem::error(
            "git-path",
            at(path.key("path")),
            format!("`{}` is not a file in the repository", file.escape_debug()),
        )
        .labelled("cannot be read")
        .helped("write it from the top of the repository, without a first `/`: `farms/shop.yaml`")
    })
}

/// Keys of one way to the repository where another is taken.
fn unused_credentials(git: &GitSource, path: &Path) -> Vec<Problem> {
    let Some(transport) = transport(&git.repository) else {
        return Vec::new();
    };
    let keys = [
        ("ssh_key_file", git.ssh_key_file.is_some(), Transport::Ssh),
        (
            "known_hosts_file",
            git.known_hosts_file.is_some(),
            Transport::Ssh,
        ),
        (
            "credentials_file",
            git.credentials_file.is_some(),
            Transport::Https,
        ),
    ];
    keys.into_iter()
        .filter(|(_, written, wanted)| *written && *wanted != transport)
        .map(|(key, _, wanted)| {
            let way = match wanted {
                Transport::Ssh => "ssh",
                Transport::Https | Transport::Other => "https",
            };
            Problem::warning(
                "credentials-unused",
                Place::Key(path.key(key)),
                format!("`{key}` is for {way}, and this repository is reached another way"),
            )
            .labelled("has no effect")
            .helped(format!(
                "leave it out, or write a repository that is reached by {way}"
            ))
        })
        .collect()
}

/// A file says who signs it, or plainly that nobody must.
pub(super) fn sources_say_who_is_trusted(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let Some(source) = &context.farm.source else {
        return;
    };
    let path = section("source").key("git");
    let lost = ["signed", "unsigned"]
        .iter()
        .any(|key| context.lost(&path.key(key)));
    match (&source.git.signed, source.git.unsigned) {
        (None, None) if lost => {}
        (None, None) => problems.push(nobody_trusted(path)),
        (Some(_), Some(_)) => problems.push(both(&path, "signed", "unsigned")),
        (Some(signed), None) => problems.extend(signers(signed, &path.key("signed"))),
        (None, Some(Unsigned::WithoutPrograms)) => {
            problems.extend(programs(context).map(|program| refused(program, &path)));
        }
        (None, Some(Unsigned::Accepted)) => {}
    }
}

fn nobody_trusted(path: Path) -> Problem {
    Problem::error(
        "neither-given",
        Place::Key(path),
        "nothing says whose signature a revision needs",
    )
    .labelled("neither `signed` nor `unsigned`")
    .helped(
        "write `signed: { allowed_signers_file: /etc/farmctl/allowed_signers }`, or plainly \
         `unsigned: without_programs`",
    )
}

fn both(path: &Path, first: &str, second: &str) -> Problem {
    Problem::error(
        "both-given",
        Place::Key(path.key(second)),
        format!("both `{first}` and `{second}` are written"),
    )
    .labelled("the one")
    .helped("keep one of them")
    .related(Place::Key(path.key(first)), "the other")
}

fn signers(signed: &Signed, path: &Path) -> Option<Problem> {
    match (&signed.allowed_signers_file, &signed.gpg_home) {
        (Some(_), Some(_)) => Some(both(path, "allowed_signers_file", "gpg_home")),
        (None, None) => Some(
            Problem::error(
                "neither-given",
                Place::Key(path.clone()),
                "`signed` does not say whose signatures are good",
            )
            .labelled("by whom?")
            .helped("write `allowed_signers_file` (ssh keys) or `gpg_home` (OpenPGP keys)"),
        ),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

/// Where the file names a program to run: the first place.
fn programs(context: &Context<'_>) -> Option<Path> {
    let checks = super::checks::written(context);
    let check = checks
        .into_iter()
        .find(|written| written.check.exec.is_some());
    let notifications = context.farm.notifications.iter();
    let mut receivers = notifications.filter(|(_, receiver)| receiver.exec.is_some());
    let receiver = receivers
        .next()
        .map(|(name, _)| section("notifications").key(name));
    check
        .map(|written| written.path)
        .or(receiver)
        .map(|path| path.key("exec"))
}

fn refused(program: Path, path: &Path) -> Problem {
    Problem::error(
        "unsigned-program",
        Place::Key(program),
        "this file runs a program, and its source takes unsigned revisions only without programs",
    )
    .labelled("a daemon would refuse this revision")
    .helped("have revisions signed (`signed`), or leave the program out")
    .related(at(path.key("unsigned")), "said here")
}
