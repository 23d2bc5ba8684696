//! HTTP and the TCP echo: a listener with a thread, and a thread for each connection.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

use super::Ending;
use super::manners::Manners;
use crate::rehearsal::protocol::{
    DOWNLOAD_BLOCK, DOWNLOAD_PATH, LONGEST_LINE, NAME_PATH, NODE_HEADER, Speech,
};

/// The longest line of a request's head.
const LONGEST_HEADER: u64 = 8 * 1024;
/// The most kilobytes of a download that is asked for.
const LARGEST_DOWNLOAD: usize = 1024 * 1024;

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
    open: Arc<Open>,
    manners: Arc<Manners>,
    thread: JoinHandle<()>,
}

/// The connections that are open now.
#[derive(Debug, Default)]
struct Open {
    streams: Mutex<HashMap<u64, TcpStream>>,
    number: AtomicU64,
}

impl Open {
    fn streams(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, stream: &TcpStream) -> io::Result<u64> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.streams().insert(number, stream.try_clone()?);
        Ok(number)
    }
}

impl Server {
    pub(super) fn start(at: SocketAddr, speech: Speech, manners: Arc<Manners>) -> io::Result<Self> {
        let listener = TcpListener::bind(at)?;
        let accepting = listener.try_clone()?;
        let open = Arc::new(Open::default());
        let shared = (Arc::clone(&open), Arc::clone(&manners));
        let thread = thread::Builder::new().spawn(move || {
            let (open, manners) = shared;
            accept(&accepting, speech, &open, &manners);
        })?;
        Ok(Self {
            listener,
            open,
            manners,
            thread,
        })
    }

    pub(super) fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Returns when nobody listens any more and every connection is told.
    pub(super) fn end(self, ending: Ending) {
        self.manners.end();
        // Wakes the accepting thread, which then ends; new connections are refused from here on.
        let _woken =
            nix::sys::socket::shutdown(self.listener.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        let _ended = self.thread.join();
        for (_, stream) in self.open.streams().drain() {
            hang_up(&stream, ending);
        }
    }
}

/// Ends a connection, and with it the thread that reads from it. A connection that is closed with
/// no time to linger is reset (socket(7), `SO_LINGER`).
fn hang_up(stream: &TcpStream, ending: Ending) {
    let how = match ending {
        Ending::Orderly => Shutdown::Both,
        Ending::Killed => {
            let linger = libc::linger {
                l_onoff: 1,
                l_linger: 0,
            };
            let _closes_orderly_then = setsockopt(stream, sockopt::Linger, &linger);
            Shutdown::Read
        }
    };
    let _gone_already = stream.shutdown(how);
}

fn accept(listener: &TcpListener, speech: Speech, open: &Arc<Open>, manners: &Arc<Manners>) {
    while !manners.has_ended() {
        let Ok((stream, _)) = listener.accept() else {
            if manners.has_ended() {
                return;
            }
            // Too many files, or a client that gave up: the next one may fare better.
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let (open, manners) = (Arc::clone(open), Arc::clone(manners));
        // Where no thread can be had, the client is hung up on.
        let _refused = thread::Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || converse(stream, speech, &open, &manners));
    }
}

/// Talks until one side hangs up; an error is the client's to notice.
fn converse(stream: TcpStream, speech: Speech, open: &Open, manners: &Manners) {
    let _slower = stream.set_nodelay(true);
    let Ok(number) = open.add(&stream) else {
        return;
    };
    let mut reader = BufReader::new(stream);
    let _the_clients = match speech {
        Speech::Http => serve(&mut reader, manners),
        Speech::TcpEcho | Speech::UdpEcho => echo(&mut reader, manners),
    };
    drop(open.streams().remove(&number));
}

/// Greets with the name, then sends every line back.
fn echo(stream: &mut BufReader<TcpStream>, manners: &Manners) -> io::Result<()> {
    manners.hesitate();
    stream
        .get_mut()
        .write_all(format!("{}\n", manners.name).as_bytes())?;
    while let Some(line) = read_line(stream, LONGEST_LINE as u64)? {
        manners.hesitate();
        if manners.has_ended() {
            return Ok(());
        }
        stream.get_mut().write_all(&line)?;
    }
    Ok(())
}

/// Answers requests as long as the client keeps the connection.
fn serve(stream: &mut BufReader<TcpStream>, manners: &Manners) -> io::Result<()> {
    while let Some(request) = read_request(stream)? {
        manners.hesitate();
        if manners.has_ended() {
            return Ok(());
        }
        let out = stream.get_mut();
        match Wanted::of(&request.target) {
            Wanted::Name => answer(out, manners, "200 OK", &format!("{}\n", manners.name))?,
            Wanted::Download { kilobytes, pause } => download(out, manners, kilobytes, pause)?,
            Wanted::Nothing => answer(out, manners, "404 Not Found", "There is no such page.\n")?,
        }
        if !request.stays {
            return Ok(());
        }
    }
    Ok(())
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Name,
    Download { kilobytes: usize, pause: Duration },
    Nothing,
}

impl Wanted {
    fn of(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.parse().ok())
        };
        match path {
            NAME_PATH => Self::Name,
            DOWNLOAD_PATH => Self::Download {
                kilobytes: usize::try_from(number("kb").unwrap_or(1_u64))
                    .unwrap_or(usize::MAX)
                    .min(LARGEST_DOWNLOAD),
                pause: Duration::from_millis(number("ms").unwrap_or(0)),
            },
            _ => Self::Nothing,
        }
    }
}

