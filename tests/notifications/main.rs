//! Receivers of notifications as they are in the world: a web server, a mail server, a program,
//! and those that take and never answer, or break off. All on the loopback of this machine.

#[cfg(test)]
mod exec;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod place;
#[cfg(test)]
mod webhook;
