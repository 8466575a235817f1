//! The command `relayer`.

use std::{
    io::{IsTerminal as _, Read as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use eyre::WrapErr as _;
use relayer::{Class, RelayerError, admin, config::Config, relay::Relay};
use tokio::{signal::unix, sync::watch};
use tracing::info;
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  relayer check --config relayer.toml        is everything there and reachable?
  relayer run --config relayer.toml          carry until told to stop
  relayer run --config relayer.toml --once   do what is due and end; for cron:
      */2 * * * *  relayer run --config /etc/quartet/relayer.toml --once

Exit codes of `run --once`:
  0  nothing is left to do
  1  the configuration, a key or a file cannot be used
  2  wrong command line
  3  something waits for its time (a list that is not sealed, a count that runs, a block)
  4  something cannot be done without somebody's help (a refusal, no funds); see the log
  5  something failed that may pass (no node answers); run it again
  6  another relayer runs with the same state file
`run` without --once ends with 0 when it is told to stop (Ctrl-C, SIGTERM).

RUST_LOG sets what is logged, for example RUST_LOG=relayer=debug.";

/// Carries voter lists from L1 to L2 and signed results from L2 to L1. It can delay, never alter.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Log as JSON lines.
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Carry what is due.
    #[command(after_help = EXAMPLES)]
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Do what is due and end, instead of watching.
        #[arg(long)]
        once: bool,
        /// Stop when standard input is closed, so as not to outlive the parent process.
        #[arg(long)]
        stop_with_stdin: bool,
    },
    /// See whether the configuration, both chains and all contracts are there. Sends nothing.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if arguments.log_json {
        log.json().init();
    } else {
        log.init();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = runtime.wrap_err("no runtime").and_then(|runtime| {
        let code = runtime.block_on(run(arguments.command));
        // A thread may still be reading standard input.
        runtime.shutdown_background();
        code
    });
    ended.unwrap_or_else(|error| {
        tracing::error!("{error:#}");
        let locked = matches!(error.downcast_ref(), Some(RelayerError::Locked { .. }));
        ExitCode::from(if locked { 6 } else { 1 })
    })
}

async fn run(command: Command) -> eyre::Result<ExitCode> {
    match command {
        Command::Check { config } => {
            let mut relay = Relay::new(Config::read(&config)?)?;
            for line in relay.check().await? {
                info!("{line}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run {
            config,
            once,
            stop_with_stdin,
        } => {
            let config = Config::read(&config)?;
            let listen = config.admin_listen;
            let mut relay = Relay::new(config)?;
            let (tell, health) = watch::channel(None);
            if let Some(listen) = listen.filter(|_| !once) {
                admin::serve(listen, relay.metrics.clone(), health).await?;
            }
            tokio::select! {
                code = work(&mut relay, once, tell) => code,
                reason = stop(stop_with_stdin) => {
                    info!("stopping: {}", reason?);
                    Ok(ExitCode::SUCCESS)
                }
            }
        }
    }
}

async fn work(
    relay: &mut Relay,
    once: bool,
    health: watch::Sender<admin::Health>,
) -> eyre::Result<ExitCode> {
    if !once {
        relay.watch(health).await;
    }
    let report = relay.once().await;
    let (carried, waits, failures) = (report.carried, report.waits.len(), report.failures.len());
    info!(carried, waits, failures, "done for now");
    Ok(ExitCode::from(match report.worst() {
        None => 0,
        Some(Class::Waiting) => 3,
        Some(Class::Final) => 4,
        Some(Class::Retryable) => 5,
    }))
}

/// Waits until somebody wants it to stop; who that is.
async fn stop(with_stdin: bool) -> eyre::Result<&'static str> {
    let mut terminate = unix::signal(unix::SignalKind::terminate()).wrap_err("SIGTERM")?;
    let (closed, stdin) = tokio::sync::oneshot::channel();
    if with_stdin {
        std::thread::spawn(move || {
            let mut rest = [0; 256];
            let mut stdin = std::io::stdin().lock();
            while stdin.read(&mut rest).is_ok_and(|length| length > 0) {}
            // Nobody listens any more if it stops for another reason.
            let _ = closed.send(());
        });
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.wrap_err("SIGINT")?;
            Ok("interrupted")
        }
        _ = terminate.recv() => Ok("terminated"),
        Ok(()) = stdin, if with_stdin => Ok("standard input is closed"),
    }
}
