//! Any bytes as replies of a mail server and as an answer of the gRPC health service: never a
//! panic.

#![no_main]

use farmctl::probe::grpc::message::response;
use farmctl::probe::smtp::reply::Partial;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _status = response(bytes);
    let mut partial = Partial::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(Some(reply)) = partial.take(line) {
            assert!(!reply.to_string().chars().any(char::is_control));
        }
    }
});
