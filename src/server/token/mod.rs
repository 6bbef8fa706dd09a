//! Tokens permit a user to join one call or all calls, for a limited time.
//!
//! A token is a JWT (RFC 7519) signed with HS256, the only accepted algorithm, and the server's
//! secret. Anybody with the secret can make tokens, such as `acscall token` or a web application.
//! The server stores none.
//!
//! | claim | |
//! |---|---|
//! | `sub` | the user, as in `hello` |
//! | `call` | the name of the call that the user may join, or `*` for all |
//! | `exp` | the expiry, in seconds since 1970; required |
//! | `nbf` | the start of the validity |
//! | `place` | `true` if the user may place calls |
//!
//! A token with `aud` is for another audience (RFC 7519) and is refused. Other claims are ignored.
//!
//! The server checks a token on `hello`. A participant stays in its call when its token expires,
//! but needs a valid token to reconnect.

mod hmac;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::signalling::message::ErrorCode;
use crate::signalling::room::CallScope;

/// The tolerated difference between the clocks of issuer and server, in seconds.
const LEEWAY: u64 = 30;

/// The claims of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    /// The call's name, or `*`.
    pub call: String,
    /// The expiry, in seconds since 1970.
    pub exp: u64,
    /// The start of the validity, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Whether the user may place calls.
    #[serde(default)]
    pub place: bool,
}

/// Why a token is refused. The text names the cause and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// The token is missing.
    #[error(
        "this server requires a token: get one from whoever runs it (`acscall token` makes them) \
         and give it to the page, or to the elements as the property `token` or in the \
         environment variable ACSCALL_TOKEN"
    )]
    Missing,
    /// It is malformed.
    #[error("the token cannot be read: {0}; it has to be a JWT as `acscall token` makes it")]
    Malformed(&'static str),
    /// It is signed with another algorithm.
    #[error(
        "the token is signed with {0:?}, but this server accepts only HS256: sign it \
         with HS256 and the server's secret"
    )]
    Algorithm(String),
    /// It is signed with another secret.
    #[error(
        "the token is not signed with this server's secret: get one that is made with the secret \
         the server was started with"
    )]
    Signature,
    /// It has expired.
    #[error("the token expired {0} s ago: get a new one, or set the clocks right")]
    Expired(u64),
    /// It is not valid yet.
    #[error("the token is not valid for another {0} s: wait, or set the clocks right")]
    NotYetValid(u64),
    /// It belongs to another user.
    #[error("the token is that of the user {0:?}: be that user, or get a token of your own")]
    OtherUser(String),
}

impl BadToken {
    /// Returns the error code.
    pub fn code(&self) -> ErrorCode {
        match self {
            BadToken::Missing => ErrorCode::TokenRequired,
            BadToken::Malformed(_) => ErrorCode::TokenMalformed,
            BadToken::Algorithm(_) => ErrorCode::TokenAlgorithm,
            BadToken::Signature => ErrorCode::TokenSignature,
            BadToken::Expired(_) => ErrorCode::TokenExpired,
            BadToken::NotYetValid(_) => ErrorCode::TokenNotYetValid,
            BadToken::OtherUser(_) => ErrorCode::TokenUser,
        }
    }
}

impl Claims {
    /// Signs a token with these claims.
    pub fn sign(&self, secret: &Secret) -> String {
        hmac::install();
        let key = EncodingKey::from_secret(secret.bytes());
        encode(&Header::new(Algorithm::HS256), self, &key)
            .expect("strings and numbers can be written, and HMAC takes every key")
    }

    /// Returns the calls that the user may join.
    pub fn calls(&self) -> CallScope {
        match self.call.as_str() {
            "*" => CallScope::Any,
            name => CallScope::Only(name.to_owned()),
        }
    }
}

/// Verifies a token for `user`, at `now` in seconds since 1970, and returns its claims.
///
/// # Errors
/// [`BadToken`] names the cause and the remedy.
pub fn verify(token: &str, user: &str, secret: &Secret, now: u64) -> Result<Claims, BadToken> {
    hmac::install();
    let header = decode_header(token)
        .map_err(|error| unreadable(&error, token, "it has no header that names HS256"))?;
    if header.crit.is_some() {
        // RFC 7515: unknown critical extensions make a token invalid.
        return Err(BadToken::Malformed("it has critical extensions"));
    }
    let mut validation = Validation::new(Algorithm::HS256);
    // They would use the system clock instead of `now`.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let key = DecodingKey::from_secret(secret.bytes());
    let wanted = "the claims sub and call (text) and exp (a whole number) are required, nbf is one, \
                  too, and place true or false";
    let claims = decode::<Claims>(token, &key, &validation)
        .map_err(|error| unreadable(&error, token, wanted))?
        .claims;
    let end = claims.exp.saturating_add(LEEWAY);
    let begin = claims.nbf.unwrap_or(0).saturating_sub(LEEWAY);
    if now >= end {
        Err(BadToken::Expired(now - claims.exp))
    } else if now < begin {
        Err(BadToken::NotYetValid(begin - now))
    } else if claims.sub != user {
        Err(BadToken::OtherUser(claims.sub))
    } else {
        Ok(claims)
    }
}

