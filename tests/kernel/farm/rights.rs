//! Without privilege: what can be seen is shown, and what can't be seen is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::{Method, Run, Site, Text};

/// The user and group that own nothing.
const NOBODY: u32 = 65534;

/// A user without any right, and what the user may read: a copy of farmctl and a file.
struct Nobody {
    place: TempDir,
}

impl Nobody {
    fn with(text: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::copy(env!("CARGO_BIN_EXE_farmctl"), place.path().join("farmctl")).unwrap();
        fs::write(place.path().join("farm.yaml"), text).unwrap();
        for (name, mode) in [("", 0o755), ("farmctl", 0o755), ("farm.yaml", 0o644)] {
            let path = place.path().join(name);
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn runs(&self, site: &Site, arguments: &[&str]) -> Run {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test is of the program itself"
        )]
        let mut command = Command::new(self.path("farmctl"));
        command.args(arguments).current_dir(self.place.path());
        command.arg("--state-dir").arg(site.farmctl.state(""));
        command.uid(NOBODY).gid(NOBODY).stdin(Stdio::null());
        Run::of(&site.farm.director.run(|| command.output().unwrap()))
    }
}

#[test]
fn diff_without_privilege_finds_no_difference_after_an_apply_and_says_what_it_can_not_see() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let nobody = Nobody::with(&text.to_string());
    let run = nobody.runs(&site, &["diff", "-o", "json"]).exits(0);
    let unseen = run.list("blind_spots");
    assert!(
        unseen.iter().any(|spot| spot.contains("thresholds")),
        "{unseen:?}"
    );
    let record = site.farmctl.state("record.json");
    let record = record.to_str().unwrap();
    let notes = run.list("notes");
    assert!(notes.iter().any(|note| note.contains(record)), "{notes:?}");
}

#[test]
fn diff_without_privilege_shows_an_edit() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let edited = text.with_servers(&[(1, 1), (2, 2), (3, 9)]);
    let nobody = Nobody::with(&edited.to_string());
    let run = nobody.runs(&site, &["diff"]).exits(1);
    run.says("9");
}

#[test]
fn status_without_privilege_shows_the_services_and_their_servers() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    let nobody = Nobody::with(&text.to_string());
    let run = nobody.runs(&site, &["status"]).exits(0);
    run.says("10.8.0.100:80").says("rs2");
}

#[test]
fn apply_without_privilege_is_refused_with_the_reason_and_changes_nothing() {
    let text = Text::new(Method::Nat);
    let site = Site::new(Method::Nat);
    let before = site.farmctl.kernel();
    let nobody = Nobody::with(&text.to_string());
    let run = nobody.runs(&site, &["apply"]).exits(2);
    run.says("root");
    assert_eq!(site.farmctl.kernel(), before);
}

/// A daemon on the director of a site. Dropped, it is killed.
struct Daemon(Child);

impl Daemon {
    /// Starts it, and waits until it answers at its socket, which everybody may open then.
    fn open_to_all(site: &Site) -> Self {
        let mut command = site.farmctl.command(&["daemon", "--node", "lb1"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self(site.farm.director.run(|| command.spawn().unwrap()));
        let socket = site.farmctl.state("api.sock");
        let answers = (0..600).any(|_| {
            thread::sleep(Duration::from_millis(50));
            UnixStream::connect(&socket).is_ok()
        });
        assert!(answers, "the daemon does not answer");
        for (path, mode) in [
            (site.farmctl.state(".."), 0o755),
            (site.farmctl.state(""), 0o755),
            (socket, 0o666),
        ] {
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The mode of the socket keeps others out; where somebody widened it, the kernel still tells who
/// asks, and orders are for root and for the daemon's own user.
#[test]
fn a_user_who_can_open_the_socket_reads_and_gives_no_order() {
    let text = Text::new(Method::Nat);
    let site = Site::serving(&text);
    site.farmctl.write(&text.to_string());
    let _daemon = Daemon::open_to_all(&site);
    let nobody = Nobody::with(&text.to_string());
    nobody
        .runs(&site, &["status", "-o", "json"])
        .exits(0)
        .says("probes_per_second");
    for order in [
        vec!["drain", "rs2"],
        vec!["weight", "rs2", "9"],
        vec!["reload"],
    ] {
        let run = nobody.runs(&site, &order).exits(1);
        run.says("Orders are taken from root").says("65534");
    }
    let status = site.farmctl.run(&["status", "-o", "json"]).exits(0);
    assert_eq!(status.list("overrides"), Vec::<String>::new());
}
