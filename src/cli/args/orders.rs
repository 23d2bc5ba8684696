//! What can be written after the commands that give a daemon an order.

use std::time::Duration;

use clap::Args;

use super::{duration, switch};

/// Arguments of `drain`.
#[derive(Debug, Args)]
pub struct DrainArgs {
    /// The real server, by its name in `farmctl status`
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Only in this service
    #[arg(long, value_name = "NAME", env = "FARMCTL_SERVICE")]
    pub service: Option<String>,
    /// Come back when its last connection ended (0), or the time was up (1)
    #[arg(long, env = "FARMCTL_WAIT", value_parser = switch())]
    pub wait: bool,
    /// How long its connections may take [default: what the file says of the service]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// Leave it in the kernel with weight 0 afterwards, instead of taking it out
    #[arg(long, env = "FARMCTL_KEEP", value_parser = switch())]
    pub keep: bool,
    /// Reset connections that are left when the time is up (not with ip_vs)
    #[arg(long, env = "FARMCTL_RESET_REMAINING", value_parser = switch())]
    pub reset_remaining: bool,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT", env = "FARMCTL_REASON")]
    pub reason: Option<String>,
    /// Serve it again by itself after this time [default: never; a day where no --reason is given]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_EXPIRES")]
    pub expires: Option<Duration>,
}

/// Arguments of `undrain`.
#[derive(Debug, Args)]
pub struct UndrainArgs {
    /// The real server, by its name in `farmctl status`
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Only in this service
    #[arg(long, value_name = "NAME", env = "FARMCTL_SERVICE")]
    pub service: Option<String>,
}

/// Arguments of `maintenance`.
#[derive(Debug, Args)]
pub struct MaintenanceArgs {
    /// The node, by its name in the file
    #[arg(value_name = "NODE")]
    pub node: String,
    /// It is over: the node serves again
    #[arg(
        long,
        env = "FARMCTL_END",
        value_parser = switch(),
        conflicts_with_all = ["wait", "timeout", "reason", "expires"]
    )]
    pub end: bool,
    /// Come back when its last connection ended (0), or the time was up (1)
    #[arg(long, env = "FARMCTL_WAIT", value_parser = switch())]
    pub wait: bool,
    /// How long connections may take [default: what the file says of each service]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_TIMEOUT")]
    pub timeout: Option<Duration>,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT", env = "FARMCTL_REASON")]
    pub reason: Option<String>,
    /// It is over by itself after this time [default: never; a day where no --reason is given]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_EXPIRES")]
    pub expires: Option<Duration>,
}

/// Arguments of `weight`.
#[derive(Debug, Args)]
pub struct WeightArgs {
    /// The real server, by its name in `farmctl status`
    #[arg(value_name = "SERVER")]
    pub server: String,
    /// Its weight; `file`: what the file says again
    #[arg(value_name = "WEIGHT", value_parser = wanted_weight)]
    pub weight: WantedWeight,
    /// Only in this service
    #[arg(long, value_name = "NAME", env = "FARMCTL_SERVICE")]
    pub service: Option<String>,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT", env = "FARMCTL_REASON")]
    pub reason: Option<String>,
    /// What the file says again after this time [default: never; a day where no --reason is given]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "FARMCTL_EXPIRES")]
    pub expires: Option<Duration>,
}

/// The weight that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedWeight {
    /// This one.
    Is(u32),
    /// The file's.
    File,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The revision that waits, as `farmctl status` names it
    #[arg(value_name = "REVISION")]
    pub revision: String,
}

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// What is logged: `info`, `debug`, or by parts `farmctl::probe=trace,info`
    #[arg(value_name = "FILTER")]
    pub filter: String,
}

/// The largest weight of the kernel's schedulers that is safe (`IP_VS_MAX_WEIGHT` does not exist;
/// farm.yaml has the same limit).
const MOST: u32 = 65535;

fn wanted_weight(text: &str) -> Result<WantedWeight, String> {
    if text == "file" {
        return Ok(WantedWeight::File);
    }
    match text.parse() {
        Ok(weight) if weight <= MOST => Ok(WantedWeight::Is(weight)),
        _ => Err(format!("a weight is a number from 0 to {MOST}, or `file`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_number_or_the_files() {
        assert_eq!(wanted_weight("0"), Ok(WantedWeight::Is(0)));
        assert_eq!(wanted_weight("65535"), Ok(WantedWeight::Is(65535)));
        assert_eq!(wanted_weight("file"), Ok(WantedWeight::File));
        for text in ["65536", "-1", "", "File", "3.5"] {
            assert!(wanted_weight(text).is_err(), "{text}");
        }
    }
}
