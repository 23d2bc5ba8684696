//! Mail: exim (Debian's exim4) takes what is sent and keeps it in its queue, where the tests read
//! it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use nix::unistd::User;
use tempfile::TempDir;

use crate::place::{dispatcher, down, play, until};

const CONFIGURATION: &str = "
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%slog
primary_hostname = localhost
tls_advertise_hosts = *
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
keep_environment =
untrusted_set_sender = *
queue_only
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny message = no such user
       local_parts = nobody
  accept authenticated = *
  accept condition = ${if def:tls_in_cipher {no}{yes}}
  deny message = log in first
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if def:tls_in_cipher}
  server_set_id = $auth2
  server_condition = ${if and {{eq{$auth2}{farm}}{eq{$auth3}{s3cret}}}}
";

/// A mail server that ends with the test.
struct Exim {
    folder: TempDir,
    address: SocketAddr,
}

impl Exim {
    /// `options` as `-tls-on-connect`.
    fn start(options: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).expect("a mode");
        let spool = folder.path().join("spool");
        fs::create_dir(&spool).expect("a spool");
        fs::set_permissions(&spool, PermissionsExt::from_mode(0o777)).expect("a mode");
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let path = folder.path().display().to_string();
        let write =
            |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        write("cert.pem", &made.cert.pem());
        write("key.pem", &made.signing_key.serialize_pem());
        write("password", "s3cret\n");
        write("exim.conf", &CONFIGURATION.replace("{folder}", &path));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("an address");
        let configuration = folder.path().join("exim.conf");
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                serve(stream, &configuration, options);
            }
        });
        Self { folder, address }
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The mails in its queue: header file and body.
    fn queue(&self) -> Vec<String> {
        let mut found: Vec<PathBuf> = files(&self.folder.path().join("spool/input"));
        found.sort();
        let headers = found
            .iter()
            .filter(|path| path.to_string_lossy().ends_with("-H"));
        let mail = |header: &PathBuf| {
            let body = header.to_string_lossy().replace("-H", "-D");
            let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
            let mail = read(header) + &read(Path::new(&body));
            // Lines that were too long for a mail are put together again.
            mail.replace("=\n", "").replace("\n ", " ")
        };
        headers.map(mail).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// One exim for each connection, as inetd would start it; in a user namespace in which it is its own
/// user (who else may not serve a port above 1023) and can't be another.
#[expect(
    clippy::disallowed_methods,
    reason = "a real mail server is the point of these tests"
)]
fn serve(stream: TcpStream, configuration: &Path, options: &[&str]) {
    let other = stream.try_clone().expect("a second handle");
    let user = User::from_name("Debian-exim").ok().flatten();
    let user = user.expect("the user Debian-exim: `make tools` installs exim4-daemon-light");
    let mut command = Command::new("unshare");
    let child = command
        .arg("--user")
        .arg(format!("--map-user={}", user.uid))
        .arg(format!("--map-group={}", user.gid))
        .args(["/usr/sbin/exim4", "-bs"])
        .args(options)
        .arg("-C")
        .arg(configuration)
        .stdin(Stdio::from(OwnedFd::from(stream)))
        .stdout(Stdio::from(OwnedFd::from(other)))
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("unshare and exim4: `make tools` installs them");
    thread::spawn(move || drop(child.wait()));
}

/// What `on call` gets over this way.
fn by(exim: &Exim, more: &str, to: &str) -> String {
    format!(
        "oncall:\n  group: 0s\n  mail: {{ server: localhost, port: {}, from: 'Farm <farm@example.com>', to: {to}{more} }}",
        exim.address.port()
    )
}

#[test]
fn a_mail_goes_over_starttls_with_a_login_from_a_file() {
    let exim = Exim::start(&[]);
    let more = format!(
        ", ca_file: {}, username: farm, password_file: {}",
        exim.at("cert.pem"),
        exim.at("password")
    );
    play(async {
        let dispatcher = dispatcher(&by(
            &exim,
            &more,
            "[ada@example.com, Bob <bob@example.com>]",
        ));
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.delivered + state.failed > 0).await;
        assert_eq!(state.trouble, None);
    });
    let queue = exim.queue();
    assert_eq!(queue.len(), 1);
    let mail = &queue[0];
    for part in [
        "ada@example.com",
        "bob@example.com",
        "Subject: [shop lb1] WARNING: web1 of http is down: connection refused",
        "Auto-Submitted: auto-generated",
        "From: ",
        "WARNING  web1 of http is down: connection refused",
        "2026-11-21 19:45:22 UTC",
        "what to do  It gets no new connections.",
    ] {
        assert!(mail.contains(part), "{part} is not in\n{mail}");
    }
    assert!(
        mail.contains("-tls_cipher") && mail.contains("-auth_id"),
        "{mail}"
    );
}

#[test]
fn a_mail_goes_over_tls_from_the_first_byte() {
    let exim = Exim::start(&["-tls-on-connect"]);
    let more = format!(
        ", security: tls, ca_file: {}, username: farm, password_file: {}",
        exim.at("cert.pem"),
        exim.at("password")
    );
    play(async {
        let dispatcher = dispatcher(&by(&exim, &more, "ada@example.com"));
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.delivered + state.failed > 0).await;
        assert_eq!(state.trouble, None);
    });
    assert_eq!(exim.queue().len(), 1);
}

#[test]
fn a_mail_goes_without_tls_only_where_the_file_says_so() {
    let exim = Exim::start(&[]);
    play(async {
        let plain = dispatcher(&by(&exim, ", security: none", "ada@example.com"));
        plain.tell(&down(1));
        let state = until(&plain, |state| state.delivered + state.failed > 0).await;
        assert_eq!(state.trouble, None);
        assert_eq!(exim.queue().len(), 1);
        let strict = dispatcher(&by(&exim, "", "ada@example.com"));
        strict.tell(&down(2));
        let state = until(&strict, |state| state.failed > 0).await;
        assert!(
            state.trouble.expect("a reason").contains("certificate"),
            "it trusts nobody it does not know"
        );
    });
    assert_eq!(exim.queue().len(), 1);
}

#[test]
fn a_mail_server_that_refuses_says_why_in_the_status() {
    let exim = Exim::start(&[]);
    play(async {
        let dispatcher = dispatcher(&by(&exim, ", security: none", "nobody@example.com"));
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.failed > 0).await;
        assert!(state.trouble.expect("a reason").contains("no such user"));
        assert_eq!(state.waiting, 1);
    });
    assert_eq!(exim.queue().len(), 0);
}
