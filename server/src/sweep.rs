//! The slow reconcilers: whatever the quick paths lost is found here.

use backend::Result;
use tokio::time::MissedTickBehavior;

use crate::Server;
use crate::error::causes;
use crate::letters::Letters;
use crate::lost::LostJobs;
use crate::metrics;

/// Taken at once; what is left comes next time.
const BATCH: usize = 200;

/// Looks at everything in turn until the server stops. One failing does not keep the others.
pub async fn reconcile(server: Server) {
    let mut ticks = tokio::time::interval(server.config.reconcile_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut letters = Letters::default();
    let mut lost = LostJobs::new();
    loop {
        tokio::select! {
            () = server.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let looks = async {
            log("unheard ends", server.completed.look().await);
            log("expired jobs", sweep_expired(&server).await);
            log("dead letters", letters.look(&server).await);
            log("lost jobs", lost.look(&server).await);
            metrics::count_sweep();
        };
        // A look may be left at any await: everything in it is repeated next time.
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = looks => {}
        }
    }
}

fn log(what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = %causes(&error), what, "a reconciler did not finish");
    }
}

/// Jobs past their time: out of the store, then told, then their media.
async fn sweep_expired(server: &Server) -> Result<()> {
    for id in server.backend.store.expired(BATCH).await? {
        if let Some(event) = server.backend.remove(id).await? {
            server.announce(event).await;
            tracing::info!(job.id = %id, "job expired");
        }
    }
    Ok(())
}
