//! Servers written for one test each, most of them hostile.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// More memory than a check may take for whatever a server sends, in bytes.
pub(crate) const MUCH: usize = 16 << 20;

/// A server whose every connection is a script of its own, on a thread. It lives as long as the
/// test's process.
pub(crate) struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Serves with this script on a free port of 127.0.0.1.
    pub(crate) fn start(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                thread::spawn(move || script(stream));
            }
        });
        Self { address, accepted }
    }

    /// Sends this to everybody at once, then takes what comes until the other side is gone.
    pub(crate) fn that_says(what: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            // The other side may be gone already.
            let _told = stream.write_all(what);
            hear_out(stream);
        })
    }

    /// Accepts, and never says a word.
    pub(crate) fn silent() -> Self {
        Self::start(hear_out)
    }

    /// Waits for the first bytes of the other side, says this, and takes what comes until the
    /// other side is gone.
    pub(crate) fn that_answers(what: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            heed(&mut stream);
            let _told = stream.write_all(what);
            hear_out(stream);
        })
    }

    /// Waits for the first bytes of the other side, begins like this, and goes on one byte after
    /// another, slowly and for ever.
    pub(crate) fn that_drips(beginning: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            heed(&mut stream);
            let bytes = beginning.iter().chain(std::iter::repeat(&b'a'));
            for byte in bytes {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        })
    }

    /// Waits for the first bytes of the other side, begins like this, and goes on with this as
    /// fast as it can and for ever. Gives how many bytes it got rid of.
    pub(crate) fn that_pours(
        beginning: &'static [u8],
        more: &'static [u8],
    ) -> (Self, Arc<AtomicUsize>) {
        let poured = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&poured);
        let server = Self::start(move |mut stream| {
            heed(&mut stream);
            let mut next = beginning;
            while stream.write_all(next).is_ok() {
                counted.fetch_add(next.len(), Ordering::SeqCst);
                next = more;
            }
        });
        (server, poured)
    }

    /// Begins like this at once, and goes on with this as fast as it can and for ever.
    pub(crate) fn that_floods(beginning: &'static [u8], more: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            let mut next = beginning;
            while stream.write_all(next).is_ok() {
                next = more;
            }
        })
    }

    /// Waits for the first bytes of the other side, says this, and resets the connection.
    pub(crate) fn that_resets_after(what: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            heed(&mut stream);
            let _told = stream.write_all(what);
            reset(stream);
        })
    }

    /// Waits for the first bytes of the other side, says this, and closes.
    pub(crate) fn that_ends_after(what: &'static [u8]) -> Self {
        Self::start(move |mut stream| {
            heed(&mut stream);
            let _told = stream.write_all(what);
        })
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it was handed.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Waits for the first bytes of the other side, or for its end.
fn heed(stream: &mut TcpStream) {
    let _heard = stream.read(&mut [0; 4096]);
}

/// Takes what comes until the other side is gone.
pub(crate) fn hear_out(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}

/// Ends a connection with RST.
#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
pub(crate) fn reset(stream: TcpStream) {
    let socket = SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// An address of this machine on which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// An address whose connections are never made: its queue of connections is full.
pub(crate) fn deaf() -> (SocketAddr, impl Sized) {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let kept: Vec<TcpStream> = (0..8)
        .filter_map(|_| TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok())
        .collect();
    (address, (listener, kept))
}
