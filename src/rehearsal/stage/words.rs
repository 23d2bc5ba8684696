//! What a step is, short enough for a line of the report.

use crate::rehearsal::scenario::{Action, Fate, Healed, Link, Programs};

/// The step in a few words: `weight of web1 in http: 3`.
pub(super) fn told(action: &Action) -> String {
    match action {
        Action::Apply(path) => format!("apply {}", path.display()),
        Action::Edit(path) => format!("edit farm.yaml: {}", path.display()),
        Action::Weight {
            service,
            server,
            weight,
        } => format!("weight of {server} in {service}: {weight}"),
        Action::Stop(programs) => format!("stop {}", program(programs)),
        Action::Start(programs) => format!("start {}", program(programs)),
        Action::Kill(programs) => format!("kill {}", program(programs)),
        Action::Slow { server, by } => format!("{} is {by:?} slow", program(server)),
        Action::Pause(programs) => format!("pause {}", program(programs)),
        Action::Resume(programs) => format!("resume {}", program(programs)),
        Action::Cut(it) => format!("cut {}", link(it)),
        Action::Heal(Healed::All) => "heal everything".to_owned(),
        Action::Heal(Healed::Link(it)) => format!("heal {}", link(it)),
        Action::Split { network, groups } => {
            let groups: Vec<String> = groups
                .iter()
                .map(|group| {
                    group
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            format!("split {network}: {}", groups.join(" | "))
        }
        Action::Delay { link: it, by } => format!("{} sends {by:?} late", link(it)),
        Action::Run { node, command } => format!("{node} runs {}", command.join(" ")),
        Action::FlushConnections(director) => format!("{director} forgets its connections"),
        Action::Farmctl(words) => format!("farmctl {}", words.join(" ")),
        Action::Daemon { director, fate } => format!("{} of {director}", befalls(*fate)),
    }
}

fn befalls(fate: Fate) -> &'static str {
    match fate {
        Fate::Killed => "kill -9 the daemon",
        Fate::Frozen => "freeze the daemon",
        Fate::Thawed => "thaw the daemon",
        Fate::Restarted => "restart the daemon",
    }
}

fn program(programs: &Programs) -> String {
    let Programs { node, port } = programs;
    port.map_or_else(|| node.clone(), |port| format!("{node}, port {port}"))
}

fn link(link: &Link) -> String {
    format!("{} from {}", link.node, link.network)
}
