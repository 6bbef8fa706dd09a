//! `acscall token`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use acscall::server::Secret;
use acscall::server::token::Claims;
use clap::Args;

use super::{Result, duration, secret};

/// Make a token: who may be which user in which call, until when.
///
/// The token is a JWT, printed on standard output. Clients present it with the property `token` or
/// the environment's ACSCALL_TOKEN. Whoever has it can be the user until it expires.
#[derive(Args)]
pub(crate) struct Options {
    /// The file with the server's secret; without it, the secret is ACSCALL_SECRET's value.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The user.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    user: String,
    /// The call it opens; * for all.
    #[arg(long, value_name = "NAME", default_value = "*", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    call: String,
    /// The user may place calls.
    #[arg(long)]
    place: bool,
    /// How long it is good: 90s, 15m, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    expires_in: Duration,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let secret = secret::find(options.secret_file.as_deref())?.ok_or(
        "a token needs the server's secret: name its file with --secret-file, or set ACSCALL_SECRET",
    )?;
    #[expect(clippy::disallowed_methods, reason = "the token is made now")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    println!("{}", make(options, &secret, now.as_secs()));
    Ok(())
}

/// The token, made at `now` in seconds since 1970.
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
    fn a_token_opens_all_calls_for_an_hour_unless_told_otherwise() {
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
    fn a_token_without_a_user_is_none() {
        for line in [&["token"][..], &["token", "--user="]] {
            assert!(Line::try_parse_from(line).is_err());
        }
    }
}
