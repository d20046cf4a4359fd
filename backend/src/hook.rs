//! A backend with somebody who stands around every call: to count it, to hold it up, to fail it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::correction::Revision;
use domain::{
    Attempt, Corrections, CuePage, Job, JobEvent, JobId, JobSpec, Progress, Share, ShareId, Version, WallTime,
};

use crate::{
    AddedShare, Backend, BackendError, Cancelled, Claim, Created, DeadLetter, Deleted, Delivery, Finished,
    IdempotencyKey, JobCounts, JobPage, JobQueue, JobRecord, JobStore, JobTopic, LeaseState, Listing,
    MediaLocation, MediaStore, MediaWriter, Outcome, QueueStats, ReceiptHandle, Release, Requeued, Result,
    Retried, SavedCorrections, Subscription, Turn, WorkerRecord, Written,
};

/// Wraps `backend`: the hook learns of every call but the writing of a piece of media, before and after it.
pub fn with_hook(backend: Backend, hook: Arc<dyn CallHook>) -> Backend {
    let hooked = Hooked { inner: backend, hook, count: Arc::default() };
    Backend {
        queue: Arc::new(hooked.clone()),
        store: Arc::new(hooked.clone()),
        topic: Arc::new(hooked.clone()),
        media: Arc::new(hooked),
    }
}

/// Stands around every call.
#[async_trait]
pub trait CallHook: Send + Sync {
    /// An error keeps the call from happening, and becomes its own.
    async fn before(&self, call: Call) -> Result<()>;

    /// With the error of the call, if it failed. An error in place of success hides that it happened.
    async fn after(&self, call: Call, error: Option<&BackendError>) -> Result<()>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Port and method: `store.get`.
    pub name: &'static str,
    /// Counts from 1, over all ports; 0 for `topic.subscribe`, which is not counted.
    pub number: usize,
}

#[derive(Clone)]
struct Hooked {
    inner: Backend,
    hook: Arc<dyn CallHook>,
    count: Arc<AtomicUsize>,
}

impl Hooked {
    async fn call<T>(&self, name: &'static str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.meet(Call { name, number }, work).await
    }

