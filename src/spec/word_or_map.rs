//! Choices that are a bare word, or a map with one key where there are options.
//!
//! `wlc` and `{ mh: { port: true } }`; the bare word `mh` is `{ mh: {} }`. What is written by farmctl
//! is the shorter form. Called by serde's derived code only.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Forwarding, GreOptions, GueOptions, HashOptions, NatOptions, Scheduler, Tunnel, TurnOptions,
};

/// A choice of which some words take options.
trait WordOrMap: Sized + Copy + PartialEq + 'static {
    /// What the choice is, with an article.
    const EXPECTING: &'static str;
    /// Every word, and the value of the bare word; none where the word needs its options.
    const WORDS: &'static [(&'static str, Option<Self>)];
    /// The words alone.
    const NAMES: &'static [&'static str];

    /// The word of a value.
    fn word(self) -> &'static str;

    /// Reads the options of a word; nothing where the word takes none.
    fn read_options<'de, A: MapAccess<'de>>(
        word: &str,
        map: &mut A,
    ) -> Result<Option<Self>, A::Error>;

    /// Writes the options of a value as the one value of a map.
    fn write_options<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error>;
}

struct WordOrMapVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: WordOrMap> Visitor<'de> for WordOrMapVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        match T::WORDS.iter().find(|(name, _)| *name == word) {
            Some((_, Some(value))) => Ok(*value),
            Some((_, None)) => Err(E::custom(format_args!(
                "`{word}` needs its options; write them as a map: `{{ {word}: {{ … }} }}`"
            ))),
            None => Err(E::unknown_variant(word, T::NAMES)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(word) = map.next_key::<String>()? else {
            return Err(A::Error::custom(format_args!(
                "the map is empty; write {}",
                T::EXPECTING
            )));
        };
        let known = T::NAMES.contains(&word.as_str());
        match T::read_options(&word, &mut map)? {
            Some(value) => refuse_more(&mut map, &word).map(|()| value),
            None if known => Err(A::Error::custom(format_args!(
                "`{word}` takes no options; write the bare word `{word}`"
            ))),
            None => Err(A::Error::unknown_variant(&word, T::NAMES)),
        }
    }
}

fn refuse_more<'de, A: MapAccess<'de>>(map: &mut A, first: &str) -> Result<(), A::Error> {
    match map.next_key::<String>()? {
        None => Ok(()),
        Some(second) => Err(A::Error::custom(format_args!(
            "`{second}` is a second choice beside `{first}`; keep one of them"
        ))),
    }
}

fn write<T: WordOrMap, S: Serializer>(value: T, serializer: S) -> Result<S::Ok, S::Error> {
    let word = value.word();
    if T::WORDS.contains(&(word, Some(value))) {
        return serializer.serialize_str(word);
    }
    let mut map = serializer.serialize_map(Some(1))?;
    value.write_options(&mut map)?;
    map.end()
}

macro_rules! word_or_map {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WordOrMapVisitor(std::marker::PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write(*self, serializer)
            }
        }
    )*};
}

word_or_map!(Scheduler, Forwarding, Tunnel);

const TURN: TurnOptions = TurnOptions { exact: false };
const NAT: NatOptions = NatOptions { masquerade: false };
const HASH: HashOptions = HashOptions {
    port: false,
    fallback: false,
};
const GRE: GreOptions = GreOptions {
    checksum: super::TunnelChecksum::None,
};

