//! What can be written after `farmctl daemon`.

use std::path::PathBuf;

use clap::Args;

use super::{dataplane, switch};
use crate::spec::DataplaneKind;

/// Arguments of `daemon`.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// The farm's file, which is watched [default: farm.yaml]
    #[arg(value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Take over from the daemon that runs; nothing changes in the kernel
    #[arg(long, env = "FARMCTL_REPLACE", value_parser = switch(), conflicts_with = "release")]
    pub replace: bool,
    /// Stop the daemon that runs, if one does, and remove everything that farmctl made here
    #[arg(long, env = "FARMCTL_RELEASE", value_parser = switch())]
    pub release: bool,
    /// The data plane, whatever the file says; for rehearsals
    #[arg(
        long,
        hide = true,
        value_name = "KIND",
        value_parser = dataplane(),
        env = "FARMCTL_DATAPLANE"
    )]
    pub dataplane: Option<DataplaneKind>,
    /// Run no program, send no notification, fetch nothing: write down that it would be done; for
    /// rehearsals
    #[arg(long, hide = true, env = "FARMCTL_REHEARSED", value_parser = switch())]
    pub rehearsed: bool,
}
