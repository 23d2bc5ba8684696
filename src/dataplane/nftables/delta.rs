//! From a difference of contents to the operations of one transaction.
//!
//! The cost follows from what the edit names and not from what else the tables hold. Pure: no
//! socket. Called by the data plane.

use super::content::{Content, Edit};
use crate::netlink::nft::{Operation, Refused};
use crate::state::ServiceKey;

/// The operations that make of `content` what `edit` asks for; none where it is so already.
///
/// What was found damaged, and what nobody wrote for a service that exists, is put right in the
/// same transaction.
pub fn delta(_content: &Content, _edit: &Edit) -> Vec<Operation> {
    Vec::new()
}

/// The service whose operation the kernel refused; none where it was about the tables.
pub fn blamed(_operations: &[Operation], _refused: &Refused) -> Option<ServiceKey> {
    None
}
