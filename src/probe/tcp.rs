//! A TCP connection is made; bytes may be sent and expected.
//!
//! A check without anything to say ends at the handshake: the server's program sees nothing of it
//! ([`super::Runner`] makes many of these at once). Called by [`super::ask`].

use super::conversation::{Conversation, SEARCHED};
use super::{Failure, Report, Target, Tools, escape, socket};
use crate::spec::TcpCheck;

/// What was seen of a connection that says nothing.
pub(super) const CONNECTED: &str = "connected";

/// Asks one.
pub(super) async fn ask(
    check: &TcpCheck,
    target: &Target<'_>,
    tools: &Tools,
) -> Result<Report, Failure> {
    if check.send.is_none() && check.expect.is_none() && check.tls.is_none() {
        socket::bare_tcp(target).await?;
        return Ok(Report::pass(CONNECTED));
    }
    let mut conversation = Conversation::connect(target, tools, check.tls.as_ref()).await?;
    if let Some(send) = &check.send {
        conversation.write(&sent(send)?).await?;
    }
    let seen = match &check.expect {
        None => CONNECTED,
        Some(expect) => {
            let pattern = tools.regex(expect)?;
            conversation.read_until(&pattern, SEARCHED).await?;
            "answered as expected"
        }
    };
    Ok(Report::pass(seen).with_certificate(conversation.certificate()))
}

/// The bytes to send; `validate` has refused a text that stands for none.
pub(super) fn sent(text: &str) -> Result<Vec<u8>, Failure> {
    escape::bytes(text).map_err(|bad| Failure::here(format!("`send` cannot be sent: {bad}")))
}
