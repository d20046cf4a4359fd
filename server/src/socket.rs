//! The WebSocket: browsers name jobs and hear of every change of them, without a gap and in order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::{Job, JobChange, JobEvent, JobId, Version};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::Server;
use crate::error::{Result, causes};
use crate::guard;
use crate::live::{Fetched, Told, Watcher, text_of};
use crate::metrics::OpenSocket;
use crate::watch::{Step, Watch, is_ahead};

/// Jobs one socket may watch at once.
const MAX_WATCHES: usize = 200;

/// Clients say a few dozen bytes; more is no client of ours.
const MAX_MESSAGE: usize = 4 * 1024;

/// Messages a client may send at once, and each second.
const BURST: f64 = 400.0;
const RATE: f64 = 50.0;

const PING_EVERY: Duration = Duration::from_secs(25);
/// Silence after which the peer counts as gone. It is looked at with each ping: whoever answered one, and not the next,
/// is dropped within a minute.
const SILENCE: Duration = Duration::from_secs(45);
/// A peer that takes no message for this long is dropped; it resumes where it was.
const SEND_PATIENCE: Duration = Duration::from_secs(20);
/// Before the store is asked again after it failed.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// 1012, "service restart": come back soon, to this server or another.
const RESTART: u16 = 1012;

/// `GET /ws`
pub async fn upgrade(
    State(server): State<Server>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    guard::check_origin(&headers)?;
    // The defaults cost some 130 KB a connection; these cost some 6 KB.
    let upgrade = upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    let tasks = server.tasks.clone();
    Ok(upgrade.on_upgrade(move |socket| tasks.track_future(Session::new(server, socket).run())))
}

/// What a client says: `{"watch": id, "after": version}` or `{"unwatch": id}`.
#[derive(Deserialize)]
struct Said {
    watch: Option<JobId>,
    #[serde(default)]
    after: Version,
    unwatch: Option<JobId>,
}

/// Why a session ends.
enum End {
    /// The peer is gone, or takes nothing any more: there is nobody to say goodbye to.
    Lost,
    Close(u16, &'static str),
}

type Flow = std::result::Result<(), End>;

struct Session {
    server: Server,
    socket: WebSocket,
    _open: OpenSocket,
    watcher: Watcher,
    watches: HashMap<JobId, Watch>,
    /// Jobs to read from the store again, because it did not answer.
    unread: HashSet<JobId>,
    read_again_at: Instant,
    heard_at: Instant,
    allowance: f64,
    allowed_at: Instant,
}

impl Session {
    fn new(server: Server, socket: WebSocket) -> Session {
        let now = Instant::now();
        Session {
            _open: OpenSocket::count(),
            watcher: server.hub.watcher(),
            server,
            socket,
            watches: HashMap::new(),
            unread: HashSet::new(),
            read_again_at: now,
            heard_at: now,
            allowance: BURST,
            allowed_at: now,
        }
    }

    async fn run(mut self) {
        let Err(end) = self.converse().await else { return };
        if let End::Close(code, reason) = end {
            tracing::debug!(code, reason, "closing a socket");
            let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
            let goodbye = async {
                self.socket.send(Message::Close(Some(frame))).await?;
                // The handshake of closing; what else the peer says is not read any more.
                while let Some(Ok(_)) = self.socket.recv().await {}
                Ok::<(), axum::Error>(())
            };
            let _ = timeout(Duration::from_secs(1), goodbye).await;
        }
    }

