//! Files of small farms, and short ways to say what is in them.

use std::net::IpAddr;
use std::time::Duration;

use farmctl::clock::Moment;
use farmctl::spec::Farm;
use farmctl::state::Member;

/// A farm of the file's text.
pub(super) fn farm(text: &str) -> Farm {
    serde_yaml::from_str(text).expect("the text is a farm")
}

/// So many seconds after boot.
pub(super) fn at(seconds: f64) -> Moment {
    Moment::since_boot(Duration::from_secs_f64(seconds))
}

pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A service `http` with so many servers 192.168.0.1, .2, … of one weight; what else the service
/// has, and the timing of its check.
pub(super) fn simple(servers: u32, weight: u32, service: &str, timing: &str) -> String {
    let mut text = format!(
        "version: 1\nvips: {{ www: {{ addresses: [10.0.0.1/32], interface: eth0 }} }}\n\
         services:\n  http:\n    vip: www\n    port: 80\n    {service}\n    \
         check: {{ tcp: {{}}, {timing} }}\n    real_servers:\n"
    );
    for number in 1..=servers {
        text.push_str(&format!(
            "      - {{ address: 192.168.0.{number}, port: 80, weight: {weight} }}\n"
        ));
    }
    text
}

/// The address of a server of [`simple`].
pub(super) fn server(number: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, number])
}

pub(super) fn member(service: &str, address: IpAddr) -> Member {
    Member {
        service: service.to_owned(),
        server: address.to_string(),
        address,
        port: Some(80),
    }
}
