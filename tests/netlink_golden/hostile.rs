//! Recorded bytes, damaged at every place: no reader may panic, and damage is noticed where it
//! can be.

use farmctl::netlink::conntrack::codec as conntrack;
use farmctl::netlink::ipvs::{Family, codec};
use farmctl::netlink::message::{Message, messages};
use farmctl::netlink::nft::codec as nft;
use farmctl::netlink::route;

use crate::recording::{all_recordings, recording};

/// Reads bytes with every reader there is; returns how many readers refused them.
fn refusals(bytes: &[u8]) -> usize {
    messages(bytes)
        .map(|message| message.map_or(1, |message| refusals_of(&message)))
        .sum()
}

fn refusals_of(message: &Message<'_>) -> usize {
    let payload = message.payload;
    let refused = [
        message.verdict().is_err(),
        codec::read_command(payload).is_err(),
        codec::read_query(payload).is_err(),
        codec::read_reply(payload, Family::Inet6).is_err(),
        nft::read_chain(payload).is_err(),
        nft::read_rule(payload).is_err(),
        nft::read_table(payload).is_err(),
        nft::read_set(payload).is_err(),
        nft::read_elements(payload).is_err(),
        nft::read_generation(payload).is_err(),
        nft::read_key(payload).is_err(),
        conntrack::read_entry(payload).is_err(),
        route::read_link(payload).is_err(),
        route::read_address(payload).is_err(),
    ];
    refused.into_iter().filter(|refused| *refused).count()
}

#[test]
fn recordings_cut_off_at_any_byte_are_refused_without_a_panic() {
    for (name, datagrams) in all_recordings() {
        for (_, bytes) in datagrams {
            for end in 17..bytes.len().min(2048) {
                assert_ne!(refusals(&bytes[..end]), 0, "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn recordings_with_any_bit_flipped_are_read_without_a_panic() {
    let mut refused = 0;
    for (_, datagrams) in all_recordings() {
        for (_, mut bytes) in datagrams {
            for bit in 0..bytes.len().min(512) * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                refused += refusals(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
    assert_ne!(refused, 0);
}

#[test]
fn a_reply_cut_short_is_an_error_and_not_an_empty_reply() {
    for (_, bytes) in recording("ipvsadm-list") {
        let cut = &bytes[..bytes.len() - 1];
        assert!(messages(cut).any(|message| message.is_err()));
    }
}
