//! `farmctl diff`: what `apply` would change, and what clients would feel.

mod blocks;
mod impact;
mod text;
