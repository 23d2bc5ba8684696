//! Finds a program that may be run, and holds on to it.
//!
//! A daemon with the power over the kernel's tables runs nothing that somebody else could have
//! written: the file and every directory on the way to it must belong to root and be writable by
//! nobody else, and the file must be under one of `daemon.exec_dirs`. The way is walked step by
//! step with open descriptors, symbolic links included, and what is run is the descriptor that was
//! checked: nothing can be put in its place between the check and the run. Used by [`super`].

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

/// More symbolic links than this on the way are a loop, as for the kernel (path_resolution(7)).
const LINK_LIMIT: usize = 40;

/// Where programs are looked for and who may have written them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Where paths begin: `/`, in tests a folder of their own.
    root: PathBuf,
    /// Who must own the files and directories: root, in tests who runs them.
    owner: u32,
}

/// A program that may be run: the open file, and the path that was written.
#[derive(Debug)]
pub struct Program {
    file: OwnedFd,
    path: PathBuf,
}

/// Why a program may not be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A path that does not begin with `/`.
    #[error("the program {0} needs its whole path, as /usr/local/lib/checks/NAME")]
    Relative(PathBuf),
    /// No directory is named whose programs may run.
    #[error(
        "checks run programs only under the directories of `daemon.exec_dirs`, and there is none"
    )]
    NoDirectories,
    /// It is somewhere else.
    #[error("{0} is not under any of `daemon.exec_dirs`")]
    Elsewhere(PathBuf),
    /// Somebody else owns it.
    #[error("{path} belongs to user {owner}: only what root owns is run; chown root {path}")]
    Owner {
        /// The file or directory.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// Somebody else may write it.
    #[error("{path} can be written by others (mode {mode:03o}): chmod go-w {path}")]
    Writable {
        /// The file or directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is a directory or a device.
    #[error("{0} is not a file")]
    NoFile(PathBuf),
    /// It may not be executed.
    #[error("{0} is not executable: chmod +x {0}")]
    NotExecutable(PathBuf),
    /// Its symbolic links go round in a circle.
    #[error("{0} has too many symbolic links")]
    Links(PathBuf),
    /// The kernel refused a step of the way.
    #[error("{path}: {}", error.desc())]
    Kernel {
        /// How far the way went.
        path: PathBuf,
        /// What the kernel said.
        error: Errno,
    },
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            root: PathBuf::from("/"),
            owner: 0,
        }
    }
}

impl Trust {
    /// Another root directory and another owner, for tests.
    #[cfg(test)]
    fn within(root: &Path, owner: u32) -> Self {
        Self {
            root: root.to_owned(),
            owner,
        }
    }

    /// The program at a path, if it may be run.
    pub fn program(&self, path: &Path, directories: &[PathBuf]) -> Result<Program, Refusal> {
        if directories.is_empty() {
            return Err(Refusal::NoDirectories);
        }
        let found = self.walk(path)?;
        let is_inside = |directory: &PathBuf| {
            let directory = self.walk(directory);
            directory.is_ok_and(|directory| found.path.starts_with(&directory.path))
        };
        if !directories.iter().any(is_inside) {
            return Err(Refusal::Elsewhere(found.path));
        }
        found.executable(path)
    }

    /// Goes to a path from the root, step by step, and checks each step.
    fn walk(&self, path: &Path) -> Result<Place, Refusal> {
        if !path.is_absolute() {
            return Err(Refusal::Relative(path.to_owned()));
        }
        let mut way = Way::new(path);
        let mut stack = vec![self.enter_root()?];
        while let Some(step) = way.next() {
            match step {
                Step::Up => {
                    stack.truncate(stack.len().saturating_sub(1).max(1));
                }
                Step::Into(name) => {
                    let here = stack
                        .last()
                        .ok_or_else(|| Refusal::Links(path.to_owned()))?;
                    match here.link(&name)? {
                        None => stack.push(self.trusted(here.enter(&name)?)?),
                        Some(target) if way.links < LINK_LIMIT => {
                            if target.is_absolute() {
                                stack.truncate(1);
                            }
                            way.follow(&target);
                        }
                        Some(_) => return Err(Refusal::Links(path.to_owned())),
                    }
                }
            }
        }
        stack.pop().ok_or_else(|| Refusal::NoFile(path.to_owned()))
    }

    fn enter_root(&self) -> Result<Place, Refusal> {
        let path = PathBuf::from("/");
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY;
        let file = open(&self.root, flags, Mode::empty());
        let file = file.map_err(|error| kernel(&path, error))?;
        self.trusted(Place::new(file, path)?)
    }

