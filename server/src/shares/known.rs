//! Links as the store had them a moment ago, so that many viewers of one link do not all reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backend::JobStore;
use domain::{JobId, Share, ShareId};
use moka::future::Cache;

use crate::error::{ApiError, Result};

/// A link that another server revoked may open here for so long. The topic tells nothing of links: what it tells may be
/// lost, and this bound holds all the same.
pub const TRUSTED_FOR: Duration = Duration::from_secs(10);

/// Links remembered at once, those that lead nowhere too.
const CAPACITY: u64 = 10_000;

/// Longest wait for the store.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct KnownShares {
    store: Arc<dyn JobStore>,
    /// By name and by how many changes this server had made before it asked: what is asked after a change is asked anew,
    /// even while an older question is under way.
    found: Cache<(ShareId, u64), Option<Arc<Found>>>,
    changes: AtomicU64,
}

/// A link, and the job that it shows.
pub struct Found {
    pub job: JobId,
    pub share: Share,
}

impl KnownShares {
    pub fn new(store: Arc<dyn JobStore>) -> KnownShares {
        let found = Cache::builder().max_capacity(CAPACITY).time_to_live(TRUSTED_FOR).build();
        KnownShares { store, found, changes: AtomicU64::new(0) }
    }

    /// However many ask, one read of the store answers them.
    pub async fn find(&self, id: ShareId) -> Result<Option<Arc<Found>>> {
        let asked = (id, self.changes.load(Ordering::SeqCst));
        let read = async {
            let found = tokio::time::timeout(PATIENCE, self.store.find_share(id)).await;
            let found = found.map_err(|_| ApiError::unavailable())??;
            Ok(found.map(|(job, share)| Arc::new(Found { job, share })))
        };
        self.found.try_get_with(asked, read).await.map_err(|error: Arc<ApiError>| (*error).clone())
    }

    /// After a change of any link by this server.
    pub fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}
