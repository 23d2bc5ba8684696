//! Any bytes as a farm.yaml: never a panic, every caret in the text, and a farm that was read
//! without errors is read the same again from its own JSON (which is YAML too).

#![no_main]

use farmctl::spec::{read, validate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reading = read("fuzz.yaml", bytes);
    if let (Some(farm), []) = (&reading.value, reading.problems.as_slice()) {
        let json = serde_json::to_string(farm).expect("a farm has a JSON form");
        assert_eq!(read("again.json", json.as_bytes()).value.as_ref(), Some(farm));
    }
    if let Some(farm) = &reading.value {
        let found = validate(farm, &reading.pruned);
        reading = reading.with(found);
    }
    for problem in &reading.problems {
        let range = reading.source.locate(&problem.place);
        assert!(reading.source.text().get(range).is_some());
    }
});