    fn trusted(&self, place: Place) -> Result<Place, Refusal> {
        let owner = place.status.st_uid;
        if owner != self.owner {
            return Err(Refusal::Owner {
                path: place.path,
                owner,
            });
        }
        let mode = place.status.st_mode & 0o7777;
        if mode & 0o022 != 0 {
            return Err(Refusal::Writable {
                path: place.path,
                mode,
            });
        }
        Ok(place)
    }
}

impl Program {
    /// A path at which the kernel finds the checked file itself. It is valid as long as this
    /// value lives, also for the interpreter of a script, which opens it again by this path.
    pub fn runnable(&self) -> PathBuf {
        let process = std::process::id();
        PathBuf::from(format!("/proc/{process}/fd/{}", self.file.as_raw_fd()))
    }

    /// The path that was written in the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// An open file or directory, and the path without links that led to it.
struct Place {
    file: OwnedFd,
    path: PathBuf,
    status: FileStat,
}

impl Place {
    fn new(file: OwnedFd, path: PathBuf) -> Result<Self, Refusal> {
        let status = fstat(&file).map_err(|error| kernel(&path, error))?;
        Ok(Self { file, path, status })
    }

    fn enter(&self, name: &OsStr) -> Result<Self, Refusal> {
        let path = self.path.join(name);
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let file = openat(&self.file, name, flags, Mode::empty());
        Self::new(file.map_err(|error| kernel(&path, error))?, path)
    }

    /// Where a name points to; none where it is no symbolic link. Nobody but root can have
    /// written the link: this directory has been checked.
    fn link(&self, name: &OsStr) -> Result<Option<PathBuf>, Refusal> {
        let fail = |error| kernel(&self.path.join(name), error);
        let status = fstatat(&self.file, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(fail)?;
        if kind(&status) != SFlag::S_IFLNK {
            return Ok(None);
        }
        let target: OsString = readlinkat(&self.file, name).map_err(fail)?;
        Ok(Some(PathBuf::from(OsString::from_vec(target.into_vec()))))
    }

    fn executable(self, written: &Path) -> Result<Program, Refusal> {
        if kind(&self.status) != SFlag::S_IFREG {
            return Err(Refusal::NoFile(self.path));
        }
        if self.status.st_mode & 0o111 == 0 {
            return Err(Refusal::NotExecutable(self.path));
        }
        Ok(Program {
            file: self.file,
            path: written.to_owned(),
        })
    }
}

/// What is left of a way.
struct Way {
    steps: VecDeque<OsString>,
    links: usize,
}

enum Step {
    Up,
    Into(OsString),
}

impl Way {
    fn new(path: &Path) -> Self {
        Self {
            steps: steps(path).collect(),
            links: 0,
        }
    }

    fn next(&mut self) -> Option<Step> {
        let step = self.steps.pop_front()?;
        Some(if step.as_bytes() == b".." {
            Step::Up
        } else {
            Step::Into(step)
        })
    }

