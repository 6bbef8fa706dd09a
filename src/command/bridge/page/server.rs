//! The HTTP server of the page. It serves the page, `web/` and the SDK's packages, and relays
//! connections to our server.
//!
//! Everything is on `http://localhost`, which the SDKs accept as a secure origin. So our server needs
//! no extra origin, and Chromium never sees its certificate.

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

/// A running server. It ends on drop.
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
    /// Starts a server for a page with this script of `web/`.
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
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(PageServer { address, key, task })
    }

    pub(in crate::command::bridge) fn url(&self) -> String {
        format!("http://localhost:{}/", self.address.port())
    }

    /// Returns the address that the page uses as our server. It lets its holder join as any user, so
    /// it goes only to the page.
    pub(in crate::command::bridge) fn calls(&self) -> String {
        format!("ws://localhost:{}/{}", self.address.port(), self.key)
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the page: an import map for the SDK, and the script.
fn html(script: &str, sdk: &Sdk) -> String {
    // The map must not end the script element early.
    let map = sdk.import_map().to_string().replace('<', "\\u003c");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>acscall bridge</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <script type=\"importmap\">{map}</script>\n\
         <script type=\"module\" src=\"/{script}\"></script>\n"
    )
}

/// Refuses requests of other pages, including those whose host name was made to resolve to this
/// machine (DNS rebinding).
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is = |name, expected: &str| headers.get(name).is_some_and(|value| value == expected);
    let own = format!("http://{}", shared.host);
    let is_own = !headers.contains_key(header::ORIGIN) || is(header::ORIGIN, &own);
    if !is(header::HOST, &shared.host) || !is_own {
        return (
            StatusCode::FORBIDDEN,
            "only the bridge may use this server\n",
        )
            .into_response();
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
        // Package names contain no characters that URLs encode.
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

/// Returns the media type of a package's file.
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
    // Connect before answering, so that an unreachable server fails the page's connection.
    match shared.calls.connect().await {
        Ok((sender, receiver)) => upgrade
            .protocols([SUBPROTOCOL])
            .on_upgrade(move |socket| relay(socket, sender, receiver, shared.calls.clone())),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    }
}
