//! Addresses on interfaces.

use std::net::IpAddr;

use farmctl::netlink::route::{
    self, ADDRESS_DEPRECATED, ADDRESS_NO_DAD, ADDRESS_NO_PREFIX_ROUTE, FOREVER, NewAddress,
};
use farmctl::netlink::{Errno, Error};

use super::{ip, namespace};

fn addresses(route: &mut route::Client) -> Vec<(IpAddr, u8)> {
    let found = route.addresses().unwrap();
    found
        .iter()
        .map(|found| (found.address, found.prefix))
        .collect()
}

#[test]
fn a_virtual_address_goes_up_as_asked_for_and_down_again() {
    let (mut route, lo) = namespace();
    for (address, prefix) in [("192.0.2.10", 32), ("2001:db8::10", 64)] {
        let address = ip(address);
        let wanted = NewAddress {
            no_prefix_route: true,
            no_dad: true,
            preferred_lifetime: Some(0),
            ..NewAddress::new(lo, address, prefix)
        };
        route.add_address(&wanted).unwrap();
        let all = route.addresses().unwrap();
        let found = all.iter().find(|found| found.address == address).unwrap();
        assert_eq!(
            (found.index, found.prefix, found.broadcast),
            (lo, prefix, None)
        );
        assert_eq!(found.valid_lifetime, FOREVER);
        // The kernel lists an IPv4 address that is valid for ever as preferred for ever.
        let preferred = if address.is_ipv6() { 0 } else { FOREVER };
        assert_eq!(found.preferred_lifetime, preferred);
        let set = ADDRESS_NO_PREFIX_ROUTE | ADDRESS_DEPRECATED;
        assert_eq!(found.flags & set, set, "{address}");
        assert_eq!(found.flags & ADDRESS_NO_DAD != 0, address.is_ipv6());

        let again = route.add_address(&wanted).unwrap_err();
        assert_eq!(again.errno(), Some(Errno::EEXIST));
        route.delete_address(lo, address, prefix).unwrap();
        let gone = route.delete_address(lo, address, prefix).unwrap_err();
        assert_eq!(gone.errno(), Some(Errno::EADDRNOTAVAIL));
        assert!(!addresses(&mut route).contains(&(address, prefix)));
    }
}

#[test]
fn the_kernels_own_words_are_passed_on() {
    let (mut route, lo) = namespace();
    let refused = route
        .add_address(&NewAddress::new(lo, ip("192.0.2.10"), 33))
        .unwrap_err();
    assert!(
        matches!(
            &refused,
            Error::Kernel {
                message: Some(_),
                ..
            }
        ),
        "{refused:?}"
    );
}
