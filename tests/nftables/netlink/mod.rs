//! The netlink codecs against the real kernel: what is written is what is read. Each test has a
//! network namespace of its own.

mod namespaces;
