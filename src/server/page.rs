//! The built-in files of `web/`: the page, and the library for other pages.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ring::digest;

/// Name and content of every file of `web/`, listed by `build.rs`. [`kind`] decides which of them
/// are served.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// In debug builds, the directory to serve instead of the built-in files.
const DIRECTORY: &str = "ACSCALL_WEB";

/// The page's content security policy: it may run its own scripts, workers and styles, connect to
/// this server (`'self'` includes WebSockets), and show the media of a call. `blob:` is for objects
/// that the page's own scripts create: pictures, recordings, and workers, which the library starts
/// that way because a worker's file may not come from another origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self' blob:; \
    style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The source of the files.
#[derive(Clone, Debug)]
pub(super) enum Files {
    /// The files built into this program.
    BuiltIn,
    /// A directory, read on each request, so that a changed file needs no build.
    Directory(PathBuf),
}

impl Files {
    /// Returns the built-in files; in a debug build, the directory that the environment names, if
    /// any.
    pub(super) fn of_this_build() -> Files {
        // A release build ignores the environment.
        let directory = if cfg!(debug_assertions) {
            std::env::var_os(DIRECTORY)
        } else {
            None
        };
        match directory {
            Some(directory) => {
                tracing::info!(?directory, "the page is served from a directory");
                Files::Directory(directory.into())
            }
            None => Files::BuiltIn,
        }
    }

    /// Answers with a file.
    ///
    /// Pages of other origins may load them as modules if they may use the server; `guard.rs`
    /// rejects the others before.
    pub(super) fn answer(&self, method: &Method, uri: &Uri, asked: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            return (StatusCode::METHOD_NOT_ALLOWED, "only GET\n").into_response();
        }
        let name = match uri.path() {
            "/" => "index.html",
            path => path.strip_prefix('/').unwrap_or(path),
        };
        let found = kind(name).and_then(|kind| Some((kind, self.read(name)?)));
        let Some((kind, content)) = found else {
            return (StatusCode::NOT_FOUND, "no such page\n").into_response();
        };
        let tag = tag(&content);
        let mut response = match has_tag(asked, &tag) {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => content.into_response(),
        };
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, kind);
        // A newer server has a newer page; browsers revalidate with the tag.
        set(header::CACHE_CONTROL, "no-cache");
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::VARY, "Origin");
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        if let Some(origin) = asked.get(header::ORIGIN) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        response
    }

    fn read(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match self {
            Files::BuiltIn => {
                let at = FILES.binary_search_by_key(&name, |(name, _)| name).ok()?;
                Some(Cow::Borrowed(FILES.get(at)?.1))
            }
            Files::Directory(directory) => {
                // Rejects paths that leave the directory, and hidden files.
                let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
                if !name.split('/').all(is_plain) {
                    return None;
                }
                match std::fs::read(directory.join(name)) {
                    Ok(content) => Some(Cow::Owned(content)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => {
                        tracing::warn!(name, %error, "a file of the page cannot be read");
                        None
                    }
                }
            }
        }
    }
}

/// A file of `web/` as this build serves it.
#[derive(Clone, Debug)]
pub struct WebFile {
    /// Its media type.
    pub kind: &'static str,
    /// Its content.
    pub content: Cow<'static, [u8]>,
}

/// Returns the file of `web/` with this name, such as `acscall/call.js`, for programs that serve
/// their own pages; `None` if it does not exist or is not for browsers.
pub fn web_file(name: &str) -> Option<WebFile> {
    let kind = kind(name)?;
    let content = Files::of_this_build().read(name)?;
    Some(WebFile { kind, content })
}

/// Returns the media type of a file; `None` if it is not for browsers.
fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "png" => Some("image/png"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Returns the entity tag of this content.
fn tag(content: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, content);
    let bytes = hash.as_ref().iter().take(12);
    let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Whether the browser has the content with this tag. A compressing proxy makes the tag weak.
fn has_tag(asked: &HeaderMap, tag: &str) -> bool {
    let lists = asked.get_all(header::IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|item| item.trim().trim_start_matches("W/"))
        .any(|item| item == tag || item == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(files: &Files, path: &'static str, headers: &[(header::HeaderName, &str)]) -> Response {
        let asked = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        files.answer(&Method::GET, &Uri::from_static(path), &asked)
    }

    fn status(files: &Files, path: &'static str) -> StatusCode {
        get(files, path, &[]).status()
    }

    #[test]
    fn every_file_for_browsers_is_served_under_its_name() {
        for (name, content) in FILES {
            assert_eq!(Files::BuiltIn.read(name).as_deref(), Some(*content));
        }
        let below = FILES.iter().filter(|(name, _)| name.starts_with("page/"));
        assert!(below.count() > 0);
        for path in ["/", "/index.html", "/page.js", "/page.css"] {
            assert_eq!(status(&Files::BuiltIn, path), StatusCode::OK, "{path}");
        }
    }

    #[test]
    fn files_that_are_not_for_browsers_are_not_served() {
        assert_eq!(kind("package.json"), None);
        assert_eq!(kind("README.md"), None);
        assert_eq!(kind("LICENSE"), None);
        for path in ["/package.json", "/page", "/page/", "/page.js/", "/no.js"] {
            let status = status(&Files::BuiltIn, path);
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn a_file_in_the_browsers_cache_is_not_sent_again() {
        let first = get(&Files::BuiltIn, "/page.js", &[]);
        let tag = first.headers()[header::ETAG].to_str().unwrap();
        let again = |tags: &str| {
            let asked = [(header::IF_NONE_MATCH, tags)];
            get(&Files::BuiltIn, "/page.js", &asked)
        };
        for tags in [tag, &format!("\"a\", W/{tag}"), "*"] {
            let response = again(tags);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tags}");
            assert_eq!(response.headers()[header::ETAG], tag);
        }
        assert_eq!(again("\"another\"").status(), StatusCode::OK);
        let other = get(&Files::BuiltIn, "/page.css", &[]);
        assert_ne!(other.headers()[header::ETAG], tag);
    }

    #[test]
    fn pages_of_origins_that_may_use_the_server_may_load_modules() {
        let asked = [(header::ORIGIN, "https://page.example")];
        let response = get(&Files::BuiltIn, "/page.js", &asked);
        let headers = response.headers();
        let allowed = &headers[header::ACCESS_CONTROL_ALLOW_ORIGIN];
        assert_eq!(allowed, "https://page.example");
        assert_eq!(headers[header::VARY], "Origin");
        let own = get(&Files::BuiltIn, "/page.js", &[]);
        let allowed = own.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed, None);
    }

    #[test]
    fn no_file_outside_a_directory_and_no_hidden_file_is_served() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let web = Files::Directory(root.join("web"));
        assert_eq!(status(&web, "/"), StatusCode::OK);
        assert_eq!(status(&web, "/no.js"), StatusCode::NOT_FOUND);
        for path in ["//page.js", "/./page.js", "/page/../page.js"] {
            assert_eq!(status(&web, path), StatusCode::NOT_FOUND, "{path}");
        }
        let page = Files::Directory(root.join("web/page"));
        for path in ["/../page.js", "/%2e%2e/page.js"] {
            assert_eq!(status(&page, path), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
