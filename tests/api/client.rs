//! A client that writes and reads bytes as they are.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub status: u16,
    /// The header lines, as they are.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a whole request to a unix socket and reads the whole answer.
pub(crate) fn ask(socket: &Path, request: &str) -> Answer {
    let stream = UnixStream::connect(socket).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    exchange(stream, request)
}

/// The same over any stream.
pub(crate) fn exchange(mut stream: impl Read + Write, request: &str) -> Answer {
    let mut bytes = Vec::new();
    // Whoever is refused early is cut off while it writes, and reset behind the answer.
    let _cut_off = stream.write_all(request.as_bytes());
    let _reset = stream.read_to_end(&mut bytes);
    parse(&String::from_utf8(bytes).unwrap())
}

/// A GET that ends its connection.
pub(crate) fn get(socket: &Path, path: &str) -> Answer {
    ask(
        socket,
        &format!("GET {path} HTTP/1.1\r\nhost: farmctl\r\nconnection: close\r\n\r\n"),
    )
}

/// A POST that ends its connection.
pub(crate) fn post(socket: &Path, path: &str, body: &str) -> Answer {
    let length = body.len();
    ask(
        socket,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: farmctl\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    Answer {
        status,
        head: head.to_lowercase(),
        body: if chunked {
            dechunked(body)
        } else {
            body.to_owned()
        },
    }
}

fn dechunked(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole += &behind[..size];
        rest = &behind[size + 2..];
    }
    whole
}

/// A reader of a stream of events.
pub(crate) struct EventStream {
    lines: BufReader<UnixStream>,
}

/// One thing that a stream of events says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// An event: its id, and its sequence.
    Event(String, u64),
    /// So many were missed.
    Missed(u64),
}

impl EventStream {
    /// Opens a stream with more header lines, each ended by `\r\n`.
    pub(crate) fn open(socket: &Path, path: &str, headers: &str) -> Self {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // HTTP/1.0 has no chunks: the lines come as they are.
        let request = format!("GET {path} HTTP/1.0\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the server hung up");
        }
        Self { lines }
    }

    /// The next thing that is said; none at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Said> {
        let (mut id, mut missed) = (String::new(), false);
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            }
            missed |= line == "event: missed";
            if let Some(data) = line.strip_prefix("data: ") {
                let data: serde_json::Value = serde_json::from_str(data).unwrap();
                return Some(if missed {
                    Said::Missed(data["missed"].as_u64().unwrap())
                } else {
                    Said::Event(id, data["sequence"].as_u64().unwrap())
                });
            }
        }
    }

    /// The sequences of the next so many events.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u64> {
        let events = std::iter::from_fn(|| self.next());
        let sequences = events.map(|said| match said {
            Said::Event(_, sequence) => sequence,
            Said::Missed(count) => panic!("{count} events were missed"),
        });
        sequences.take(count).collect()
    }
}
