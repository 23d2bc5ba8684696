//! A conversation with a server over TCP or TLS, in which every read has a limit.
//!
//! It never reads more than it is asked to keep and never waits on its own: the question's
//! time-out ends it. Used by every kind that speaks over a stream.

use regex::bytes::Regex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls::{self, Protocols, Secured};
use super::{Failure, Target, Tools, socket};
use crate::health::Expiry;
use crate::spec::TlsCheck;

/// How much of what a server sends is searched for a pattern, in bytes.
pub const SEARCHED: usize = 64 * 1024;

/// How much is read at once.
const CHUNK: usize = 4096;

/// A stream to a server, with what was read of it and not yet used.
#[derive(Debug)]
pub struct Conversation<'a> {
    target: &'a Target<'a>,
    stream: Stream,
    read: Vec<u8>,
    certificate: Option<Expiry>,
}

/// The stream itself.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<Secured>),
}

/// Whether more may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It may.
    Open,
    /// The server has closed the connection.
    Closed,
}

/// What came before the end of a limit.
enum Step {
    More,
    End,
}

impl<'a> Conversation<'a> {
    /// Connects, over TLS where options for it are given.
    pub async fn connect(
        target: &'a Target<'a>,
        tools: &Tools,
        tls: Option<&TlsCheck>,
    ) -> Result<Self, Failure> {
        let conversation = Self::plain(target, socket::tcp(target).await?);
        match tls {
            None => Ok(conversation),
            Some(options) => conversation.secure(tools, options).await,
        }
    }

    fn plain(target: &'a Target<'a>, stream: TcpStream) -> Self {
        Self {
            target,
            stream: Stream::Plain(stream),
            read: Vec::new(),
            certificate: None,
        }
    }

    /// Goes on over TLS (STARTTLS). What the server has sent ahead of the handshake is refused:
    /// it would be taken for what comes after it (RFC 3207 section 4.2).
    pub async fn secure(self, tools: &Tools, options: &TlsCheck) -> Result<Self, Failure> {
        if !self.read.is_empty() {
            return Err(Failure::broken("it sent more ahead of the TLS handshake"));
        }
        let Stream::Plain(stream) = self.stream else {
            return Err(Failure::here("TLS inside TLS is not spoken"));
        };
        let secured =
            tls::connect(self.target, tools, options, None, Protocols::None, stream).await?;
        Ok(Self {
            certificate: tls::expiry(&secured),
            stream: Stream::Tls(Box::new(secured)),
            target: self.target,
            read: self.read,
        })
    }

    /// When the server's certificate expires, where it showed one.
    pub fn certificate(&self) -> Option<Expiry> {
        self.certificate
    }

    /// Sends bytes, all of them.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.target.waits_for("the server to take what is sent");
        let stream = self.stream.as_dyn();
        stream.write_all(bytes).await?;
        stream.flush().await?;
        Ok(())
    }

    /// The next line without its end (`\n` or `\r\n`). A longer one than `limit` bytes is refused.
    /// The caller says what is waited for.
    pub async fn read_line(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut searched = 0;
        loop {
            let unseen = self.read.get(searched..).unwrap_or_default();
            if let Some(found) = unseen.iter().position(|byte| *byte == b'\n') {
                return Ok(self.take_line(searched + found));
            }
            searched = self.read.len();
            if searched > limit {
                return Err(Failure::broken(format!(
                    "a line of more than {limit} bytes"
                )));
            }
            if let Step::End = self.more(limit + CHUNK).await? {
                return Err(Failure::broken("it closed the connection inside a line"));
            }
        }
    }

    /// Exactly so many bytes.
    pub async fn read_exact(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        self.target.waits_for("bytes of the server");
        while self.read.len() < length {
            if let Step::End = self.more(length).await? {
                return Err(Failure::broken("it closed the connection too early"));
            }
        }
        Ok(self.read.drain(..length).collect())
    }

    /// Reads until what was read matches, and gives it. What does not match in its first `limit`
    /// bytes, or up to its end, is a wrong answer; the failure shows how it begins.
    pub async fn read_until(&mut self, pattern: &Regex, limit: usize) -> Result<Vec<u8>, Failure> {
        self.target.waits_for("an answer that matches");
        loop {
            if pattern.is_match(&self.read) {
                return Ok(std::mem::take(&mut self.read));
            }
            if self.read.len() >= limit {
                let text = format!("no match in the first {limit} bytes: {}", self.beginning());
                return Err(Failure::wrong(text));
            }
            if let Step::End = self.more(limit).await? {
                return Err(Failure::wrong(self.ended()));
            }
        }
    }

    /// Reads until `reader` makes something of what was read so far, and gives that. What says
    /// nothing to it in its first `limit` bytes, or up to its end, is a failure; it is asked once
    /// more when no more comes.
    pub async fn read_as<T>(
        &mut self,
        limit: usize,
        mut reader: impl FnMut(&[u8], End) -> Option<T>,
    ) -> Result<T, Failure> {
        loop {
            if let Some(made) = reader(&self.read, End::Open) {
                return Ok(made);
            }
            if self.read.len() >= limit {
                let text = format!("no end in the first {limit} bytes: {}", self.beginning());
                return Err(Failure::broken(text));
            }
            if let Step::End = self.more(limit).await? {
                let made = reader(&self.read, End::Closed);
                return made.ok_or_else(|| Failure::broken(self.ended()));
            }
        }
    }

    fn ended(&self) -> String {
        if self.read.is_empty() {
            return "it closed the connection without a word".to_owned();
        }
        format!("no match in what it sent: {}", self.beginning())
    }

    fn beginning(&self) -> String {
        beginning(&self.read)
    }

    /// Reads what is there, up to a whole of `limit` bytes.
    async fn more(&mut self, limit: usize) -> Result<Step, Failure> {
        let room = limit.saturating_sub(self.read.len()).min(CHUNK);
        let before = self.read.len();
        self.read.resize(before + room, 0);
        let place = self.read.get_mut(before..).unwrap_or_default();
        let outcome = self.stream.as_dyn().read(place).await;
        let length = outcome.as_ref().copied().unwrap_or_default();
        self.read.truncate(before + length);
        match outcome? {
            0 => Ok(Step::End),
            _ => Ok(Step::More),
        }
    }

    fn take_line(&mut self, end: usize) -> Vec<u8> {
        let mut line: Vec<u8> = self.read.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        line
    }
}

/// What can be read and written.
trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Both for S {}

impl Stream {
    fn as_dyn(&mut self) -> &mut dyn Both {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
        }
    }
}

/// How an answer begins, as a text for an operator: in quotes, short, with nothing that could
/// harm a terminal.
pub fn beginning(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_ascii())
}
