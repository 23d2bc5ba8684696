//! Asks real servers how they are: one file for each kind of question, each an async function.
//!
//! Bytes from a server are never trusted: every read has a limit, and every question ends at its
//! time-out, whatever the server does. Nothing here decides what an answer means: that is
//! `health`'s part. Called by `daemon`.
//!
//! ```text
//! Question -> ask -> one file for each kind -> Report or Failure -> Answer
//!                    socket (vantage) -> conversation (TCP or TLS, limits)
//! ```

pub mod agent;
mod banner;
mod bare;
pub mod conversation;
pub mod dns;
pub mod exchange;
pub mod exec;
pub mod failure;
mod file;
pub mod grpc;
mod http;
pub mod ping;
pub mod runner;
pub mod smtp;
pub mod socket;
pub mod target;
mod tcp;
pub mod tls;
pub mod tools;
mod udp;

use std::time::Duration;

use tokio::time::{Instant, timeout};

pub use failure::Failure;
pub use runner::{Answers, Runner};
pub use target::Target;
pub use tools::Tools;

pub use crate::spec::escape;

use crate::health::{Advice, Answer, Expiry, Question, Verdict};
use crate::spec::{Kind, Way};

/// What came of a question that could be asked, and was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether it was a good answer.
    pub verdict: Verdict,
    /// What an agent, a program or a file says about the server's share.
    pub advice: Option<Advice>,
    /// When the server's certificate expires, where one was seen.
    pub certificate: Option<Expiry>,
}

impl Report {
    /// A good answer; the text says what was seen.
    pub fn pass(seen: impl Into<String>) -> Self {
        Verdict::Pass(seen.into()).into()
    }

    /// The same with a certificate's expiry.
    #[must_use]
    pub fn with_certificate(mut self, certificate: Option<Expiry>) -> Self {
        self.certificate = certificate;
        self
    }

    /// The same with what an agent, a program or a file says.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }
}

impl From<Failure> for Report {
    fn from(failure: Failure) -> Self {
        Verdict::from(failure).into()
    }
}

impl From<Verdict> for Report {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            advice: None,
            certificate: None,
        }
    }
}

/// Asks one question, once. Ends at the question's time-out, whatever the server does.
///
/// Needs a tokio runtime with I/O and time. It is cancelled by being dropped.
pub async fn ask(question: &Question, tools: &Tools) -> Answer {
    let began = Instant::now();
    let target = Target::new(question);
    let report = match timeout(question.timeout(), dispatch(&target, tools)).await {
        Ok(Ok(report)) => report,
        Ok(Err(failure)) => failure.into(),
        Err(_) => target.timed_out().into(),
    };
    answer(report, began.elapsed())
}

fn answer(report: Report, took: Duration) -> Answer {
    Answer {
        verdict: report.verdict,
        took,
        advice: report.advice,
        certificate: report.certificate,
    }
}

/// One line for each kind. A question without a kind is an agent's.
async fn dispatch(target: &Target<'_>, tools: &Tools) -> Result<Report, Failure> {
    if target.vantage().way == Way::DataPath {
        // The place of a kind of its own: a half-open connection to the VIP by the server's
        // hardware address, or inside its tunnel.
        return Err(Failure::here(
            "this farmctl cannot ask through the data path",
        ));
    }
    match target.question().kind() {
        Some(Kind::Tcp(check)) => tcp::ask(check, target, tools).await,
        Some(Kind::Http(check)) => http::ask(check, target, tools).await,
        Some(Kind::Https(check)) => http::ask_tls(check, target, tools).await,
        Some(Kind::Udp(check)) => udp::ask(check, target, tools).await,
        Some(Kind::Ping(check)) => ping::ask(check, target).await,
        Some(Kind::Dns(check)) => dns::ask(check, target, tools).await,
        Some(Kind::Smtp(check)) => smtp::ask(check, target, tools).await,
        Some(Kind::Grpc(check)) => grpc::ask(check, target, tools).await,
        Some(Kind::Ftp(check)) => banner::ask(banner::FTP, check, target, tools).await,
        Some(Kind::Imap(check)) => banner::ask(banner::IMAP, check, target, tools).await,
        Some(Kind::Pop(check)) => banner::ask(banner::POP, check, target, tools).await,
        Some(Kind::Nntp(check)) => banner::ask(banner::NNTP, check, target, tools).await,
        Some(Kind::Mysql(check)) => banner::ask(banner::MYSQL, check, target, tools).await,
        Some(Kind::Redis(check)) => banner::ask(banner::REDIS, check, target, tools).await,
        Some(Kind::Exec(check)) => exec::ask(check, target, tools).await,
        Some(Kind::File(check)) => file::ask(check, target, tools).await,
        None => agent::ask(target, tools).await,
    }
}
