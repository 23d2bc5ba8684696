//! What ipvsadm, keepalived and nft said to a real kernel, and what it answered, read and
//! written by farmctl's codecs. `tests/golden/README.md` tells how the bytes were recorded.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its recording must fail"
)]

mod conntrack;
mod exchange;
mod farm;
mod hostile;
mod ipvs;
mod nft;
mod recording;
