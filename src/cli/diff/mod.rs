//! `farmctl diff`: what `apply` would change, and what clients would feel.

pub(super) mod blocks;
mod impact;
mod text;
mod view;

use super::args::{DiffArgs, OutputFormat};
use super::failure::{Failure, code};
use super::output::Paint;
use super::session::{Loaded, Session};
use crate::api::{self, DiffReport, Summary};
pub(super) use view::{View, adopt};

/// Runs the command. 0: no difference; 1: differences.
pub(super) fn run(session: &Session<'_>, args: &DiffArgs) -> Result<u8, Failure> {
    let loaded = session.load(args.path.as_deref())?;
    let view = View::asked(session, &loaded, args)?;
    show(session, &loaded, &view)?;
    let same = view.plan.is_empty() && view.conflicts.is_empty();
    Ok(if same { code::OK } else { code::DIFFERENT })
}

/// Prints a comparison in the format that was asked for.
pub(super) fn show(session: &Session<'_>, loaded: &Loaded, view: &View) -> Result<(), Failure> {
    match session.global.output {
        OutputFormat::Json | OutputFormat::Yaml => session.value(&report(loaded, view)),
        OutputFormat::Ops => {
            let lines: Vec<String> = view.plan.changes.iter().map(ToString::to_string).collect();
            session.out.result(&lines.join("\n"));
            Ok(())
        }
        OutputFormat::Text => {
            session.out.result(&render(loaded, view, session.out.paint));
            Ok(())
        }
    }
}

/// The comparison as values.
pub(super) fn report(loaded: &Loaded, view: &View) -> DiffReport {
    DiffReport {
        format_version: 1,
        farm: loaded.farm.farm.to_string(),
        node: view.node.as_ref().map(ToString::to_string),
        dataplane: view.dataplane,
        against: view.against.clone(),
        summary: Summary::of(&view.plan),
        changes: api::changes(&view.plan),
        impact: impact(view),
        conflicts: view.conflicts.clone(),
        unfinished: view.unfinished.clone(),
        foreign: view.foreign.clone(),
        overlay: view.overlay.clone(),
        notes: view.notes.clone(),
        blind_spots: view.blind_spots.clone(),
    }
}

fn impact(view: &View) -> Vec<String> {
    let View {
        before,
        after,
        live,
        names,
        dataplane,
        ..
    } = view;
    impact::sentences(before, after, live, names, *dataplane)
}

/// The comparison as text: the difference, the impact, and what stands beside it.
fn render(loaded: &Loaded, view: &View, paint: Paint) -> String {
    let blocks = blocks::differing(&view.before, &view.after, &view.names);
    let mut parts = vec![text::unified(&blocks, &view.against, &loaded.name, paint)];
    parts.push(list("What clients will feel:", &impact(view)));
    parts.push(list(
        &paint.alert("Made by somebody else; apply refuses to take these over without --adopt:"),
        &view.conflicts,
    ));
    parts.push(list(
        "Left by an apply that was killed, and not in the file; never deleted without --adopt:",
        &view.unfinished,
    ));
    parts.push(list(
        "Not managed by farmctl, never touched:",
        &view.foreign,
    ));
    parts.push(list(
        "Beside the file, and no difference (--raw leaves it out):",
        &view.overlay,
    ));
    parts.push(list("Notes:", &view.notes));
    parts.push(list("Not seen:", &view.blind_spots));
    let dataplane = view.dataplane;
    parts.extend(dataplane.map(|it| format!("dataplane: {it}")));
    parts.push(closing(view));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn closing(view: &View) -> String {
    if view.plan.is_empty() && view.conflicts.is_empty() {
        format!("No difference: {} is what the file says.", view.against)
    } else {
        format!("{}.", Summary::of(&view.plan))
    }
}

fn list(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{title}\n");
    for line in lines {
        text += &format!("  {line}\n");
    }
    text
}
