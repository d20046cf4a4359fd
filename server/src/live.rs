//! What this server heard: one subscription to the topic, told on to whoever watches a job.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use axum::extract::ws::Utf8Bytes;
use backend::{Backend, Result};
use domain::{Job, JobEvent, JobId, Version};
use tokio::sync::Notify;

use crate::known::{KnownJobs, KnownRecord};
use crate::metrics;

/// Events an inbox keeps for a watcher that is slow to fetch them. What does not fit is read from the store.
const INBOX: usize = 32;

/// The doorbells of this server. The store stays the truth: a hub that hears nothing makes watchers slow
/// (they hear from the reconciler), never wrong.
pub struct Hub {
    pub known: KnownJobs,
    /// Who wants to hear of which job. A short section, never held across an await.
    watchers: Mutex<HashMap<JobId, Vec<Arc<Inbox>>>>,
}

/// One event on its way to many sockets: its JSON is made once.
pub struct Told {
    pub event: JobEvent,
    text: OnceLock<Utf8Bytes>,
}

impl Told {
    pub fn new(event: JobEvent) -> Arc<Told> {
        Arc::new(Told { event, text: OnceLock::new() })
    }

    pub fn text(&self) -> Utf8Bytes {
        self.text.get_or_init(|| text_of(&self.event)).clone()
    }
}

/// The event as it goes over the socket.
pub fn text_of(event: &JobEvent) -> Utf8Bytes {
    serde_json::to_string(event).expect("an event is plain data, which JSON can hold").into()
}

impl Hub {
    pub fn new(backend: &Backend) -> Arc<Hub> {
        Arc::new(Hub { known: KnownJobs::new(backend.store.clone()), watchers: Mutex::default() })
    }

    /// The job as the store or a later event tells it. A question about a job that is known here does not reach the
    /// store.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.known.get(id).await
    }

    /// The job at this version or a later one, as far as the store has it.
    pub async fn job_since(&self, id: JobId, version: Version) -> Result<Option<Job>> {
        self.known.get_since(id, version).await
    }

    /// The job as far as it can be told without the store.
    pub async fn known_job(&self, id: JobId) -> Option<Job> {
        self.known.peek(id).await
    }

    /// The job at this version or a later one, with its cues. The pages are those that the job counts.
    pub async fn record(&self, id: JobId, version: Version) -> Result<Option<KnownRecord>> {
        self.known.record(id, version).await
    }

    /// A watcher of nothing yet.
    pub fn watcher(self: &Arc<Hub>) -> Watcher {
        Watcher { hub: self.clone(), inbox: Arc::default(), watched: HashSet::new() }
    }

    /// Takes in one event, from the topic or from this server's own doing. Hearing it twice does no harm.
    pub async fn hear(&self, event: JobEvent) {
        let told = Told::new(event);
        if self.take_in(&told).await {
            metrics::count_news(&told.event);
        }
    }

    /// Takes in one event that may have been counted and forgotten since.
    pub async fn hear_again(&self, event: JobEvent) {
        self.take_in(&Told::new(event)).await;
    }

    /// True: it is news.
    async fn take_in(&self, told: &Arc<Told>) -> bool {
        // Before the watchers: whoever asks because of the event must not get an older answer.
        let is_news = self.known.hear(&told.event).await;
        for inbox in self.watchers().get(&told.event.id).into_iter().flatten() {
            inbox.put(told);
        }
        is_news
    }

    /// Events may have been missed: nothing known counts any more, and every watcher looks for itself.
    pub fn miss(&self) {
        self.known.forget_all();
        for (id, inboxes) in self.watchers().iter() {
            for inbox in inboxes {
                inbox.fall_behind(*id);
            }
        }
    }

    /// Every watcher of the job looks for itself.
    pub fn fall_behind(&self, id: JobId) {
        for inbox in self.watchers().get(&id).into_iter().flatten() {
            inbox.fall_behind(id);
        }
    }

    pub fn watched(&self) -> Vec<JobId> {
        self.watchers().keys().copied().collect()
    }

    fn watchers(&self) -> MutexGuard<'_, HashMap<JobId, Vec<Arc<Inbox>>>> {
        self.watchers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Jobs that somebody watches.
    pub fn watched_jobs(&self) -> usize {
        self.watchers().len()
    }
}

/// One watcher's interest in some jobs; dropping it ends the interest.
pub struct Watcher {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    watched: HashSet<JobId>,
}

