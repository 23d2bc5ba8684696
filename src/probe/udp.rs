//! A datagram is answered as expected, or at least not refused.
//!
//! The socket is connected, so that only the server's datagrams come in, and so do its machine's
//! refusals (ICMP port unreachable, RFC 1122 section 4.1.3.3). Called by [`super::ask`].

use std::time::Duration;

use regex::bytes::Regex;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::conversation::beginning;
use super::tcp::sent;
use super::{Failure, Report, Target, Tools, socket};
use crate::spec::UdpCheck;

/// The largest datagram there is.
const DATAGRAM: usize = 65_535;

/// Asks one.
pub(super) async fn ask(
    check: &UdpCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    let bytes = sent(check.send.as_deref().unwrap_or_default())?;
    let pattern = match &check.expect {
        None => None,
        Some(expect) => Some(tools.regex(expect)?),
    };
    let socket = socket::udp(target).await?;
    target.waits_for("a datagram in answer");
    socket.send(&bytes).await?;
    match pattern {
        Some(pattern) => expected(&socket, &pattern).await,
        None => unrefused(&socket, patience(target)).await,
    }
}

async fn expected(socket: &UdpSocket, pattern: &Regex) -> Result<Report, Failure> {
    let mut buffer = vec![0; DATAGRAM];
    let length = socket.recv(&mut buffer).await?;
    let answer = buffer.get(..length).unwrap_or_default();
    if pattern.is_match(answer) {
        return Ok(Report::pass("answered as expected"));
    }
    let text = format!("no match in its answer: {}", beginning(answer));
    Err(Failure::wrong(text))
}

/// Silence is good: a refusal would have come by now.
async fn unrefused(socket: &UdpSocket, patience: Duration) -> Result<Report, Failure> {
    match timeout(patience, socket.recv(&mut [0])).await {
        Ok(Ok(_)) => Ok(Report::pass("answered")),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Ok(Report::pass("not refused")),
    }
}

/// How long silence has to last: nearly the whole time-out, which would end the question.
fn patience(target: &Target<'_>) -> Duration {
    target.question().timeout() * 9 / 10
}
