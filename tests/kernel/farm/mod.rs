//! The farmctl that this build made, driven as an operator drives it, with real packets through
//! what it makes.
//!
//! [`Farmctl`] runs it on a node; [`Kernel`] is what the kernel holds there, read without farmctl's
//! own judgement; [`Site`] is a farm that serves, and [`Text`] the file for it.

mod confirm;
#[expect(dead_code, reason = "the daemon's tests on nftables need more of it")]
mod director;
mod edits;
mod examples;
mod foreign;
mod guards;
mod hand_edits;
mod keeper;
mod keeper_by_hand;
mod kernel;
mod killed;
mod kinds;
mod live;
mod marks;
mod operations;
mod parity;
mod rights;
#[expect(dead_code, reason = "the daemon's tests on nftables need more of it")]
mod site;
mod spread;
mod text;
mod undone;
mod vips;

/// What the file says about the data plane, after `members: [lb1]`: the one that this kernel has.
const DATAPLANE: &str = "";

use director::{Farmctl, Run};
use kernel::Kernel;
use live::Live;
use site::{Method, Site};
use text::Text;
