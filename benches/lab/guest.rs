//! The part on the kernel with ip_vs: the rounds, and the tables of what they took.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::Result;
use crate::contestant::{self, Farmctl, Ipvsadm, Keepalived, farmctl_command};
use crate::figures::{Fact, Row, Samples, Target};
use crate::files::{ENTRIES, Files};
use crate::host::program;
use crate::stage::on_stage;
use crate::{memory, plan};

/// How many rounds there are; each has every contestant once, and they take turns in going first.
const ROUNDS: usize = 5;
/// The sizes of the farms that are planned.
const SMALL: u32 = 1_000;
const LARGE: u32 = 10_000;

/// What all rounds took.
#[derive(Default)]
struct Results {
    load: Samples,
    diff: Samples,
    nothing: Samples,
    weight: Samples,
    removal: Samples,
    left: usize,
    checked_start: Samples,
    checked_reload: Samples,
    checked_memory: u64,
    rival_checked_start: Samples,
    rival_checked_reload: Samples,
    rival_checked_memory: u64,
    restore: Samples,
    list: Samples,
    start: Samples,
    reload: Samples,
    stop: Samples,
    stop_left: Vec<usize>,
    plan_small: Samples,
    plan_large: Samples,
    plan_memory: u64,
    apply_memory: u64,
    diff_memory: u64,
}

/// Runs all rounds and leaves the tables in `directory`.
pub(crate) fn run(directory: &Path) -> Result<()> {
    let scratch = std::env::temp_dir().join(format!("farmctl-bench.{}", std::process::id()));
    fs::create_dir(&scratch)?;
    let measured = measure(&scratch);
    fs::remove_dir_all(&scratch)?;
    let results = measured?;
    let text = results.markdown(&kernel()?);
    println!("{text}");
    fs::write(directory.join("lab.md"), text)?;
    let values = serde_json::to_string_pretty(&results.json(&kernel()?))?;
    fs::write(directory.join("lab.json"), values + "\n")?;
    Ok(())
}

fn measure(scratch: &Path) -> Result<Results> {
    let files = Files::write(scratch)?;
    warm_up()?;
    let mut results = Results::default();
    for round in 0..ROUNDS {
        eprintln!("bench: round {} of {ROUNDS}", round + 1);
        results.round(round, &files, scratch)?;
    }
    results.take_memory(&files, scratch)?;
    Ok(results)
}

