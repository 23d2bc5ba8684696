//! HTTP in threads: a server that says who it is, and clients that keep their connections.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Shutdown, SockFlag, SockType, SockaddrStorage, bind, connect, setsockopt,
    shutdown, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::Node;

/// How long a client waits for anything; only a broken farm makes it wait so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two kilobytes of a download.
const PAUSE: Duration = Duration::from_millis(20);
const KILOBYTE: usize = 1024;
/// What a client sends that wants the rest of its download at once.
const HURRY: &[u8] = b"!";

/// An HTTP/1.1 server in a node, on all its addresses of both families. It answers `/` with its
/// node's name and `/download/N` with N kilobytes, one each 20 ms until the client sends anything
/// more, and then the rest at once. Dropped, it takes no new connections; the open ones go on.
pub(crate) struct Server {
    listener: TcpListener,
    answered: Arc<AtomicUsize>,
}

impl Server {
    /// Listens on `port` of `node`; it is ready when this returns.
    pub(crate) fn start(node: &Node, port: u16) -> Self {
        let listener = node.run(|| TcpListener::bind(("::", port))).unwrap();
        let accepting = listener.try_clone().unwrap();
        let answered = Arc::new(AtomicUsize::new(0));
        let (name, counter) = (node.name().to_owned(), Arc::clone(&answered));
        thread::spawn(move || accept(&accepting, &name, &counter));
        Self { listener, answered }
    }

    /// How many requests it has answered.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Wakes the accepting thread, which then ends.
        let ended = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
        debug_assert!(ended.is_ok(), "{ended:?}");
    }
}

fn accept(listener: &TcpListener, name: &str, answered: &Arc<AtomicUsize>) {
    while let Ok((stream, client)) = listener.accept() {
        let (name, answered) = (name.to_owned(), Arc::clone(answered));
        thread::spawn(move || serve(stream, client, &name, &answered));
    }
}

