//! A server that answers each line with one line; so many threads that none is waited for.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use crate::bed::Node;

/// What a client sends and what it gets.
pub(crate) const QUESTION: &[u8] = b"what time is it?\n";
pub(crate) const ANSWER: &[u8] = b"time to measure.\n";
/// More than the clients have connections: in the worst case all of them are here.
const THREADS: usize = 72;

/// Serves on a port of a node until the program ends.
pub(crate) fn start(node: &Node, port: u16) {
    let listener = node.run(|| TcpListener::bind(("::", port))).unwrap();
    let listener = Arc::new(listener);
    for _ in 0..THREADS {
        let listener = Arc::clone(&listener);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                serve(stream);
            }
        });
    }
}

/// Until the client hangs up.
fn serve(stream: TcpStream) {
    let _small_packets = stream.set_nodelay(true);
    let mut stream = BufReader::with_capacity(64, stream);
    let mut line = Vec::new();
    while stream
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        line.clear();
        if stream.get_mut().write_all(ANSWER).is_err() {
            return;
        }
    }
}
