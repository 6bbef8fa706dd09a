//! `acscall serve`.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use acscall::server::{Config, Ice, Secret, Server, TURN_SECRET, Tls, Turn};
use acscall::signalling::room::Limits;
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Result, secret};

/// Run the signalling server and its web page.
///
/// Without options the server is only for this machine. To serve other machines it needs a secret
/// (--secret-file) to authenticate users, and TLS: its own (--tls-cert, --tls-key) or that of a
/// proxy (--behind-proxy).
///
/// Environment: ACSCALL_LOG is the log level (error, warn, info, debug or trace; default info).
/// ACSCALL_SECRET is the secret if --secret-file is not given.
///
/// Signals: SIGTERM and SIGINT notify all clients and end the server. SIGHUP reloads the
/// certificate.
#[derive(Args)]
pub(crate) struct Options {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7788")]
    listen: SocketAddr,
    /// Host name of this server, without a port; may be repeated.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Allow web pages of this origin, such as https://www.example.org, to use the server; may be
    /// repeated.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Serve TLS with the certificate chain in this file (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// File with the certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Expect all clients to come through a proxy that terminates TLS and adds X-Forwarded-For.
    #[arg(long)]
    behind_proxy: bool,
    /// Require tokens, signed with the secret in this file (at least 32 bytes).
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// STUN server for clients, such as stun:stun.example.org:3478; may be repeated.
    #[arg(long, value_name = "URL", help_heading = "STUN and TURN")]
    stun_server: Vec<String>,
    /// TURN server for clients, such as turn:turn.example.org:3478; may be repeated.
    #[arg(
        long,
        value_name = "URL",
        requires = "turn_secret_file",
        help_heading = "STUN and TURN"
    )]
    turn_server: Vec<String>,
    /// File with the secret of the TURN servers (coturn: static-auth-secret).
    #[arg(
        long,
        value_name = "FILE",
        requires = "turn_server",
        help_heading = "STUN and TURN"
    )]
    turn_secret_file: Option<PathBuf>,
    /// Lifetime of TURN passwords, such as 12h or 1d; must be longer than calls last.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = humantime::parse_duration,
        help_heading = "STUN and TURN")]
    turn_lifetime: Duration,

    /// Maximum number of simultaneous calls.
    #[arg(long, value_name = "N", default_value_t = Limits::default().calls,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..), help_heading = "Limits")]
    max_calls: usize,
    /// Maximum number of participants of a call, up to 64.
    #[arg(long, value_name = "N", default_value_t = Limits::default().participants_per_call,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=64), help_heading = "Limits")]
    max_participants: usize,
    /// Maximum number of connections from one address.
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_address,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=65535), help_heading = "Limits")]
    max_connections: usize,
    /// Maximum number of new connections per second from one address, on average.
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_second,
        value_parser = clap::value_parser!(u32).range(1..=10000), help_heading = "Limits")]
    max_new_connections: u32,

    /// Also serve /metrics and /healthz on this address, without TLS and to everyone.
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Watching")]
    metrics_listen: Option<SocketAddr>,
    /// Format of the log on standard error.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text,
        help_heading = "Watching")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// One line of text per event.
    Text,
    /// One JSON object per line.
    Json,
}

pub(crate) fn run(options: Options) -> Result<()> {
    log(options.log_format);
    let listen = options.listen;
    let config = config(options)?;
    let tls = config.tls.clone();
    let is_named = config.hosts.len() > Config::default().hosts.len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let metrics = config.metrics;
        let server =
            Server::bind(listen, config).map_err(|error| explain(listen, metrics, error))?;
        let mut stdout = io::stdout();
        writeln!(stdout, "{scheme}://{}/", server.local_addr())?;
        stdout.flush()?;
        tracing::info!(address = %server.local_addr(), "listening");
        if !listen.ip().is_loopback() && !is_named {
            tracing::warn!(
                "no --host: the server only answers requests for localhost or its listening address"
            );
        }
        server
            .serve(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = reload(tls.as_ref(), &mut hang_up) => {}
                }
                tracing::info!("stopping");
            })
            .await?;
        Ok(())
    })
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("ACSCALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
}

fn config(options: Options) -> Result<Config> {
    let mut config = Config::default();
    config.hosts.extend(options.host);
    config.origins = options.allow_origin;
    config.secret = secret::find(options.secret_file.as_deref())?;
    if let (Some(certificate), Some(key)) = (options.tls_cert, options.tls_key) {
        config.tls = Some(Tls::read(&certificate, &key)?);
    }
    config.behind_proxy = options.behind_proxy;
    let turn = match &options.turn_secret_file {
        Some(file) => Some(Turn {
            urls: options.turn_server,
            secret: Secret::read(file, TURN_SECRET)?,
            lifetime: options.turn_lifetime,
        }),
        None => None,
    };
    config.ice = Ice {
        stun: options.stun_server,
        turn,
    };
    config.metrics = options.metrics_listen;
    config.limits.calls = options.max_calls;
    config.limits.participants_per_call = options.max_participants;
    config.limits.connections_per_address = options.max_connections;
    config.limits.connections_per_second = options.max_new_connections;
    // After a restart of the server all clients reconnect at once.
    config.limits.connection_burst = u32::try_from(options.max_connections).unwrap_or(u32::MAX);
    Ok(config)
}

