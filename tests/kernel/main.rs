//! Tests that need a kernel with ip_vs. `lab/wrap` gives them one (docs/lab.md); the test bed that
//! they stand on is [`bed`].
//!
//! In the guest a system call costs about 100 times and starting a program 10 times what it costs
//! on the host, so nothing here runs a shell or `ip`.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod dataplane;
#[cfg(test)]
mod farm;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod netlink;
#[cfg(test)]
mod rehearsal;
