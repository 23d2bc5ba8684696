//! An agent on the real server says how much it can take: HAProxy's agent-check protocol.
//!
//! One connection for each question: what `send` says goes out, one line comes back, and the
//! connection ends. It judges nothing: `up` does not make a server well, and what a share means
//! for a weight is `health`'s part. Called by [`super::ask`] for a question without a kind.

mod line;

pub use line::{AgentLine, GREATEST_PERCENT, Health};

use super::conversation::{Conversation, End, beginning};
use super::{Failure, Report, Target, Tools, tcp};

/// The line may be so long, in bytes.
const LINE_LIMIT: usize = 4096;

/// Asks the agent of a question.
pub(super) async fn ask(target: &Target<'_>, tools: &Tools) -> Result<Report, Failure> {
    let Some(agent) = &target.question().check.agent else {
        return Err(Failure::here(
            "a check that asks nothing: no kind, no agent",
        ));
    };
    let mut conversation = Conversation::connect(target, tools, None).await?;
    if let Some(send) = &agent.send {
        conversation.write(&tcp::sent(send)?).await?;
    }
    target.waits_for("the line of the agent");
    let bytes = conversation.read_as(LINE_LIMIT, first_line).await??;
    let line = AgentLine::read(&bytes);
    if line.is_foreign() {
        let text = format!("no word that an agent says in {}", beginning(&bytes));
        return Err(Failure::wrong(text));
    }
    Ok(Report::from(line.verdict()).with_advice(line.advice()))
}

/// The first line, once its end has come. Without an end it may be half a number, so that it is
/// not taken; haproxy does the same.
fn first_line(bytes: &[u8], end: End) -> Option<Result<Vec<u8>, Failure>> {
    let length = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    match (length, end) {
        (Some(length), _) => bytes.get(..length).map(<[u8]>::to_vec).map(Ok),
        (None, End::Closed) => Some(Err(unfinished(bytes))),
        (None, End::Open) => None,
    }
}

fn unfinished(bytes: &[u8]) -> Failure {
    if bytes.is_empty() {
        return Failure::broken("the agent closed the connection without a word");
    }
    Failure::broken(format!("the agent's line has no end: {}", beginning(bytes)))
}
