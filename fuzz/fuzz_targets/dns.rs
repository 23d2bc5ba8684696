//! Any bytes as an answer of the DNS: never a panic, never more records than the limit.

#![no_main]

use farmctl::probe::dns::message::{RECORD_LIMIT, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(response) = read(bytes) {
        assert!(response.answers.len() <= RECORD_LIMIT);
        for record in response.answers {
            assert!(record.name.as_bytes().len() <= 255);
        }
    }
});
