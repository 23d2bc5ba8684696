//! The OpenAPI description of the API, made from the table of routes and from the types.
//!
//! `schemas/openapi.json` is what this makes; a test keeps it so, and the server serves it.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::server::{Body, Endpoint, OrderKind, ROUTES, Reading, Route};
use super::{
    ApplyOrder, ApplyReport, ApproveOrder, DiffReport, Done, DrainOrder, EndOrder, ErrorAnswer,
    LogOrder, MaintenanceOrder, OverlayAnswer, ServerOrder, Status, WeightOrder,
};
use crate::event::Event;

/// The description as it is committed.
pub(super) const TEXT: &str = include_str!("../../schemas/openapi.json");

/// The description, made anew.
pub fn description() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let settings = settings.with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let method = if route.is_order() { "post" } else { "get" };
        let operation = operation(route, &mut schemas);
        paths.insert(route.path.to_owned(), json!({ method: operation }));
    }
    refer::<Event>(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "farmctl",
            "version": "1",
            "summary": "What a running farmctl daemon tells and takes.",
            "description": "Served at a unix socket (default /run/farmctl/api.sock) and, if the \
                file says so, read-only at a TCP address. Orders (POST) are taken on the unix \
                socket alone, from root and from the daemon's own user. Points in time are \
                milliseconds since 1970-01-01 00:00 UTC, except where a field says otherwise.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
            },
            "schemas": schemas.take_definitions(true),
        },
    })
}

fn operation(route: &Route, schemas: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(identifier(route)));
    operation.insert("summary".into(), json!(format!("{}.", route.summary)));
    let parameters = parameters(route.endpoint);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), Value::Array(parameters));
    }
    let kind = match route.endpoint {
        Endpoint::Order(kind) => Some(kind),
        Endpoint::Reading(_) => None,
    };
    if let Some(body) = kind.and_then(|kind| order(kind, schemas)) {
        let content = json!({ "application/json": { "schema": body } });
        operation.insert(
            "requestBody".into(),
            json!({ "required": true, "content": content }),
        );
    }
    let mut responses = Map::new();
    let good = json!({ "description": "As asked for.", "content": answer(route.body, schemas) });
    responses.insert("200".into(), good);
    if route.is_for_everybody() {
        let content = answer(Body::Text, schemas);
        responses.insert(
            "503".into(),
            json!({ "description": "Not now.", "content": content }),
        );
    }
    let content = json!({ "application/json": { "schema": refer::<ErrorAnswer>(schemas) } });
    responses.insert(
        "default".into(),
        json!({ "description": "Refused: why.", "content": content }),
    );
    operation.insert("responses".into(), Value::Object(responses));
    Value::Object(operation)
}

/// `GET /v1/status` is `status`, `POST /v1/override/end` is `override_end`.
fn identifier(route: &Route) -> String {
    let path = route.path.trim_start_matches("/v1").trim_start_matches('/');
    path.replace(['/', '-', '.'], "_")
}

fn parameters(endpoint: Endpoint) -> Vec<Value> {
    let query = |name: &str, kind: Value, text: &str| json!({ "name": name, "in": "query", "schema": kind, "description": text });
    match endpoint {
        Endpoint::Reading(Reading::Diff) => vec![query(
            "raw",
            json!({ "type": "boolean", "default": false }),
            "Leave out what bends the file: health, drains, overrides.",
        )],
        Endpoint::Reading(Reading::Events) => vec![
            query(
                "since",
                json!({ "type": "string", "pattern": "^[0-9]+(-[0-9]+)?$" }),
                "The sequence or the id of the event after which the stream begins; left out, the \
                 oldest that is kept is the first.",
            ),
            query(
                "follow",
                json!({ "type": "boolean", "default": true }),
                "Go on with what comes; else the stream ends with what there is.",
            ),
            json!({
                "name": "Last-Event-ID",
                "in": "header",
                "schema": { "type": "string", "pattern": "^[0-9]+-[0-9]+$" },
                "description": "Where a reader goes on that was cut off.",
            }),
        ],
        Endpoint::Reading(_) | Endpoint::Order(_) => Vec::new(),
    }
}

/// The schema of an order; none where a route has no body.
fn order(kind: OrderKind, schemas: &mut SchemaGenerator) -> Option<Schema> {
    Some(match kind {
        OrderKind::Drain => refer::<DrainOrder>(schemas),
        OrderKind::Undrain => refer::<ServerOrder>(schemas),
        OrderKind::Maintenance => refer::<MaintenanceOrder>(schemas),
        OrderKind::Weight => refer::<WeightOrder>(schemas),
        OrderKind::EndOverride => refer::<EndOrder>(schemas),
        OrderKind::Apply => refer::<ApplyOrder>(schemas),
        OrderKind::Approve => refer::<ApproveOrder>(schemas),
        OrderKind::Log => refer::<LogOrder>(schemas),
        OrderKind::Confirm | OrderKind::Reload | OrderKind::HandOver => return None,
    })
}

fn answer(body: Body, schemas: &mut SchemaGenerator) -> Value {
    match body {
        Body::Json(name) => json!({ "application/json": { "schema": named(name, schemas) } }),
        Body::Events => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        Body::Text | Body::Metrics => json!({ "text/plain": { "schema": { "type": "string" } } }),
    }
}

/// The schema of an answer, by the name that the table of routes has.
fn named(name: &str, schemas: &mut SchemaGenerator) -> Value {
    let schema = match name {
        "Status" => refer::<Status>(schemas),
        "OverlayAnswer" => refer::<OverlayAnswer>(schemas),
        "DiffReport" => refer::<DiffReport>(schemas),
        "ApplyReport" => refer::<ApplyReport>(schemas),
        "Done" => refer::<Done>(schemas),
        // What `farmctl snapshot` prints (schemas/snapshot.schema.json), and this description.
        _ => return json!({ "type": "object" }),
    };
    schema.to_value()
}

fn refer<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}
