//! Floating addresses: put up so that nothing leaves from them by accident, and taken down.
//!
//! Called by [`super::Machine`] for one change at a time.

use nix::errno::Errno;

use super::Machine;
use crate::dataplane::Error;
use crate::dataplane::explain::{Loopback, failed, refused};
use crate::dataplane::host::Host;
use crate::netlink;
use crate::netlink::route::NewAddress;
use crate::state::{Address, AddressKey, Change};

impl Machine {
    pub(super) fn add_address(
        &mut self,
        change: &Change,
        key: &AddressKey,
        address: Address,
    ) -> Result<(), Error> {
        let index = self.index(change, key)?;
        let added = self.route.add_address(&new_address(index, key, address));
        added.map_err(|error| failed(change, &error))
    }

    pub(super) fn delete_address(
        &mut self,
        change: &Change,
        key: &AddressKey,
        was: Address,
    ) -> Result<(), Error> {
        let index = self.index(change, key)?;
        let deleted = self.route.delete_address(index, key.address, was.prefix);
        deleted.map_err(|error| failed(change, &error))
    }

    /// For IPv4 the new form is up before the old one goes down, unless only flags differ. For
    /// IPv6 the address alone is the kernel's identity: the old form has to go first.
    pub(super) fn set_address(
        &mut self,
        change: &Change,
        key: &AddressKey,
        from: Address,
        to: Address,
    ) -> Result<(), Error> {
        let index = self.index(change, key)?;
        let new = new_address(index, key, to);
        if key.address.is_ipv4() && from.prefix != to.prefix {
            // It may be there since an earlier attempt that was cut short.
            accept_existing(self.route.add_address(&new))
                .and_then(|()| self.route.delete_address(index, key.address, from.prefix))
        } else {
            self.route
                .delete_address(index, key.address, from.prefix)
                .and_then(|()| self.route.add_address(&new))
        }
        .map_err(|error| failed(change, &error))
    }

    fn index(&mut self, change: &Change, key: &AddressKey) -> Result<u32, Error> {
        let host = Host::read(&mut self.route)?;
        host.index(&key.interface)
            .ok_or_else(|| refused(change, Errno::ENODEV, Loopback::Up))
    }
}

fn accept_existing(added: netlink::Result<()>) -> netlink::Result<()> {
    match added {
        Err(error) if error.errno() == Some(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// No duplicate address detection, which would keep a taken-over address unusable for a second;
/// an IPv6 address is deprecated at once, so that the kernel never chooses it as a source.
fn new_address(index: u32, key: &AddressKey, address: Address) -> NewAddress {
    let mut new = NewAddress::new(index, key.address, address.prefix);
    new.no_prefix_route = address.no_prefix_route;
    new.no_dad = true;
    new.preferred_lifetime = key.address.is_ipv6().then_some(0);
    new
}
