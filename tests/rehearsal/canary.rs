//! Nothing outside of a rehearsal is touched, whatever its steps try.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use super::play::{Play, User};

/// A name that nobody else uses.
const MARK: &str = "farmctl-canary";

/// Tries whatever could be felt outside, and says what went well of what must not.
const SCRIPT: &str = r#"
done=
try() { name=$1; shift; if "$@" 2>/dev/null; then done="$done $name"; fi; }
try root touch /farmctl-canary
try home touch "$FOLDER/farmctl-canary"
try etc touch /etc/farmctl-canary
try program cp /dev/null /proc/1/exe
try remount mount -o remount,rw,bind /
try rootagain touch /farmctl-canary
try etcagain touch /etc/farmctl-canary
try unmount umount /run
try kernel sh -c 'echo canary > /proc/sys/kernel/domainname'
try core sh -c 'echo canary > /proc/sys/kernel/core_pattern'
try kill kill -9 $OUTSIDE
try device sh -c 'mknod /tmp/disk b 8 0 && head -c1 /tmp/disk'
try listener bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
# These go well, and are felt inside only.
touch /tmp/farmctl-canary /run/farmctl-canary
echo 7 > /proc/sys/net/ipv4/ip_default_ttl || done="$done ttl"
echo "went well:$done" >&2
[ -z "$done" ]
"#;

/// Everything of the host that a rehearsal could change, read without any tool.
fn host() -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for file in [
        "self/mountinfo",
        "net/dev",
        "net/route",
        "net/if_inet6",
        "net/ipv6_route",
    ] {
        let text = fs::read_to_string(Path::new("/proc").join(file)).unwrap_or_default();
        seen.insert(file.to_owned(), names_only(file, &text));
    }
    for folder in ["net/ipv4", "net/ipv6", "kernel"] {
        sysctls(&Path::new("/proc/sys").join(folder), &mut seen);
    }
    let nft = run("nft", &["list", "ruleset"]);
    seen.insert("nft list ruleset".to_owned(), nft);
    seen
}

/// Without what counts packets and time.
fn names_only(file: &str, text: &str) -> String {
    if file != "net/dev" {
        return text.to_owned();
    }
    let names = text.lines().filter_map(|line| line.split_once(':'));
    names
        .map(|(name, _)| name.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

fn sysctls(folder: &Path, seen: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Numbers that change by themselves.
        let lively = [
            "random",
            "pty",
            "ns_last_pid",
            "perf_event",
            "nr_",
            "sched",
            "route",
        ];
        let name = entry.file_name().to_string_lossy().into_owned();
        if lively.iter().any(|word| name.contains(word)) {
            continue;
        }
        if path.is_dir() {
            sysctls(&path, seen);
        } else if let Ok(value) = fs::read_to_string(&path) {
            seen.insert(path.display().to_string(), value);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program's view of the host"
)]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Places where a canary would be, were it let out.
fn places(play: &Play) -> Vec<PathBuf> {
    let folders = [
        play.folder.path(),
        Path::new("/"),
        Path::new("/etc"),
        Path::new("/tmp"),
    ];
    let more = [
        Path::new("/run"),
        Path::new("/var/tmp"),
        Path::new("/dev/shm"),
    ];
    let all = folders.iter().chain(&more).map(|folder| folder.join(MARK));
    all.chain([play.state().join(MARK)]).collect()
}

fn nothing_is_touched(user: User) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let play = Play::of("farm.yaml").by(user);
    let folder = play.folder.path().display();
    let variables = format!("FOLDER={folder} PORT={port} OUTSIDE={}", std::process::id());
    let script = play.write("try.sh", &format!("{variables}\n{SCRIPT}"));
    let text = fs::read_to_string(&script).unwrap();
    let step = serde_json::json!({ "node": "web1", "command": ["sh", "-c", text] });
    let play = play.with(&format!(
        "version: 1\nduration: 1s\nload: {{ rate: 20/s, keep_alive: 1, downloads: 0 }}\n\
         steps: [{{ at: 100ms, run: {step} }}]\nexpect: ['lost: 0']\n"
    ));
    let before = host();
    let played = play.play();
    assert_eq!(played.code, Some(0), "{played:?}");
    for place in places(&play) {
        assert!(!place.exists(), "{} was let out", place.display());
    }
    let after = host();
    assert!(before.len() > 100, "the host can be read");
    for (name, value) in &before {
        assert_eq!(after.get(name), Some(value), "{name}");
    }
    assert_eq!(
        fs::read_dir(play.state()).unwrap().count(),
        0,
        "the state is untouched"
    );
    let nobody = listener.accept().unwrap_err();
    assert_eq!(
        nobody.kind(),
        ErrorKind::WouldBlock,
        "nobody came to the canary's port"
    );
}

#[test]
fn nothing_outside_is_touched_by_the_one_who_runs_the_tests() {
    nothing_is_touched(User::Own);
}

#[test]
fn nothing_outside_is_touched_by_an_ordinary_user() {
    nothing_is_touched(User::Ordinary);
}
