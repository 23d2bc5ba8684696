//! `farmctl diff`: what `apply` would change, and what clients would feel.

pub mod blocks;
mod impact;
mod report;
mod text;
