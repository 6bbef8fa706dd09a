//! `acscall`: the signalling server of calls, and the page.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use acscall::server::{Config, Server};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Raw media access to calls.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve calls and the page until interrupted. ACSCALL_LOG sets what is logged (default: info).
    Serve {
        /// Where to listen: an address of this machine's loopback.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7788")]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let Arguments {
        command: Command::Serve { listen },
    } = Arguments::parse();
    let filter = EnvFilter::try_from_env("ACSCALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match serve(listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("acscall: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(listen: SocketAddr) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let server =
            Server::bind(listen, Config::default()).map_err(|error| explain(listen, error))?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "http://{}/", server.local_addr())?;
        stdout.flush()?;
        tracing::info!("listening on {}", server.local_addr());
        server
            .serve(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                tracing::info!("stopping");
            })
            .await
    })
}

fn explain(listen: SocketAddr, error: std::io::Error) -> std::io::Error {
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return error;
    }
    let text = format!(
        "something listens on {listen} already, perhaps another acscall server: \
         end it, or choose another port with --listen"
    );
    std::io::Error::new(error.kind(), text)
}
