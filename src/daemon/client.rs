//! One order to a running daemon, for those who wait for its end: `apply`, `confirm`, `--replace`.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// An order takes no longer than this: the kernel may have much to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Posts an order (JSON) and waits for the answer: the HTTP status and the body. An error where
/// nobody answers at the socket.
pub fn request(socket: &Path, path: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: farmctl\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.ok_or_else(broken)?, body.to_owned()))
}

fn broken() -> io::Error {
    io::Error::other("the answer is no HTTP")
}
