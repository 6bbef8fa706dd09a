//! `cargo xtask bench floods`: what a call of two costs, and how late its pictures come, while a
//! hostile client floods the server or the call, beside the same without it.
//!
//! The measured call, the server and the hostile client are processes of their own: this program,
//! started again. `bench_floods --role hostile FLOOD PORT` is of use to tests, too: it prints
//! `error CODE` and `closed` for what it is answered, and floods on.

mod call;
mod figures;
mod hostile;
mod key_frames;
mod server;
mod stamp;

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
        ["--role", ..] => bail!("no role is called so"),
        [] => figures::print(&figures::FLOODS),
        ["--help"] => {
            println!("usage: [{}]…", figures::FLOODS.join(" | "));
            Ok(())
        }
        floods => figures::print(floods),
    }
}

fn named(flood: &str) -> Result<Flood> {
    Flood::named(flood).with_context(|| format!("no flood is called '{flood}'"))
}
