//! Delivers one message by one way: a webhook, a mail, a program. One file each.
//!
//! Each ends within its time-out, whatever the receiver does, and reads no more than it needs.
//! Secrets are read from their files for each delivery, so a changed password needs no reload.
//! Nothing here decides when, or how often: that is the engine's part.

mod exec;
mod mail;
mod webhook;

use std::path::Path;

use futures_util::FutureExt;
use tokio::time::timeout;

use super::Receiver;
use super::engine::Failure;
use super::message::Message;
use crate::probe::Tools;
use crate::spec;

/// A file with a secret is read up to so many bytes.
const LONGEST_SECRET: u64 = 64 * 1024;

/// Delivers a message.
pub(super) async fn deliver(
    receiver: &Receiver,
    tools: &Tools,
    message: &Message,
) -> Result<(), Failure> {
    let (limit, delivery) = match &receiver.way {
        spec::Receiver::Webhook(to) => (to.timeout(), webhook::deliver(to, tools, message).boxed()),
        spec::Receiver::Mail(to) => (mail::TIMEOUT, mail::deliver(to, message).boxed()),
        spec::Receiver::Exec(to) => {
            let directories = receiver.directories.clone();
            (
                to.timeout(),
                exec::deliver(to, directories, message).boxed(),
            )
        }
    };
    timeout(limit, delivery).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        Err(Failure::Unreachable(format!(
            "it took longer than {seconds} s"
        )))
    })
}

/// What a file holds, without the end of its last line.
async fn secret(file: &Path) -> Result<String, Failure> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    let text = read.map_err(std::io::Error::other).flatten();
    text.map_err(|error| unreadable(file, &error))
}

fn read(file: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(file)?
        .take(LONGEST_SECRET)
        .read_to_string(&mut text)?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Unreachable(format!("{} can't be read: {error}", file.display()))
}
