//! `make bench`: what keepalived, ldirectord and farmctl do on the same farm when the same things
//! happen to it. Behaviour, not speed: it runs in the lab's virtual time, and a second is a second
//! whatever this machine is busy with. What each row means is in docs/benchmarks.md.
//!
//! Started by cargo it boots the lab's kernel and runs itself there as `guest`; the table is printed
//! and left in `target/bench/behaviour.md`. It judges nothing.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]
#![expect(clippy::print_stderr, reason = "progress, for a person who waits")]
#![expect(
    clippy::disallowed_methods,
    reason = "the rivals are programs, and time is the guest's own"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot be made ends"
)]

#[path = "../../tests/kernel/bed/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests need more of it")]
mod bed;
mod contestant;
mod rows;
mod scene;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contestant::Kind;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["guest", directory] => guest(Path::new(directory)),
        _ => host(),
    }
}

/// Runs this program on the lab's kernel, in virtual time.
fn host() -> Result<()> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("not in a target directory")?;
    let directory = target.join("bench");
    fs::create_dir_all(&directory)?;
    let mut lab = Command::new(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lab/run"));
    lab.args(["-m", "512M", "-t", "900", "-w"]).arg(&directory);
    lab.arg("--").arg(&own).arg("guest").arg(&directory);
    let status = lab.env("RUST_BACKTRACE", "0").status()?;
    if !status.success() {
        return Err(format!("the comparison ended early: {status}").into());
    }
    println!("\nAlso in {}/behaviour.md.", directory.display());
    Ok(())
}

fn guest(directory: &Path) -> Result<()> {
    let mut table =
        String::from("| what happens | keepalived | ldirectord | farmctl |\n|-|-|-|-|\n");
    for row in rows::ROWS {
        let mut cells = Vec::new();
        for kind in Kind::ALL {
            if std::env::var("BEHAVIOUR_ONLY").is_ok_and(|only| !only.contains(kind.name())) {
                continue;
            }
            eprintln!("behaviour: {}: {}", row.what, kind.name());
            cells.push((row.play)(kind));
        }
        table.push_str(&format!("| {} | {} |\n", row.what, cells.join(" | ")));
    }
    println!("{table}");
    fs::write(directory.join("behaviour.md"), table)?;
    Ok(())
}
