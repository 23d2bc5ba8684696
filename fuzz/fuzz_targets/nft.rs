//! Any bytes as nftables messages: never a panic.

#![no_main]

use farmctl::netlink::message::messages;
use farmctl::netlink::nft::{assemble, codec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut chains, mut rules) = (Vec::new(), Vec::new());
    let payloads = messages(bytes).flatten().map(|message| message.payload);
    for payload in payloads.chain([bytes]) {
        chains.extend(codec::read_chain(payload));
        rules.extend(codec::read_rule(payload));
        let _table = codec::read_table(payload);
        let _set = codec::read_set(payload);
        let _elements = codec::read_elements(payload);
        let _generation = codec::read_generation(payload);
        let _key = codec::read_key(payload);
    }
    let _table = assemble("", &chains, &rules);
});
