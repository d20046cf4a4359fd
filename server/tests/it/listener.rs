//! A client of the WebSocket.

use std::time::Duration;

use domain::{JobId, Version};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::Site;

pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub async fn open(site: &Site) -> Socket {
        let (stream, _) = connect_async(format!("ws://{}/ws", site.address)).await.unwrap();
        Socket { stream }
    }

    /// Returns when the watch stands: its first event was heard by then, if `after` is behind.
    pub async fn watching(site: &Site, id: JobId, after: Version) -> Socket {
        let mut socket = Socket::open(site).await;
        socket.say(json!({ "watch": id, "after": after })).await;
        socket
    }

    pub async fn say(&mut self, value: Value) {
        self.stream.send(Message::text(value.to_string())).await.unwrap();
    }

    pub async fn event(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no event: {other:?}"),
        }
    }

    async fn message(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.stream.next());
            match next.await.expect("a message in time").expect("an open socket").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// Events until and with the first one named `last`.
    pub async fn events_until(&mut self, last: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if events.last().unwrap()["event"] == last {
                return events;
            }
        }
    }

    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(Some(CloseFrame { code, .. })) => return code.into(),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }
}
