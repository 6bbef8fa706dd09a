//! `acscall`: the signalling server with its web page, tokens, and bridges to other services.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Raw media access to calls: signalling server, tokens, and bridges to other services.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<command::serve::Options>),
    Token(command::token::Options),
    #[cfg(feature = "bridge")]
    Bridge(command::bridge::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(options) => command::serve::run(*options),
        Command::Token(options) => command::token::run(&options),
        #[cfg(feature = "bridge")]
        // The bridge has its own exit codes.
        Command::Bridge(options) => return command::bridge::run(options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("acscall: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent_and_in_the_manuals() {
        let server = include_str!("../docs/server.md");
        let bridges = include_str!("../docs/bridges.md");
        let mut command = Arguments::command();
        command.build();
        for command in command.get_subcommands() {
            match command.get_name() {
                "bridge" => {
                    for service in command.get_subcommands() {
                        is_described(service, bridges);
                    }
                }
                _ => is_described(command, server),
            }
        }
    }

    fn is_described(command: &clap::Command, manual: &str) {
        for argument in command.get_arguments() {
            let Some(name) = argument.get_long().filter(|name| *name != "help") else {
                continue;
            };
            assert!(manual.contains(&format!("--{name}")), "--{name}");
        }
    }
}
