//! The nftables data plane: services in the maps of two tables of farmctl's own.
//!
//! What is here so far is pure: from a [`crate::state::State`] to the elements and rules that carry
//! it out ([`mod@content`]), from what was found back to a state ([`decode`]), and from the difference
//! to the operations of one transaction ([`delta`]). It opens no socket. The layout and its reasons
//! are in `docs/decisions/0006-nftables-layout.md`.

pub mod content;
pub mod decode;
pub mod delta;
pub mod terrain;
