//! Tests on the nftables of the host's kernel. `lab/wrap` runs them in namespaces of their own, as
//! root or in a user namespace (docs/lab.md); the test bed that they stand on is that of
//! `tests/kernel`.

#[cfg(test)]
#[expect(
    dead_code,
    unused_imports,
    reason = "the bed has more than is needed here"
)]
#[path = "../kernel/bed/mod.rs"]
mod bed;
#[cfg(test)]
mod beside;
#[cfg(test)]
mod farm;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod local;
#[cfg(test)]
mod netlink;
#[cfg(test)]
mod persistence;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod site;
#[cfg(test)]
mod spread;
#[cfg(test)]
mod takeover;
#[cfg(test)]
mod wish;
