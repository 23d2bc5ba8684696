//! A short name for a text: tells whether a file is the one that was seen before.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 128 bits of FNV-1a over a text, in hexadecimal.
///
/// It tells versions of one's own file apart. It is no defence against somebody who makes two
/// texts with the same digest: who can write the file can do anything to the farm anyway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

/// The offset basis of 128-bit FNV-1a.
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
/// The prime of 128-bit FNV-1a.
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mix = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        Self(format!("{:032x}", bytes.iter().fold(BASIS, mix)))
    }
}

impl fmt::Display for Digest {
    /// The first twelve digits: enough for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_published_test_vectors() {
        let digest = Digest::of(b"foobar");
        assert_eq!(digest.0, "343e1662793c64bf6f0d3597ba446f18");
        assert_eq!(Digest::of(b"").0, format!("{BASIS:032x}"));
    }
}
