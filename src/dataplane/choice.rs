//! Opening the data plane that is asked for, and finding the one that a machine has.
//!
//! It remembers nothing: what was chosen before is in `reconcile`'s record. Called by `cli`.

use super::{Dataplane, Error, Ipvs, Nftables};
use crate::spec::DataplaneKind;

/// Opens a data plane of this thread's network namespace.
///
/// [`Error::NoIpvs`] and [`Error::NoNftables`] where the kernel does not have it.
pub fn open(kind: DataplaneKind) -> Result<Box<dyn Dataplane + Send>, Error> {
    match kind {
        DataplaneKind::Ipvs => Ok(Box::new(Ipvs::open()?)),
        DataplaneKind::Nftables => Ok(Box::new(Nftables::open()?)),
    }
}

/// What `dataplane: auto` means here: ip_vs where the kernel has it or can load it, else nftables.
///
/// It only looks. An error is one of the reading; a kernel without ip_vs is none.
pub fn resolve() -> Result<Found, Error> {
    match Ipvs::open() {
        Ok(_) => Ok(Found {
            dataplane: DataplaneKind::Ipvs,
            because: "this kernel has ip_vs".to_owned(),
        }),
        Err(Error::NoIpvs { reason }) => {
            // What to do about it is for those who asked for ip_vs.
            let why = reason.split(". ").next().unwrap_or_default();
            Ok(Found {
                dataplane: DataplaneKind::Nftables,
                because: format!("this kernel has no ip_vs: {why}"),
            })
        }
        Err(error) => Err(error),
    }
}

/// The data plane that a machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub dataplane: DataplaneKind,
    /// Why that one: half a sentence.
    pub because: String,
}
