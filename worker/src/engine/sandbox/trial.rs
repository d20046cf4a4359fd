//! The parent's side of the escape test: lays out the bait, starts a child as for a job, and hears what it reached.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::AsyncWriteExt;

use super::SandboxMode;
use super::escape::{Bait, Tried};
use crate::engine::parent::{EngineConfig, spawn};
use crate::engine::protocol;

/// It takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Before the first job: says what the sandbox lacks. Fails where it must not lack anything.
pub async fn check(config: &EngineConfig) -> anyhow::Result<()> {
    let is_required = match config.sandbox {
        SandboxMode::Required => true,
        SandboxMode::BestEffort => false,
        SandboxMode::Off => {
            tracing::warn!("the engine is not confined: whoever takes it over can do what this worker can");
            return Ok(());
        }
    };
    let tried = match try_out(config, None, false).await {
        Ok(tried) => tried,
        Err(error) if is_required => {
            return Err(error.context("the sandbox of the engine could not be tried out"));
        }
        Err(error) => {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "the sandbox of the engine was not tried out"
            );
            return Ok(());
        }
    };
    let Tried { lacks, open, .. } = &tried;
    if lacks.is_empty() && open.is_empty() {
        return Ok(());
    }
    let (lacks, open) = (lacks.join("; "), open.join(", "));
    if is_required {
        bail!("the sandbox of the engine is not complete. It lacks: {lacks}. The engine could: {open}");
    }
    tracing::warn!(lacks, open, "the sandbox of the engine is not complete");
    Ok(())
}

/// The same for a child that may write into a folder, as ffmpeg may that makes a video.
pub async fn try_out_writing(config: &EngineConfig, victim: Option<u32>) -> anyhow::Result<Tried> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let writable = folder.path().to_str().context("a folder of a strange name")?;
    try_out_with(config, victim, true, &["--writable", writable, "--file-bytes", "1000000"]).await
}

/// Starts a child as `config` says and has it try to get out. `victim` is a process of this user, which it tries to
/// kill; with `runs_ffmpeg` it runs that, too.
pub async fn try_out(config: &EngineConfig, victim: Option<u32>, runs_ffmpeg: bool) -> anyhow::Result<Tried> {
    try_out_with(config, victim, runs_ffmpeg, &[]).await
}

async fn try_out_with(
    config: &EngineConfig,
    victim: Option<u32>,
    runs_ffmpeg: bool,
    more: &[&str],
) -> anyhow::Result<Tried> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let (hidden, readable) = (folder.path().join("hidden"), folder.path().join("readable"));
    let (secret, given) = (hidden.join("secret"), readable.join("given"));
    for (folder, file) in [(&hidden, &secret), (&readable, &given)] {
        std::fs::create_dir(folder)?;
        std::fs::write(file, "secret")?;
    }
    // Nobody has to accept or receive: the kernel does.
    let (tcp, udp) = (TcpListener::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let bait = Bait { tcp: tcp.local_addr()?, udp: udp.local_addr()?, secret, given, victim, runs_ffmpeg };

    let config = EngineConfig { readable: vec![readable], ..config.clone() };
    let mut child = spawn(&config, &[&["--escape-test"], more].concat())
        .await
        .context("the engine could not be started")?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let trying = async {
        // A child that is gone by now says why on its way.
        let _ = stdin.write_all(&protocol::encode(&bait)?).await;
        anyhow::Ok(child.wait_with_output().await?)
    };
    let output = tokio::time::timeout(PATIENCE, trying).await.context("the engine does not answer")??;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the engine ended with {}: {}", output.status, log.trim());
    protocol::read(&mut output.stdout.as_slice())?.context("the engine said nothing")
}
