//! Stands between the adapters and the emulator: tells the calls, and loses the answer of a chosen one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::emulator;

pub struct Proxy {
    pub endpoint: String,
    /// Of this test's queue, topic, table and bucket.
    pub name: String,
    calls: watch::Sender<Vec<String>>,
    lost: Arc<Mutex<Option<&'static str>>>,
}

/// Runs as long as the runtime.
pub async fn start(name: &str) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let calls = watch::Sender::new(Vec::new());
    let lost = Arc::new(Mutex::new(None));
    tokio::spawn({
        let (calls, lost) = (calls.clone(), lost.clone());
        async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (calls, lost) = (calls.clone(), lost.clone());
                // A caller may go away in the middle; that is its right.
                tokio::spawn(async move { pass_one(stream, &calls, &lost).await.ok() });
            }
        }
    });
    Proxy { endpoint, name: name.into(), calls, lost }
}

impl Proxy {
    /// The next call of this name gets through, and its answer does not.
    pub fn lose_answer_of(&self, name: &'static str) {
        *self.lost.lock().unwrap() = Some(name);
    }

    /// The calls since the last time, by name, repeats included.
    pub fn take_calls(&self) -> Vec<String> {
        assert_eq!(*self.lost.lock().unwrap(), None, "the answer to lose never came");
        self.calls.send_replace(Vec::new())
    }

    /// Asks the emulator itself; the answer as it came.
    pub async fn sqs(&self, action: &str, json: &str) -> String {
        let address = emulator::endpoint().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\n\
             Host: {address}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=emulator/20260101/eu-central-1/sqs/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\
             Content-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: AmazonSQS.{action}\r\n\
             Content-Length: {}\r\n\
             Connection: close\r\n\r\n{json}",
            json.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
        answer
    }

    pub async fn heard_of(&self, name: &str) {
        let mut calls = self.calls.subscribe();
        let heard = calls.wait_for(|calls| calls.iter().any(|call| call == name));
        tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the call was never made").unwrap();
    }
}

/// One request on a connection: no more is needed, and nobody has to understand keep-alive.
async fn pass_one(
    mut client: TcpStream,
    calls: &watch::Sender<Vec<String>>,
    lost: &Mutex<Option<&'static str>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let head_end = loop {
        if let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8(request[..head_end].to_vec()).unwrap().to_lowercase();
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(|value| value.trim().to_owned()))
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while request.len() < head_end + length {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let name = name_of(&request);
    calls.send_modify(|calls| calls.push(name.clone()));

    let mut upstream = TcpStream::connect(emulator::endpoint().trim_start_matches("http://")).await?;
    let first_line = request.windows(2).position(|bytes| bytes == b"\r\n").unwrap() + 2;
    upstream.write_all(&request[..first_line]).await?;
    upstream.write_all(b"Connection: close\r\n").await?;
    upstream.write_all(&request[first_line..]).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    let is_lost = {
        let mut lost = lost.lock().unwrap();
        let is_lost = *lost == Some(name.as_str());
        if is_lost {
            *lost = None;
        }
        is_lost
    };
    if !is_lost {
        client.write_all(&answer).await?;
    }
    Ok(())
}

/// `PutItem`, `Publish` and the like.
fn name_of(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let target = text.lines().find(|line| line.to_lowercase().starts_with("x-amz-target:"));
    let target = target.and_then(|line| line.rsplit('.').next());
    let action = || text.split_once("Action=").and_then(|(_, rest)| rest.split('&').next());
    target.or_else(action).unwrap_or("S3").trim().to_owned()
}
