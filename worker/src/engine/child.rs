//! The child's side of the pipe.

/// Settings of the subcommand `worker engine`, which only a parent worker calls.
#[derive(Debug, Clone, clap::Args)]
pub struct EngineArgs {
    /// Windows transcribed at once.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Cap on this process's address space.
    #[arg(long, default_value_t = 8 << 30)]
    pub address_space_bytes: u64,
}

/// Serves requests from standard input until it ends. Call it before any thread is started, outside a runtime.
pub fn run(args: EngineArgs) -> anyhow::Result<()> {
    let _ = args;
    Ok(())
}
