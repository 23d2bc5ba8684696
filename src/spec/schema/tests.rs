use super::*;

fn properties(schema: &Value) -> Vec<(String, &Value)> {
    let own = |place: &str, schema: &'_ Value| -> Vec<String> {
        let keys = schema["properties"].as_object();
        keys.map(|keys| {
            keys.keys()
                .map(|key| format!("{place}/properties/{key}"))
                .collect()
        })
        .unwrap_or_default()
    };
    let mut places = own("", schema);
    for (name, definition) in schema["definitions"].as_object().unwrap() {
        places.extend(own(&format!("/definitions/{name}"), definition));
    }
    places
        .into_iter()
        .map(|place| (place.clone(), schema.pointer(&place).unwrap()))
        .collect()
}

#[test]
fn every_key_has_a_description_and_an_example() {
    let schema = farm_schema();
    let bare: Vec<String> = properties(&schema)
        .into_iter()
        .filter(|(_, property)| property["description"].is_null() || property["examples"].is_null())
        .map(|(place, _)| place)
        .collect();
    assert_eq!(bare, Vec::<String>::new());
    assert!(properties(&schema).len() > 60);
}

#[test]
fn every_example_and_default_is_valid_by_its_own_schema() {
    let schema = farm_schema();
    for (place, property) in properties(&schema) {
        let mut alone = property.clone();
        alone["definitions"] = schema["definitions"].clone();
        alone["$schema"] = schema["$schema"].clone();
        let validator = jsonschema::validator_for(&alone).unwrap();
        let examples = property["examples"].as_array().unwrap();
        for value in examples.iter().chain(property.get("default")) {
            // `defaults.service.persistence` has no `none`; what is left out has no word there.
            assert!(validator.is_valid(value), "{place}: {value}");
        }
    }
}

#[test]
fn no_default_or_example_is_for_a_key_that_is_not_there() {
    let schema = farm_schema();
    for (place, _) in examples::defaults().into_iter().chain(examples::examples()) {
        assert!(
            schema.pointer(&examples::pointer(place)).is_some(),
            "{place}"
        );
    }
}

#[test]
fn no_value_may_be_null() {
    assert!(!farm_schema().to_string().contains("\"null\""));
}

#[test]
fn explain_takes_paths_with_and_without_names() {
    let short = explain("services.real_servers.weight").unwrap();
    let long = explain("services.http.real_servers[0].weight").unwrap();
    assert_eq!(short.kind, "whole number from 0 to 65535");
    assert_eq!(short.default, Some(json!(1)));
    assert_eq!(
        Explanation {
            path: short.path.clone(),
            ..long
        },
        short
    );
}

#[test]
fn explain_lists_the_words_of_a_choice_and_the_keys_of_a_map() {
    let names = |path| -> Vec<String> {
        explain(path)
            .unwrap()
            .children
            .into_iter()
            .map(|child| child.name)
            .collect()
    };
    assert_eq!(names("directors.dataplane"), ["auto", "ipvs", "nftables"]);
    assert_eq!(
        names("vips"),
        ["addresses", "network", "interface", "ownership"]
    );
    assert_eq!(
        names("services.http.persistence"),
        ["none", "timeout", "mask4", "mask6", "engine"]
    );
    assert!(names("").contains(&"services".to_owned()));
}

#[test]
fn explain_knows_no_key_that_is_not_there() {
    assert_eq!(explain("services.http.wieght"), None);
    assert_eq!(explain("nonsense"), None);
    assert_eq!(explain("farm.x"), None);
}
