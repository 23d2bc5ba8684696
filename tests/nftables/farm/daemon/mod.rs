//! `farmctl daemon` on nftables, driven as an operator drives it.

mod edits;
mod git;
mod life;
mod orders;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use farmctl::dataplane::nftables::content;
use farmctl::netlink::nft::{Author, Client, Heard, Monitor, Operation};
use farmctl::state::{Destination, DestinationKey};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::kernel::others;
use super::{Method, Site, Text};
use crate::bed::{Family, Net};

/// A farm with checks that decide fast.
fn checked() -> Text {
    Text::new(Method::Nat).with(
        "check: { tcp: {}, interval: 100ms, timeout: 100ms, rise: 2, fall: 2, warm_up: 50ms }",
    )
}

/// A running daemon of a site. Dropped, it is killed.
struct Daemon {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Starts it on the site's director with this file.
    fn start(site: &Site, text: &Text) -> Self {
        site.farmctl.write(&text.to_string());
        Self::again(site, &[])
    }

    /// Starts it on the file as it is.
    fn again(site: &Site, flags: &[&str]) -> Self {
        let log = site.farmctl.state("").with_file_name("daemon.log");
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let arguments = [&["daemon", "--node", "lb1"], flags].concat();
        let mut command = site.farmctl.command(&arguments);
        command.stderr(stderr);
        let child = site.farm.director.run(|| command.spawn().unwrap());
        Self {
            child,
            socket: site.farmctl.state("api.sock"),
            log,
        }
    }

    /// The same, once the kernel holds what is wanted.
    fn converged(self) -> Self {
        self.wait_for("it has converged", |status| {
            status["daemon"]["converged"] == Value::Bool(true)
        });
        self
    }

    /// What it says its status is; none before it answers.
    fn status(&self) -> Option<Value> {
        let (code, body) = self.ask("GET", "/v1/status", "")?;
        (code == 200).then(|| serde_json::from_str(&body).unwrap())
    }

    /// Asks over the API.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = UnixStream::connect(&self.socket).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: farmctl\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let code = answer.split(' ').nth(1)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((code, body.to_owned()))
    }

    /// An order that is carried out.
    fn order(&self, path: &str, body: &Value) -> Value {
        let (code, answer) = self
            .ask("POST", path, &body.to_string())
            .expect("an answer");
        assert!((200..300).contains(&code), "{path}: {code} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Waits until its status is so.
    ///
    /// # Panics
    /// If that takes half a minute.
    fn wait_for(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        for _ in 0..600 {
            last = self.status();
            if let Some(status) = last.as_ref().filter(|status| is_so(status)) {
                return status.clone();
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("waited for: {what}\n{last:#?}\n{}", self.log());
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Ends it by a signal.
    fn end(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.child.wait().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How many file descriptors it has.
    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Ended already where a test ended it.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The weights of the real servers by the status of one family, by name; none where it is out.
fn weights(status: &Value) -> Vec<Option<u64>> {
    let groups = &status["services"][0]["groups"];
    let servers = groups[0]["real_servers"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    servers
        .iter()
        .map(|it| it["weight"]["effective"].as_u64())
        .collect()
}

/// Whether all three serve with the weights of the file.
fn all_serve(status: &Value) -> bool {
    weights(status) == [Some(1), Some(2), Some(3)]
}

/// Waits until the kernel gives the real servers these weights, in both families; none where one
/// is out.
fn holds(site: &Site, wanted: [Option<u32>; 3]) {
    site.wait_until(|kernel| {
        let mut services = kernel.services.values();
        let held = |servers: &BTreeMap<DestinationKey, Destination>, host: u8| {
            let mut found = servers.iter().filter(|(key, _)| is_host(key.address, host));
            found.next().map(|(_, destination)| destination.weight)
        };
        kernel.services.len() == 2
            && services.all(|(_, servers)| [11, 12, 13].map(|host| held(servers, host)) == wanted)
    });
}

fn is_host(address: IpAddr, host: u8) -> bool {
    Family::BOTH
        .iter()
        .any(|family| Net::Back.address(*family, host) == address)
}

/// How many transactions others make on farmctl's tables while something is done.
fn changes_during<T: Send>(site: &Site, work: impl FnOnce() -> T + Send) -> usize {
    site.farm.director.run(|| {
        let tables = [content::inet(), content::netdev(), others()];
        let mut us = Client::open().unwrap();
        let mut monitor = Monitor::open(&tables, &[us.port()]).unwrap();
        let done = work();
        thread::sleep(Duration::from_secs(1));
        // The end of what is counted.
        let end = Operation::AddTable(others(), None);
        assert_eq!(us.commit(&[end]).unwrap(), Vec::new());
        let count = std::iter::from_fn(|| Some(monitor.wait(Duration::from_secs(10)).unwrap()))
            .flatten()
            .take_while(|heard| !matches!(heard, Heard::Changed { by: Author::Us, .. }))
            .count();
        drop(done);
        count
    })
}

/// Who answers so many connections.
fn spread(site: &Site) -> [usize; 3] {
    site.spread(Family::V4, 30)
}
