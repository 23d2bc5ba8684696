//! Opens sockets the way a vantage wants it: address, interface, firewall mark, namespace.
//!
//! Never blocks: a connection is begun and waited for by the runtime. What this machine lacks (an
//! interface, an address, a permission, a file descriptor) is told as [`Failure::Here`]. Used by
//! every kind that speaks over the network.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;

use super::{Failure, Target};
use crate::spec::Vantage;

/// Where named network namespaces are (ip-netns(8)).
const NAMESPACES: &str = "/run/netns";

/// A kind of socket: domain, type and protocol as socket(2) has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    domain: Domain,
    kind: Type,
    protocol: Option<Protocol>,
}

impl Form {
    /// A TCP socket for an address.
    pub fn tcp(address: IpAddr) -> Self {
        Self::new(address, Type::STREAM, Some(Protocol::TCP))
    }

    /// A UDP socket for an address.
    pub fn udp(address: IpAddr) -> Self {
        Self::new(address, Type::DGRAM, Some(Protocol::UDP))
    }

    /// Any kind of socket for an address.
    pub fn new(address: IpAddr, kind: Type, protocol: Option<Protocol>) -> Self {
        let domain = if address.is_ipv4() {
            Domain::IPV4
        } else {
            Domain::IPV6
        };
        Self {
            domain,
            kind,
            protocol,
        }
    }
}

/// A TCP connection to the target, with nothing sent yet.
pub async fn tcp(target: &Target<'_>) -> Result<TcpStream, Failure> {
    target.waits_for("the connection");
    let address = target.address();
    let socket = open(target.vantage(), Form::tcp(address.ip())).await?;
    connected(socket, address).await
}

/// A connection that says nothing was made; it is gone again.
pub async fn bare_tcp(target: &Target<'_>) -> Result<(), Failure> {
    target.waits_for("the connection");
    let address = target.address();
    let socket = open(target.vantage(), Form::tcp(address.ip())).await?;
    hush(&socket)?;
    connected(socket, address).await.map(drop)
}

async fn connected(socket: Socket, address: SocketAddr) -> Result<TcpStream, Failure> {
    begin(&socket, address)?;
    let stream = TcpStream::from_std(socket.into())?;
    stream.writable().await?;
    match stream.take_error()? {
        None => Ok(stream),
        Some(error) => Err(error.into()),
    }
}

/// A UDP socket connected to the target, so that only its datagrams and its refusals come in.
pub async fn udp(target: &Target<'_>) -> Result<UdpSocket, Failure> {
    let address = target.address();
    let socket = open(target.vantage(), Form::udp(address.ip())).await?;
    begin(&socket, address)?;
    Ok(UdpSocket::from_std(socket.into())?)
}

/// A socket that does not block, bound as the vantage wants it and not yet connected.
pub async fn open(vantage: &Vantage, form: Form) -> Result<Socket, Failure> {
    match &vantage.namespace {
        None => open_here(vantage, form),
        Some(name) => open_elsewhere(name.clone(), vantage.clone(), form).await,
    }
}

/// The same in this thread's network namespace, whatever namespace the vantage names.
pub fn open_here(vantage: &Vantage, form: Form) -> Result<Socket, Failure> {
    let kind = form.kind.nonblocking().cloexec();
    let socket = Socket::new(form.domain, kind, form.protocol).map_err(|error| opened(&error))?;
    if let Some(mark) = vantage.mark {
        (socket.set_mark(mark))
            .map_err(|error| permitted(&error, "a firewall mark", "NET_ADMIN"))?;
    }
    if let Some(interface) = &vantage.interface {
        let name = interface.as_str();
        (socket.bind_device(Some(name.as_bytes()))).map_err(|error| through(&error, name))?;
    }
    let same_family = |bind: &IpAddr| Domain::for_address(SocketAddr::new(*bind, 0)) == form.domain;
    if let Some(address) = vantage.bind.filter(same_family) {
        from(&socket, address)?;
    }
    Ok(socket)
}

/// Has a connection end with its handshake: the kernel neither acknowledges the server's answer at
/// once nor takes leave of it, so that SYN, SYN-ACK, RST is all that passes and the server's
/// program sees nothing (tcp(7) `TCP_QUICKACK`, socket(7) `SO_LINGER`).
pub fn hush(socket: &Socket) -> Result<(), Failure> {
    socket.set_tcp_quickack(false)?;
    socket.set_linger(Some(Duration::ZERO))?;
    Ok(())
}

/// Begins to connect; the runtime tells when it is done.
pub fn begin(socket: &Socket, address: SocketAddr) -> Result<(), Failure> {
    match socket.connect(&address.into()) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Opens a socket in another namespace. A thread of its own goes there and ends: the runtime's
/// threads never leave this one.
async fn open_elsewhere(name: String, vantage: Vantage, form: Form) -> Result<Socket, Failure> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new()
        .name("probe-namespace".to_owned())
        .spawn(move || {
            let opened = enter(&name).and_then(|()| open_here(&vantage, form));
            // Nobody waits where the question has timed out meanwhile.
            drop(done.send(opened));
        })
        .map_err(|error| Failure::here(format!("no thread for a network namespace: {error}")))?;
    match result.await {
        Ok(opened) => opened,
        Err(_) => Err(Failure::here("the thread of a network namespace was lost")),
    }
}

/// Moves the calling thread into a named namespace.
pub(super) fn enter(name: &str) -> Result<(), Failure> {
    let path = Path::new(NAMESPACES).join(name);
    let file = File::open(&path).map_err(|error| {
        Failure::here(format!(
            "no network namespace {name} on this machine: {}: {error}",
            path.display()
        ))
    })?;
    setns(file, CloneFlags::CLONE_NEWNET)
        .map_err(|error| permitted(&error.into(), "another network namespace", "SYS_ADMIN"))
}

/// Binds to an address only; the port is chosen when the other end is known, so that each pair of
/// ends has ports of its own (ip(7), `IP_BIND_ADDRESS_NO_PORT`).
fn from(socket: &Socket, address: IpAddr) -> Result<(), Failure> {
    // Without it there are fewer ports, nothing else.
    let _ = setsockopt(socket, sockopt::IpBindAddressNoPort, &true);
    let to = SocketAddr::new(address, 0);
    socket.bind(&to.into()).map_err(|error| {
        if error.kind() == io::ErrorKind::AddrNotAvailable {
            return Failure::here(format!(
                "{address}, the address to ask from, is not an address of this machine"
            ));
        }
        Failure::here(format!("cannot ask from {address}: {error}"))
    })
}

fn through(error: &io::Error, interface: &str) -> Failure {
    if error.raw_os_error() == Some(Errno::ENODEV as i32) {
        return Failure::here(format!(
            "{interface}, the interface to ask through, is not on this machine"
        ));
    }
    permitted(error, "an interface to ask through", "NET_RAW")
}

fn opened(error: &io::Error) -> Failure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM | Errno::EACCES) => not_permitted(),
        Some(number) => number.into(),
        None => Failure::here(error.to_string()),
    }
}

/// The failure of a socket that this process may not have.
pub fn not_permitted() -> Failure {
    Failure::here("no permission for such a socket: it needs CAP_NET_RAW")
}

fn permitted(error: &io::Error, what: &str, capability: &str) -> Failure {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return Failure::here(format!(
            "no permission for {what}: it needs CAP_{capability}"
        ));
    }
    Failure::here(format!("this machine refuses {what}: {error}"))
}