    async fn meet<T>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.hook.before(call).await?;
        match work.await {
            Ok(answer) => self.hook.after(call, None).await.map(|()| answer),
            Err(error) => {
                self.hook.after(call, Some(&error)).await?;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl JobQueue for Hooked {
    async fn send(&self, body: &str, delay: Duration) -> Result<()> {
        self.call("queue.send", self.inner.queue.send(body, delay)).await
    }

    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Option<Delivery>> {
        self.call("queue.receive", self.inner.queue.receive(wait, visibility)).await
    }

    async fn set_visibility(&self, receipt: &ReceiptHandle, visibility: Duration) -> Result<LeaseState> {
        self.call("queue.set_visibility", self.inner.queue.set_visibility(receipt, visibility)).await
    }

    async fn delete(&self, receipt: &ReceiptHandle) -> Result<()> {
        self.call("queue.delete", self.inner.queue.delete(receipt)).await
    }

    async fn stats(&self) -> Result<QueueStats> {
        self.call("queue.stats", self.inner.queue.stats()).await
    }

    async fn bury(
        &self,
        body: &str,
        receipt: Option<&ReceiptHandle>,
        reason: &str,
        attempts: u32,
    ) -> Result<()> {
        self.call("queue.bury", self.inner.queue.bury(body, receipt, reason, attempts)).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        self.call("queue.dead_letters", self.inner.queue.dead_letters(limit)).await
    }

    async fn delete_dead_letters(&self, ids: &[String]) -> Result<()> {
        self.call("queue.delete_dead_letters", self.inner.queue.delete_dead_letters(ids)).await
    }
}

#[async_trait]
impl JobStore for Hooked {
    async fn create(&self, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created> {
        self.call("store.create", self.inner.store.create(job, key)).await
    }

    async fn get(&self, id: JobId) -> Result<Option<Job>> {
        self.call("store.get", self.inner.store.get(id)).await
    }

    async fn read(&self, id: JobId) -> Result<Option<JobRecord>> {
        self.call("store.read", self.inner.store.read(id)).await
    }

    async fn claim(&self, id: JobId, message_id: &str, receive_count: u32) -> Result<Claim> {
        self.call("store.claim", self.inner.store.claim(id, message_id, receive_count)).await
    }

    async fn release(&self, id: JobId, run: u32, attempt: Attempt, release: Release) -> Result<Requeued> {
        self.call("store.release", self.inner.store.release(id, run, attempt, release)).await
    }

    async fn requeue(&self, id: JobId, version: Version) -> Result<Requeued> {
        self.call("store.requeue", self.inner.store.requeue(id, version)).await
    }

    async fn report(&self, id: JobId, attempt: Attempt, progress: &Progress) -> Result<Written> {
        self.call("store.report", self.inner.store.report(id, attempt, progress)).await
    }

    async fn append_cues(
        &self,
        id: JobId,
        attempt: Attempt,
        page: &CuePage,
        progress: &Progress,
    ) -> Result<Written> {
        self.call("store.append_cues", self.inner.store.append_cues(id, attempt, page, progress)).await
    }

    async fn finish(
        &self,
        id: JobId,
        attempt: Attempt,
        last_page: Option<&CuePage>,
        outcome: &Outcome,
    ) -> Result<Finished> {
        self.call("store.finish", self.inner.store.finish(id, attempt, last_page, outcome)).await
    }

    async fn abandon(&self, id: JobId, run: u32, outcome: &Outcome) -> Result<Finished> {
        self.call("store.abandon", self.inner.store.abandon(id, run, outcome)).await
    }

    async fn cancel(&self, id: JobId, finished_at: WallTime) -> Result<Cancelled> {
        self.call("store.cancel", self.inner.store.cancel(id, finished_at)).await
    }

    async fn retry(&self, id: JobId, spec: &JobSpec, expires_at: WallTime) -> Result<Retried> {
        self.call("store.retry", self.inner.store.retry(id, spec, expires_at)).await
    }

    async fn link_translation(&self, id: JobId, translation: JobId) -> Result<Option<Box<Job>>> {
        let linked = self.inner.store.link_translation(id, translation);
        self.call("store.link_translation", linked).await
    }

    async fn delete(&self, id: JobId) -> Result<Deleted> {
        self.call("store.delete", self.inner.store.delete(id)).await
    }

    async fn pages(&self, id: JobId, after: Version) -> Result<Vec<CuePage>> {
        self.call("store.pages", self.inner.store.pages(id, after)).await
    }

    async fn save_corrections(
        &self,
        id: JobId,
        expected: Revision,
        corrections: &Corrections,
    ) -> Result<SavedCorrections> {
        let save = self.inner.store.save_corrections(id, expected, corrections);
        self.call("store.save_corrections", save).await
    }

    async fn add_share(&self, id: JobId, share: &Share) -> Result<AddedShare> {
        self.call("store.add_share", self.inner.store.add_share(id, share)).await
    }

    async fn revoke_share(&self, id: JobId, share: ShareId) -> Result<bool> {
        self.call("store.revoke_share", self.inner.store.revoke_share(id, share)).await
    }

    async fn shares(&self, id: JobId) -> Result<Option<Vec<Share>>> {
        self.call("store.shares", self.inner.store.shares(id)).await
    }

    async fn find_share(&self, share: ShareId) -> Result<Option<(JobId, Share)>> {
        self.call("store.find_share", self.inner.store.find_share(share)).await
    }

    async fn recent(&self, listing: &Listing) -> Result<JobPage> {
        self.call("store.recent", self.inner.store.recent(listing)).await
    }

    async fn finished_since(&self, since: WallTime, limit: usize) -> Result<Vec<Job>> {
        self.call("store.finished_since", self.inner.store.finished_since(since, limit)).await
    }

    async fn last_finished(&self, limit: usize, cursor: Option<String>) -> Result<JobPage> {
        self.call("store.last_finished", self.inner.store.last_finished(limit, cursor)).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<JobId>> {
        self.call("store.expired", self.inner.store.expired(limit)).await
    }

    async fn take_turn(&self, task: &str, period: Duration) -> Result<bool> {
        self.call("store.take_turn", self.inner.store.take_turn(task, period)).await
    }

    async fn give_back_turn(&self, task: &str) -> Result<()> {
        self.call("store.give_back_turn", self.inner.store.give_back_turn(task)).await
    }

    async fn turns(&self) -> Result<Vec<Turn>> {
        self.call("store.turns", self.inner.store.turns()).await
    }

    async fn counts(&self) -> Result<JobCounts> {
        self.call("store.counts", self.inner.store.counts()).await
    }

    async fn tell_worker(&self, worker: &WorkerRecord) -> Result<()> {
        self.call("store.tell_worker", self.inner.store.tell_worker(worker)).await
    }

    async fn forget_worker(&self, id: &str) -> Result<()> {
        self.call("store.forget_worker", self.inner.store.forget_worker(id)).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        self.call("store.workers", self.inner.store.workers()).await
    }
}

#[async_trait]
impl JobTopic for Hooked {
    async fn publish(&self, event: &JobEvent) -> Result<()> {
        self.call("topic.publish", self.inner.topic.publish(event)).await
    }

    async fn subscribe(&self) -> Result<Subscription> {
        self.meet(Call { name: "topic.subscribe", number: 0 }, self.inner.topic.subscribe()).await
    }

    // None of these is a call to the outside that a hook would want to meet.
    async fn close(&self) {
        self.inner.topic.close().await;
    }

    fn reach(&self) -> tokio::sync::watch::Receiver<crate::Reach> {
        self.inner.topic.reach()
    }

    fn endpoint(&self) -> Option<Arc<dyn crate::TopicEndpoint>> {
        self.inner.topic.endpoint()
    }
}

#[async_trait]
impl MediaStore for Hooked {
    async fn write(&self, job: JobId) -> Result<Box<dyn MediaWriter>> {
        let writer = self.call("media.write", self.inner.media.write(job)).await?;
        Ok(Box::new(HookedWriter { hooked: self.clone(), writer }))
    }

    async fn adopt(&self, job: JobId, path: &Path) -> Result<()> {
        self.call("media.adopt", self.inner.media.adopt(job, path)).await
    }

    async fn link(&self, from: JobId, to: JobId) -> Result<bool> {
        self.call("media.link", self.inner.media.link(from, to)).await
    }

    async fn locate(&self, job: JobId) -> Result<Option<MediaLocation>> {
        self.call("media.locate", self.inner.media.locate(job)).await
    }

    fn folder(&self) -> &Path {
        self.inner.media.folder()
    }

    async fn delete(&self, job: JobId) -> Result<()> {
        self.call("media.delete", self.inner.media.delete(job)).await
    }

    async fn sample(&self, age: Duration, limit: usize) -> Result<Vec<JobId>> {
        self.call("media.sample", self.inner.media.sample(age, limit)).await
    }
}

struct HookedWriter {
    hooked: Hooked,
    writer: Box<dyn MediaWriter>,
}

#[async_trait]
impl MediaWriter for HookedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.writer.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<u64> {
        self.hooked.call("media_writer.finish", self.writer.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.hooked.call("media_writer.abort", self.writer.abort()).await
    }
}
