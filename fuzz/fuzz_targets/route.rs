//! Any bytes as rtnetlink messages: never a panic.

#![no_main]

use farmctl::netlink::message::messages;
use farmctl::netlink::route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let payloads = messages(bytes).flatten().map(|message| message.payload);
    for payload in payloads.chain([bytes]) {
        let _link = route::read_link(payload);
        let _address = route::read_address(payload);
    }
});
