//! The HTTP server of the page: the page, `web/`, the SDK's packages, and the way to our server.
//!
//! Everything is on `http://localhost`, which the SDKs take for a safe origin, so that neither the
//! origins that our server allows nor its certificate are Chromium's concern.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::relay::relay;
use crate::command::bridge::calls::Calls;
use crate::command::bridge::random;
use crate::command::bridge::sdk::Sdk;
use acscall::server::web_file;
use acscall::signalling::SUBPROTOCOL;

/// A running server. Dropped, it ends.
pub(in crate::command::bridge) struct PageServer {
    address: SocketAddr,
    key: String,
    task: JoinHandle<()>,
}

struct Shared {
    html: String,
    sdk: Sdk,
    calls: Arc<Calls>,
    /// `localhost:port`.
    host: String,
}

impl PageServer {
    /// Serves a page with this script of `web/`.
    pub(in crate::command::bridge) async fn start(
        script: &str,
        sdk: Sdk,
        calls: Arc<Calls>,
    ) -> io::Result<PageServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let key = random()?;
        let shared = Arc::new(Shared {
            html: html(script, &sdk),
            sdk,
            calls,
            host: format!("localhost:{}", address.port()),
        });
        let router = Router::new()
            .route("/", get(page))
            .route(&format!("/{key}"), any(websocket))
            .fallback(file)
            .layer(middleware::from_fn_with_state(shared.clone(), guard))
            .with_state(shared);
        let task = tokio::spawn(async {
            // It only ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(PageServer { address, key, task })
    }

    pub(in crate::command::bridge) fn url(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    /// What the page takes for our server. Whoever knows it can be any user of the call: it goes
    /// nowhere but to the page.
    pub(in crate::command::bridge) fn calls(&self) -> String {
        format!("ws://localhost:{}/{}", self.address.port(), self.key)
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Nothing but the page, and what makes the SDK's names importable.
fn html(script: &str, sdk: &Sdk) -> String {
    // Nothing in it ends the script early.
    let map = sdk.import_map().to_string().replace('<', "\\u003c");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>acscall bridge</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <script type=\"importmap\">{map}</script>\n\
         <script type=\"module\" src=\"/{script}\"></script>\n"
    )
}

/// Refuses requests that are not this page's own: those of pages elsewhere, also where their name
/// is made to mean this machine.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is = |name, value: &str| headers.get(name).is_some_and(|given| given == value);
    let own = format!("http://{}", shared.host);
    let is_own = !headers.contains_key(header::ORIGIN) || is(header::ORIGIN, &own);
    if !is(header::HOST, &shared.host) || !is_own {
        return (StatusCode::FORBIDDEN, "this is for the bridge alone\n").into_response();
    }
    let mut response = next.run(request).await;
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let policy = HeaderValue::from_static("no-referrer");
    headers.insert(header::REFERRER_POLICY, policy);
    response
}

async fn page(State(shared): State<Arc<Shared>>) -> Html<String> {
    Html(shared.html.clone())
}

async fn file(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let name = uri.path().trim_start_matches('/');
    let found = match name.strip_prefix("sdk/") {
        // The names of packages have no characters that are encoded in URLs.
        Some(path) => shared.sdk.file(path).and_then(|file| {
            let content = std::fs::read(&file).ok()?;
            Some((kind(&file), content.into()))
        }),
        None => web_file(name).map(|file| (file.kind, file.content)),
    };
    match found {
        Some((kind, content)) => {
            let headers: HeaderMap = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))]
                .into_iter()
                .collect();
            (headers, content).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such file\n").into_response(),
    }
}

/// The media type of a package's file.
fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    }
}

async fn websocket(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    // Before the answer: to the page, a server that cannot be reached is one that does not answer.
    match shared.calls.connect().await {
        Ok((sender, receiver)) => upgrade
            .protocols([SUBPROTOCOL])
            .on_upgrade(move |socket| relay(socket, sender, receiver, shared.calls.clone())),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    }
}
