//! The web page, built in.

use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// The page's files: path, type and content. Every file of `web/` has a line here.
const FILES: &[(&str, &str, &str)] = &[
    (
        "index.html",
        "text/html; charset=utf-8",
        include_str!("../../web/index.html"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page.js"),
    ),
    (
        "agent.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/agent.js"),
    ),
    (
        "call.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/call.js"),
    ),
    (
        "leg.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/leg.js"),
    ),
    (
        "participant.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/participant.js"),
    ),
    (
        "placing.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/placing.js"),
    ),
    (
        "signalling.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/signalling.js"),
    ),
    (
        "page/alone.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/alone.js"),
    ),
    (
        "page/devices.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/devices.js"),
    ),
    (
        "page/dom.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/dom.js"),
    ),
    (
        "page/identity.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/identity.js"),
    ),
    (
        "page/incoming.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/incoming.js"),
    ),
    (
        "page/people.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/people.js"),
    ),
    (
        "page/ringer.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/ringer.js"),
    ),
    (
        "page/stage.js",
        "text/javascript; charset=utf-8",
        include_str!("../../web/page/stage.js"),
    ),
    (
        "page.css",
        "text/css; charset=utf-8",
        include_str!("../../web/page.css"),
    ),
    (
        "page/lobby.css",
        "text/css; charset=utf-8",
        include_str!("../../web/page/lobby.css"),
    ),
    (
        "page/stage.css",
        "text/css; charset=utf-8",
        include_str!("../../web/page/stage.css"),
    ),
    (
        "page/dialogs.css",
        "text/css; charset=utf-8",
        include_str!("../../web/page/dialogs.css"),
    ),
    (
        "favicon.svg",
        "image/svg+xml",
        include_str!("../../web/favicon.svg"),
    ),
];

/// What the page may do: run its own scripts and styles, talk to this server (which `'self'` names
/// for WebSockets, too), and show media of a call.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob: mediastream:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers with a file of the page.
pub(super) async fn file(method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, "only GET\n").into_response();
    }
    let path = if uri.path() == "/" {
        "/index.html"
    } else {
        uri.path()
    };
    let Some((_, kind, content)) = FILES.iter().find(|(name, ..)| path[1..] == **name) else {
        return (StatusCode::NOT_FOUND, "no such page\n").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        // A newer server has a newer page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, *content).into_response()
}
