//! Any bytes as an agent's line: never a panic, a share that is bounded, words that are safe to
//! show.

#![no_main]

use farmctl::probe::agent::{AgentLine, GREATEST_PERCENT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let line = AgentLine::read(bytes);
    assert!(line.percent.is_none_or(|percent| percent <= GREATEST_PERCENT));
    let shown = line.to_string();
    assert!(shown.len() < 4096 && !shown.chars().any(char::is_control));
});
