//! JSON Schemas of the values that read themselves (see `scalar_serde` and `word_or_map`).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{
    AddressWithPrefix, Duration, FilePath, Forwarding, GreOptions, GueOptions, HashOptions,
    InterfaceName, Name, NatOptions, OneOrMany, OrNone, Percent, PortSpec, Rate, Scheduler,
    SocketAddress, StatusRange, Tunnel, TurnOptions, Version, VipAddress,
};

macro_rules! schema {
    ($($type:ty, $name:literal: $body:tt;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($body)
            }
        }
    )*};
}

schema! {
    Version, "Version": {
        "type": "integer",
        "const": 1,
        "description": "The version of the file's format: always 1.",
    };
    Name, "Name": {
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        "description": "A name: letters, digits, `-`, `_` and `.`, at most 63 characters, beginning \
                        with a letter or digit.",
    };
    InterfaceName, "InterfaceName": {
        "type": "string",
        "pattern": "^(?!\\.{1,2}$)[^/:\\s]{1,15}$",
        "description": "The name of a network interface: at most 15 bytes, no `/`, `:` or white space.",
        "examples": ["eth0", "bond0.100"],
    };
    AddressWithPrefix, "AddressWithPrefix": {
        "type": "string",
        "pattern": ADDRESS_WITH_PREFIX,
        "description": "An address with or without a prefix length.",
        "examples": ["192.0.2.10/24", "2001:db8::10/64", "10.0.0.21"],
    };
    Duration, "Duration": {
        "type": "string",
        "pattern": "^[0-9]+(ms|s|m|h|d)$",
        "description": "A length of time with a unit: ms, s, m, h or d.",
        "examples": ["50ms", "10s", "5m", "1h", "1d"],
    };
    FilePath, "FilePath": {
        "type": "string",
        "pattern": "^/",
        "description": "The whole path of a file, from `/`.",
        "examples": ["/etc/farmctl/token"],
    };
    SocketAddress, "SocketAddress": {
        "type": "string",
        "pattern": "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.]+\\]):[1-9][0-9]{0,4}$",
        "description": "An address and a port.",
        "examples": ["127.0.0.1:9310", "[::1]:9310"],
    };
    Percent, "Percent": {
        "type": "string",
        "pattern": "^([1-9][0-9]?|100)%$",
        "description": "A share in whole percent, from 1% to 100%.",
        "examples": ["60%"],
    };
    Rate, "Rate": {
        "type": "string",
        "pattern": "^[1-9][0-9]* per (second|minute|hour|day)$",
        "description": "How many in which time: second, minute, hour or day.",
        "examples": ["20 per hour"],
    };
    StatusRange, "StatusRange": {
        "description": "A status code of HTTP, or a range of them.",
        "oneOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5][0-9][0-9]-[1-5][0-9][0-9]$" },
        ],
    };
    PortSpec, "PortSpec": {
        "description": "A port, or a range of ports.",
        "oneOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string", "pattern": "^[1-9][0-9]{0,4}-[1-9][0-9]{0,4}$" },
        ],
        "examples": [443, "30000-30100"],
    };
}

/// What an address and a prefix length look like; the value itself is checked by farmctl.
const ADDRESS_WITH_PREFIX: &str =
    r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?)$";

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "oneOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl<T: JsonSchema> JsonSchema for OrNone<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OrNone_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let some = generator.subschema_for::<T>();
        json_schema!({ "oneOf": [word("none", "Unsets a default."), some] })
    }
}

impl JsonSchema for VipAddress {
    fn schema_name() -> Cow<'static, str> {
        "VipAddress".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let address = generator.subschema_for::<AddressWithPrefix>();
        let network = generator.subschema_for::<Name>();
        let interface = generator.subschema_for::<InterfaceName>();
        json_schema!({
            "description": "One floating address: `192.0.2.10/24`, or a map with a network or \
                            interface of its own.",
            "oneOf": [address, {
                "type": "object",
                "properties": {
                    "address": with(&address, "The address, with the prefix length of its neighbours."),
                    "network": with(&network, "The network of this address, where it differs from the group's."),
                    "interface": with(&interface, "The interface of this address, where it differs from the group's."),
                },
                "required": ["address"],
                "additionalProperties": false,
            }],
        })
    }
}

/// A reference with a description beside it: draft-07 reads nothing beside a `$ref`.
fn with(schema: &Schema, description: &str) -> Value {
    json!({ "allOf": [schema], "description": description })
}

fn word(word: &str, description: &str) -> Value {
    json!({ "const": word, "description": description })
}

fn one_key(word: &str, options: &Schema, description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "properties": { word: options },
        "required": [word],
        "additionalProperties": false,
    })
}

impl JsonSchema for Scheduler {
    fn schema_name() -> Cow<'static, str> {
        "Scheduler".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<HashOptions>();
        let turns = generator.subschema_for::<TurnOptions>();
        json_schema!({
            "description": "How a real server is chosen for a new connection.",
            "oneOf": [
                word("rr", "Round robin: each in turn."),
                word("wrr", "Weighted round robin."),
                word("lc", "Least connections."),
                word("wlc", "Weighted least connections."),
                word("lblc", "Locality-based least connections (caches)."),
                word("lblcr", "Locality-based least connections with replication."),
                word("dh", "By a hash of the destination's address."),
                word("sh", "By a hash of the client's address."),
                word("mh", "By a Maglev hash of the client's address: few clients move when a server goes."),
                word("sed", "Shortest expected delay."),
                word("nq", "Never queue: an idle server first, else shortest expected delay."),
                word("fo", "Weighted fail-over: all to the highest weight that is there."),
                word("ovf", "Weighted overflow: the highest weight until it has as many connections as its weight."),
                word("twos", "The better of two taken by chance."),
                one_key("rr", &turns, "Round robin, with options."),
                one_key("wrr", &turns, "Weighted round robin, with options."),
                one_key("sh", &options, "By a hash of the client's address, with options."),
                one_key("mh", &options, "By a Maglev hash of the client's address, with options."),
            ],
            "examples": ["wlc", { "mh": { "port": true, "fallback": true } }],
        })
    }
}

impl JsonSchema for Forwarding {
    fn schema_name() -> Cow<'static, str> {
        "Forwarding".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let nat = generator.subschema_for::<NatOptions>();
        let tunnel = generator.subschema_for::<Tunnel>();
        json_schema!({
            "description": "How packets reach a real server.",
            "oneOf": [
                word("nat", "Address translation: answers must come back through the director."),
                word("direct_routing", "The packet goes unchanged to the server's hardware address: \
                    same network, and the server has the VIP on its loopback."),
                word("tunnel", "The packet goes in an IP-in-IP tunnel: the server may be far, and has \
                    the VIP on a tunnel device."),
                one_key("nat", &nat, "Address translation, with options."),
                one_key("tunnel", &tunnel, "The packet goes in a tunnel of this kind."),
            ],
            "examples": ["nat", { "nat": { "masquerade": true } }, "direct_routing", { "tunnel": { "gue": { "port": 6080 } } }],
        })
    }
}

impl JsonSchema for Tunnel {
    fn schema_name() -> Cow<'static, str> {
        "Tunnel".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let gue = generator.subschema_for::<GueOptions>();
        let gre = generator.subschema_for::<GreOptions>();
        json_schema!({
            "description": "The kind of a tunnel.",
            "oneOf": [
                word("ipip", "IP in IP."),
                word("gre", "Generic routing encapsulation."),
                one_key("gue", &gue, "Generic UDP encapsulation."),
                one_key("gre", &gre, "Generic routing encapsulation, with options."),
            ],
        })
    }
}
