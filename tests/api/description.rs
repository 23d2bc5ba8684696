//! The description holds: every route of it is walked, and every answer is judged by its schema.

use serde_json::{Value, json};

use crate::client::{Answer, get, post};
use crate::house::House;

const PARTS: &str = "urn:farmctl:description";

/// The schema of an answer, with the description at hand for its references.
fn judge(description: &Value, schema: &Value, value: &Value, whose: &str) {
    let mut document = description.clone();
    document["$id"] = json!(PARTS);
    document["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    document["allOf"] = json!([schema]);
    let validator = jsonschema::draft202012::new(&document).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{whose}");
}

/// An order that each route takes.
fn order(path: &str) -> &'static str {
    match path {
        "/v1/drain" => r#"{"server":"web1","timeout":"5s","then":"keep","remaining":"reset"}"#,
        "/v1/undrain" => r#"{"server":"web1","service":"http"}"#,
        "/v1/maintenance" => r#"{"node":"web1","act":"end"}"#,
        "/v1/weight" => r#"{"server":"web1","weight":1,"reason":"slow disk","expires":"1h"}"#,
        "/v1/override/end" => r#"{"id":3}"#,
        "/v1/apply" => r#"{"text":"version: 1\n","path":"/etc/farmctl/farm.yaml","options":{}}"#,
        "/v1/approve" => r#"{"revision":"bbbbbbb"}"#,
        "/v1/log" => r#"{"filter":"debug"}"#,
        _ => "",
    }
}

#[test]
fn every_route_of_the_description_answers_as_it_says() {
    let house = House::open();
    let description = get(&house.socket, "/openapi.json").json();
    let paths = description["paths"].as_object().unwrap();
    assert!(paths.len() >= 19, "{}", paths.len());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let answer = match method.as_str() {
                // A stream without an end would be waited for.
                "get" if path == "/v1/events" => get(&house.socket, "/v1/events?follow=false"),
                "get" => get(&house.socket, path),
                _ => {
                    let body = order(path);
                    if let Some(content) = operation.pointer("/requestBody/content") {
                        let schema = &content["application/json"]["schema"];
                        judge(
                            &description,
                            schema,
                            &serde_json::from_str(body).unwrap(),
                            path,
                        );
                    }
                    post(&house.socket, path, body)
                }
            };
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            compare(&description, operation, &answer, path);
        }
    }
}

fn compare(description: &Value, operation: &Value, answer: &Answer, path: &str) {
    let content = operation
        .pointer("/responses/200/content")
        .unwrap()
        .as_object()
        .unwrap();
    let (kind, media) = content.iter().next().unwrap();
    assert!(
        answer.head.contains(&format!("content-type: {kind}")),
        "{path}: {}",
        answer.head
    );
    if kind == "application/json" {
        judge(description, &media["schema"], &answer.json(), path);
    }
}

#[test]
fn a_refusal_is_as_the_description_says() {
    let house = House::open();
    let description = get(&house.socket, "/openapi.json").json();
    let schema = json!({ "$ref": "#/components/schemas/ErrorAnswer" });
    for answer in [
        get(&house.socket, "/v1/events?since=x"),
        post(&house.socket, "/v1/drain", "{}"),
        post(&house.socket, "/v1/drain", r#"{"server":"web9"}"#),
    ] {
        assert!(answer.status >= 400);
        judge(&description, &schema, &answer.json(), "a refusal");
    }
}

#[test]
fn a_status_without_its_version_is_none() {
    let house = House::open();
    let description = get(&house.socket, "/openapi.json").json();
    let mut status = get(&house.socket, "/v1/status").json();
    status.as_object_mut().unwrap().remove("format_version");
    let mut whole = description.clone();
    whole["allOf"] = json!([{ "$ref": "#/components/schemas/Status" }]);
    assert!(
        !jsonschema::draft202012::new(&whole)
            .unwrap()
            .is_valid(&status)
    );
}
