//! Netlink messages: made and read here, decided nowhere here.
