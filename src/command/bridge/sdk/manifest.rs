//! The browser modules of a package, from its `package.json`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The conditions of `exports` that apply, the preferred first. Packages use the same order.
const CONDITIONS: [&str; 4] = ["browser", "import", "module", "default"];

/// The parts of a `package.json` that a browser needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    /// Maps the part of an import after the package's name (`""`, `"/internal/util"`) to a file. If
    /// both end with `/`, they are prefixes.
    pub(super) modules: BTreeMap<String, String>,
    /// The packages that it may import.
    pub(super) dependencies: Vec<String>,
}

impl Manifest {
    /// Parses a `package.json`. Returns `None` if it names no package.
    pub(super) fn parse(json: &[u8]) -> Option<Manifest> {
        let value: Map<String, Value> = serde_json::from_slice(json).ok()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let keys = |name: &str| {
            let object = value.get(name).and_then(Value::as_object);
            object.into_iter().flat_map(Map::keys).cloned()
        };
        let modules = match value.get("exports") {
            Some(exports) => exported(exports),
            None => {
                // `browser` may also be a table of replacements, which none of these SDKs has.
                let main = ["browser", "module", "main"].into_iter().find_map(text);
                let main = path(main.unwrap_or("index.js"));
                BTreeMap::from([(String::new(), main), ("/".to_owned(), String::new())])
            }
        };
        Some(Manifest {
            name: text("name")?.to_owned(),
            version: text("version")?.to_owned(),
            modules,
            dependencies: keys("dependencies")
                .chain(keys("peerDependencies"))
                .collect(),
        })
    }
}

/// Parses `exports`: one target, or targets by subpath.
fn exported(exports: &Value) -> BTreeMap<String, String> {
    let by_path = match exports {
        Value::Object(table) if table.keys().any(|key| key.starts_with('.')) => table,
        one => {
            let one = target(one).map(|file| (String::new(), path(file)));
            return one.into_iter().collect();
        }
    };
    by_path
        .iter()
        .filter_map(|(key, value)| {
            let key = key.strip_prefix('.')?;
            let file = target(value)?;
            match (key.strip_suffix('*'), file.strip_suffix('*')) {
                // In import maps both end with `/`.
                (Some(key), Some(file)) if key.ends_with('/') && file.ends_with('/') => {
                    Some((key.to_owned(), path(file)))
                }
                (None, None) if !key.contains('*') => Some((key.to_owned(), path(file))),
                _ => None,
            }
        })
        .collect()
}

/// Returns the file of a target: a string, the first of a list, or that of the first condition.
fn target(value: &Value) -> Option<&str> {
    match value {
        Value::String(file) => Some(file),
        Value::Array(list) => list.iter().find_map(target),
        Value::Object(table) => CONDITIONS
            .iter()
            .find_map(|condition| target(table.get(*condition)?)),
        _ => None,
    }
}

/// Returns a path relative to the package's directory.
fn path(file: &str) -> String {
    file.trim_start_matches("./").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(rest: &str) -> Vec<(String, String)> {
        let json = format!(r#"{{"name": "a", "version": "1.2.3", {rest}}}"#);
        let manifest = Manifest::parse(json.as_bytes()).unwrap();
        manifest.modules.into_iter().collect()
    }

    fn one(name: &str, file: &str) -> (String, String) {
        (name.to_owned(), file.to_owned())
    }

    #[test]
    fn without_exports_the_browser_module_is_preferred_and_every_file_can_be_imported() {
        let rest = r#""main": "./a.cjs", "module": "./a.mjs", "browser": "./a.browser.js""#;
        let all = [one("", "a.browser.js"), one("/", "")];
        assert_eq!(modules(rest), all);
        assert_eq!(
            modules(r#""main": "a.cjs", "module": "a.mjs""#)[0],
            one("", "a.mjs")
        );
        assert_eq!(modules(r#""license": "MIT""#)[0], one("", "index.js"));
    }

    #[test]
    fn the_browser_condition_is_preferred() {
        let rest = r#""exports": {
            "./package.json": "./package.json",
            ".": {
                "browser": {"types": "./b.d.ts", "default": "./b.js"},
                "import": {"types": "./i.d.ts", "default": "./i.js"},
                "require": "./r.cjs"
            },
            "./util": {"import": {"node": "./n.js", "default": "./u.js"}},
            "./node": {"node": "./n.js"},
            "./files/*": "./dist/*",
            "./*.js": "./dist/*.js"
        }"#;
        let all = [
            one("", "b.js"),
            one("/files/", "dist/"),
            one("/package.json", "package.json"),
            one("/util", "u.js"),
        ];
        assert_eq!(modules(rest), all);
    }

    #[test]
    fn exports_may_be_one_target() {
        for exports in [
            r#""./a.js""#,
            r#"{"import": "./a.js", "require": "./a.cjs"}"#,
            r#"[{"node": "./n.js"}, "./a.js"]"#,
        ] {
            assert_eq!(
                modules(&format!(r#""exports": {exports}"#)),
                [one("", "a.js")]
            );
        }
    }

    #[test]
    fn an_invalid_manifest_is_none() {
        for json in ["", "[]", "{}", r#"{"name": "a"}"#] {
            assert_eq!(Manifest::parse(json.as_bytes()), None, "{json}");
        }
    }
}
