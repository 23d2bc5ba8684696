//! The real servers: one process that takes connections on every address of 127.0.0.0/8, waits for
//! the other side's end and closes, as a server does that is asked nothing.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::PORT;

/// How many connections may wait.
const BACKLOG: i32 = 16_384;

/// Serves until the input ends.
pub(crate) fn run() {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ended = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(serve());
}

async fn serve() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
    listener.set_reuse_address(true).unwrap();
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    listener.bind(&address.into()).unwrap();
    listener.listen(BACKLOG).unwrap();
    let listener = TcpListener::from_std(listener.into()).unwrap();
    loop {
        if let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 64];
                while stream
                    .read(&mut buffer)
                    .await
                    .is_ok_and(|length| length > 0)
                {}
            });
        }
    }
}
