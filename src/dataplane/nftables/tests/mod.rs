//! The pure half of this data plane, as a whole.

mod laws;
mod packets;
