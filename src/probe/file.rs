//! A file on the director says how a real server is: it is there, and its first line is read as an
//! agent's answer.
//!
//! Whoever may write the file decides; what is read is bounded, and only ordinary files are read:
//! a FIFO or a device would hold the reader. It is read on a thread of its own, so that a file
//! system that does not answer holds up nothing but its own question. Called by [`super::ask`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use tokio::task::spawn_blocking;

use super::agent::AgentLine;
use super::{Failure, Report, Target, Tools};
use crate::health::{Fault, Question};
use crate::spec::FileCheck;

/// So much of a file is read, in bytes.
const LIMIT: u64 = 4096;

/// Asks one.
pub(super) async fn ask(
    check: &FileCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let path = path(check, target.question())?;
    let place = tools.outstanding().enter(target).await?;
    target.waits_for("the file system");
    let reading = spawn_blocking(move || {
        let read = read(&path);
        drop(place);
        (path, read)
    });
    let (path, read) = reading
        .await
        .map_err(|_| Failure::here("the thread of a file was lost"))?;
    match read {
        Ok(bytes) => Ok(judge(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => missing(check, &path),
        Err(error) => Err(Failure::here(format!("{}: {error}", path.display()))),
    }
}

/// The path with the real server's name and address in their places.
fn path(check: &FileCheck, question: &Question) -> Result<PathBuf, Failure> {
    let name = &question.name;
    let is_odd = name.contains('/') || ["", ".", ".."].contains(&name.as_str());
    if is_odd && check.path.contains("{name}") {
        return Err(Failure::here(format!("`{name}` cannot stand in a path")));
    }
    let path = check.path.replace("{name}", name);
    Ok(PathBuf::from(
        path.replace("{address}", &question.address.to_string()),
    ))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn missing(check: &FileCheck, path: &Path) -> Result<Report, Failure> {
    let text = format!("{} is missing", path.display());
    if check.missing_is_up == Some(true) {
        return Ok(Report::pass(text));
    }
    Err(Failure::server(Fault::SaysDown, text))
}

/// A file whose first line has no word of an agent says no more than that it is there.
fn judge(bytes: &[u8]) -> Report {
    let line = AgentLine::read(bytes);
    if line.says_nothing() {
        return Report::pass("the file is there");
    }
    Report::from(line.verdict()).with_advice(line.advice())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;
    use crate::health::{Advice, Answer, Verdict};
    use crate::probe::ask;
    use crate::spec::{EffectiveCheck, Kind, Timing, Vantage};

    fn question(path: &str, missing_is_up: Option<bool>) -> Question {
        let second = Duration::from_secs(1);
        let path = path.parse().unwrap();
        Question {
            address: "2001:db8::7".parse().unwrap(),
            port: 0,
            check: EffectiveCheck {
                kind: Some(Kind::File(FileCheck {
                    path,
                    missing_is_up,
                })),
                agent: None,
                timing: Timing {
                    interval: second,
                    timeout: 20 * second,
                    rise: 2,
                    fall: 3,
                    fast_retry: second,
                    warm_up: second,
                },
                port: None,
                address: None,
                vantage: Vantage::default(),
            },
            vip: None,
            name: "web-1".to_owned(),
        }
    }

    fn asked(question: &Question) -> Answer {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(ask(question, &Tools::default()))
    }

    fn written(content: &[u8]) -> Answer {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web-1");
        fs::write(&path, content).unwrap();
        asked(&question(path.to_str().unwrap(), None))
    }

    fn text(answer: &Answer) -> &str {
        match &answer.verdict {
            Verdict::Pass(text) | Verdict::Fail { text, .. } | Verdict::Unasked(text) => text,
        }
    }

    #[test]
    fn a_file_that_is_there_passes() {
        for content in [&b""[..], b"in service since noon\n", &vec![0xff; 100_000]] {
            let answer = written(content);
            assert_eq!(
                answer.verdict,
                Verdict::Pass("the file is there".to_owned())
            );
            assert_eq!(answer.advice, None);
        }
    }

    #[test]
    fn its_first_line_is_an_agents_answer() {
        let answer = written(b"40%\ndown\n");
        assert_eq!(answer.verdict, Verdict::Pass("40%".to_owned()));
        let percent = Some(40);
        assert_eq!(
            answer.advice,
            Some(Advice {
                percent,
                ..Advice::default()
            })
        );
        let down = Verdict::Fail {
            fault: Fault::SaysDown,
            text: "it says down: deploying".to_owned(),
        };
        assert_eq!(written(b"down #deploying").verdict, down);
    }

    #[test]
    fn a_missing_file_means_what_the_check_says() {
        let down = asked(&question("/nowhere/at/all", None));
        assert_eq!(text(&down), "/nowhere/at/all is missing");
        assert!(matches!(
            down.verdict,
            Verdict::Fail {
                fault: Fault::SaysDown,
                ..
            }
        ));
        let up = asked(&question("/nowhere/at/all", Some(true)));
        assert!(matches!(up.verdict, Verdict::Pass(_)));
    }

    #[test]
    fn the_servers_name_and_address_stand_in_the_path() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("web-1_2001:db8::7"), "drain").unwrap();
        let path = format!("{}/{{name}}_{{address}}", folder.path().display());
        assert_eq!(text(&asked(&question(&path, None))), "drain");
        for name in ["", "..", "../secret", "a/b"] {
            let mut odd = question(&path, None);
            name.clone_into(&mut odd.name);
            assert!(
                matches!(asked(&odd).verdict, Verdict::Unasked(_)),
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_is_no_ordinary_file_is_not_read_and_holds_up_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for path in [fifo.to_str().unwrap(), "/dev/zero", "/tmp"] {
            let answer = asked(&question(path, None));
            assert_eq!(text(&answer), format!("{path}: it is no ordinary file"));
            assert!(matches!(answer.verdict, Verdict::Unasked(_)));
        }
    }
}
