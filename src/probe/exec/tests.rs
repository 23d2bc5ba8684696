//! Programs that end, that do not, and that leave others behind. `/usr/bin/sh` is the program of
//! most: it belongs to root on every Debian.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use nix::sys::signal::killpg;
use nix::unistd::Pid;
use tempfile::TempDir;

use super::outstanding::Outstanding;
use super::program::Trust;
use super::run::{self, KEPT, Order};
use crate::health::{Advice, Answer, Question, Verdict, Welcome};
use crate::probe::{Target, Tools, ask};
use crate::spec::{EffectiveCheck, ExecCheck, Kind, Timing, Vantage};

/// Long enough for whatever is to come.
const PATIENT: Duration = Duration::from_secs(20);
/// Short, for what never comes; long enough for a shell to say a first word.
const HASTY: Duration = Duration::from_millis(400);

fn question(command: &[&str], timeout: Duration) -> Question {
    let check = ExecCheck {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        environment: BTreeMap::new(),
        reads_agent: None,
    };
    Question {
        address: "192.0.2.7".parse().unwrap(),
        port: 80,
        check: EffectiveCheck {
            kind: Some(Kind::Exec(check)),
            agent: None,
            timing: Timing {
                interval: Duration::from_secs(1),
                timeout,
                rise: 2,
                fall: 3,
                fast_retry: Duration::from_millis(250),
                warm_up: Duration::ZERO,
            },
            port: None,
            address: None,
            vantage: Vantage::default(),
        },
        vip: None,
        name: "web-1".to_owned(),
    }
}

fn shell(script: &str, timeout: Duration) -> Question {
    question(&["/usr/bin/sh", "-c", script], timeout)
}

fn change(question: &mut Question, change: impl FnOnce(&mut ExecCheck)) {
    if let Some(Kind::Exec(check)) = &mut question.check.kind {
        change(check);
    }
}

fn tools() -> Tools {
    Tools::new(vec!["/usr/bin".into()])
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

fn asked(question: &Question) -> Answer {
    on_a_runtime(ask(question, &tools()))
}

fn said(answer: &Answer) -> String {
    match &answer.verdict {
        Verdict::Pass(text) => format!("pass: {text}"),
        Verdict::Fail { fault, text } => format!("{fault:?}: {text}"),
        Verdict::Unasked(text) => format!("unasked: {text}"),
    }
}

/// Waits for something that must come.
async fn until(mut come: impl FnMut() -> bool) {
    const STEP: Duration = Duration::from_millis(5);
    for _ in 0..PATIENT.as_millis() / STEP.as_millis() {
        if come() {
            return;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("it did not come");
}

/// The numbers of processes that a script wrote into a file, a line each.
fn numbers(path: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| Pid::from_raw(line.trim().parse().unwrap()))
        .collect()
}

fn is_gone(process: Pid) -> bool {
    state(process).is_none_or(|(state, _)| state == 'Z')
}

fn group_is_gone(group: Pid) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut states = processes.filter_map(|process| state(Pid::from_raw(process)));
    !states.any(|(state, of)| of == group && state != 'Z')
}

/// A process's state and group (`/proc/PID/stat`, proc(5)). `Z` has ended, and waits only for its
/// parent to see it; the parent of those whose own has ended is not ours.
fn state(process: Pid) -> Option<(char, Pid)> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = status.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, Pid::from_raw(fields.nth(1)?.parse().ok()?)))
}

#[test]
fn a_program_that_ends_with_0_passes_with_its_first_line() {
    assert_eq!(
        said(&asked(&question(&["/usr/bin/true"], PATIENT))),
        "pass: exit code 0"
    );
    let talks = shell("echo all is well; echo more", PATIENT);
    assert_eq!(said(&asked(&talks)), "pass: exit code 0: \"all is well\"");
}

#[test]
fn another_exit_code_says_that_the_server_is_down() {
    let fails = shell("echo it is on fire; exit 3", PATIENT);
    assert_eq!(
        said(&asked(&fails)),
        "SaysDown: exit code 3: \"it is on fire\""
    );
    let complains = shell("echo no such host >&2; exit 1", PATIENT);
    assert_eq!(
        said(&asked(&complains)),
        "SaysDown: exit code 1: \"no such host\""
    );
}

