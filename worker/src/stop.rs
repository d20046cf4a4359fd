//! From a signal to the end of the process, in time.

use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// From the first stop signal to the end; the jobs were given back long before.
const GRACE: Duration = Duration::from_secs(25);

/// Signals so close together are one wish: Ctrl-C reaches the whole process group, and a script in that group
/// passes it on.
const ONE_STOP: Duration = Duration::from_millis(500);

/// Runs `work` until it ends by itself after `shutdown` was cancelled, or until the grace is over.
pub async fn within_grace(
    shutdown: CancellationToken,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = work => ended,
        () = overdue => {
            tracing::warn!("did not stop in time, leaving: messages come again when their leases end");
            Ok(())
        }
    }
}

/// Cancelled at SIGTERM or SIGINT. A second signal ends the process at once.
pub fn on_signals() -> std::io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut first: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match first {
                None => {
                    tracing::info!("stopping");
                    told.cancel();
                    first = Some(Instant::now());
                }
                Some(first) if first.elapsed() < ONE_STOP => {}
                // The kernel kills the engines with us.
                Some(_) => std::process::exit(130),
            }
        }
    });
    Ok(shutdown)
}