/// Each program once, so that no first round has to fetch it from the disk.
fn warm_up() -> Result<()> {
    for name in [env!("CARGO_BIN_EXE_farmctl"), "ipvsadm", "keepalived"] {
        let mut command = program(Path::new(name));
        command.arg("--version").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let _status = command
            .status()
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn kernel() -> Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(release.trim().to_owned())
}

impl Results {
    fn round(&mut self, round: usize, files: &Files, scratch: &Path) -> Result<()> {
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => {
                    let state = scratch.join(format!("state{round}"));
                    self.farmctl(&contestant::farmctl(files, &state)?);
                }
                1 => self.ipvsadm(&contestant::ipvsadm(files)?),
                _ => self.keepalived(&contestant::keepalived(files, scratch)?),
            }
        }
        let ours = contestant::farmctl_checked(files, scratch, round)?;
        self.checked_start.push(ours.start);
        self.checked_reload.push(ours.reload);
        self.checked_memory = self.checked_memory.max(ours.memory);
        let theirs = contestant::keepalived_checked(files, scratch)?;
        self.rival_checked_start.push(theirs.start);
        self.rival_checked_reload.push(theirs.reload);
        self.rival_checked_memory = self.rival_checked_memory.max(theirs.memory);
        self.plan_small.push(plan::run(SMALL)?.0);
        let (took, memory) = plan::run(LARGE)?;
        self.plan_large.push(took);
        self.plan_memory = self.plan_memory.max(memory);
        Ok(())
    }

    fn farmctl(&mut self, took: &Farmctl) {
        self.load.push(took.load);
        self.diff.push(took.diff);
        self.nothing.push(took.nothing);
        self.weight.push(took.weight);
        self.removal.push(took.removal);
        self.left = self.left.max(took.left);
    }

    fn ipvsadm(&mut self, took: &Ipvsadm) {
        self.restore.push(took.load);
        self.list.push(took.list);
    }

    fn keepalived(&mut self, took: &Keepalived) {
        self.start.push(took.start);
        self.reload.push(took.reload);
        self.stop.push(took.stop);
        self.stop_left.push(took.left);
    }

    /// The peaks, in runs of their own that are not timed.
    fn take_memory(&mut self, files: &Files, scratch: &Path) -> Result<()> {
        let state = scratch.join("state-memory");
        (self.apply_memory, self.diff_memory) = on_stage(|_| {
            let peak = |command: &str| -> Result<u64> {
                let mut farmctl = farmctl_command(&state);
                farmctl.arg(command).arg(&files.farm);
                let program = farmctl.get_program().to_str();
                let arguments = farmctl.get_args().map(std::ffi::OsStr::to_str);
                let words: Option<Vec<&str>> = std::iter::once(program).chain(arguments).collect();
                memory::of(&words.ok_or("a path that is no text")?)
            };
            Ok((peak("apply")?, peak("diff")?))
        })?;
        Ok(())
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let row = |case, ours, rival, theirs, target| Row {
            case,
            rival,
            ours,
            theirs,
            target,
        };
        let faster = Target::Faster;
        vec![
            row(
                "load the table: `apply`",
                &self.load,
                "`ipvsadm -R`",
                &self.restore,
                faster(10.0),
            ),
            row(
                "load the table: `apply`",
                &self.load,
                "keepalived, start to full table",
                &self.start,
                faster(5.0),
            ),
            row(
                "nothing to do: `diff`",
                &self.diff,
                "`ipvsadm -Sn`",
                &self.list,
                faster(1.0),
            ),
            row(
                "nothing to do: `apply`",
                &self.nothing,
                "`ipvsadm -Sn`",
                &self.list,
                Target::None,
            ),
            row(
                "one weight of 10,000: `apply`",
                &self.weight,
                "keepalived, SIGHUP to new weight",
                &self.reload,
                faster(4.0),
            ),
            row(
                "start to full table, 10,000 TCP checks: `daemon`",
                &self.checked_start,
                "keepalived",
                &self.rival_checked_start,
                faster(5.0),
            ),
            row(
                "one weight of 10,000, all checked: file saved to kernel",
                &self.checked_reload,
                "keepalived, SIGHUP to new weight",
                &self.rival_checked_reload,
                Target::None,
            ),
            row(
                "remove everything: `apply --allow-shrink`",
                &self.removal,
                "keepalived, SIGTERM to exit",
                &self.stop,
                Target::None,
            ),
        ]
    }

    fn facts(&self) -> Vec<Fact> {
        let growth = self.plan_large.median() / self.plan_small.median();
        let fact = |what, found, target, met| Fact {
            what,
            found,
            target,
            met,
        };
        vec![
            fact(
                "entries left by `apply --allow-shrink`",
                self.left.to_string(),
                "0",
                Some(self.left == 0),
            ),
            fact(
                "entries left by keepalived's stop, each round",
                format!("{:?}", self.stop_left),
                "-",
                None,
            ),
            fact(
                "plan of 10,000 x 10, all new",
                self.plan_large.to_string(),
                "1 s",
                Some(self.plan_large.median() < 1.0),
            ),
            fact(
                "its memory, both farms included",
                format!("{} MiB", self.plan_memory),
                "200 MB",
                Some(self.plan_memory < 190),
            ),
            fact(
                "its growth from 1,000 x 10",
                format!("{growth:.1} times"),
                "about 10 times",
                Some(growth < 15.0),
            ),
            fact(
                "memory of the daemon with 10,000 TCP checks",
                format!("{} MiB", self.checked_memory),
                "150 MB",
                Some(self.checked_memory < 143),
            ),
            fact(
                "memory of keepalived with the same",
                format!("{} MiB", self.rival_checked_memory),
                "-",
                None,
            ),
            fact(
                "peak memory of `apply`",
                format!("{} MiB", self.apply_memory),
                "-",
                None,
            ),
            fact(
                "peak memory of `diff`",
                format!("{} MiB", self.diff_memory),
                "-",
                None,
            ),
        ]
    }

    fn markdown(&self, kernel: &str) -> String {
        let mut lines = vec![
            format!(
                "{ENTRIES} entries (1,000 services with 10 real servers), kernel {kernel}, {ROUNDS} rounds; median [least .. most].\n"
            ),
            "| case | farmctl | rival | its time | farmctl is faster by | target | met |"
                .to_owned(),
            "|-|-|-|-|-|-|-|".to_owned(),
        ];
        lines.extend(self.rows().iter().map(Row::markdown));
        lines.push("\n| what | found | target | met |\n|-|-|-|-|".to_owned());
        lines.extend(self.facts().iter().map(Fact::markdown));
        lines.join("\n") + "\n"
    }

    fn json(&self, kernel: &str) -> Value {
        json!({
            "format_version": 1,
            "kernel": kernel,
            "rounds": ROUNDS,
            "entries": ENTRIES,
            "cases": self.rows().iter().map(Row::json).collect::<Vec<_>>(),
            "facts": self.facts().iter().map(Fact::json).collect::<Vec<_>>(),
        })
    }
}
