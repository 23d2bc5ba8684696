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

pub mod conversation;
pub mod escape;
pub mod failure;
pub mod socket;
pub mod target;
mod tcp;
pub mod tls;
pub mod tools;

use std::time::Duration;

use tokio::time::{Instant, timeout};

pub use failure::Failure;
pub use target::Target;
pub use tools::Tools;

use crate::health::{Advice, Answer, Expiry, Question, Verdict};
use crate::spec::Kind;

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
        Ok(Err(failure)) => Verdict::from(failure).into(),
        Err(_) => Verdict::from(target.timed_out()).into(),
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
    match target.question().kind() {
        Some(Kind::Tcp(check)) => tcp::ask(check, target, tools).await,
        Some(Kind::Http(_)) => Err(later("http")),
        Some(Kind::Https(_)) => Err(later("https")),
        Some(Kind::Udp(_)) => Err(later("udp")),
        Some(Kind::Ping(_)) => Err(later("ping")),
        Some(Kind::Dns(_)) => Err(later("dns")),
        Some(Kind::Smtp(_)) => Err(later("smtp")),
        Some(Kind::Grpc(_)) => Err(later("grpc")),
        Some(Kind::Ftp(_)) => Err(later("ftp")),
        Some(Kind::Imap(_)) => Err(later("imap")),
        Some(Kind::Pop(_)) => Err(later("pop")),
        Some(Kind::Nntp(_)) => Err(later("nntp")),
        Some(Kind::Mysql(_)) => Err(later("mysql")),
        Some(Kind::Redis(_)) => Err(later("redis")),
        Some(Kind::Exec(_)) => Err(later("exec")),
        Some(Kind::File(_)) => Err(later("file")),
        None => Err(later("agent")),
    }
}

/// A kind that this version cannot ask.
fn later(kind: &str) -> Failure {
    Failure::here(format!("this farmctl cannot ask checks of kind {kind}"))
}
