//! Any bytes as conntrack messages: never a panic.

#![no_main]

use farmctl::netlink::conntrack::codec;
use farmctl::netlink::message::messages;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let payloads = messages(bytes).flatten().map(|message| message.payload);
    for payload in payloads.chain([bytes]) {
        let _entry = codec::read_entry(payload);
    }
});
