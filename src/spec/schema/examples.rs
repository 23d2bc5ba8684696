//! What the types cannot say: the value of a key that is left out, and an example of each.

use serde_json::{Map, Value, json};

use super::{examples_of_checks, examples_of_daemon};

/// Puts defaults and examples beside the properties that they belong to.
pub(super) fn add(schema: &mut Value) {
    for (place, value) in defaults() {
        put(schema, place, "default", value);
    }
    for (place, value) in examples() {
        put(schema, place, "examples", json!([value]));
    }
    let definitions = schema.get("definitions").cloned().unwrap_or_default();
    each_property(schema, &mut |property| {
        plain_example(property, &definitions);
    });
}

fn put(schema: &mut Value, place: &str, key: &str, value: Value) {
    if let Some(Value::Object(schema)) = schema.pointer_mut(&pointer(place)) {
        schema.insert(key.to_owned(), value);
    }
}

/// The pointer of `Definition.property`, or of `.property` at the top level.
pub(super) fn pointer(place: &str) -> String {
    match place.split_once('.') {
        Some(("", property)) => format!("/properties/{property}"),
        Some((definition, property)) => format!("/definitions/{definition}/properties/{property}"),
        None => String::new(),
    }
}

fn each_property(schema: &mut Value, action: &mut impl FnMut(&mut Map<String, Value>)) {
    if let Some(Value::Object(definitions)) = schema.get_mut("definitions") {
        definitions
            .values_mut()
            .for_each(|definition| each_property(definition, action));
    }
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    properties
        .values_mut()
        .filter_map(Value::as_object_mut)
        .for_each(action);
}

/// An example by the type alone, where none is written here.
fn plain_example(property: &mut Map<String, Value>, definitions: &Value) {
    if property.contains_key("examples") {
        return;
    }
    let example = match property.get("type").and_then(Value::as_str) {
        Some("boolean") => Some(json!([true])),
        Some("integer") => {
            let lowest = property.get("minimum").and_then(Value::as_u64).unwrap_or(0);
            Some(json!([lowest.max(1)]))
        }
        _ => referred_examples(property, definitions),
    };
    if let Some(example) = example {
        property.insert("examples".to_owned(), example);
    }
}

fn referred_examples(property: &Map<String, Value>, definitions: &Value) -> Option<Value> {
    let name = property
        .get("allOf")?
        .get(0)?
        .get("$ref")?
        .as_str()?
        .rsplit('/')
        .next()?;
    let definition = definitions.get(name)?;
    definition
        .get("examples")
        .cloned()
        .or_else(|| words(definition))
}

/// The words of a choice are examples of it.
fn words(definition: &Value) -> Option<Value> {
    let choices = definition.get("oneOf")?.as_array()?;
    choices
        .iter()
        .map(|choice| choice.get("const").cloned())
        .collect()
}

/// What holds where a key is left out, as `effective` and the kernel have it.
pub(super) fn defaults() -> Vec<(&'static str, Value)> {
    let mut defaults = examples_of_checks::defaults();
    defaults.extend(examples_of_daemon::defaults());
    defaults.extend(farm_defaults());
    defaults
}

fn farm_defaults() -> Vec<(&'static str, Value)> {
    vec![
        ("VirtualService.together", json!(false)),
        ("VirtualService.protocol", json!("tcp")),
        ("VirtualService.forwarding", json!("nat")),
        ("VirtualService.persistence", json!("none")),
        ("VirtualService.one_packet", json!(false)),
        ("VirtualService.sorry_server", json!("none")),
        ("VirtualService.check", json!("none")),
        ("Pool.check", json!("none")),
        ("Defaults.check", json!("none")),
        ("RealServer.weight", json!(1)),
        ("RealServer.upper_threshold", json!(0)),
        ("RealServer.lower_threshold", json!(0)),
        ("RealServerDefaults.weight", json!(1)),
        ("RealServerDefaults.upper_threshold", json!(0)),
        ("RealServerDefaults.lower_threshold", json!(0)),
        ("ServiceDefaults.protocol", json!("tcp")),
        ("ServiceDefaults.forwarding", json!("nat")),
        ("Persistence.timeout", json!("6m")),
        ("Persistence.mask4", json!(32)),
        ("Persistence.mask6", json!(128)),
        ("Vip.network", json!("main")),
    ]
}

pub(super) fn examples() -> Vec<(&'static str, Value)> {
    let mut examples = farm_examples();
    examples.extend(service_examples());
    examples.extend(examples_of_checks::examples());
    examples.extend(examples_of_daemon::examples());
    examples
}