fn head(manners: &Manners, status: &str, length: usize) -> String {
    let name = &manners.name;
    format!("HTTP/1.1 {status}\r\n{NODE_HEADER}: {name}\r\nContent-Length: {length}\r\n\r\n")
}

fn answer(out: &mut TcpStream, manners: &Manners, status: &str, body: &str) -> io::Result<()> {
    let text = head(manners, status, body.len()) + body;
    out.write_all(text.as_bytes())
}

fn download(
    out: &mut TcpStream,
    manners: &Manners,
    kilobytes: usize,
    pause: Duration,
) -> io::Result<()> {
    out.write_all(head(manners, "200 OK", kilobytes * DOWNLOAD_BLOCK).as_bytes())?;
    for number in 0..kilobytes {
        if manners.has_ended() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        out.write_all(&[filling(number); DOWNLOAD_BLOCK])?;
        manners.wait(pause);
    }
    Ok(())
}

/// What the block with this number is made of, so that a lost or doubled one can be noticed.
fn filling(number: usize) -> u8 {
    u8::try_from(number % 251).unwrap_or_default()
}

/// What a client asked for.
#[derive(Debug)]
struct Request {
    target: String,
    stays: bool,
}

/// The next request; none where the client hung up.
fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let Some(first) = read_line(stream, LONGEST_HEADER)? else {
        return Ok(None);
    };
    let first = String::from_utf8_lossy(&first).into_owned();
    let mut words = first.split_whitespace().skip(1);
    let target = words.next().unwrap_or_default().to_owned();
    let mut stays = words.next() != Some("HTTP/1.0");
    while let Some(line) = read_line(stream, LONGEST_HEADER)? {
        let line = String::from_utf8_lossy(&line).to_ascii_lowercase();
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Some(Request { target, stays }));
        };
        if name == "connection" {
            stays = value.trim() != "close";
        }
    }
    Ok(None)
}

/// The next line with its end; none where the client hung up before it was complete.
fn read_line(stream: &mut BufReader<TcpStream>, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    stream.take(longest).read_until(b'\n', &mut line)?;
    Ok(line.ends_with(b"\n").then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_from_path_and_query() {
        assert_eq!(Wanted::of("/"), Wanted::Name);
        assert_eq!(Wanted::of("/favicon.ico"), Wanted::Nothing);
        let download = |kilobytes, ms| Wanted::Download {
            kilobytes,
            pause: Duration::from_millis(ms),
        };
        assert_eq!(Wanted::of("/download?kb=12&ms=20"), download(12, 20));
        assert_eq!(Wanted::of("/download?ms=x"), download(1, 0));
        assert_eq!(
            Wanted::of("/download?kb=99999999999999"),
            download(LARGEST_DOWNLOAD, 0)
        );
    }
}
