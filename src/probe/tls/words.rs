//! What goes wrong in TLS, in words for an operator.

use std::io;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

use crate::health::Fault;
use crate::probe::Failure;

/// The failure of a handshake.
pub(super) fn failure(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Failure::broken("it closed the connection inside the TLS handshake");
    }
    error.into()
}

/// What TLS says, if it is TLS that says it: in the handshake, or reading and writing after it.
pub(in crate::probe) fn problem(error: &io::Error) -> Option<Failure> {
    let inner: &Error = error.get_ref()?.downcast_ref()?;
    Some(Failure::server(Fault::Tls, text(inner)))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls adds errors; its own words do for the rest"
)]
fn text(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(bad) => certificate(bad),
        Error::AlertReceived(alert) => format!("it refused the TLS handshake: {alert:?}"),
        Error::InvalidMessage(_) => "what it sent is not TLS".to_owned(),
        Error::PeerIncompatible(why) => format!("no TLS that both speak: {why:?}"),
        Error::NoApplicationProtocol => "it does not speak the protocol over TLS".to_owned(),
        other => format!("TLS: {other}"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls adds errors; its own words do for the rest"
)]
fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("its certificate expired {} ago", between(*not_after, *time))
        }
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!(
                "its certificate is valid only in {}",
                between(*time, *not_before)
            )
        }
        CertificateError::NotValidYet => "its certificate is not valid yet".to_owned(),
        CertificateError::UnknownIssuer => {
            "its certificate is of nobody who is trusted: name the issuer's file in `ca_file`"
                .to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "its certificate is not for {} but for {}",
            expected.to_str(),
            if presented.is_empty() {
                "no name".to_owned()
            } else {
                presented.join(", ")
            }
        ),
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        other => format!("its certificate: {other}"),
    }
}

/// The time between two, in the largest whole unit.
fn between(earlier: UnixTime, later: UnixTime) -> String {
    let seconds = later.as_secs().saturating_sub(earlier.as_secs());
    let whole = match seconds {
        0..60 => seconds,
        60..3600 => seconds / 60 * 60,
        3600..86_400 => seconds / 3600 * 3600,
        _ => seconds / 86_400 * 86_400,
    };
    crate::spec::Duration(Duration::from_secs(whole)).to_string()
}