#[test]
fn a_program_that_dies_of_a_signal_is_broken() {
    let dies = shell("kill -SEGV $$", PATIENT);
    assert_eq!(
        said(&asked(&dies)),
        "Broken: the program was killed by SIGSEGV"
    );
}

#[test]
fn what_may_not_run_says_nothing_about_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("check");
    fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
    let elsewhere = asked(&question(&[path.to_str().unwrap()], PATIENT));
    // The temporary folder is everybody's; where it is not, the file is not executable.
    assert!(
        said(&elsewhere).starts_with("unasked: /"),
        "{}",
        said(&elsewhere)
    );
    let missing = asked(&question(&["/usr/bin/no-such-check"], PATIENT));
    assert_eq!(
        said(&missing),
        "unasked: /usr/bin/no-such-check: No such file or directory"
    );
    let none = on_a_runtime(ask(&shell("exit 0", PATIENT), &Tools::default()));
    assert!(said(&none).contains("daemon.exec_dirs"), "{}", said(&none));
}

#[test]
fn a_script_is_run_by_its_interpreter() {
    // A script of the C library's package, which every Debian has.
    let script = question(&["/usr/bin/ldd", "--version"], PATIENT);
    let answer = said(&asked(&script));
    assert!(answer.starts_with("pass: exit code 0: \"ldd ("), "{answer}");
}

#[test]
fn a_program_gets_a_clean_environment_and_no_input() {
    let mut lists = shell(
        "cat; env | sort | grep -v -e ^_= -e ^PWD= -e ^SHLVL= | tr '\\n' ' '",
        PATIENT,
    );
    change(&mut lists, |check| {
        check.environment = BTreeMap::from([
            ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
            ("FARMCTL_PORT".to_owned(), "1".to_owned()),
        ]);
    });
    let order = super::order(exec_of(&lists), &Target::new(&lists), &tools()).unwrap();
    let ended = on_a_runtime(run_alone(order, &lists));
    assert_eq!(
        String::from_utf8(ended.output).unwrap(),
        "FARMCTL_ADDRESS=192.0.2.7 FARMCTL_PORT=80 FARMCTL_PROGRAM=/usr/bin/sh \
         FARMCTL_SERVER=web-1 FARMCTL_TIMEOUT=20 LC_ALL=C.UTF-8 \
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
    );
}

fn exec_of(question: &Question) -> &ExecCheck {
    match question.kind() {
        Some(Kind::Exec(check)) => check,
        other => panic!("not a program: {other:?}"),
    }
}

async fn run_alone(order: Order, question: &Question) -> run::Ended {
    let place = Outstanding::default()
        .enter(&Target::new(question))
        .await
        .unwrap();
    run::run(order, place).await.unwrap()
}

#[test]
fn what_is_written_beyond_the_limit_is_read_and_thrown_away() {
    let pours = shell(
        "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2",
        PATIENT,
    );
    let order = super::order(exec_of(&pours), &Target::new(&pours), &tools()).unwrap();
    let ended = on_a_runtime(run_alone(order, &pours));
    assert!(ended.status.success());
    assert_eq!((ended.output.len(), ended.complaint.len()), (KEPT, KEPT));
}

fn advised(words: &str) -> Answer {
    let mut question = shell(&format!("echo '{words}'"), PATIENT);
    change(&mut question, |check| check.reads_agent = Some(true));
    asked(&question)
}

#[test]
fn the_first_line_is_an_agents_answer_where_the_check_says_so() {
    let answer = advised("75% drain");
    assert_eq!(said(&answer), "pass: drain, 75%");
    let advice = Advice {
        percent: Some(75),
        welcome: Some(Welcome::Drain),
        up: None,
    };
    assert_eq!(answer.advice, Some(advice));
    assert_eq!(
        said(&advised("down #disk full")),
        "SaysDown: it says down: disk full"
    );
    let plain = asked(&shell("echo 75%", PATIENT));
    assert_eq!(
        (said(&plain), plain.advice),
        ("pass: exit code 0: \"75%\"".to_owned(), None)
    );
    let wordless = advised("OK - load 0.3");
    assert_eq!(wordless.advice, None);
    assert!(
        said(&wordless).starts_with("pass: exit code 0, and no word"),
        "{}",
        said(&wordless)
    );
}

