//! The JSON Schema of a scenario, made from the types that read it. Called by `cli` and by the test
//! that keeps `schemas/scenario.schema.json` fresh.

use serde_json::Value;

use super::written::WrittenScenario;
use crate::spec::schema::document_schema;

/// What the schema is known by; no server answers to it.
const ID: &str = "urn:farmctl:schema:scenario:1";

/// The schema: draft-07, without null (a key that is left out is left out).
pub fn scenario_schema() -> Value {
    document_schema::<WrittenScenario>(ID, "scenario of a rehearsal", |_| {})
}
