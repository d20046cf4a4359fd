//! The slots of a worker that is posted to: who comes when all are busy waits in line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::Engine;

#[derive(Clone)]
pub struct Slots {
    count: usize,
    free: Arc<Semaphore>,
    /// Warm engines of free slots.
    engines: Arc<Mutex<Vec<Engine>>>,
}

/// One job's place; free again when dropped.
pub struct Slot {
    pub engine: Option<Engine>,
    engines: Arc<Mutex<Vec<Engine>>>,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub fn new(count: usize) -> Slots {
        Slots { count, free: Arc::new(Semaphore::new(count)), engines: Arc::default() }
    }

    /// First come, first served.
    pub async fn take(&self) -> Slot {
        let permit = self.free.clone().acquire_owned().await.expect("the semaphore is never closed");
        Slot { engine: lock(&self.engines).pop(), engines: self.engines.clone(), _permit: permit }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn busy(&self) -> usize {
        self.count - self.free.available_permits()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // After a panic nobody knows what the engine is at.
        if !std::thread::panicking() {
            lock(&self.engines).extend(self.engine.take());
        }
    }
}

fn lock(engines: &Mutex<Vec<Engine>>) -> MutexGuard<'_, Vec<Engine>> {
    engines.lock().unwrap_or_else(PoisonError::into_inner)
}
