//! `cargo xtask bench floods`: the costs and the latency of a call of two, with and without a hostile
//! client that floods the server or the call.
//!
//! The measured call, the server and the hostile client are separate processes: this program,
//! started again. Tests also use `bench_floods --role hostile FLOOD PORT`: it floods, and prints
//! `error CODE` and `closed` when the server answers so.

mod call;
mod figures;
mod hostile;
mod key_frames;
mod server;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use hostile::Flood;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_floods: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    acscall_tests::pipeline::init()?;
    match arguments {
        ["--role", "server", port] => server::serve(port.parse()?),
        ["--role", "call", port] => call::play(port.parse()?),
        ["--role", "hostile", "key-frames", port] => key_frames::receive(port.parse()?, true),
        ["--role", "hostile", "receives", port] => key_frames::receive(port.parse()?, false),
        ["--role", "hostile", flood, port] => hostile::flood(named(flood)?, port.parse()?),
        ["--role", ..] => bail!("there is no such role"),
        [] => figures::print(&figures::FLOODS),
        ["--help"] => {
            println!("usage: [{}]…", figures::FLOODS.join(" | "));
            Ok(())
        }
        floods => figures::print(floods),
    }
}

fn named(flood: &str) -> Result<Flood> {
    Flood::named(flood).with_context(|| format!("there is no flood '{flood}'"))
}
