//! `acscall token`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use acscall::server::Secret;
use acscall::server::token::Claims;
use clap::Args;

use super::{Result, secret};

/// Make a token, which lets a user join calls until it expires.
///
/// Prints the token, a JWT, on standard output. Clients present it with the property `token` or the
/// environment variable ACSCALL_TOKEN. Anyone who has the token can act as the user until it expires.
#[derive(Args)]
pub(crate) struct Options {
    /// File with the server's secret; by default the secret is the value of ACSCALL_SECRET.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The user name.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: String,
    /// The call that the user may join; * for all calls.
    #[arg(long, value_name = "NAME", default_value = "*", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    call: String,
    /// Also allow the user to place calls.
    #[arg(long)]
    place: bool,
    /// Lifetime of the token, such as 90s, 15m, 1h or 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    expires_in: Duration,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let secret = secret::find(options.secret_file.as_deref())?.ok_or(
        "a token requires the server's secret: name its file with --secret-file, or set ACSCALL_SECRET",
    )?;
    #[expect(clippy::disallowed_methods, reason = "the token is made now")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    println!("{}", make(options, &secret, now.as_secs()));
    Ok(())
}

/// Returns a token made at `now`, in seconds since 1970.
fn make(options: &Options, secret: &Secret, now: u64) -> String {
    let claims = Claims {
        sub: options.user.clone(),
        call: options.call.clone(),
        exp: now.saturating_add(options.expires_in.as_secs()),
        nbf: None,
        place: options.place,
    };
    claims.sign(secret)
}

#[cfg(test)]
mod tests {
    use acscall::server::TOKEN_SECRET;
    use acscall::server::token::verify;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn claims(line: &[&str]) -> Claims {
        let options = Line::parse_from([&["token"], line].concat()).options;
        let secret = Secret::new(&[b'x'; 32], TOKEN_SECRET).unwrap();
        let token = make(&options, &secret, 1000);
        verify(&token, "anna", &secret, 1000).unwrap()
    }

    #[test]
    fn by_default_a_token_admits_to_all_calls_for_an_hour() {
        let plain = claims(&["--user", "anna"]);
        assert_eq!(
            (plain.call.as_str(), plain.exp, plain.place),
            ("*", 4600, false)
        );
        let line = ["--user=anna", "--call=tea", "--place", "--expires-in=2d"];
        let other = claims(&line);
        assert_eq!(
            (other.call.as_str(), other.exp, other.place),
            ("tea", 1000 + 172_800, true)
        );
    }

    #[test]
    fn a_token_requires_a_user() {
        for line in [&["token"][..], &["token", "--user="]] {
            assert!(Line::try_parse_from(line).is_err());
        }
    }
}
