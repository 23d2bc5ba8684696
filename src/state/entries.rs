//! Maps whose keys are not text, written as lists: `[{key's fields, value's fields}, …]`.
//!
//! JSON has only text for keys. Used by `#[serde(with = …)]` in this module's types.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Entry<K, V> {
    #[serde(flatten)]
    key: K,
    #[serde(flatten)]
    value: V,
}

/// Writes a map as a list of its entries, in the order of the keys.
pub(super) fn serialize<K, V, S>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    K: Serialize,
    V: Serialize,
    S: Serializer,
{
    serializer.collect_seq(map.iter().map(|(key, value)| Entry { key, value }))
}

/// Reads what [`serialize`] wrote.
pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: DeserializeOwned + Ord,
    V: DeserializeOwned,
    D: Deserializer<'de>,
{
    let entries = Vec::<Entry<K, V>>::deserialize(deserializer)?;
    Ok(entries
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect())
}

/// The same for values that are no objects: `[{"key": …, "value": …}, …]`.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Pair<K, V> {
        key: K,
        value: V,
    }

    /// Writes a map as a list of pairs, in the order of the keys.
    pub(in super::super) fn serialize<K, V, S>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(map.iter().map(|(key, value)| Pair { key, value }))
    }

    /// Reads what [`serialize`] wrote.
    pub(in super::super) fn deserialize<'de, K, V, D>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: DeserializeOwned + Ord,
        V: DeserializeOwned,
        D: Deserializer<'de>,
    {
        let pairs = Vec::<Pair<K, V>>::deserialize(deserializer)?;
        Ok(pairs
            .into_iter()
            .map(|pair| (pair.key, pair.value))
            .collect())
    }
}