    async fn converse(&mut self) -> Flow {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.server.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(End::Close(RESTART, "the server restarts")),
                message = self.socket.recv() => self.hear(message).await?,
                fetched = self.watcher.fetch() => self.tell(fetched).await?,
                () = sleep_until(self.read_again_at), if !self.unread.is_empty() => {
                    for id in std::mem::take(&mut self.unread) {
                        self.catch_up(id, 0).await?;
                    }
                }
                _ = ping.tick() => {
                    if self.heard_at.elapsed() > SILENCE {
                        return Err(End::Lost);
                    }
                    self.send(Message::Ping(bytes::Bytes::new())).await?;
                }
            }
        }
    }

    async fn hear(&mut self, message: Option<std::result::Result<Message, axum::Error>>) -> Flow {
        self.heard_at = Instant::now();
        self.spend_allowance()?;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(End::Close(close_code::UNSUPPORTED, "text only")),
            Some(Ok(Message::Close(_))) | None => return Err(End::Lost),
            Some(Err(error)) => return Err(end_of(&error)),
        };
        let Ok(said) = serde_json::from_str::<Said>(&text) else {
            return Err(End::Close(close_code::POLICY, "not a message of this socket"));
        };
        if let Some(id) = said.unwatch {
            self.forget(id);
        }
        if let Some(id) = said.watch {
            self.watch(id, said.after).await?;
        }
        Ok(())
    }

    fn spend_allowance(&mut self) -> Flow {
        let now = Instant::now();
        let gained = now.duration_since(self.allowed_at).as_secs_f64() * RATE;
        self.allowed_at = now;
        self.allowance = (self.allowance + gained).min(BURST) - 1.0;
        if self.allowance < 0.0 {
            return Err(End::Close(close_code::POLICY, "too many messages"));
        }
        Ok(())
    }

    /// Subscribes in memory, then looks at what is known, and if that is not enough, at the store: what happens in
    /// between is heard, and dropped by its version if it was read. Watching again starts again from the given version.
    async fn watch(&mut self, id: JobId, after: Version) -> Flow {
        if self.watches.len() >= MAX_WATCHES && !self.watches.contains_key(&id) {
            return Err(End::Close(close_code::POLICY, "too many watches"));
        }
        self.watcher.watch(id);
        self.watches.insert(id, Watch::since(after));
        self.catch_up(id, 0).await
    }

    async fn tell(&mut self, Fetched { events, behind }: Fetched) -> Flow {
        for told in events {
            self.tell_event(&told).await?;
        }
        for id in behind {
            self.catch_up(id, 0).await?;
        }
        Ok(())
    }

    async fn tell_event(&mut self, told: &Told) -> Flow {
        let id = told.event.id;
        let Some(watch) = self.watches.get_mut(&id) else { return Ok(()) };
        match watch.step(&told.event) {
            Step::Stale => Ok(()),
            Step::Tell => self.send(Message::Text(told.text())).await,
            Step::TellLast => {
                self.forget(id);
                self.send(Message::Text(told.text())).await
            }
            Step::CatchUp => self.catch_up(id, told.event.version).await,
        }
    }

    /// Tells what the client missed, up to this version at least.
    async fn catch_up(&mut self, id: JobId, version: Version) -> Flow {
        let Some(Watch { sent, .. }) = self.watches.get(&id).copied() else { return Ok(()) };
        let hub = &self.server.hub;
        let read = match hub.known_job(id).await {
            Some(job) if job.version >= version && has_all_pages(&job, sent) => Ok(Some((job, None))),
            // A client that is ahead came from a better informed server.
            _ => {
                let version = version.max(Job::stored_version(sent));
                hub.record(id, version).await.map(|read| read.map(|known| (known.job, Some(known.stored))))
            }
        };
        match read {
            Ok(Some((job, stored))) => {
                let pages = stored.as_ref().map_or(&[][..], |stored| &stored.pages);
                // A client that is ahead has it from another life of the data: it gets everything.
                let after = if is_ahead(sent, &job) { 0 } else { sent };
                for event in JobEvent::missed(&job, pages, after) {
                    self.send(Message::Text(text_of(&event))).await?;
                }
                if let Some(watch) = self.watches.get_mut(&id) {
                    watch.caught_up(&job);
                }
                Ok(())
            }
            Ok(None) => {
                // Unknown, deleted and expired look alike. A version above what the client has, so that it counts.
                self.forget(id);
                let gone = JobEvent { id, version: sent.saturating_add(1), change: JobChange::Expired };
                self.send(Message::Text(text_of(&gone))).await
            }
            Err(error) => {
                tracing::warn!(job.id = %id, error = %causes(&error), "a watcher waits for the store");
                if self.unread.is_empty() {
                    self.read_again_at = Instant::now() + READ_AGAIN;
                }
                self.unread.insert(id);
                Ok(())
            }
        }
    }

    fn forget(&mut self, id: JobId) {
        self.watcher.unwatch(id);
        self.watches.remove(&id);
        self.unread.remove(&id);
    }

    async fn send(&mut self, message: Message) -> Flow {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Lost),
            Err(_) => {
                tracing::info!("a socket took nothing for too long and was dropped");
                Err(End::Lost)
            }
        }
    }
}

/// A client that has everything up to `sent` lacks no page of the job as it is known. One that is ahead came from a
/// better informed server: only the store can say.
fn has_all_pages(job: &Job, sent: Version) -> bool {
    let has_later = job.progress.pages > 0 && sent < Job::stored_version(job.version);
    !has_later && !is_ahead(sent, job)
}

/// The types of these errors stay inside axum; only the close code hangs on their text.
fn end_of(error: &axum::Error) -> End {
    let text = causes(error);
    if text.contains("too long") || text.contains("Space limit") {
        End::Close(close_code::SIZE, "too large")
    } else if text.contains("UTF-8") {
        End::Close(close_code::INVALID, "not UTF-8")
    } else if text.contains("protocol error") {
        End::Close(close_code::PROTOCOL, "not a WebSocket frame")
    } else {
        End::Lost
    }
}
