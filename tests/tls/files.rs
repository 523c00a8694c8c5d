//! Certificates and keys from files: what is wrong with one is told, and by its name.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use greenhub::tls::{TlsAcceptor, TlsConnector};

use crate::certificates::{Authority, Folder, text};
use crate::support::{EchoServer, ask, bounded, pair, until};

/// An authority, what it issued for `localhost`, and a folder for files.
struct Made {
    authority: Authority,
    folder: Folder,
    chain: PathBuf,
    key: PathBuf,
}

fn made() -> Made {
    let (authority, folder) = (Authority::new("the tests' authority"), Folder::new());
    let identity = authority.issue("localhost");
    let chain = folder.file("chain.pem", &identity.chain);
    let key = folder.file("key.pem", &identity.key);
    Made { authority, folder, chain, key }
}

/// The kind of an error, and its text with the folder's path left out.
fn said(folder: &Folder, answer: io::Result<TlsAcceptor>) -> (ErrorKind, String) {
    let error = answer.unwrap_err();
    let place = format!("{}/", text(&folder.path("")).trim_end_matches('/'));
    (error.kind(), error.to_string().replace(&place, ""))
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    bounded(|| {
        let Made { folder, chain, key, .. } = made();
        let missing = folder.path("missing.pem");
        assert_eq!(
            said(&folder, TlsAcceptor::from_files(&missing, &key)),
            (
                ErrorKind::NotFound,
                "cannot read the certificates in missing.pem: No such file or directory (os error 2)"
                    .to_owned()
            )
        );
        let (kind, text) = said(&folder, TlsAcceptor::from_files(&chain, &missing));
        assert_eq!(kind, ErrorKind::NotFound);
        assert!(text.starts_with("cannot read the private key in missing.pem: "), "{text}");
        let error = TlsConnector::from_roots(&missing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_file_with_the_wrong_thing_in_it_is_named() {
    bounded(|| {
        let Made { folder, chain, key, .. } = made();
        let empty = folder.file("empty.pem", "");
        let garbage = folder.file("garbage.pem", [0x30, 0x82, 1, 2, 3]);
        let whole = std::fs::read_to_string(&chain).unwrap();
        let cut = folder.file("cut.pem", &whole[..whole.len() / 2]);
        let body = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let nonsense = folder.file("nonsense.pem", body);
        let odd = folder.file("odd.pem", body.replace("CERTIFICATE", "PRIVATE KEY"));
        let sealed =
            folder.file("sealed.pem", body.replace("CERTIFICATE", "ENCRYPTED PRIVATE KEY"));
        for (chain, key, expected) in [
            (&empty, &key, "empty.pem is empty, where the certificates should be"),
            (&chain, &empty, "empty.pem is empty, where the private key should be"),
            (&garbage, &key, "garbage.pem is not PEM, as the certificates should be"),
            (&chain, &garbage, "garbage.pem is not PEM, as the private key should be"),
            (&key, &key, "no certificate in key.pem"),
            (&chain, &chain, "no private key in chain.pem"),
            (&cut, &key, "cut.pem is broken PEM: "),
            (&nonsense, &key, "certificate 1 in nonsense.pem is of no use: "),
            (&chain, &odd, "the private key in odd.pem is of no use: "),
            (&chain, &sealed, "the private key in sealed.pem is encrypted: decrypt it first"),
        ] {
            let (kind, text) = said(&folder, TlsAcceptor::from_files(chain, key));
            assert_eq!(kind, ErrorKind::InvalidData, "{text}");
            assert!(text.starts_with(expected), "{text:?}, not {expected:?}");
        }
        let error = TlsConnector::from_roots(&nonsense).unwrap_err();
        assert!(error.to_string().contains("certificate 1 in "), "{error}");
        let roots = TlsAcceptor::builder(&chain, &key).require_clients(&empty).build();
        assert!(said(&folder, roots).1.starts_with("empty.pem is empty"));
    });
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    bounded(|| {
        let Made { authority, folder, chain, .. } = made();
        let other = folder.file("other.pem", authority.issue("localhost").key);
        assert_eq!(
            said(&folder, TlsAcceptor::from_files(&chain, &other)),
            (
                ErrorKind::InvalidData,
                "the private key in other.pem does not fit the certificate in chain.pem".to_owned()
            )
        );
    });
}

/// Connects a client that trusts `roots` with a server, and has it answer.
fn talk(acceptor: &TlsAcceptor, roots: &Path) -> io::Result<()> {
    let (near, far) = pair();
    let acceptor = acceptor.clone();
    let serving = greenhub::spawn(move || acceptor.accept(far).and_then(crate::support::echo));
    let talked = TlsConnector::from_roots(roots)?
        .handshake("localhost", near)
        .and_then(|mut client| ask(&mut client, b"hello"));
    until(|| serving.is_finished());
    talked.map(|answer| assert_eq!(answer, b"hello"))
}

#[test]
fn one_file_may_hold_both() {
    bounded(|| {
        let Made { authority, folder, chain, key } = made();
        let both = [std::fs::read(key).unwrap(), std::fs::read(chain).unwrap()].concat();
        let both = folder.file("both.pem", both);
        let roots = folder.file("roots.pem", &authority.certificate);
        talk(&TlsAcceptor::from_files(&both, &both).unwrap(), &roots).unwrap();
    });
}

#[test]
fn files_are_read_again_without_a_stop_and_kept_if_they_are_bad() {
    bounded(|| {
        let Made { authority, folder, chain, key } = made();
        let old_roots = folder.file("old.pem", &authority.certificate);
        let acceptor = TlsAcceptor::from_files(&chain, &key).unwrap();
        let clone = acceptor.clone();
        let newer = Authority::new("the next authority");
        let (new_roots, identity) =
            (folder.file("new.pem", &newer.certificate), newer.issue("localhost"));

        folder.file("chain.pem", &identity.chain);
        let error = acceptor.reload().unwrap_err();
        assert!(error.to_string().contains("does not fit"), "{error}");
        talk(&clone, &old_roots).unwrap();

        folder.file("key.pem", &identity.key);
        acceptor.reload().unwrap();
        talk(&clone, &new_roots).unwrap();
        assert_eq!(talk(&clone, &old_roots).unwrap_err().kind(), ErrorKind::InvalidData);
    });
}

/// What openssl makes, or nothing if it is not there.
fn openssl(arguments: &[&str]) -> bool {
    match Command::new("openssl").args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            println!("skipped: there is no openssl");
            false
        }
    }
}

#[test]
fn keys_of_every_form_are_taken() {
    bounded(|| {
        let folder = Folder::new();
        let path = |name: &str| folder.path(name);
        for (form, make) in [
            ("RSA PRIVATE KEY", &["genrsa", "-traditional", "-out", "KEY", "2048"][..]),
            (
                "EC PRIVATE KEY",
                &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "KEY"],
            ),
            ("PRIVATE KEY", &["genpkey", "-algorithm", "ED25519", "-out", "KEY"]),
        ] {
            let (key, chain) = (path("key.pem"), path("chain.pem"));
            let make: Vec<_> =
                make.iter().map(|word| if *word == "KEY" { text(&key) } else { word }).collect();
            if !openssl(&make) {
                return;
            }
            let mark = format!("-----BEGIN {form}-----");
            assert!(std::fs::read_to_string(&key).unwrap().starts_with(&mark));
            openssl(&[
                "req",
                "-x509",
                "-key",
                text(&key),
                "-out",
                text(&chain),
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ]);
            talk(&TlsAcceptor::from_files(&chain, &key).unwrap(), &chain).unwrap();
        }
    });
}

const PORT: &str = "GREENHUB_TEST_PORT";

/// Runs a test in a process whose system trusts those in `roots`.
fn run_with_store(name: &str, port: u16, roots: &Path) -> String {
    let mut command = greenhub::monkey::process::Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(PORT, port.to_string());
    command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR");
    let output = command.output_for(Duration::from_secs(50)).unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    said
}

#[test]
fn the_systems_store_tells_whom_to_trust() {
    bounded(|| {
        if let Ok(port) = std::env::var(PORT) {
            let connected = TlsConnector::system()
                .and_then(|connector| connector.connect("localhost", port.parse().unwrap()))
                .and_then(|mut stream| ask(&mut stream, b"hello"));
            return println!("{connected:?}");
        }
        let Made { authority, folder, chain, key } = made();
        let roots = folder.file("roots.pem", &authority.certificate);
        let strangers = folder.file("strangers.pem", Authority::new("a stranger").certificate);
        let server = EchoServer::start(TlsAcceptor::builder(&chain, &key));
        let name = "files::the_systems_store_tells_whom_to_trust";
        for (store, expected) in [
            (roots, "Ok([104, 101, 108, 108, 111])"),
            (strangers, "is from an issuer that is not trusted here"),
            (folder.path("missing.pem"), "no certificates to trust in the system's store: "),
        ] {
            let said = run_with_store(name, server.port(), &store);
            assert!(said.contains(expected), "{said}");
        }
    });
}
