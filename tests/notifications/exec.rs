//! Programs of the operator's.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use farmctl::notification::Dispatcher;
use farmctl::notification::message::Message;

use crate::place::{down, play, sender, until, written};

/// A folder of root's under a path that only root can write: /tmp is none.
struct Scripts(PathBuf);

impl Scripts {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(format!("/run/farmctl-test-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn write(&self, text: &str) -> PathBuf {
        let file = self.0.join("tell");
        std::fs::write(&file, text).expect("written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a mode");
        file
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn telling(scripts: &Scripts, timeout: &str) -> Dispatcher {
    let program = scripts.0.join("tell");
    let notifications = format!(
        "program:\n  group: 0s\n  exec: {{ command: [{}, one argument], timeout: {timeout}, environment: {{ TEAM: web }} }}",
        program.display()
    );
    let daemon = format!("daemon: {{ exec_dirs: [{}] }}", scripts.0.display());
    Dispatcher::start(written(&notifications, &daemon), sender())
}

#[test]
fn a_program_finds_the_message_on_its_standard_input() {
    let scripts = Scripts::new("input");
    let out = scripts.0.join("out");
    scripts.write(&format!(
        "#!/bin/sh\ncat > {0}.json\nenv > {0}.env\necho \"$1\" > {0}.argument\n",
        out.display()
    ));
    play(async {
        let dispatcher = telling(&scripts, "50s");
        for number in 1..=300 {
            dispatcher.tell(&down(number));
        }
        until(&dispatcher, |state| state.delivered == 1).await;
    });
    let read = |ending: &str| std::fs::read_to_string(out.with_extension(ending)).expect("a file");
    let message: Message = serde_json::from_str(&read("json")).expect("a message");
    assert_eq!(message.entries.len(), 256, "more than a pipe holds");
    assert_eq!(read("argument"), "one argument\n");
    let environment = read("env");
    assert!(
        environment.contains("TEAM=web\n") && environment.contains("FARMCTL_SEVERITY=warning\n")
    );
    assert!(
        !environment.contains("CARGO"),
        "nothing of our own environment: {environment}"
    );
}

#[test]
fn a_program_that_fails_or_hangs_is_told_and_ended() {
    let scripts = Scripts::new("hangs");
    scripts.write("#!/bin/sh\necho no modem >&2\nexit 3\n");
    play(async {
        let dispatcher = telling(&scripts, "50s");
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.failed == 1).await;
        assert_eq!(
            state.trouble.as_deref(),
            Some("the program ended with exit status: 3: no modem")
        );
    });
    let pid = scripts.0.join("pid");
    scripts.write(&format!(
        "#!/bin/sh\nsleep 1000 &\necho $! > {}\nwait\n",
        pid.display()
    ));
    play(async {
        let dispatcher = telling(&scripts, "300ms");
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.failed == 1).await;
        assert_eq!(state.trouble.as_deref(), Some("it took longer than 0.3 s"));
        let number = std::fs::read_to_string(&pid).expect("the child's number");
        let child = PathBuf::from(format!("/proc/{}/stat", number.trim()));
        let is_gone = || std::fs::read_to_string(&child).map_or(true, |stat| stat.contains(") Z"));
        until(&dispatcher, |_| is_gone()).await;
    });
}

#[test]
fn a_program_that_others_can_write_is_not_run() {
    let scripts = Scripts::new("open");
    let program = scripts.write("#!/bin/sh\ntouch \"$0\".ran\n");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o777)).expect("a mode");
    play(async {
        let dispatcher = telling(&scripts, "50s");
        dispatcher.tell(&down(1));
        let state = until(&dispatcher, |state| state.failed == 1).await;
        let trouble = state.trouble.expect("a reason");
        assert!(trouble.contains("can be written by others"), "{trouble}");
    });
    assert!(!program.with_extension("ran").exists());
}
