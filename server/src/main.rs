//! Reads the config, builds, runs, stops.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use server::config::Command;
use server::{Listeners, doctor, provision};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let command = Command::read();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        .with_writer(std::io::stderr)
        // Who reads the log may go: to tell so there as well would be a panic.
        .log_internal_errors(false)
        .init();

    let arguments = match command {
        Command::Serve(arguments) => arguments,
        Command::Provision(arguments) => return provision::run(arguments).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor(arguments) => return doctor::run(&arguments).await,
    };
    let backend = backend::connect(&arguments.backend).await.context("the backend cannot be opened")?;
    let listeners = Listeners {
        main: bind(arguments.listen).await?,
        operators: match arguments.operators_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        },
        sns: match arguments.sns_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        },
    };

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut told_to_stop = async move || {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        told_to_stop().await;
        let _ = stop.send(());
        // Somebody who asks twice does not want to wait for open uploads.
        told_to_stop().await;
        std::process::exit(1);
    });
    let shutdown = async move {
        let _ = stopped.await;
    };
    server::run(listeners, backend, arguments.config, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}
