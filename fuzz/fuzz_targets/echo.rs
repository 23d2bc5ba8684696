//! Any packet as the answer to an echo request: never a panic, and never the answer by chance. Any
//! text as one that stands for bytes: never a panic.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use farmctl::probe::escape;
use farmctl::probe::ping::echo::{Echo, Frame, Seen};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        let echo = Echo::random(address, 32);
        for frame in [Frame::Sorted, Frame::Bare, Frame::WithIpHeader] {
            assert!(echo.judge(frame, bytes) != Seen::Answer);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _bytes = escape::bytes(text);
    }
});