/// keepalived #2720: after a time-out the weight of a dynamic check grew with every run, to 667
/// where 253 is the greatest.
#[test]
fn neither_time_outs_nor_great_numbers_let_a_weight_grow() {
    let hangs = shell("echo 100%; sleep 1000", HASTY);
    let mut hangs_with_advice = hangs;
    change(&mut hangs_with_advice, |check| {
        check.reads_agent = Some(true);
    });
    let tools = tools();
    on_a_runtime(async {
        for _ in 0..3 {
            let answer = ask(&hangs_with_advice, &tools).await;
            assert_eq!(answer.advice, None, "who timed out has not advised");
        }
    });
    for _ in 0..3 {
        let great = advised("999999999999% 70000%");
        assert_eq!(
            great.advice.unwrap().percent,
            Some(crate::probe::agent::GREATEST_PERCENT)
        );
    }
}

/// keepalived #429: programs that timed out were left to run, and piled up.
#[test]
fn a_time_out_ends_the_program_and_all_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let (hangs, notes) = writing(&folder, "sleep 1000 & sleep 1000 & echo $$ > {}; wait");
    on_a_runtime(async {
        let answer = ask(&hangs, &tools()).await;
        assert_eq!(
            said(&answer),
            "TimedOut: timed out after 400ms waiting for the program to end"
        );
        let leader = numbers(&notes)[0];
        until(|| group_is_gone(leader)).await;
    });
}

/// A question whose script writes into a file, `{}`.
fn writing(folder: &TempDir, script: &str) -> (Question, std::path::PathBuf) {
    let notes = folder.path().join("notes");
    let script = script.replace("{}", notes.to_str().unwrap());
    (shell(&script, HASTY), notes)
}

/// keepalived #429, the hard way: programs that do not listen to TERM, asked again and again.
#[test]
fn programs_that_ignore_signals_never_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' TERM HUP INT; echo $$ >> {}; while :; do sleep 1000; done";
    let (stubborn, notes) = writing(&folder, script);
    let tools = tools();
    on_a_runtime(async {
        for _ in 0..4 {
            let answer = ask(&stubborn, &tools).await;
            assert!(said(&answer).starts_with("TimedOut"), "{}", said(&answer));
            let alive = numbers(&notes)
                .into_iter()
                .filter(|process| !is_gone(*process));
            assert!(alive.count() <= 1, "one at a time");
            assert!(tools.outstanding().count() <= 1);
        }
        until(|| tools.outstanding().count() == 0).await;
        until(|| numbers(&notes).into_iter().all(group_is_gone)).await;
    });
    assert!(!numbers(&notes).is_empty());
}

/// keepalived #2363: a checker was lost after a time-out, and its server stayed as it was.
#[test]
fn a_question_is_answered_again_after_its_program_hung() {
    let folder = tempfile::tempdir().unwrap();
    let script = "test -e {} && exit 0; trap '' TERM; sleep 1000 & wait; sleep 1000";
    let (heals, notes) = writing(&folder, script);
    let tools = tools();
    on_a_runtime(async {
        for _ in 0..3 {
            assert!(said(&ask(&heals, &tools).await).starts_with("TimedOut"));
        }
        fs::write(&notes, "").unwrap();
        until(|| tools.outstanding().count() == 0).await;
        assert_eq!(said(&ask(&heals, &tools).await), "pass: exit code 0");
    });
}

#[test]
fn what_a_program_leaves_behind_in_its_group_is_ended_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (forks, notes) = writing(&folder, "sleep 1000 & echo $! > {}; exit 0");
    on_a_runtime(async {
        assert_eq!(said(&ask(&forks, &tools()).await), "pass: exit code 0");
        let child = numbers(&notes)[0];
        until(|| is_gone(child)).await;
    });
}

/// What leaves its group by setsid(2) is not found again. It holds nothing of the question's.
#[test]
fn a_child_that_ran_away_with_the_output_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "setsid sh -c 'echo $$ > {}; exec sleep 1000' & until test -s {}; do :; done; echo done";
    let (escapes, notes) = writing(&folder, script);
    let tools = tools();
    on_a_runtime(async {
        let answer = ask(&escapes, &tools).await;
        assert_eq!(said(&answer), "pass: exit code 0: \"done\"");
        assert_eq!(tools.outstanding().count(), 0, "its place is free");
        let runaway = numbers(&notes)[0];
        assert!(!is_gone(runaway), "it is what this is about");
        killpg(runaway, nix::sys::signal::Signal::SIGKILL).unwrap();
    });
}

