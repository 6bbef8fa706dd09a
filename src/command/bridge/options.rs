//! The command line of `acscall bridge`.

use std::path::PathBuf;

use acscall::signalling::client::{BadUrl, ServerUrl};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

/// Connect a call of another service with a call of this server.
///
/// Runs the service's own web SDK in headless Chromium. Everyone in the other call becomes a
/// participant here, with camera, screen share and audio. One participant here can send into the
/// other call (--from). See docs/bridges.md for details.
///
/// Exit codes: 0 the call ended or the bridge was interrupted; 1 this machine lacks something, or
/// the acscall server does not answer; 2 invalid arguments; 3 the service or the acscall server
/// refused; 4 Chromium ended.
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

/// Bridge a call of Azure Communication Services (ACS), or a Teams meeting.
///
/// Requires the SDK: npm install @azure/communication-calling @azure/communication-common
///
/// Environment: ACS_TOKEN is the user's token if --token-file is not given. ACSCALL_SECRET is the
/// secret of the acscall server if --secret-file is not given.
#[derive(Args)]
pub(super) struct Acs {
    #[command(flatten)]
    pub(super) place: AcsPlace,
    /// The name shown in the ACS call.
    #[arg(long, value_name = "NAME", default_value = "acscall",
        value_parser = NonEmptyStringValueParser::new())]
    pub(super) display_name: String,
    /// File with the user's access token; - reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct AcsPlace {
    /// Join the group call with this UUID.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) group: Option<String>,
    /// Join this Teams meeting.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(super) meeting_link: Option<String>,
    /// Call the user with this raw id, such as 8:acs:…; may be repeated.
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub(super) call: Vec<String>,
}

/// Bridge an Agora channel.
///
/// Requires the SDK: npm install agora-rtc-sdk-ng
///
/// Environment: AGORA_TOKEN and AGORA_SCREEN_TOKEN are the tokens if --token-file and
/// --screen-token-file are not given. ACSCALL_SECRET is the secret of the acscall server if
/// --secret-file is not given.
#[derive(Args)]
pub(super) struct Agora {
    /// The project's App ID.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) app_id: String,
    /// The channel to join.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) channel: String,
    /// The user id in the channel; by default Agora chooses one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) uid: Option<u32>,
    /// File with the channel's token, if the project requires tokens; - reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Join a second time with this user id to send the screen share: an Agora user can send only
    /// one video.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) screen_uid: Option<u32>,
    /// File with the token of --screen-uid, if the project requires tokens.
    #[arg(long, value_name = "FILE", requires = "screen_uid")]
    pub(super) screen_token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Args)]
pub(super) struct Common {
    /// The call on the acscall server.
    #[arg(long, value_name = "CALL", value_parser = NonEmptyStringValueParser::new())]
    pub(super) into: String,
    /// The acscall server. If it is on this machine and not running, this command serves there.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:7788", value_parser = server)]
    pub(super) server: ServerUrl,
    /// The participant whose audio, video and screen are sent into the other call; by default
    /// nothing is sent.
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    pub(super) from: Option<String>,
    /// File with the secret of the acscall server, if it requires tokens: the bridge makes its own
    /// tokens.
    #[arg(long, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
    /// The directory whose node_modules contains the SDK.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) sdk: PathBuf,
    /// The Chromium or Chrome to run; by default it is searched in PATH.
    #[arg(long, value_name = "PATH")]
    pub(super) chromium: Option<PathBuf>,
    /// Print warnings and errors only.
    #[arg(long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Also print the output of the SDK and Chromium.
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
    fn acs_takes_exactly_one_of_group_meeting_and_users() {
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
    fn the_default_server_is_that_of_the_elements() {
        let Ok(Service::Acs(acs)) = read("acs --group=g --into=tea") else {
            panic!("not the options of ACS");
        };
        assert_eq!(acs.common.server.to_string(), "ws://127.0.0.1:7788/ws");
        assert!(acs.common.from.is_none() && !acs.common.quiet && !acs.common.verbose);
        let error = read("acs --group=g --into=tea --server=http://a")
            .err()
            .unwrap();
        assert!(error.contains("ws:// or wss://"), "{error}");
    }

    #[test]
    fn agora_requires_an_app_id_and_a_channel_and_users_are_numbers() {
        let good = "agora --app-id=a --channel=c --into=tea --uid=7 --screen-uid=8";
        let Ok(Service::Agora(agora)) = read(good) else {
            panic!("not the options of Agora");
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