/// Reloads the certificate on every SIGHUP. Never returns.
async fn reload(tls: Option<&Tls>, hang_up: &mut Signal) {
    while hang_up.recv().await.is_some() {
        match tls.map(Tls::reload) {
            None => tracing::info!("no certificate to reload"),
            Some(Ok(())) => tracing::info!("certificate reloaded"),
            Some(Err(error)) => {
                tracing::error!(%error, "cannot reload the certificate, keeping the old one")
            }
        }
    }
    std::future::pending().await
}

fn explain(listen: SocketAddr, metrics: Option<SocketAddr>, error: io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => match metrics {
            Some(metrics) => format!(
                "{listen} or {metrics} is already in use, perhaps by another acscall server: end it, \
                 or choose other ports with --listen and --metrics-listen"
            ),
            None => format!(
                "{listen} is already in use, perhaps by another acscall server: end it, or choose \
                 another port with --listen"
            ),
        },
        io::ErrorKind::AddrNotAvailable => {
            format!("{listen} is not an address of this machine: choose one with --listen")
        }
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use acscall::signalling::client::connect;
    use acscall::signalling::message::ClientMessage;
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    impl std::fmt::Debug for Options {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Options")
        }
    }

    fn read(line: &[&str]) -> Config {
        let line = Line::parse_from([&["serve"], line].concat());
        config(line.options).unwrap()
    }

    #[test]
    fn without_options_the_configuration_is_the_default() {
        let config = read(&[]);
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.hosts, Config::default().hosts);
        assert!(config.tls.is_none() && !config.behind_proxy && config.metrics.is_none());
    }

    #[test]
    fn options_set_limits_and_names() {
        let config = read(&[
            "--host=calls.example",
            "--host=other.example",
            "--allow-origin=https://page.example",
            "--stun-server=stun:s.example",
            "--max-calls=7",
            "--max-participants=8",
            "--max-connections=9",
            "--max-new-connections=10",
            "--metrics-listen=127.0.0.1:9000",
        ]);
        assert_eq!(config.hosts[3..], ["calls.example", "other.example"]);
        assert_eq!(config.origins, ["https://page.example"]);
        assert_eq!(config.ice.stun, ["stun:s.example"]);
        let limits = Limits {
            calls: 7,
            participants_per_call: 8,
            connections_per_address: 9,
            connections_per_second: 10,
            connection_burst: 9,
            ..Limits::default()
        };
        assert_eq!(config.limits, limits);
        assert_eq!(config.metrics, Some("127.0.0.1:9000".parse().unwrap()));
    }

    #[test]
    fn incomplete_and_invalid_options_are_refused() {
        for line in [
            &["--tls-cert=c.pem"][..],
            &["--tls-key=k.pem"],
            &["--turn-server=turn:t.example"],
            &["--turn-secret-file=s"],
            &["--max-participants=65"],
            &["--max-calls=0"],
            &["--log-format=xml"],
        ] {
            let error = Line::try_parse_from([&["serve"], line].concat()).unwrap_err();
            assert!(!error.to_string().is_empty(), "{line:?}");
        }
    }

    #[test]
    fn sigterm_notifies_every_client_and_ends_the_server_and_sighup_does_not() {
        const SERVE: &str = "ACSCALL_TEST_SERVE";
        if std::env::var_os(SERVE).is_some() {
            // This is the child process started below.
            let line = Line::parse_from(["serve", "--listen=127.0.0.1:0"]);
            return run(line.options).unwrap();
        }
        let name = "command::serve::tests::\
                    sigterm_notifies_every_client_and_ends_the_server_and_sighup_does_not";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(SERVE, "")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .find_map(|line| Some(line.unwrap().strip_prefix("http://")?.to_owned()))
            .unwrap();
        let signal = |signal: &str| {
            let id = child.id().to_string();
            let sent = Command::new("kill").args([signal, &id]).status();
            assert!(sent.unwrap().success());
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let url = format!("ws://{url}");
        signal("-HUP");
        let reason = runtime.block_on(async {
            let (mut sender, mut receiver) = connect(&url).await.unwrap();
            let hello = ClientMessage::Hello {
                versions: vec![1],
                user: "anna".to_owned(),
                display_name: None,
                token: None,
            };
            sender.send(&hello).await.unwrap();
            // After the answer it is a client of the server.
            receiver.next().await.unwrap();
            signal("-TERM");
            receiver.next().await.unwrap_err().reason
        });
        assert!(reason.contains("the server closes"), "{reason}");
        assert!(child.wait().unwrap().success());
    }
}
