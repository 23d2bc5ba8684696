//! What the tests of this data plane's pure half stand on: states to try, tables in memory that
//! take operations as strictly as the kernel does, and a reader of rules that runs packets through
//! them.

mod machine;
mod packets;
mod states;
mod tables;

pub(super) use machine::{Fate, Machine, Packet};
pub(super) use states::{state, terrain};
pub(super) use tables::Tables;

use std::collections::BTreeMap;

use super::content::{self, Content, Context, Edit, ServiceContent, Tables as Asked};
use super::terrain::Terrain;
use crate::state::{ServiceKey, Setting, State};

/// Every service of a state, compiled.
pub(super) fn compiled(state: &State, terrain: &Terrain) -> BTreeMap<ServiceKey, ServiceContent> {
    let context = Context {
        marks: &state.marks,
        terrain,
    };
    let services = state.services.iter();
    services
        .map(|(key, service)| (*key, content::compile(*key, service, &context).unwrap()))
        .collect()
}

/// What makes one state of another, as the data plane would ask for it.
pub(super) fn edit(before: &State, after: &State) -> Edit {
    let made = compiled(after, &terrain());
    let marked = content::services_of_marks(&before.marks, &after.marks);
    let keys = before.services.keys().chain(after.services.keys());
    let touched = keys
        .filter(|key| before.services.get(key) != after.services.get(key) || marked.contains(key));
    Edit {
        tables: Asked::Seeded(seed(after)),
        services: touched.map(|key| (*key, made.get(key).cloned())).collect(),
        marks: (before.marks != after.marks).then(|| after.marks.clone()),
        killed: None,
    }
}

pub(super) fn seed(state: &State) -> u32 {
    let seed = state.settings.get(&Setting::HashSeed);
    seed.map_or(0, |seed| u32::try_from(*seed).unwrap())
}

/// Tables that hold a state, and what is known of them.
pub(super) fn holding(state: &State) -> (Tables, Content) {
    let (mut tables, mut content) = (Tables::default(), Content::default());
    carry_out(&mut tables, &mut content, edit(&State::default(), state));
    (tables, content)
}

/// Does in the tables what an edit asks for.
pub(super) fn carry_out(tables: &mut Tables, content: &mut Content, edit: Edit) {
    tables.commit(&super::delta::delta(content, &edit));
    content.settle(edit);
}
