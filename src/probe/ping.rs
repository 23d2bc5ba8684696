//! An echo request is answered (ICMP, RFC 792; ICMPv6, RFC 4443).
//!
//! Through the kernel's ping socket where `net.ipv4.ping_group_range` allows it (it then sorts
//! answers to their askers), else through a raw one. Called by [`super::ask`].

pub mod echo;

use std::net::{IpAddr, SocketAddr};

use socket2::{Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::{Failure, Report, Target, socket};
use crate::spec::PingCheck;
use echo::{Echo, Frame};

/// Bytes of payload where the check does not say.
const SIZE: u16 = 32;

/// The largest answer there is.
const DATAGRAM: usize = 65_535;

/// Asks one.
pub(super) async fn ask(check: &PingCheck, target: &Target<'_>) -> Result<Report, Failure> {
    target.waits_for("the echo reply");
    let address = target.question().address;
    let (socket, frame) = open(target).await?;
    let echo = Echo::random(address, usize::from(check.size.unwrap_or(SIZE)));
    socket::begin(&socket, SocketAddr::new(address, 0))?;
    // Only its reading and writing is used, which is the same for every kind of socket.
    let socket = UdpSocket::from_std(socket.into())?;
    socket.send(&echo.request()).await?;
    answered(&socket, frame, &echo).await
}

/// Waits for the answer; what is not it is passed over.
async fn answered(socket: &UdpSocket, frame: Frame, echo: &Echo) -> Result<Report, Failure> {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let packet = buffer.get(..length).unwrap_or_default();
        match echo.judge(frame, packet) {
            echo::Seen::Answer => return Ok(Report::pass("answered")),
            echo::Seen::Unreachable(text) => {
                return Err(Failure::server(crate::health::Fault::Unreachable, text));
            }
            echo::Seen::Other => {}
        }
    }
}

/// The kernel's ping socket, or a raw one where it gives none to this process.
async fn open(target: &Target<'_>) -> Result<(Socket, Frame), Failure> {
    let address = target.question().address;
    let (protocol, raw) = match address {
        IpAddr::V4(_) => (Protocol::ICMPV4, Frame::WithIpHeader),
        IpAddr::V6(_) => (Protocol::ICMPV6, Frame::Bare),
    };
    let form = |kind| socket::Form::new(address, kind, Some(protocol));
    let vantage = target.vantage();
    match socket::open(vantage, form(Type::DGRAM)).await {
        Err(failure) if failure == socket::not_permitted() => {}
        opened => return opened.map(|socket| (socket, Frame::Sorted)),
    }
    match socket::open(vantage, form(Type::RAW)).await {
        Err(failure) if failure == socket::not_permitted() => Err(Failure::here(
            "no permission to ping: it needs CAP_NET_RAW, or this group in \
             net.ipv4.ping_group_range",
        )),
        opened => opened.map(|socket| (socket, raw)),
    }
}
