//! Certificates and keys, from files. Each error names its file.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore};

use crate::monkey::fs;
use crate::threadpool::offload;

/// What does the mathematics. It is named each time, since a program may hold several.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// A chain of certificates, the own one first, and the key that fits it.
pub(super) fn identity(chain: &Path, key: &Path) -> io::Result<Arc<SingleCertAndKey>> {
    let certificates = certificates(chain)?;
    let signer = any_supported_type(&private_key(key)?).map_err(|error| {
        invalid(format!("the private key in {} is of no use: {error}", key.display()))
    })?;
    let identity = CertifiedKey::new(certificates, signer);
    match identity.keys_match() {
        // Some keys cannot say what their public half is.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            let (key, chain) = (key.display(), chain.display());
            let text = format!("the private key in {key} does not fit the certificate in {chain}");
            return Err(invalid(text));
        }
        Err(error) => return Err(no_certificate(1, chain, &error)),
    }
    Ok(Arc::new(identity.into()))
}

/// Those whom to trust.
pub(super) fn roots(path: &Path) -> io::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(path)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| no_certificate(index + 1, path, &error))?;
    }
    Ok(Arc::new(roots))
}

/// Those whom this system trusts.
pub(super) fn system_roots() -> io::Result<Arc<RootCertStore>> {
    let found = offload(rustls_native_certs::load_native_certs);
    let mut roots = RootCertStore::empty();
    // Some systems have certificates that cannot be read; the others count.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let reason = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        let text = format!("no certificates to trust in the system's store{reason}");
        return Err(io::Error::new(ErrorKind::NotFound, text));
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = read(path, "certificates")?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| no_pem(path, &error))?;
    if found.is_empty() {
        return Err(invalid(format!("no certificate in {}", path.display())));
    }
    Ok(found)
}

fn private_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    let text = read(path, "private key")?;
    if contains(&text, b"ENCRYPTED") {
        let path = path.display();
        return Err(invalid(format!("the private key in {path} is encrypted: decrypt it first")));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => invalid(format!("no private key in {}", path.display())),
        error => no_pem(path, &error),
    })
}

fn read(path: &Path, what: &str) -> io::Result<Vec<u8>> {
    let text = fs::read(path).map_err(|error| {
        let text = format!("cannot read the {what} in {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })?;
    let path = path.display();
    if text.is_empty() {
        return Err(invalid(format!("{path} is empty, where the {what} should be")));
    }
    if !contains(&text, b"-----BEGIN ") {
        return Err(invalid(format!("{path} is not PEM, as the {what} should be")));
    }
    Ok(text)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn no_certificate(number: usize, path: &Path, error: &rustls::Error) -> io::Error {
    invalid(format!("certificate {number} in {} is of no use: {error}", path.display()))
}

fn no_pem(path: &Path, error: &pem::Error) -> io::Error {
    invalid(format!("{} is broken PEM: {error}", path.display()))
}

pub(super) fn invalid(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}
