//! What went wrong, in a sentence that names who did it.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

/// Who is at the other end.
#[derive(Clone, Copy)]
pub(super) enum Peer {
    Client,
    Server,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::Client => "the client",
            Peer::Server => "the server",
        })
    }
}

/// The sentence, and rustls's own error as its source.
#[derive(Debug)]
struct Explained {
    text: String,
    cause: rustls::Error,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Explained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

/// What ended a session for ever.
pub(super) fn error(error: &rustls::Error, peer: Peer) -> io::Error {
    let explained = Explained { text: sentence(error, peer), cause: error.clone() };
    io::Error::new(ErrorKind::InvalidData, explained)
}

/// The end came without a goodbye.
pub(super) fn cut_short(peer: Peer) -> io::Error {
    let text = format!("{peer} closed without close_notify: what came may be cut short");
    io::Error::new(ErrorKind::UnexpectedEof, text)
}

/// The end came in the handshake.
pub(super) fn left(peer: Peer) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, format!("{peer} closed during the handshake"))
}

/// The handshake took too long.
pub(super) fn too_late(limit: Duration) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, format!("handshake not done within {limit:?}"))
}

/// What ended a handshake: a limit of the stream itself is told as such.
pub(super) fn of_wire(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock {
        let text = "the handshake waited for longer than the stream's own timeout";
        return io::Error::new(ErrorKind::TimedOut, text);
    }
    error
}

fn sentence(error: &rustls::Error, peer: Peer) -> String {
    use rustls::Error as E;
    match error {
        E::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => format!("{peer} did not speak TLS"),
        E::InvalidMessage(_) | E::InappropriateMessage { .. } | E::PeerMisbehaved(_) => {
            format!("{peer} broke the rules of TLS: {error}")
        }
        E::PeerIncompatible(reason) => incompatible(reason, peer),
        E::AlertReceived(alert) => refused(*alert, peer),
        E::InvalidCertificate(reason) => certificate(reason, peer),
        E::NoCertificatesPresented => format!("{peer} showed no certificate"),
        E::NoApplicationProtocol => format!("no common application protocol with {peer}"),
        _ => format!("TLS with {peer} failed: {error}"),
    }
}

fn incompatible(reason: &PeerIncompatible, peer: Peer) -> String {
    use PeerIncompatible as P;
    let what = match reason {
        // Clients older than TLS 1.2 have no such extension.
        P::SignatureAlgorithmsExtensionRequired
        | P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::SupportedVersionsExtensionRequired
        | P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled => "protocol version",
        P::NoCipherSuitesInCommon => "cipher suite",
        P::NoKxGroupsInCommon | P::NamedGroupsExtensionRequired => "key exchange",
        P::NoSignatureSchemesInCommon => "signature scheme",
        other => return format!("{peer} and this side do not fit: {other:?}"),
    };
    format!("no common {what} with {peer}")
}

/// What the peer says it has against this side.
fn refused(alert: AlertDescription, peer: Peer) -> String {
    use AlertDescription as A;
    let certificate = |reason| format!("{peer} refused this side's certificate: {reason}");
    match alert {
        A::CertificateExpired => certificate("it has expired"),
        A::CertificateRevoked => certificate("it was revoked"),
        A::UnknownCA => certificate("its issuer is unknown there"),
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => {
            certificate("it is not accepted")
        }
        A::CertificateRequired => format!("{peer} asks for a certificate, and was shown none"),
        A::ProtocolVersion => format!("no common protocol version with {peer}"),
        A::NoApplicationProtocol => format!("no common application protocol with {peer}"),
        A::HandshakeFailure => format!("{peer} found nothing in common to agree on"),
        A::UnrecognisedName => format!("{peer} does not know the name it was called by"),
        other => format!("{peer} ended the connection by the alert {other:?}"),
    }
}

fn certificate(reason: &CertificateError, peer: Peer) -> String {
    use CertificateError as C;
    let what = match reason {
        C::Expired | C::ExpiredContext { .. } => "has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "is not valid yet".to_owned(),
        C::UnknownIssuer => "is from an issuer that is not trusted here".to_owned(),
        C::Revoked => "was revoked".to_owned(),
        C::NotValidForNameContext { expected, presented } => {
            format!("is not for {}, but for {}", expected.to_str(), presented.join(", "))
        }
        C::NotValidForName => "is for another name".to_owned(),
        other => format!("is not accepted: {other}"),
    };
    format!("the certificate of {peer} {what}")
}
