//! hyper on tokio.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::tokio::on_runtime;
use super::{Job, Lags, Peer, Rank, Via, http, listen_nonblocking};

pub(crate) const PEER: Peer = Peer {
    name: "hyper on tokio",
    settings: "hyper's http1 connections, defaults, on tokio as above",
    rank: Rank::Epoll,
    echoes: false,
    pages: true,
    via: Via::Here(serve),
};

fn serve(_job: Job, _lags: Lags) {
    on_runtime(async {
        let listener = TcpListener::from_std(listen_nonblocking())?;
        loop {
            let (stream, _) = listener.accept().await?;
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(page));
            tokio::spawn(connection);
        }
    });
}

async fn page(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(http::BODY.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}
