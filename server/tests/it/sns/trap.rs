//! Where a request must not go, and the host of certificates where one may.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::signer::Key;

/// Counts whoever comes.
pub struct Trap {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Trap {
    pub async fn start() -> Trap {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Trap { address, connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
enum Answer {
    Body(String),
    Redirect(String),
    Failure,
    Silence,
}

#[derive(Default)]
struct Files {
    answers: Mutex<HashMap<String, Answer>>,
    requests: AtomicUsize,
    /// Connections go there instead, TLS and all.
    elsewhere: Mutex<Option<SocketAddr>>,
}

/// An HTTPS server under SNS's name, with a certificate by an authority of its own.
pub struct CertificateHost {
    name: String,
    address: SocketAddr,
    authority: reqwest::Certificate,
    files: Arc<Files>,
}

impl CertificateHost {
    pub async fn start(name: &str) -> CertificateHost {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.serial_number = Some(1.into());
        let authority = CertifiedIssuer::self_signed(authority, Key::random()).unwrap();
        let key = Key::random();
        let mut certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        certificate.serial_number = Some(2.into());
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.pkcs8().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let files = Arc::new(Files::default());
        let shared = files.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever does not believe us hangs up, and that is its right.
                tokio::spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        });
        let authority = reqwest::Certificate::from_der(authority.der()).unwrap();
        CertificateHost { name: name.into(), address, authority, files }
    }

    /// The client that production uses, which finds us under the name and trusts our authority.
    pub fn client(&self) -> reqwest::Client {
        backend::aws::sns::guarded_client()
            .resolve(&self.name, self.address)
            .tls_certs_only([self.authority.clone()])
            .build()
            .unwrap()
    }

    pub fn requests(&self) -> usize {
        self.files.requests.load(Ordering::SeqCst)
    }

    pub fn serve(&self, file: &str, body: &str) {
        self.answer(file, Answer::Body(body.into()));
    }

    pub fn redirect(&self, file: &str, to: &str) {
        self.answer(file, Answer::Redirect(to.into()));
    }

    pub fn fail(&self, file: &str) {
        self.answer(file, Answer::Failure);
    }

    pub fn stall(&self, file: &str) {
        self.answer(file, Answer::Silence);
    }

    pub fn send_to(&self, other: &CertificateHost) {
        *self.files.elsewhere.lock().unwrap() = Some(other.address);
    }

    fn answer(&self, file: &str, answer: Answer) {
        self.files.answers.lock().unwrap().insert(format!("/{file}"), answer);
    }
}

async fn serve(mut stream: TcpStream, acceptor: TlsAcceptor, files: Arc<Files>) -> std::io::Result<()> {
    let elsewhere = *files.elsewhere.lock().unwrap();
    if let Some(elsewhere) = elsewhere {
        let mut other = TcpStream::connect(elsewhere).await?;
        tokio::io::copy_bidirectional(&mut stream, &mut other).await?;
        return Ok(());
    }
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    files.requests.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let answer = files.answers.lock().unwrap().get(path).cloned();
    let (status, header, body) = match answer {
        Some(Answer::Body(body)) => ("200 OK", String::new(), body),
        Some(Answer::Redirect(to)) => ("302 Found", format!("Location: {to}\r\n"), String::new()),
        Some(Answer::Failure) => ("503 Service Unavailable", String::new(), String::new()),
        Some(Answer::Silence) => std::future::pending().await,
        None => ("404 Not Found", String::new(), String::new()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