    /// What a link says stands before what is left.
    fn follow(&mut self, target: &Path) {
        self.links += 1;
        for step in steps(target).collect::<Vec<_>>().into_iter().rev() {
            self.steps.push_front(step);
        }
    }
}

fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

fn kernel(path: &Path, error: Errno) -> Refusal {
    Refusal::Kernel {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    /// A root of our own with `/checks/good` in it.
    struct Bed(tempfile::TempDir);

    impl Bed {
        fn new() -> Self {
            let bed = Self(tempfile::tempdir().unwrap());
            fs::create_dir(bed.at("checks")).unwrap();
            bed.mode("checks", 0o755);
            bed.file("checks/good", 0o755);
            bed
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn mode(&self, path: &str, mode: u32) {
            fs::set_permissions(self.at(path), Permissions::from_mode(mode)).unwrap();
        }

        fn file(&self, path: &str, mode: u32) {
            fs::write(self.at(path), "#!/bin/sh\n").unwrap();
            self.mode(path, mode);
        }

        fn find(&self, path: &str) -> Result<Program, Refusal> {
            let owner = fs::metadata(self.0.path()).unwrap().uid();
            let trust = Trust::within(self.0.path(), owner);
            trust.program(Path::new(path), &[PathBuf::from("/checks")])
        }

        fn refusal(&self, path: &str) -> Refusal {
            self.find(path)
                .map(|program| program.path().to_owned())
                .unwrap_err()
        }
    }

    #[test]
    fn a_program_of_the_owner_is_found() {
        let program = Bed::new().find("/checks/good").unwrap();
        assert_eq!(program.path(), Path::new("/checks/good"));
        assert!(program.runnable().starts_with("/proc"));
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let bed = Bed::new();
        let path = PathBuf::from("/checks/good");
        for mode in [0o775, 0o757, 0o722] {
            bed.mode("checks/good", mode);
            assert_eq!(
                bed.refusal("/checks/good"),
                Refusal::Writable {
                    path: path.clone(),
                    mode
                }
            );
        }
    }

    #[test]
    fn a_directory_on_the_way_that_others_can_write_is_refused() {
        let bed = Bed::new();
        // A sticky bit is no help: who owns nothing there can still put a name there.
        for mode in [0o777, 0o1777, 0o770] {
            bed.mode("checks", mode);
            let path = PathBuf::from("/checks");
            assert_eq!(
                bed.refusal("/checks/good"),
                Refusal::Writable { path, mode }
            );
        }
    }

    #[test]
    fn what_another_user_owns_is_refused() {
        let bed = Bed::new();
        let owner = fs::metadata(bed.0.path()).unwrap().uid();
        let trust = Trust::within(bed.0.path(), owner + 1);
        let refused = trust.program(Path::new("/checks/good"), &[PathBuf::from("/checks")]);
        assert_eq!(
            refused.unwrap_err(),
            Refusal::Owner {
                path: PathBuf::from("/"),
                owner
            }
        );
    }

    #[test]
    fn only_what_is_under_the_directories_is_run() {
        let bed = Bed::new();
        bed.file("other", 0o755);
        for path in ["/other", "/checks/../other", "/checks/./.././../../other"] {
            assert_eq!(
                bed.refusal(path),
                Refusal::Elsewhere(PathBuf::from("/other")),
                "{path}"
            );
        }
        symlink("../other", bed.at("checks/out")).unwrap();
        assert_eq!(
            bed.refusal("/checks/out"),
            Refusal::Elsewhere(PathBuf::from("/other"))
        );
    }

    #[test]
    fn a_name_that_only_begins_like_a_directory_is_not_under_it() {
        let bed = Bed::new();
        bed.file("checks-not", 0o755);
        assert!(matches!(bed.refusal("/checks-not"), Refusal::Elsewhere(_)));
    }

    #[test]
    fn links_are_followed_inside_the_root_and_checked_on_the_way() {
        let bed = Bed::new();
        fs::create_dir(bed.at("deep")).unwrap();
        bed.mode("deep", 0o755);
        symlink("/deep/../checks/good", bed.at("checks/link")).unwrap();
        assert!(bed.find("/checks/link").is_ok());
        bed.mode("deep", 0o777);
        let path = PathBuf::from("/deep");
        assert_eq!(
            bed.refusal("/checks/link"),
            Refusal::Writable { path, mode: 0o777 }
        );
    }

    #[test]
    fn a_circle_of_links_ends() {
        let bed = Bed::new();
        symlink("round", bed.at("checks/round")).unwrap();
        assert!(matches!(bed.refusal("/checks/round"), Refusal::Links(_)));
    }

    #[test]
    fn what_is_no_program_says_so() {
        let bed = Bed::new();
        bed.file("checks/plain", 0o644);
        assert!(matches!(
            bed.refusal("/checks/plain"),
            Refusal::NotExecutable(_)
        ));
        assert!(matches!(bed.refusal("/checks"), Refusal::NoFile(_)));
        assert!(matches!(bed.refusal("checks/good"), Refusal::Relative(_)));
        let missing = bed.refusal("/checks/none");
        assert_eq!(
            missing.to_string(),
            "/checks/none: No such file or directory"
        );
        let within = bed.refusal("/checks/good/none");
        assert_eq!(within.to_string(), "/checks/good/none: Not a directory");
    }

    #[test]
    fn without_directories_nothing_is_run() {
        let refused = Trust::default().program(Path::new("/bin/true"), &[]);
        assert_eq!(refused.unwrap_err(), Refusal::NoDirectories);
    }

    #[test]
    fn a_file_put_in_the_place_of_a_checked_one_is_not_the_one_that_runs() {
        let bed = Bed::new();
        let program = bed.find("/checks/good").unwrap();
        fs::rename(bed.at("checks/good"), bed.at("checks/old")).unwrap();
        fs::write(bed.at("checks/good"), "somebody else's").unwrap();
        assert_eq!(
            fs::read_to_string(program.runnable()).unwrap(),
            "#!/bin/sh\n"
        );
    }
}
