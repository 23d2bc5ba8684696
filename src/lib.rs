//! farmctl: one file describes a Linux server farm, one binary makes it so.
//!
//! ```text
//! farm.yaml -> spec -> desired state -+
//!                                     +-> plan -> dataplane -> netlink -> kernel
//!        kernel -> observed state ----+
//! ```
//!
//! `src/main.rs` turns arguments into a call and an error into an exit code; everything else is
//! here. Each module may use only what stands before it in this list (a test reads the `use`
//! lines): [`clock`] < [`spec`] < [`state`] < [`event`] < [`health`] < dataplane < reconcile < [`probe`]
//! < [`notification`] < [`api`] < daemon < rehearsal < cli.
//! [`netlink`] makes and reads messages and decides nothing; only dataplane and rehearsal use it.
//! [`log`] writes lines and [`systemd`] tells the service manager how the daemon is: both are used
//! by daemon and cli.

pub mod api;
pub mod cli;
pub mod clock;
pub mod daemon;
pub mod dataplane;
pub mod event;
pub mod health;
pub mod log;
pub mod netlink;
pub mod notification;
pub mod probe;
pub mod reconcile;
pub mod rehearsal;
pub mod spec;
pub mod state;
pub mod systemd;
