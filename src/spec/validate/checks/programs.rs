//! Programs that farmctl is told to run: of checks and of notifications.
//!
//! Only those under `daemon.exec_dirs` are run; who owns them is looked at when they are. Called by
//! `validate`.

use std::collections::BTreeMap;

use super::super::context::{Context, at, listed, section};
use super::written;
use crate::spec::{EffectiveDaemon, Path, Place, Problem};

/// Programs of checks are under a directory whose programs may be run.
pub(in crate::spec::validate) fn programs_can_be_run(
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    for written in written(context) {
        if let Some(exec) = &written.check.exec {
            let path = written.path.key("exec");
            problems.extend(command(context, &path, &exec.command));
            problems.extend(environment(&path, &exec.environment));
        }
    }
}

/// What is wrong with a command; `path` is the map that holds it.
pub(in crate::spec::validate) fn command(
    context: &Context<'_>,
    path: &Path,
    command: &[String],
) -> Option<Problem> {
    let list = path.key("command");
    let Some(program) = command.first() else {
        return (!context.lost(&list)).then(|| empty(list));
    };
    let whole = program.starts_with('/') && !program.split('/').any(|step| step == "..");
    let place = list.index(0);
    if !whole {
        return Some(not_whole(place, program));
    }
    let dirs = section("daemon").key("exec_dirs");
    let allowed = EffectiveDaemon::of(context.farm).exec_dirs;
    let under = |dir: &str| {
        let rest = program.strip_prefix(dir.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    if allowed.iter().any(|dir| under(dir)) || context.lost(&dirs) {
        return None;
    }
    Some(elsewhere(place, program, &listed(&allowed)))
}

fn empty(list: Path) -> Problem {
    Problem::error("empty-list", at(list), "the command is empty")
        .labelled("no program")
        .helped(
            "write the program's whole path and its arguments: `[/etc/farmctl/scripts/check, web]`",
        )
}

fn not_whole(place: Path, program: &str) -> Problem {
    Problem::error(
        "program",
        at(place),
        format!(
            "`{}` is not the whole path of a program",
            program.escape_debug()
        ),
    )
    .labelled("not from `/`")
    .helped(
        "write the path from `/`, without `..`; for a shell write a script of your own, farmctl \
         runs none",
    )
}

fn elsewhere(place: Path, program: &str, allowed: &str) -> Problem {
    Problem::error(
        "program",
        at(place),
        format!("the program {program} is in none of the directories whose programs are run"),
    )
    .labelled("would not be run")
    .helped(format!(
        "they are {allowed}: put the program there, or name its directory in `daemon.exec_dirs`"
    ))
}

/// Names that an environment can hold.
pub(in crate::spec::validate) fn environment(
    path: &Path,
    variables: &BTreeMap<String, String>,
) -> Vec<Problem> {
    let names = variables.keys();
    names
        .filter(|name| name.is_empty() || name.contains(['=', '\0']))
        .map(|name| {
            Problem::error(
                "program",
                Place::Key(path.key("environment").key(name)),
                format!("`{}` is not the name of a variable", name.escape_debug()),
            )
            .labelled("cannot be set")
            .helped("write a name without `=`, such as `PGUSER`")
        })
        .collect()
}