/// Converts an error of jsonwebtoken; `wanted` describes the expected JSON.
fn unreadable(error: &Error, token: &str, wanted: &'static str) -> BadToken {
    let other = algorithm(token).filter(|name| name != "HS256");
    match (error.kind(), other) {
        (ErrorKind::InvalidSignature, _) => BadToken::Signature,
        (ErrorKind::Json(_) | ErrorKind::InvalidAlgorithm, Some(name)) => {
            BadToken::Algorithm(name.chars().take(16).collect())
        }
        (ErrorKind::InvalidToken, _) => BadToken::Malformed("it does not have three parts"),
        (ErrorKind::Base64(_), _) => {
            BadToken::Malformed("a part of it is not base64url without padding")
        }
        (ErrorKind::InvalidAudience, _) => {
            BadToken::Malformed("it is for an audience (aud) that is not this server")
        }
        _ => BadToken::Malformed(wanted),
    }
}

/// Returns the algorithm in a token's header. jsonwebtoken reads only headers with algorithms that
/// it knows.
fn algorithm(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        alg: String,
    }
    let header = BASE64.decode(token.split('.').next()?).ok()?;
    let named: Named = serde_json::from_slice(&header).ok()?;
    Some(named.alg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::TOKEN_SECRET;

    const NOW: u64 = 1_800_000_000;

    fn secret(byte: u8) -> Secret {
        Secret::new(&[byte; 32], TOKEN_SECRET).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            sub: "anna".into(),
            call: "tea".into(),
            exp: NOW + 60,
            nbf: None,
            place: false,
        }
    }

    fn read(token: &str) -> Result<Claims, BadToken> {
        verify(token, "anna", &secret(1), NOW)
    }

    /// Signs a token as another implementation could.
    fn sign(header: &str, claims: &str, secret: &Secret) -> String {
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = ring::hmac::sign(&secret.key(ring::hmac::HMAC_SHA256), signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }

    fn code(token: &str) -> ErrorCode {
        read(token).expect_err(token).code()
    }

    #[test]
    fn the_example_of_rfc_7515_is_read_as_signed_with_its_key() {
        let key = BASE64
            .decode(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            )
            .unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let secret = Secret::new(&key, TOKEN_SECRET).unwrap();
        // The signature is valid, but the claims `sub` and `call` are missing.
        let error = verify(token, "joe", &secret, 1_300_000_000).unwrap_err();
        assert!(
            matches!(&error, BadToken::Malformed(text) if text.contains("sub")),
            "{error}"
        );
    }

    #[test]
    fn a_token_signed_by_node_is_accepted() {
        // createHmac("sha256", Buffer.alloc(32, 1)), over a header with `kid` and claims with
        // `iss` and `iat`, as web applications write them.
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.\
                     eyJpc3MiOiJodHRwczovL3d3dy5leGFtcGxlLm9yZyIsImlhdCI6MTc5OTk5OTAwMCwic3ViIjoiYW5uYSIsImNhbGwiOiJ0ZWEiLCJuYmYiOjE3OTk5OTkwMDAsImV4cCI6MTgwMDAwMDA2MCwicGxhY2UiOnRydWV9.\
                     gVb93iYzV3VQxmzd-dUmbspyhSj3DCe7_as6d8pmwok";
        let written = Claims {
            nbf: Some(1_799_999_000),
            place: true,
            ..claims()
        };
        assert_eq!(read(token), Ok(written));
    }

    #[test]
    fn a_verified_token_returns_the_signed_claims() {
        let token = claims().sign(&secret(1));
        assert_eq!(read(&token), Ok(claims()));
        assert_eq!(claims().calls(), CallScope::Only("tea".into()));
        let all = Claims {
            call: "*".into(),
            place: true,
            ..claims()
        };
        let read = read(&all.sign(&secret(1))).unwrap();
        assert_eq!((read.calls(), read.place), (CallScope::Any, true));
    }

    #[test]
    fn another_algorithm_or_none_is_refused() {
        let body = BASE64.encode(serde_json::to_string(&claims()).unwrap());
        for alg in ["none", "None", "RS256", "HS512", "ES256", "hs256", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            // Unsigned, and signed with the right secret.
            let unsigned = format!("{}.{body}.", BASE64.encode(&header));
            assert_eq!(code(&unsigned), ErrorCode::TokenAlgorithm, "{alg}");
            let claims = serde_json::to_string(&claims()).unwrap();
            let signed = sign(&header, &claims, &secret(1));
            assert_eq!(code(&signed), ErrorCode::TokenAlgorithm, "{alg}");
        }
        let text = BadToken::Algorithm("none".into()).to_string();
        assert!(text.contains("HS256"), "{text}");
    }

    #[test]
    fn a_changed_token_and_one_of_another_secret_are_refused() {
        let token = claims().sign(&secret(1));
        assert_eq!(code(&claims().sign(&secret(2))), ErrorCode::TokenSignature);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(code(&format!("{signed}.")), ErrorCode::TokenSignature);
        let (header, _) = signed.split_once('.').unwrap();
        let better = Claims {
            call: "*".into(),
            ..claims()
        };
        let better = BASE64.encode(serde_json::to_string(&better).unwrap());
        let changed = format!("{header}.{better}.{signature}");
        assert_eq!(code(&changed), ErrorCode::TokenSignature);
    }

    #[test]
    fn invalid_tokens_are_malformed() {
        let token = claims().sign(&secret(1));
        let mut bad = vec![
            String::new(),
            "x".into(),
            "..".into(),
            "a.b.c.d".into(),
            format!("{token}.x"),
            format!("{token}="),
            format!(" {token}"),
        ];
        let with = |header: &str, claims: &str| sign(header, claims, &secret(1));
        bad.push(with("{}", "{}"));
        bad.push(with("[", "{}"));
        let critical = r#"{"alg":"HS256","crit":["exp"]}"#;
        bad.push(with(critical, &serde_json::to_string(&claims()).unwrap()));
        for claims in [
            "",
            "{}",
            r#"{"sub":"anna","call":"tea"}"#,
            r#"{"sub":"anna","exp":1800000060}"#,
            r#"{"call":"tea","exp":1800000060}"#,
            r#"{"sub":"anna","call":"tea","exp":"never"}"#,
            r#"{"sub":"anna","call":"tea","exp":-1}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060.5}"#,
            r#"{"sub":7,"call":"tea","exp":1800000060}"#,
            r#"{"sub":"anna","call":["tea"],"exp":1800000060}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"exp":1900000000}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"aud":"others"}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"nbf":-1}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"nbf":true}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"nbf":"later"}"#,
            r#"{"sub":"anna","call":"tea","exp":1800000060,"place":"yes"}"#,
        ] {
            bad.push(with(r#"{"alg":"HS256"}"#, claims));
        }
        for token in bad {
            assert_eq!(code(&token), ErrorCode::TokenMalformed, "{token}");
        }
    }

    #[test]
    fn clocks_may_differ_by_30_seconds() {
        let at = |exp: u64, nbf: Option<u64>| {
            let claims = Claims {
                exp,
                nbf,
                ..claims()
            };
            read(&claims.sign(&secret(1))).map_err(|error| error.code())
        };
        at(NOW - 29, None).unwrap();
        assert_eq!(at(NOW - 30, None), Err(ErrorCode::TokenExpired));
        assert_eq!(at(0, None), Err(ErrorCode::TokenExpired));
        at(u64::MAX, Some(0)).unwrap();
        at(NOW + 99, Some(NOW + 30)).unwrap();
        assert_eq!(
            at(NOW + 99, Some(NOW + 31)),
            Err(ErrorCode::TokenNotYetValid)
        );
        assert_eq!(
            at(u64::MAX, Some(u64::MAX)),
            Err(ErrorCode::TokenNotYetValid)
        );
    }

    #[test]
    fn a_token_admits_only_its_own_user() {
        let token = claims().sign(&secret(1));
        let error = verify(&token, "Anna", &secret(1), NOW).unwrap_err();
        assert_eq!(error, BadToken::OtherUser("anna".into()));
        assert_eq!(error.code(), ErrorCode::TokenUser);
    }
}
