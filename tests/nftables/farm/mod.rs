//! The farmctl that this build made, driven as an operator drives it, on nftables. The site, the
//! file and the runs are those of `tests/kernel/farm`; what the kernel holds is read here.

mod choice;
mod daemon;
#[expect(dead_code, reason = "it has more than is needed here")]
#[path = "../../kernel/farm/director.rs"]
mod director;
mod foreign;
#[path = "../../kernel/farm/keeper/mod.rs"]
mod keeper;
mod keeper_by_hand;
mod kernel;
#[path = "../../kernel/farm/killed.rs"]
mod killed;
#[path = "../../kernel/farm/live.rs"]
mod live;
mod runs;
#[expect(dead_code, reason = "it has more than is needed here")]
#[path = "../../kernel/farm/site.rs"]
mod site;
#[expect(dead_code, reason = "it has more than is needed here")]
#[path = "../../kernel/farm/text.rs"]
mod text;

/// What the file says about the data plane, after `members: [lb1]`.
const DATAPLANE: &str = "\n  dataplane: nftables";

use director::{Farmctl, Run};
use kernel::Kernel;
use live::Live;
use site::{Method, Site};
use text::Text;
