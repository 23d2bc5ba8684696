//! Starting rehearsals, and what they leave behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The user that has nothing: no file is its, no privilege.
pub(crate) const NOBODY: u32 = 65_534;

/// Whose rehearsal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Own,
    /// [`NOBODY`], where the tests run as root; else the one who runs them, who is nobody either.
    Ordinary,
}

impl User {
    /// Both.
    pub(crate) const BOTH: [Self; 2] = [Self::Own, Self::Ordinary];
}

/// A rehearsal that is to be started.
pub(crate) struct Play {
    /// What is written for it, and its state directory: an unmistakable word of its command line.
    pub(crate) folder: TempDir,
    farm: PathBuf,
    arguments: Vec<String>,
    user: User,
}

/// A rehearsal that is over.
#[derive(Debug)]
pub(crate) struct Played {
    /// Its exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Its results.
    pub(crate) out: String,
    /// Its messages.
    pub(crate) err: String,
}

impl Play {
    /// Of a file of the repository, on nftables.
    pub(crate) fn of(farm: &str) -> Self {
        let folder = TempDir::new().unwrap();
        // An ordinary user must be able to read it.
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), all).unwrap();
        let text = fs::read_to_string(top().join(farm)).unwrap();
        let path = folder.path().join("farm.yaml");
        fs::write(&path, text).unwrap();
        Self {
            folder,
            farm: path,
            arguments: vec!["--dataplane".to_owned(), "nftables".to_owned()],
            user: User::Own,
        }
    }

    /// Of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let play = Self::of("farm.yaml");
        play.write("farm.yaml", text);
        play
    }

    /// With a scenario of this text.
    pub(crate) fn with(self, scenario: &str) -> Self {
        let path = self.write("scenario.yaml", scenario);
        self.argued(&["--scenario", path.to_str().unwrap()])
    }

    /// With more arguments.
    pub(crate) fn argued(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|one| (*one).to_owned()));
        self
    }

    /// With another word in place of one of the arguments.
    pub(crate) fn instead(mut self, of: &str, word: &str) -> Self {
        let changed = self.arguments.iter_mut().filter(|one| *one == of);
        changed.for_each(|one| word.clone_into(one));
        self
    }

    /// By a user.
    pub(crate) fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// Writes a file beside the scenario.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The state directory: there, and nobody's to write but the user's.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Child {
        self.command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Plays it to its end.
    pub(crate) fn play(&self) -> Played {
        Played::of(self.start())
    }

    /// Plays it and reads the report that programs get.
    pub(crate) fn report(self) -> Value {
        let played = self.argued(&["--output", "json"]).play();
        assert!(matches!(played.code, Some(0 | 1)), "{played:?}");
        serde_json::from_str(&played.out).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
    fn command(&self) -> Command {
        fs::create_dir_all(self.state()).unwrap();
        let program = env!("CARGO_BIN_EXE_farmctl");
        let mut command = if self.user == User::Ordinary && nix::unistd::geteuid().is_root() {
            // The build may be where an ordinary user can't go.
            let copy = self.folder.path().join("farmctl");
            fs::copy(program, &copy).unwrap();
            let program = copy.to_str().unwrap();
            let ids = format!("--reuid={NOBODY}");
            let group = format!("--regid={NOBODY}");
            let mut command = Command::new("setpriv");
            command.args([&ids, &group, "--clear-groups", program]);
            command
        } else {
            Command::new(program)
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.folder.path());
        command.args(["rehearse", "--state-dir"]).arg(self.state());
        command.arg(&self.farm).args(&self.arguments);
        command
    }
}

impl Played {
    /// Waits for the end.
    pub(crate) fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The top of the repository.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