fn farm_examples() -> Vec<(&'static str, Value)> {
    let machine = json!({ "address": "10.0.0.21", "interface": "eth0" });
    let front = json!({ "interface": "eth0", "addresses": ["192.0.2.11/24", "2001:db8::11/64"] });
    let www = json!({ "addresses": ["192.0.2.10/24", "2001:db8::10/64"] });
    vec![
        (".version", json!(1)),
        (".farm", json!("shop")),
        (".nodes", json!({ "web1": machine })),
        (".directors", json!({ "members": ["lb1"] })),
        (".vips", json!({ "www": www })),
        (".defaults", json!({ "service": { "scheduler": "wrr" } })),
        (
            ".pools",
            json!({ "web": { "real_servers": [{ "node": "web1", "port": 8080 }] } }),
        ),
        (
            ".services",
            json!({ "http": { "vip": "www", "port": 80, "pool": "web" } }),
        ),
        ("Node.address", json!("10.0.0.21")),
        ("Node.addresses", json!(["10.0.0.21", "2001:db8::21"])),
        ("Node.networks", json!({ "front": front })),
        (
            "NodeNetwork.addresses",
            json!(["192.0.2.11/24", "2001:db8::11/64"]),
        ),
        ("Directors.members", json!(["lb1"])),
        (
            "Directors.connection_sync",
            json!({ "network": "back", "id": 7 }),
        ),
        ("Directors.ipvs", json!({ "timeouts": { "tcp": "15m" } })),
        (
            "Directors.nftables",
            json!({ "least_connections": "approximate" }),
        ),
        ("ConnectionSync.network", json!("back")),
        ("ConnectionSync.id", json!(7)),
        ("ConnectionSync.max_length", json!(1460)),
        ("ConnectionSync.group", json!("224.0.0.81")),
        ("ConnectionSync.port", json!(8848)),
        (
            "IpvsOptions.timeouts",
            json!({ "tcp": "15m", "tcp_fin": "2m", "udp": "5m" }),
        ),
        ("IpvsOptions.sysctls", json!({ "expire_nodest_conn": true })),
        ("IpvsTimeouts.tcp", json!("15m")),
        ("IpvsTimeouts.tcp_fin", json!("2m")),
        ("IpvsTimeouts.udp", json!("5m")),
        ("IpvsSysctls.sync_refresh_period", json!("10s")),
        (
            "Vip.addresses",
            json!(["192.0.2.10/24", { "address": "10.0.0.1/24", "network": "back" }]),
        ),
        ("Vip.network", json!("front")),
        ("Defaults.service", json!({ "scheduler": "wrr" })),
        ("Defaults.real_server", json!({ "weight": 10 })),
    ]
}

fn service_examples() -> Vec<(&'static str, Value)> {
    let servers = json!([
        { "node": "web1", "port": 8080, "weight": 3 },
        { "name": "rented", "address": "203.0.113.9", "port": 8080 },
    ]);
    let persistence = json!({ "timeout": "5m", "mask4": 24, "mask6": 64 });
    let sorry = json!({ "address": "10.0.0.99", "port": 8080 });
    vec![
        ("VirtualService.vip", json!("www")),
        ("VirtualService.port", json!(80)),
        ("VirtualService.ports", json!([443, "30000-30100"])),
        ("VirtualService.firewall_mark", json!(7)),
        ("VirtualService.protocol", json!(["tcp", "udp"])),
        ("VirtualService.persistence", persistence.clone()),
        ("VirtualService.sorry_server", sorry.clone()),
        ("VirtualService.pool", json!("web")),
        ("VirtualService.real_servers", servers.clone()),
        ("ServiceDefaults.protocol", json!("udp")),
        ("ServiceDefaults.persistence", persistence),
        ("ServiceDefaults.sorry_server", sorry),
        ("Pool.real_servers", servers),
        ("RealServer.node", json!("web1")),
        ("RealServer.network", json!("back")),
        ("RealServer.name", json!("rented")),
        ("RealServer.port", json!(8080)),
        ("RealServer.weight", json!(3)),
        ("RealServer.upper_threshold", json!(1000)),
        ("RealServer.lower_threshold", json!(750)),
        ("RealServerDefaults.weight", json!(10)),
        ("RealServerDefaults.upper_threshold", json!(1000)),
        ("RealServerDefaults.lower_threshold", json!(750)),
        ("SorryServer.node", json!("web9")),
        ("SorryServer.network", json!("back")),
        ("SorryServer.port", json!(8080)),
        ("Persistence.timeout", json!("5m")),
        ("Persistence.mask4", json!(24)),
        ("Persistence.mask6", json!(64)),
        ("Persistence.engine", json!("sip")),
        ("GueOptions.port", json!(6080)),
    ]
}
