//! Input outside of messages: `Host`, `Origin`, `X-Forwarded-For`, the address of a server, tokens.

use acscall::fuzzing::server::{client, is_host, is_origin, permit};
use acscall::server::token::{BadToken, Claims, verify};
use acscall::server::{Config, Secret, TOKEN_SECRET};
use acscall::signalling::client::ServerUrl;
use arbitrary::{Arbitrary, Unstructured};

#[derive(Debug, Arbitrary)]
enum Case<'a> {
    Headers(Headers<'a>),
    Forwarded(Vec<Vec<u8>>),
    Name(&'a str),
    Address(&'a str),
    Token {
        token: &'a str,
        user: &'a str,
        now: u64,
    },
    Signed(Signed),
}

#[derive(Debug, Arbitrary)]
struct Headers<'a> {
    hosts: Vec<Vec<u8>>,
    origins: Vec<Vec<u8>>,
    authority: Option<&'a str>,
    is_behind_proxy: bool,
    host: Option<&'a str>,
    origin: Option<&'a str>,
}

#[derive(Debug, Arbitrary)]
struct Signed {
    user: String,
    call: String,
    exp: u64,
    nbf: Option<u64>,
    place: bool,
    now: u64,
    at: usize,
    other: u8,
}

/// See the module.
pub fn check(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    match case {
        Case::Headers(headers) => check_headers(&headers),
        Case::Forwarded(values) => {
            let _address_or_reason = client(&values);
        }
        Case::Name(text) => check_name(text),
        Case::Address(text) => check_address(text),
        Case::Token { token, user, now } => {
            assert!(verify(token, user, &secret(1), now).is_err(), "{token}");
        }
        Case::Signed(signed) => check_token(&signed),
    }
}

/// A permitted request names this server unambiguously.
fn check_headers(headers: &Headers<'_>) {
    let mut config = Config::default();
    config.behind_proxy = headers.is_behind_proxy;
    config
        .hosts
        .extend(headers.host.filter(|host| is_host(host)).map(str::to_owned));
    config.origins.extend(
        headers
            .origin
            .filter(|origin| is_origin(origin))
            .map(str::to_owned),
    );
    if permit(&config, &headers.hosts, &headers.origins, headers.authority).is_err() {
        return;
    }
    // A permitted request names a host.
    let host = first(&headers.hosts).expect("a Host is text");
    let host = host.trim();
    let is_own = |known: &String| {
        let rest = host
            .get(known.len()..)
            .map(|rest| rest.trim_start_matches(':'));
        let is_named = host
            .get(..known.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(known));
        is_named && rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    assert!(config.hosts.iter().any(is_own), "{host}");
    let Some(origin) = first(&headers.origins) else {
        return;
    };
    let origin = origin.trim();
    let own = [format!("http://{host}"), format!("https://{host}")];
    let is_one = own
        .iter()
        .chain(&config.origins)
        .any(|good| good.eq_ignore_ascii_case(origin));
    assert!(is_one, "{origin} at {host}");
}

/// Returns the first of four values that is a valid header value.
fn first(values: &[Vec<u8>]) -> Option<&str> {
    let is_value = |value: &&Vec<u8>| {
        let mut bytes = value.iter();
        bytes.all(|byte| *byte == b'\t' || !byte.is_ascii_control())
    };
    let value = values.iter().take(4).find(is_value)?;
    Some(std::str::from_utf8(value).expect("a permitted request has text"))
}

fn check_name(text: &str) {
    if is_host(text) {
        assert!(is_origin(&format!("https://{text}:443")), "{text}");
        assert!(!text.contains(['/', '@', ' ', '*']), "{text}");
    }
    if is_origin(text) {
        let authority = text.split_once("://").map(|(_, authority)| authority);
        assert!(
            !authority.is_none_or(|authority| authority.contains('/')),
            "{text}"
        );
    }
}

/// The text form of a parsed address parses to the same address.
fn check_address(text: &str) {
    match ServerUrl::parse(text) {
        Ok(url) => {
            assert_eq!(
                ServerUrl::parse(&url.to_string()).as_ref(),
                Ok(&url),
                "{text}"
            );
            if let Some(address) = url.loopback_addr() {
                assert!(address.ip().is_loopback() && address.port() != 0, "{text}");
            }
        }
        Err(error) => assert!(error.to_string().len() < 2000, "{text}"),
    }
}

/// A token is valid only for its user, in its time, with its secret, and unchanged.
fn check_token(signed: &Signed) {
    let claims = Claims {
        sub: signed.user.clone(),
        call: signed.call.clone(),
        exp: signed.exp,
        nbf: signed.nbf,
        place: signed.place,
    };
    let token = claims.sign(&secret(1));
    let (user, now) = (&signed.user, signed.now);
    match verify(&token, user, &secret(1), now) {
        Ok(read) => {
            assert_eq!(read, claims);
            assert!(now < signed.exp.saturating_add(60));
        }
        Err(BadToken::Expired(_)) => assert!(now >= signed.exp),
        Err(BadToken::NotYetValid(_)) => assert!(now < signed.nbf.expect("there is a time")),
        Err(error) => panic!("{error}"),
    }
    assert!(verify(&token, user, &secret(2), now).is_err());
    assert!(verify(&token, &format!("{user}x"), &secret(1), now).is_err());
    let mut changed = token.clone().into_bytes();
    let at = signed.at % changed.len();
    changed[at] = signed.other;
    if let Ok(changed) = String::from_utf8(changed)
        && changed != token
    {
        assert!(
            verify(&changed, user, &secret(1), now).is_err(),
            "{changed}"
        );
    }
}

fn secret(byte: u8) -> Secret {
    Secret::new(&[byte; TOKEN_SECRET], TOKEN_SECRET).expect("it is long enough")
}
