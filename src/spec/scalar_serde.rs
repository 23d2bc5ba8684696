//! The small values of the file to and from serde: a text, a number, or one of two shapes.
//!
//! Nothing here is `untagged` or `flatten`: those lose the place and the reason of an error. Every
//! visitor says by itself what it wants. Called by serde's derived code only.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    AddressWithPrefix, Duration, FilePath, InterfaceName, Name, OneOrMany, OrNone, Percent,
    PortSpec, Rate, ScalarError, SocketAddress, StatusRange, Version, VipAddress,
};

/// Reads a value that is always a text.
struct Text<T>(PhantomData<T>, &'static str);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! text_value {
    ($($type:ty: $expecting:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(PhantomData, $expecting))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

text_value! {
    Name: "a name";
    InterfaceName: "the name of an interface";
    AddressWithPrefix: "an address";
    FilePath: "the whole path of a file";
    SocketAddress: "an address and a port";
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VersionVisitor)
    }
}

struct VersionVisitor;

impl Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number 1")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Version, E> {
        if number == 1 {
            return Ok(Version);
        }
        Err(E::custom(format_args!(
            "this farmctl reads version 1 of the file's format, not version {number}; \
             write `version: 1`, or use a farmctl that knows version {number}"
        )))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Version, E> {
        if text == "1" {
            return Err(E::custom("the version is in quotes; write `version: 1`"));
        }
        Err(E::invalid_type(Unexpected::Str(text), &self))
    }
}

/// Reads a text with a unit; a bare number is told which unit it may have.
struct WithUnit<T>(PhantomData<T>, &'static str, fn(u64) -> ScalarError);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for WithUnit<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Err(E::custom(self.2(number)))
    }
}

macro_rules! value_with_unit {
    ($($type:ty: $expecting:literal, $bare:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WithUnit(PhantomData, $expecting, $bare))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

value_with_unit! {
    Duration: "a length of time such as `10s`", Duration::without_unit::<u64>;
    Percent: "a share in percent such as `60%`", Percent::without_sign::<u64>;
    Rate: "how many in which time, such as `20 per hour`", Rate::without_time;
}

impl Serialize for PortSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            return serializer.serialize_u16(self.first);
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortVisitor)
    }
}

struct PortVisitor;

impl Visitor<'_> for PortVisitor {
    type Value = PortSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port or a range of ports")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<PortSpec, E> {
        PortSpec::single(number).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PortSpec, E> {
        text.parse().map_err(E::custom)
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let one = T::deserialize(serde::de::value::StrDeserializer::new(text))?;
        Ok(OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany)
    }
}

impl<T: Serialize> Serialize for OrNone<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Some(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrNoneVisitor(PhantomData))
    }
}

struct OrNoneVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OrNoneVisitor<T> {
    type Value = OrNone<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or the word `none`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        match word {
            "none" => Ok(OrNone::None),
            _ => Err(E::invalid_type(Unexpected::Str(word), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(OrNone::Some)
    }
}

/// The long form of a [`VipAddress`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VipAddressMap {
    address: AddressWithPrefix,
    #[serde(default)]
    network: Option<Name>,
    #[serde(default)]
    interface: Option<InterfaceName>,
}

impl Serialize for VipAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.network.is_none() && self.interface.is_none() {
            return self.address.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("address", &self.address)?;
        if let Some(network) = &self.network {
            map.serialize_entry("network", network)?;
        }
        if let Some(interface) = &self.interface {
            map.serialize_entry("interface", interface)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for VipAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VipAddressVisitor)
    }
}

struct VipAddressVisitor;

impl<'de> Visitor<'de> for VipAddressVisitor {
    type Value = VipAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address such as `192.0.2.10/24`, or a map with `address`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<VipAddress, E> {
        let address = text.parse().map_err(E::custom)?;
        Ok(VipAddress {
            address,
            network: None,
            interface: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<VipAddress, A::Error> {
        let VipAddressMap {
            address,
            network,
            interface,
        } = VipAddressMap::deserialize(MapAccessDeserializer::new(map))?;
        Ok(VipAddress {
            address,
            network,
            interface,
        })
    }
}

impl Serialize for StatusRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            return serializer.serialize_u16(self.first);
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = StatusRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status code or a range of them")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<StatusRange, E> {
        StatusRange::single(number).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusRange, E> {
        text.parse().map_err(E::custom)
    }
}
