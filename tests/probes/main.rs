//! Every kind of question against real servers and against hostile ones, on loopback and in
//! namespaces. `lab/wrap` gives the tests namespaces of their own (docs/lab.md).

#[cfg(test)]
mod agent;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod banner;
#[cfg(test)]
#[expect(
    dead_code,
    unused_imports,
    reason = "the bed has more than is needed here"
)]
#[path = "../kernel/bed/mod.rs"]
mod bed;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod http;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod nginx;
#[cfg(test)]
mod program;
#[cfg(test)]
mod question;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod server;
#[cfg(test)]
mod smtp;
#[cfg(test)]
mod tcp;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod udp;
#[cfg(test)]
mod vantage;
