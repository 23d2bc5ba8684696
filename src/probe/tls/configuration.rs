//! TLS configurations, made once for each set of options and kept.
//!
//! Files (certificates to trust, a certificate and key to show) are read on a thread for blocking
//! work, and again when they change.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::time::Instant;

use crate::probe::Failure;
use crate::spec::{TlsCheck, TlsVersion};

/// Files are looked at again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// More configurations than this are not kept: those of checks that are gone go with them.
const KEPT: usize = 1024;

/// The protocols that are offered inside TLS (ALPN, RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocols {
    /// None.
    None,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, and nothing else.
    Http2,
}

impl Protocols {
    fn offered(self) -> Vec<Vec<u8>> {
        match self {
            Self::None => Vec::new(),
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
        }
    }
}

/// The configurations that were made, by their options.
#[derive(Debug, Default)]
pub struct Configurations {
    kept: Mutex<HashMap<(TlsCheck, Protocols), Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    configuration: Arc<ClientConfig>,
    files: Vec<Stamp>,
    looked: Instant,
}

/// What tells that a file has changed: when it was, how long it is.
type Stamp = Option<(SystemTime, u64)>;

impl Configurations {
    /// The configuration for options. A file that cannot be read or used is this machine's
    /// failure: the server is not asked.
    pub async fn get(
        &self,
        options: &TlsCheck,
        protocols: Protocols,
    ) -> Result<Arc<ClientConfig>, Failure> {
        let key = (options.clone(), protocols);
        let known = self.lock().get(&key).cloned();
        match known {
            Some(kept) if kept.is_fresh() => Ok(kept.configuration),
            known => self.renew(key, known).await,
        }
    }

    async fn renew(
        &self,
        key: (TlsCheck, Protocols),
        known: Option<Kept>,
    ) -> Result<Arc<ClientConfig>, Failure> {
        let (options, protocols) = key.clone();
        let made = tokio::task::spawn_blocking(move || made(&options, protocols, known)).await;
        let made =
            made.map_err(|_| Failure::here("the thread that reads certificates broke"))??;
        let configuration = Arc::clone(&made.configuration);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, made);
        Ok(configuration)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(TlsCheck, Protocols), Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.files.is_empty() || self.looked.elapsed() < LOOK_AGAIN
    }
}

fn made(options: &TlsCheck, protocols: Protocols, known: Option<Kept>) -> Result<Kept, Failure> {
    let files = stamps(options);
    let looked = Instant::now();
    if let Some(known) = known.filter(|known| known.files == files) {
        return Ok(Kept { looked, ..known });
    }
    Ok(Kept {
        configuration: Arc::new(configuration(options, protocols)?),
        files,
        looked,
    })
}

fn stamps(options: &TlsCheck) -> Vec<Stamp> {
    let files = [
        &options.ca_file,
        &options.certificate_file,
        &options.key_file,
    ];
    let named = files.into_iter().flatten();
    named
        .map(|file| {
            let facts = fs::metadata(file).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
        .collect()
}

fn configuration(options: &TlsCheck, protocols: Protocols) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(options))
        .map_err(|error| unusable(&error))?;
    let builder = if options.verify == Some(true) {
        builder.with_root_certificates(trusted(options)?)
    } else {
        let verifier = Arc::new(AnyCertificate(provider));
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    };
    let mut configuration = match (&options.certificate_file, &options.key_file) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
            .map_err(|error| unusable(&error))?,
        _ => builder.with_no_client_auth(),
    };
    configuration.alpn_protocols = protocols.offered();
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}

fn versions(options: &TlsCheck) -> &'static [&'static SupportedProtocolVersion] {
    static NEW: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
    static ALL: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
    match options.minimum_version {
        Some(TlsVersion::V13) => &NEW,
        Some(TlsVersion::V12) | None => &ALL,
    }
}

/// The issuers that are trusted: the check's own, else the system's.
fn trusted(options: &TlsCheck) -> Result<RootCertStore, Failure> {
    let mut store = RootCertStore::empty();
    let found = match &options.ca_file {
        Some(file) => certificates(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let (taken, _) = store.add_parsable_certificates(found);
    if taken > 0 {
        return Ok(store);
    }
    Err(Failure::here(match &options.ca_file {
        Some(file) => format!("{file} has no certificate that could be trusted"),
        None => "this machine has no certificates to trust: install ca-certificates, or name a \
                 `ca_file`"
            .to_owned(),
    }))
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = CertificateDer::pem_file_iter(Path::new(file)).map_err(|error| bad(file, &error))?;
    let all: Result<Vec<_>, _> = read.collect();
    let all = all.map_err(|error| bad(file, &error))?;
    if all.is_empty() {
        return Err(Failure::here(format!("{file} has no certificate (PEM)")));
    }
    Ok(all)
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(Path::new(file)).map_err(|error| bad(file, &error))
}

fn bad(file: &str, error: &rustls::pki_types::pem::Error) -> Failure {
    Failure::here(format!("{file} cannot be used: {error}"))
}

fn unusable(error: &Error) -> Failure {
    Failure::here(format!("the TLS options cannot be used: {error}"))
}

/// Takes any certificate, also one that no library would read: the check asks whether TLS is
/// spoken, not by whom.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> String {
        let made = rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).unwrap();
        made.cert.pem()
    }

    /// Asks for the configuration, as if so much time had gone by since the files were looked at.
    async fn after(kept: &Configurations, options: &TlsCheck, pause: Duration) -> bool {
        for one in kept.lock().values_mut() {
            one.looked = one.looked.checked_sub(pause).unwrap();
        }
        kept.get(options, Protocols::None).await.is_ok()
    }

    #[tokio::test]
    async fn files_are_looked_at_again_after_a_while_and_read_again_where_they_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, issuer()).unwrap();
        let options = TlsCheck {
            verify: Some(true),
            ca_file: Some(file.to_str().unwrap().parse().unwrap()),
            ..TlsCheck::default()
        };
        let kept = Configurations::default();
        let first = kept.get(&options, Protocols::None).await.unwrap();
        assert!(after(&kept, &options, LOOK_AGAIN).await);
        let second = kept.get(&options, Protocols::None).await.unwrap();
        assert!(Arc::ptr_eq(&first, &second), "the file has not changed");
        fs::write(&file, "nothing").unwrap();
        assert!(after(&kept, &options, LOOK_AGAIN / 2).await);
        assert!(!after(&kept, &options, LOOK_AGAIN).await);
    }

    #[tokio::test]
    async fn what_needs_no_file_is_made_once() {
        let kept = Configurations::default();
        let options = TlsCheck::default();
        let first = kept.get(&options, Protocols::Http1).await.unwrap();
        let second = kept.get(&options, Protocols::Http1).await.unwrap();
        let other = kept.get(&options, Protocols::Http2).await.unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &other));
    }
}
