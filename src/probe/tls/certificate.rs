//! Reads certificates, as far as a check needs it.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::health::Expiry;

/// When a certificate expires; none where it cannot be read, or expired before 1970.
pub(super) fn expiry(certificate: &CertificateDer<'_>) -> Option<Expiry> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    u64::try_from(seconds).ok().map(Expiry)
}
