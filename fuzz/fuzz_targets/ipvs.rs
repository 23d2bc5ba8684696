//! Any bytes as IPVS messages: never a panic, and what was read can be written and read again.

#![no_main]

use farmctl::netlink::attribute::Writer;
use farmctl::netlink::ipvs::{Family, codec};
use farmctl::netlink::message::messages;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    payload(bytes);
    for message in messages(bytes).flatten() {
        let _verdict = message.verdict();
        payload(message.payload);
    }
});

fn payload(bytes: &[u8]) {
    let mut writer = Writer::new();
    if let Ok(command) = codec::read_command(bytes) {
        codec::write_command(&mut writer, &command);
        assert_eq!(codec::read_command(writer.as_bytes()).ok(), Some(command));
    }
    writer.clear();
    if let Ok(reply) = codec::read_reply(bytes, Family::Inet) {
        codec::write_reply(&mut writer, &reply);
        assert_eq!(codec::read_reply(writer.as_bytes(), Family::Inet).ok(), Some(reply));
    }
    let _query = codec::read_query(bytes);
}