/// What a watcher fetched at once.
#[derive(Default)]
pub struct Fetched {
    pub events: VecDeque<Arc<Told>>,
    /// Jobs of which something was missed: read them from the store.
    pub behind: HashSet<JobId>,
}

impl Watcher {
    /// From now on every event of the job is heard. Register first, then look at the store.
    pub fn watch(&mut self, id: JobId) {
        if self.watched.insert(id) {
            self.hub.watchers().entry(id).or_default().push(self.inbox.clone());
        }
    }

    pub fn unwatch(&mut self, id: JobId) {
        if self.watched.remove(&id) {
            self.leave(id);
        }
    }

    /// Waits for something to be heard. Losing the future loses nothing.
    pub async fn fetch(&self) -> Fetched {
        loop {
            let notified = self.inbox.bell.notified();
            let fetched = std::mem::take(&mut *self.inbox.content());
            if !fetched.events.is_empty() || !fetched.behind.is_empty() {
                return fetched;
            }
            notified.await;
        }
    }

    fn leave(&self, id: JobId) {
        let mut watchers = self.hub.watchers();
        if let Some(inboxes) = watchers.get_mut(&id) {
            inboxes.retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
            if inboxes.is_empty() {
                watchers.remove(&id);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for id in &self.watched {
            self.leave(*id);
        }
    }
}

#[derive(Default)]
struct Inbox {
    content: Mutex<Fetched>,
    bell: Notify,
}

impl Inbox {
    fn put(&self, told: &Arc<Told>) {
        let mut content = self.content();
        if content.events.len() < INBOX {
            content.events.push_back(told.clone());
        } else {
            content.behind.insert(told.event.id);
            metrics::count_dropped();
        }
        drop(content);
        self.bell.notify_one();
    }

    fn fall_behind(&self, id: JobId) {
        self.content().behind.insert(id);
        self.bell.notify_one();
    }

    fn content(&self) -> MutexGuard<'_, Fetched> {
        self.content.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use domain::JobChange;

    use super::*;

    async fn hub() -> (tempfile::TempDir, Arc<Hub>) {
        let folder = tempfile::tempdir().unwrap();
        let config = backend::BackendConfig {
            backend: backend::BackendKind::Embedded,
            data: folder.path().to_owned(),
            max_receive_count: 10,
            aws: Default::default(),
        };
        let backend = backend::connect(&config).await.unwrap();
        (folder, Hub::new(&backend))
    }

    fn event(id: JobId, version: u64) -> JobEvent {
        JobEvent { id, version, change: JobChange::Queued { progress: Default::default() } }
    }

    #[tokio::test]
    async fn a_watcher_hears_its_own_jobs_only() {
        let (_folder, hub) = hub().await;
        let (mine, other) = (JobId::from_bits(1), JobId::from_bits(2));
        let mut watcher = hub.watcher();
        watcher.watch(mine);
        hub.hear(event(other, 1)).await;
        hub.hear(event(mine, 7)).await;
        let fetched = watcher.fetch().await;
        let versions: Vec<u64> = fetched.events.iter().map(|told| told.event.version).collect();
        assert_eq!(versions, [7]);
    }

    #[tokio::test]
    async fn a_slow_watcher_learns_that_it_is_behind_and_memory_stays_bounded() {
        let (_folder, hub) = hub().await;
        let id = JobId::from_bits(1);
        let mut watcher = hub.watcher();
        watcher.watch(id);
        for version in 1..=1000 {
            hub.hear(event(id, version)).await;
        }
        let fetched = watcher.fetch().await;
        assert_eq!(fetched.events.len(), INBOX);
        assert!(fetched.behind.contains(&id));
    }

    #[tokio::test]
    async fn a_gap_puts_every_watcher_behind() {
        let (_folder, hub) = hub().await;
        let id = JobId::from_bits(1);
        let mut watcher = hub.watcher();
        watcher.watch(id);
        hub.miss();
        assert!(watcher.fetch().await.behind.contains(&id));
    }

    #[tokio::test]
    async fn a_watcher_that_left_is_forgotten() {
        let (_folder, hub) = hub().await;
        let mut first = hub.watcher();
        let mut second = hub.watcher();
        first.watch(JobId::from_bits(1));
        second.watch(JobId::from_bits(1));
        second.watch(JobId::from_bits(2));
        second.unwatch(JobId::from_bits(2));
        assert_eq!(hub.watched_jobs(), 1);
        drop(first);
        assert_eq!(hub.watched_jobs(), 1);
        drop(second);
        assert_eq!(hub.watched_jobs(), 0);
    }
}
