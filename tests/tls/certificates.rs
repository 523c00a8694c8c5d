//! Certificates and keys for the tests, in files.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// A folder that no other test has, with files that are removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("greenhub-tls-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path of a file with that in it.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a failed test leaves there is of no use.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A certificate, and the key that fits it.
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Who issues certificates.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.issue_with(name, |_| ())
    }

    pub(crate) fn issue_expired(&self, name: &str) -> Identity {
        self.issue_with(name, |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    fn issue_with(&self, name: &str, set: impl Fn(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        set(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

/// What most tests need: an authority, and what it issued, each in a file.
pub(crate) struct Files {
    folder: Folder,
}

impl Files {
    pub(crate) fn roots(&self) -> PathBuf {
        self.folder.path("roots.pem")
    }

    /// Certificate and key of `localhost`.
    pub(crate) fn server(&self) -> (PathBuf, PathBuf) {
        self.pair("server")
    }

    /// They ended some years ago.
    pub(crate) fn expired(&self) -> (PathBuf, PathBuf) {
        self.pair("expired")
    }

    pub(crate) fn client(&self) -> (PathBuf, PathBuf) {
        self.pair("client")
    }

    /// Someone else, who has issued nothing.
    pub(crate) fn strange_roots(&self) -> PathBuf {
        self.folder.path("strange.pem")
    }

    fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.folder.path(&format!("{name}.crt")), self.folder.path(&format!("{name}.key")))
    }

    fn put(&self, name: &str, identity: &Identity) {
        self.folder.file(&format!("{name}.crt"), &identity.chain);
        self.folder.file(&format!("{name}.key"), &identity.key);
    }
}

/// Each test has its own, as it is removed at the end.
pub(crate) fn files() -> Files {
    static MADE: LazyLock<(Authority, [Identity; 3], Authority)> = LazyLock::new(|| {
        let authority = Authority::new("the tests' authority");
        let issued = [
            authority.issue("localhost"),
            authority.issue_expired("localhost"),
            authority.issue("a client"),
        ];
        (authority, issued, Authority::new("a stranger"))
    });
    let (authority, [server, expired, client], stranger) = &*MADE;
    let files = Files { folder: Folder::new() };
    files.folder.file("roots.pem", &authority.certificate);
    files.folder.file("strange.pem", &stranger.certificate);
    files.put("server", server);
    files.put("expired", expired);
    files.put("client", client);
    files
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("the tests' paths are plain")
}
