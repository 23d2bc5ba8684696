//! A mail server greets and answers EHLO; with STARTTLS (RFC 3207) it offers TLS, speaks it, and
//! answers EHLO again over it.
//!
//! No mail is begun. The server is left with QUIT, so that its log shows no broken connection; what
//! it answers to that counts for nothing. Called by [`super::ask`].

pub mod reply;

use std::time::Duration;

use tokio::time::timeout;

use self::reply::{LINE_LIMIT, Partial, Reply};
use super::conversation::Conversation;
use super::{Failure, Report, Target, Tools};
use crate::spec::{SmtpCheck, SmtpSecurity, TlsCheck};

/// The answer to QUIT is waited for no longer than this: the check is decided already.
const FAREWELL: Duration = Duration::from_millis(100);

/// Codes of replies (RFC 5321 section 4.2.3).
const READY: u16 = 220;
const DONE: u16 = 250;
/// EHLO is not known (RFC 5321 section 3.2: then HELO).
const UNKNOWN: [u16; 2] = [500, 502];

/// Asks one.
pub(super) async fn ask(
    check: &SmtpCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let hello = check.hello.as_deref().unwrap_or("localhost");
    let defaults = TlsCheck::default();
    let tls = check.tls.as_ref().unwrap_or(&defaults);
    let mut conversation = match check.security.unwrap_or_default() {
        SmtpSecurity::None => greeted(target, tools, None, hello).await?.0,
        SmtpSecurity::Tls => greeted(target, tools, Some(tls), hello).await?.0,
        SmtpSecurity::Starttls => secured(target, tools, tls, hello).await?,
    };
    let seen = match conversation.certificate() {
        None => "greets, answers EHLO",
        Some(_) => "greets, answers EHLO over TLS",
    };
    leave(&mut conversation, target).await;
    Ok(Report::pass(seen).with_certificate(conversation.certificate()))
}

/// A conversation whose server has greeted and answered EHLO; and that answer.
async fn greeted<'a>(
    target: &'a Target<'a>,
    tools: &Tools,
    tls: Option<&TlsCheck>,
    hello: &str,
) -> Result<(Conversation<'a>, Reply), Failure> {
    let mut conversation = Conversation::connect(target, tools, tls).await?;
    target.waits_for("the greeting");
    expect(&mut conversation, READY, "greeting").await?;
    let reply = introduce(&mut conversation, target, hello).await?;
    Ok((conversation, reply))
}

/// The same, gone over to TLS and introduced again.
async fn secured<'a>(
    target: &'a Target<'a>,
    tools: &Tools,
    tls: &TlsCheck,
    hello: &str,
) -> Result<Conversation<'a>, Failure> {
    let (mut conversation, reply) = greeted(target, tools, None, hello).await?;
    if !reply.offers("STARTTLS") {
        return Err(Failure::wrong("it does not offer STARTTLS"));
    }
    conversation.write(b"STARTTLS\r\n").await?;
    target.waits_for("the answer to STARTTLS");
    expect(&mut conversation, READY, "answer to STARTTLS").await?;
    let mut conversation = conversation.secure(tools, tls).await?;
    introduce(&mut conversation, target, hello).await?;
    Ok(conversation)
}

/// EHLO; HELO where the server does not know that.
async fn introduce(
    conversation: &mut Conversation<'_>,
    target: &Target<'_>,
    hello: &str,
) -> Result<Reply, Failure> {
    let reply = say(conversation, target, &format!("EHLO {hello}\r\n")).await?;
    if UNKNOWN.contains(&reply.code) {
        let reply = say(conversation, target, &format!("HELO {hello}\r\n")).await?;
        return accepted(reply, DONE, "answer to HELO");
    }
    accepted(reply, DONE, "answer to EHLO")
}

async fn say(
    conversation: &mut Conversation<'_>,
    target: &Target<'_>,
    line: &str,
) -> Result<Reply, Failure> {
    conversation.write(line.as_bytes()).await?;
    target.waits_for("the answer to EHLO");
    read(conversation).await
}

async fn expect(
    conversation: &mut Conversation<'_>,
    code: u16,
    what: &str,
) -> Result<Reply, Failure> {
    accepted(read(conversation).await?, code, what)
}

fn accepted(reply: Reply, code: u16, what: &str) -> Result<Reply, Failure> {
    if reply.code == code {
        return Ok(reply);
    }
    Err(Failure::wrong(format!("its {what} is {reply}, not {code}")))
}

async fn read(conversation: &mut Conversation<'_>) -> Result<Reply, Failure> {
    let mut partial = Partial::default();
    loop {
        let line = conversation.read_line(LINE_LIMIT).await?;
        if let Some(reply) = partial.take(&line)? {
            return Ok(reply);
        }
    }
}

/// Says good-bye and waits a moment for the answer, whatever it is.
async fn leave(conversation: &mut Conversation<'_>, target: &Target<'_>) {
    let farewell = async {
        conversation.write(b"QUIT\r\n").await?;
        read(conversation).await
    };
    let length = FAREWELL.min(target.question().timeout() / 4);
    if timeout(length, farewell).await.is_err() {
        tracing::trace!(address = %target.address(), "no answer to QUIT");
    }
}
