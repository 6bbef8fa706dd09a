//! The command line of `acscall bridge`.

use std::path::PathBuf;

use acscall::signalling::client::{BadUrl, ServerUrl};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

/// Carry a call of another service into one of ours, and back.
///
/// Runs the service's own web SDK in headless Chromium. Everybody in the other call becomes a
/// participant of ours, with camera, screen share and sound; what one participant of ours sends
/// goes into the other call. docs/bridges.md says more.
///
/// Exit codes: 0 the call is over, or was interrupted; 1 something of this machine is missing, or
/// our server does not answer; 2 the arguments are wrong; 3 the service or our server refuses;
/// 4 Chromium has ended.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(super) service: Service,
}

#[derive(Subcommand)]
pub(super) enum Service {
    Acs(Box<Acs>),
    Agora(Box<Agora>),
}

/// A call of Azure Communication Services, or a Teams meeting.
///
/// Needs the SDK: npm install @azure/communication-calling @azure/communication-common
///
/// Environment: ACS_TOKEN is the user's token where --token-file is not given, ACSCALL_SECRET the
/// secret of our server where --secret-file is not.
#[derive(Args)]
pub(super) struct Acs {
    #[command(flatten)]
    pub(super) place: AcsPlace,
    /// The name that the others in that call see.
    #[arg(long, value_name = "NAME", default_value = "acscall",
        value_parser = NonEmptyStringValueParser::new())]
    pub(super) display_name: String,
    /// The file with the user's access token; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct AcsPlace {
    /// Join the group call of this id, a UUID.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) group: Option<String>,
    /// Join this Teams meeting.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(super) meeting_link: Option<String>,
    /// Call this user, by its raw id, such as 8:acs:…; may be given several times.
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub(super) call: Vec<String>,
}

/// A channel of Agora.
///
/// Needs the SDK: npm install agora-rtc-sdk-ng
///
/// Environment: AGORA_TOKEN and AGORA_SCREEN_TOKEN are the tokens where --token-file and
/// --screen-token-file are not given, ACSCALL_SECRET the secret of our server where --secret-file
/// is not.
#[derive(Args)]
pub(super) struct Agora {
    /// The project's App ID.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) app_id: String,
    /// The channel.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) channel: String,
    /// The user id to be there; chosen by Agora if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) uid: Option<u32>,
    /// The file with the channel's token, if the project asks for tokens; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Be there a second time as this user, who sends the screen share: an Agora user sends one
    /// picture.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) screen_uid: Option<u32>,
    /// The file with the token of --screen-uid, if the project asks for tokens.
    #[arg(long, value_name = "FILE", requires = "screen_uid")]
    pub(super) screen_token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args)]
pub(super) struct Common {
    /// The call of ours.
    #[arg(long, value_name = "CALL", value_parser = NonEmptyStringValueParser::new())]
    pub(super) into: String,
    /// Our server. Where it is on this machine and nobody answers, this command serves there.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:7788", value_parser = server)]
    pub(super) server: ServerUrl,
    /// The participant of our call whose audio, video and screen go into the other call; nothing
    /// does if not given.
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub(super) from: Option<String>,
    /// The file with our server's secret, if it asks for tokens: those of the bridge are made
    /// with it.
    #[arg(long, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
    /// The directory whose node_modules has the SDK.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) sdk: PathBuf,
    /// The Chromium or Chrome to run; looked for in PATH if not given.
    #[arg(long, value_name = "PATH")]
    pub(super) chromium: Option<PathBuf>,
    /// Print what goes wrong, and nothing else.
    #[arg(long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print what the SDK and Chromium say, too.
    #[arg(long)]
    pub(super) verbose: bool,
}

fn server(url: &str) -> Result<ServerUrl, BadUrl> {
    ServerUrl::parse(url)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn read(line: &str) -> Result<Service, String> {
        let words = std::iter::once("bridge").chain(line.split(' '));
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(line.options.service)
    }

    #[test]
    fn a_call_of_acs_has_one_place() {
        for place in ["--group=g", "--meeting-link=https://m", "--call=a --call=b"] {
            assert!(read(&format!("acs {place} --into tea")).is_ok(), "{place}");
        }
        for places in [
            "--into tea",
            "--group=g --call=a --into=tea",
            "--group= --into=tea",
        ] {
            assert!(read(&format!("acs {places}")).is_err(), "{places}");
        }
    }

    #[test]
    fn the_server_is_that_of_the_elements_unless_told_otherwise() {
        let Ok(Service::Acs(acs)) = read("acs --group=g --into=tea") else {
            panic!("it is a call of ACS");
        };
        assert_eq!(acs.common.server.to_string(), "ws://127.0.0.1:7788/ws");
        assert!(acs.common.from.is_none() && !acs.common.quiet && !acs.common.verbose);
        let error = read("acs --group=g --into=tea --server=http://a")
            .err()
            .unwrap();
        assert!(error.contains("ws:// or wss://"), "{error}");
    }

    #[test]
    fn a_channel_of_agora_has_an_app_id_and_users_have_numbers() {
        let good = "agora --app-id=a --channel=c --into=tea --uid=7 --screen-uid=8";
        let Ok(Service::Agora(agora)) = read(good) else {
            panic!("it is a channel of Agora");
        };
        assert_eq!((agora.uid, agora.screen_uid), (Some(7), Some(8)));
        for bad in [
            "agora --channel=c --into=tea",
            "agora --app-id=a --into=tea",
            "agora --app-id=a --channel=c --into=tea --uid=0",
            "agora --app-id=a --channel=c --into=tea --screen-token-file=f",
            "agora --app-id=a --channel=c --into=tea --quiet --verbose",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