#[test]
fn a_question_that_nobody_waits_for_any_more_ends_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hangs, notes) = writing(&folder, "echo $$ > {}; sleep 1000");
    hangs.check.timing.timeout = PATIENT;
    let tools = tools();
    on_a_runtime(async {
        let asking = Box::pin(ask(&hangs, &tools));
        let started = Box::pin(until(|| !numbers(&notes).is_empty()));
        match select(asking, started).await {
            Either::Left((answer, _)) => panic!("it answered {}", said(&answer)),
            Either::Right(((), asking)) => drop(asking),
        }
        until(|| group_is_gone(numbers(&notes)[0])).await;
        until(|| tools.outstanding().count() == 0).await;
    });
}

#[test]
fn the_end_of_the_daemon_ends_programs_that_ignore_signals() {
    let folder = tempfile::tempdir().unwrap();
    let (mut stubborn, notes) = writing(
        &folder,
        "trap '' TERM; echo $$ > {}; sleep 1000; sleep 1000",
    );
    stubborn.check.timing.timeout = PATIENT;
    on_a_runtime(async {
        let tools = tools();
        let asking = Box::pin(ask(&stubborn, &tools));
        let started = Box::pin(until(|| !numbers(&notes).is_empty()));
        drop(select(asking, started).await);
    });
    // That runtime is gone, and with it the grace.
    on_a_runtime(until(|| group_is_gone(numbers(&notes)[0])));
}

#[test]
fn more_than_the_limit_are_not_begun() {
    on_a_runtime(async {
        let outstanding = Outstanding::new(1);
        let (first, second) = (shell("exit 0", HASTY), shell("exit 1", HASTY));
        let held = outstanding.enter(&Target::new(&first)).await.unwrap();
        let refused = outstanding.enter(&Target::new(&second)).await.unwrap_err();
        let text =
            "1 programs and files of checks are out already: make them quicker, or ask less often";
        assert_eq!(refused.to_string(), text);
        assert!(matches!(Verdict::from(refused), Verdict::Unasked(_)));
        drop(held);
        assert!(outstanding.enter(&Target::new(&second)).await.is_ok());
    });
}

#[test]
fn a_program_that_cannot_be_ended_keeps_its_question_from_being_begun_again() {
    on_a_runtime(async {
        let tools = tools();
        let question = shell("exit 0", HASTY);
        let held = tools
            .outstanding()
            .enter(&Target::new(&question))
            .await
            .unwrap();
        let answer = ask(&question, &tools).await;
        assert_eq!(
            said(&answer),
            "TimedOut: timed out after 400ms waiting for what was begun for the last question to end"
        );
        drop(held);
        assert_eq!(said(&ask(&question, &tools).await), "pass: exit code 0");
    });
}

/// ldirectord (resource-agents #318): one check that hangs stalls all the others.
#[test]
fn a_program_that_hangs_holds_up_no_other() {
    on_a_runtime(async {
        let tools = tools();
        let hangs = shell("sleep 1000", PATIENT);
        let others: Vec<Question> = (0..20)
            .map(|code| shell(&format!("exit {code}"), PATIENT))
            .collect();
        let hanging = Box::pin(ask(&hangs, &tools));
        let answers = Box::pin(join_all(others.iter().map(|other| ask(other, &tools))));
        match select(hanging, answers).await {
            Either::Left(_) => panic!("the one that hangs was first"),
            Either::Right((answers, _)) => {
                let passed = answers
                    .iter()
                    .filter(|answer| said(answer).starts_with("pass"));
                assert_eq!(passed.count(), 1, "only exit code 0 passes");
            }
        }
    });
}

#[test]
fn the_programs_of_the_system_are_trusted() {
    let program = Trust::default().program(Path::new("/usr/bin/sh"), &["/usr/bin".into()]);
    assert_eq!(program.unwrap().path(), Path::new("/usr/bin/sh"));
}