/// Answers until the client hangs up; an error is the client's to notice.
fn serve(stream: TcpStream, client: SocketAddr, name: &str, answered: &AtomicUsize) {
    let mut stream = BufReader::new(stream);
    while let Ok(head) = read_head(&mut stream) {
        answered.fetch_add(1, Ordering::Relaxed);
        let path = head.first.split(' ').nth(1).unwrap_or("/");
        let sent = match path.strip_prefix("/download/") {
            Some(kilobytes) => send_slowly(stream.get_mut(), kilobytes.parse().unwrap_or(0)),
            None => send_name(stream.get_mut(), name, client),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn send_name(out: &mut TcpStream, name: &str, client: SocketAddr) -> io::Result<()> {
    let length = name.len();
    let text =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-Client: {client}\r\n\r\n{name}");
    out.write_all(text.as_bytes())
}

fn send_slowly(out: &mut TcpStream, kilobytes: usize) -> io::Result<()> {
    let length = kilobytes * KILOBYTE;
    out.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
    let mut hurry = false;
    for number in 0..kilobytes {
        out.write_all(&[filling(number); KILOBYTE])?;
        if !hurry {
            thread::sleep(PAUSE);
            hurry = is_asked_for_the_rest(out)?;
        }
    }
    Ok(())
}

/// Whether the client has sent anything since its request. It is taken off the connection.
fn is_asked_for_the_rest(from: &mut TcpStream) -> io::Result<bool> {
    from.set_nonblocking(true)?;
    let read = from.read(&mut [0; HURRY.len()]);
    from.set_nonblocking(false)?;
    match read {
        Ok(length) => Ok(length > 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the kilobyte with this number is made of, so that a lost or doubled one is noticed.
fn filling(number: usize) -> u8 {
    u8::try_from(number % 251).unwrap_or_default()
}

struct Head {
    first: String,
    fields: HashMap<String, String>,
}

fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Head> {
    let first = read_line(stream)?;
    let mut fields = HashMap::new();
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(": ") else {
            return Ok(Head { first, fields });
        };
        fields.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}

fn read_line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Who answered, and whom the server saw asking.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The name of the server's node.
    pub(crate) server: String,
    /// The client's address as the server sees it; an IPv4 one is in its mapped form.
    pub(crate) client: SocketAddr,
}

/// A client's connection, open until it is dropped.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects from the calling thread's namespace; see [`Node::connect`].
    pub(super) fn open(to: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&to, PATIENCE)?)
    }

    /// The same from one of the namespace's addresses, and port 0 for any; see
    /// [`Node::connect_from`].
    pub(super) fn open_from(from: SocketAddr, to: SocketAddr) -> io::Result<Self> {
        let family = if to.is_ipv4() {
            AddressFamily::Inet
        } else {
            AddressFamily::Inet6
        };
        let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let from = SockaddrStorage::from(from);
        bind(socket.as_raw_fd(), &from)?;
        setsockopt(&socket, sockopt::SendTimeout, &TimeVal::seconds(10))?;
        connect(socket.as_raw_fd(), &SockaddrStorage::from(to))?;
        Self::over(TcpStream::from(socket))
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// One request; the connection stays open.
    pub(crate) fn get(&mut self) -> io::Result<Answer> {
        let head = self.request("/")?;
        let mut name = vec![0; content_length(&head)?];
        self.stream.read_exact(&mut name)?;
        let client = head
            .fields
            .get("x-client")
            .and_then(|text| text.parse().ok());
        Ok(Answer {
            server: String::from_utf8_lossy(&name).into_owned(),
            client: client.ok_or(io::ErrorKind::InvalidData)?,
        })
    }

    /// Ends the connection by a reset instead of a farewell: no middle box remembers it for long.
    pub(crate) fn reset(self) {
        let linger = nix::libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        setsockopt(self.stream.get_ref(), sockopt::Linger, &linger).unwrap();
    }

    fn request(&mut self, path: &str) -> io::Result<Head> {
        let text = format!("GET {path} HTTP/1.1\r\nHost: farm.test\r\n\r\n");
        self.stream.get_mut().write_all(text.as_bytes())?;
        read_head(&mut self.stream)
    }
}

fn content_length(head: &Head) -> io::Result<usize> {
    let length = head
        .fields
        .get("content-length")
        .and_then(|text| text.parse().ok());
    length.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// A download that runs in the background.
pub(crate) struct Download {
    stream: TcpStream,
    progress: Receiver<usize>,
    arrived: usize,
    thread: JoinHandle<io::Result<usize>>,
}

impl Download {
    pub(super) fn start(mut connection: Connection, kilobytes: usize) -> io::Result<Self> {
        let head = connection.request(&format!("/download/{kilobytes}"))?;
        let expected = content_length(&head)? / KILOBYTE;
        let stream = connection.stream.get_ref().try_clone()?;
        let (sender, progress) = mpsc::channel();
        let thread = thread::spawn(move || receive(connection, expected, &sender));
        Ok(Self {
            stream,
            progress,
            arrived: 0,
            thread,
        })
    }

    /// Waits until so many kilobytes are there, so that what follows happens in mid-download.
    ///
    /// # Panics
    /// If the download ends before that.
    pub(crate) fn wait_for(&mut self, kilobytes: usize) {
        while self.arrived < kilobytes {
            self.arrived = self.progress.recv().expect("the download ended early");
        }
    }

    /// Waits for a kilobyte that was not there yet when this was called.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn wait_for_more(&mut self) {
        self.arrived = self.progress.try_iter().last().unwrap_or(self.arrived);
        self.wait_for(self.arrived + 1);
    }

    /// Has the rest sent at once, waits for the end and says how many kilobytes came, each whole
    /// and in its place.
    pub(crate) fn finish(mut self) -> io::Result<usize> {
        self.stream.write_all(HURRY)?;
        self.thread.join().unwrap()
    }
}

fn receive(mut from: Connection, expected: usize, progress: &Sender<usize>) -> io::Result<usize> {
    for number in 0..expected {
        let mut kilobyte = [0; KILOBYTE];
        from.stream.read_exact(&mut kilobyte)?;
        if kilobyte != [filling(number); KILOBYTE] {
            return Err(io::Error::other(format!(
                "kilobyte {number} is not what was sent"
            )));
        }
        // Nobody need listen.
        progress.send(number + 1).unwrap_or_default();
    }
    Ok(expected)
}
