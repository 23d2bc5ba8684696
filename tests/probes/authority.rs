//! An authority of certificates, for servers and clients of one test.

use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use crate::program::Folder;

/// 2040-01-01 00:00 UTC, in seconds since 1970.
pub(crate) const LATE: u64 = 2_208_988_800;

/// From when until when a certificate is good.
#[derive(Clone, Copy)]
pub(crate) enum Good {
    /// Since 2020 and until 2040.
    Now,
    /// Until 2021.
    Past,
    /// From 2039 on.
    Future,
}

/// Somebody whom checks may trust: its certificate is `ca.pem` of the folder.
pub(crate) struct Authority<'a> {
    folder: &'a Folder,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'a> Authority<'a> {
    pub(crate) fn new(folder: &'a Folder) -> Self {
        let mut params = params(&[], Good::Now);
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        folder.write("ca.pem", &issuer.as_ref().pem());
        Self { folder, issuer }
    }

    /// Writes `WHO.pem` and `WHO.key` for these names and addresses.
    pub(crate) fn issue(&self, who: &str, names: &[&str], good: Good) {
        let key = KeyPair::generate().unwrap();
        let certificate = params(names, good).signed_by(&key, &self.issuer).unwrap();
        self.folder.write(&format!("{who}.pem"), &certificate.pem());
        self.folder
            .write(&format!("{who}.key"), &key.serialize_pem());
    }
}

fn params(names: &[&str], good: Good) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    // Nobody may be taken for somebody else by name.
    let name = format!("farm {}", fastrand::u64(..));
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, until) = match good {
        Good::Now => (2020, 2040),
        Good::Past => (2020, 2021),
        Good::Future => (2039, 2040),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}