impl WordOrMap for Scheduler {
    const EXPECTING: &'static str = "a scheduler such as `wlc`";
    const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("rr", Some(Self::Rr(TURN))),
        ("wrr", Some(Self::Wrr(TURN))),
        ("lc", Some(Self::Lc)),
        ("wlc", Some(Self::Wlc)),
        ("lblc", Some(Self::Lblc)),
        ("lblcr", Some(Self::Lblcr)),
        ("dh", Some(Self::Dh)),
        ("sh", Some(Self::Sh(HASH))),
        ("mh", Some(Self::Mh(HASH))),
        ("sed", Some(Self::Sed)),
        ("nq", Some(Self::Nq)),
        ("fo", Some(Self::Fo)),
        ("ovf", Some(Self::Ovf)),
        ("twos", Some(Self::Twos)),
    ];
    const NAMES: &'static [&'static str] = &[
        "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf",
        "twos",
    ];

    fn word(self) -> &'static str {
        Self::as_str(self)
    }

    fn read_options<'de, A: MapAccess<'de>>(
        word: &str,
        map: &mut A,
    ) -> Result<Option<Self>, A::Error> {
        match word {
            "rr" => map.next_value().map(|options| Some(Self::Rr(options))),
            "wrr" => map.next_value().map(|options| Some(Self::Wrr(options))),
            "sh" => map.next_value().map(|options| Some(Self::Sh(options))),
            "mh" => map.next_value().map(|options| Some(Self::Mh(options))),
            _ => Ok(None),
        }
    }

    fn write_options<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Rr(options) | Self::Wrr(options) => map.serialize_entry(self.word(), &options),
            Self::Sh(options) | Self::Mh(options) => map.serialize_entry(self.word(), &options),
            Self::Lc
            | Self::Wlc
            | Self::Lblc
            | Self::Lblcr
            | Self::Dh
            | Self::Sed
            | Self::Nq
            | Self::Fo
            | Self::Ovf
            | Self::Twos => Ok(()),
        }
    }
}

impl Scheduler {
    /// The word in the file, which is the name in the kernel too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rr(_) => "rr",
            Self::Wrr(_) => "wrr",
            Self::Lc => "lc",
            Self::Wlc => "wlc",
            Self::Lblc => "lblc",
            Self::Lblcr => "lblcr",
            Self::Dh => "dh",
            Self::Sh(_) => "sh",
            Self::Mh(_) => "mh",
            Self::Sed => "sed",
            Self::Nq => "nq",
            Self::Fo => "fo",
            Self::Ovf => "ovf",
            Self::Twos => "twos",
        }
    }
}

impl WordOrMap for Forwarding {
    const EXPECTING: &'static str = "a forwarding method: `nat`, `direct_routing` or `tunnel`";
    const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("nat", Some(Self::Nat(NAT))),
        ("direct_routing", Some(Self::DirectRouting)),
        ("tunnel", Some(Self::Tunnel(Tunnel::Ipip))),
    ];
    const NAMES: &'static [&'static str] = &["nat", "direct_routing", "tunnel"];

    fn word(self) -> &'static str {
        match self {
            Self::Nat(_) => "nat",
            Self::DirectRouting => "direct_routing",
            Self::Tunnel(_) => "tunnel",
        }
    }

    fn read_options<'de, A: MapAccess<'de>>(
        word: &str,
        map: &mut A,
    ) -> Result<Option<Self>, A::Error> {
        match word {
            "nat" => map.next_value().map(|options| Some(Self::Nat(options))),
            "tunnel" => map.next_value().map(|tunnel| Some(Self::Tunnel(tunnel))),
            _ => Ok(None),
        }
    }

    fn write_options<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Nat(options) => map.serialize_entry("nat", &options),
            Self::Tunnel(tunnel) => map.serialize_entry("tunnel", &tunnel),
            Self::DirectRouting => Ok(()),
        }
    }
}

impl WordOrMap for Tunnel {
    const EXPECTING: &'static str =
        "a tunnel: `ipip`, `gre`, `{ gre: … }` or `{ gue: { port: … } }`";
    const WORDS: &'static [(&'static str, Option<Self>)] = &[
        ("ipip", Some(Self::Ipip)),
        ("gue", None),
        ("gre", Some(Self::Gre(GRE))),
    ];
    const NAMES: &'static [&'static str] = &["ipip", "gue", "gre"];

    fn word(self) -> &'static str {
        match self {
            Self::Ipip => "ipip",
            Self::Gue(_) => "gue",
            Self::Gre(_) => "gre",
        }
    }

    fn read_options<'de, A: MapAccess<'de>>(
        word: &str,
        map: &mut A,
    ) -> Result<Option<Self>, A::Error> {
        match word {
            "gue" => map
                .next_value::<GueOptions>()
                .map(|options| Some(Self::Gue(options))),
            "gre" => map.next_value().map(|options| Some(Self::Gre(options))),
            _ => Ok(None),
        }
    }

    fn write_options<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Gue(options) => map.serialize_entry("gue", &options),
            Self::Gre(options) => map.serialize_entry("gre", &options),
            Self::Ipip => Ok(()),
        }
    }
}
