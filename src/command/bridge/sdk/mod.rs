//! Makes the SDK's npm packages importable in a page without a build step.
//!
//! Each package is served below `/sdk/name@version/`. An import map resolves the names in import
//! statements to these files.

mod manifest;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::end::{Failure, Result};
use manifest::Manifest;

const MODULES: &str = "node_modules";

/// The SDK's packages and their dependencies.
pub(super) struct Sdk {
    /// By `name@version`.
    packages: BTreeMap<String, Package>,
    /// The `name@version` of the SDK's own packages.
    roots: Vec<String>,
}

struct Package {
    manifest: Manifest,
    /// Canonical, without symbolic links.
    directory: PathBuf,
    /// The `name@version` of its imports, by name.
    imports: BTreeMap<String, String>,
}

impl Sdk {
    /// Finds the packages of these names in the `node_modules` of `directory`.
    pub(super) fn find(directory: &Path, names: &[&str]) -> Result<Sdk> {
        let mut sdk = Sdk {
            packages: BTreeMap::new(),
            roots: Vec::new(),
        };
        for name in names {
            let found = sdk.add(&directory.join(MODULES).join(name));
            let root = found.ok_or_else(|| missing(directory, name, names))?;
            sdk.roots.push(root);
        }
        Ok(sdk)
    }

    /// Returns name and version of the SDK.
    pub(super) fn name(&self) -> &str {
        self.roots.first().map_or("", String::as_str)
    }

    /// Returns the content of a `<script type="importmap">`.
    pub(super) fn import_map(&self) -> Value {
        let roots = self.roots.iter().map(|id| (id, &self.packages[id]));
        let imports: Map<String, Value> = roots
            .flat_map(|(id, package)| specifiers(&package.manifest.name, id, package))
            .collect();
        let scopes: Map<String, Value> = self
            .packages
            .iter()
            .map(|(id, package)| (url(id, ""), Value::Object(self.scope(package))))
            .collect();
        json!({ "imports": imports, "scopes": scopes })
    }

    /// Returns the import map for the modules of `package`.
    fn scope(&self, package: &Package) -> Map<String, Value> {
        let imports = package.imports.iter();
        imports
            .flat_map(|(name, id)| specifiers(name, id, &self.packages[id]))
            .collect()
    }

    /// Returns the file at `path`, `name@version/…`, or `None` if no package has it.
    pub(super) fn file(&self, path: &str) -> Option<PathBuf> {
        let slashes = if path.starts_with('@') { 1 } else { 0 };
        let (end, _) = path.match_indices('/').nth(slashes)?;
        let package = self.packages.get(&path[..end])?;
        let file = package.directory.join(&path[end + 1..]);
        let file = fs::canonicalize(file).ok()?;
        let inside = file.strip_prefix(&package.directory).ok()?;
        // Nested packages have their own paths.
        let is_own = inside.iter().all(|part| part != MODULES);
        (is_own && file.is_file()).then_some(file)
    }

    /// Adds the package in `directory` and its dependencies. Returns its `name@version`.
    fn add(&mut self, directory: &Path) -> Option<String> {
        let directory = fs::canonicalize(directory).ok()?;
        let manifest = Manifest::parse(&fs::read(directory.join("package.json")).ok()?)?;
        let id = format!("{}@{}", manifest.name, manifest.version);
        if self.packages.contains_key(&id) {
            return Some(id);
        }
        let dependencies = manifest.dependencies.clone();
        let package = Package {
            manifest,
            directory: directory.clone(),
            imports: BTreeMap::new(),
        };
        // Before its dependencies, which may import it.
        self.packages.insert(id.clone(), package);
        for name in dependencies {
            // A missing dependency may not be needed in browsers. If it is, its import fails.
            let mut places = places(&directory).into_iter();
            let found = places.find_map(|place| self.add(&place.join(&name)));
            if let (Some(found), Some(package)) = (found, self.packages.get_mut(&id)) {
                package.imports.insert(name, found);
            }
        }
        Some(id)
    }
}

/// Returns the directories to search for a package's imports, the nearest first: as in Node.js, but
/// not outside the outermost `node_modules`.
fn places(directory: &Path) -> Vec<PathBuf> {
    let around = directory.ancestors().skip(1);
    let around = around.filter(|place| place.file_name().is_some_and(|name| name == MODULES));
    std::iter::once(directory.join(MODULES))
        .chain(around.map(Path::to_owned))
        .collect()
}

/// Returns the import specifiers of a package's modules and their URLs.
fn specifiers<'a>(
    name: &'a str,
    id: &'a str,
    package: &'a Package,
) -> impl Iterator<Item = (String, Value)> {
    let modules = package.manifest.modules.iter();
    modules.map(move |(rest, file)| (format!("{name}{rest}"), json!(url(id, file))))
}

fn url(id: &str, file: &str) -> String {
    format!("/sdk/{id}/{file}")
}

fn missing(directory: &Path, name: &str, names: &[&str]) -> Failure {
    let place = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    Failure::Machine(format!(
        "{name} is not in {place}: install it with `npm install --prefix {prefix} {names}`, or \
         name its directory with --sdk",
        place = place.join(MODULES).display(),
        prefix = directory.display(),
        names = names.join(" "),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary directory, removed on drop.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Directory {
            let name = format!("acscall-{}-{name}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            fs::create_dir(&directory).unwrap();
            Directory(directory)
        }

        fn package(&self, place: &str, version: &str, needs: &[&str]) {
            let directory = self.0.join(place);
            fs::create_dir_all(&directory).unwrap();
            let name = place.rsplit_once("node_modules/").unwrap().1;
            let needs: Map<String, Value> = needs
                .iter()
                .map(|name| ((*name).to_owned(), json!("*")))
                .collect();
            let manifest = json!({
                "name": name, "version": version, "main": "main.js", "dependencies": needs,
            });
            fs::write(directory.join("package.json"), manifest.to_string()).unwrap();
            fs::write(directory.join("main.js"), place).unwrap();
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn each_package_imports_the_version_that_npm_installed_for_it() {
        let directory = Directory::new("sdk");
        directory.package("node_modules/@scope/a", "1.0.0", &["b", "c", "gone"]);
        directory.package("node_modules/@scope/a/node_modules/b", "1.0.0", &["c"]);
        directory.package("node_modules/b", "2.0.0", &["@scope/a"]);
        directory.package("node_modules/c", "3.0.0", &["b"]);
        directory.package("node_modules/unused", "4.0.0", &[]);
        let sdk = Sdk::find(&directory.0, &["@scope/a"]).unwrap();
        assert_eq!(sdk.name(), "@scope/a@1.0.0");
        let map = sdk.import_map();
        assert_eq!(map["imports"]["@scope/a"], "/sdk/@scope/a@1.0.0/main.js");
        assert_eq!(map["imports"].as_object().unwrap().len(), 2);
        let scopes = &map["scopes"];
        assert_eq!(scopes["/sdk/@scope/a@1.0.0/"]["b"], "/sdk/b@1.0.0/main.js");
        assert_eq!(scopes["/sdk/@scope/a@1.0.0/"]["c/"], "/sdk/c@3.0.0/");
        assert_eq!(scopes["/sdk/b@1.0.0/"]["c"], "/sdk/c@3.0.0/main.js");
        assert_eq!(scopes["/sdk/c@3.0.0/"]["b"], "/sdk/b@2.0.0/main.js");
        assert_eq!(
            scopes["/sdk/b@2.0.0/"]["@scope/a"],
            "/sdk/@scope/a@1.0.0/main.js"
        );
        assert_eq!(scopes.as_object().unwrap().len(), 4);

        let read = |path: &str| Some(fs::read_to_string(sdk.file(path)?).unwrap());
        let main = "node_modules/@scope/a/node_modules/b";
        assert_eq!(read("b@1.0.0/main.js").as_deref(), Some(main));
        for none in [
            "@scope/a@1.0.0",
            "@scope/a@1.0.0/",
            "@scope/a@1.0.0/none.js",
            "@scope/a@1.0.0/node_modules/b/main.js",
            "@scope/a@1.0.0/../../c/main.js",
            "b@3.0.0/main.js",
            "unused@4.0.0/main.js",
            "",
            "/etc/passwd",
            "c@3.0.0//etc/passwd",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn links_inside_a_package_do_not_lead_out_of_it() {
        let directory = Directory::new("sdk-links");
        directory.package("store/node_modules/a", "1.0.0", &[]);
        let outside = directory.0.join("outside.js");
        fs::write(&outside, "").unwrap();
        let package = directory.0.join("store/node_modules/a");
        std::os::unix::fs::symlink(&outside, package.join("out.js")).unwrap();
        fs::create_dir(directory.0.join(MODULES)).unwrap();
        std::os::unix::fs::symlink(&package, directory.0.join("node_modules/a")).unwrap();
        let sdk = Sdk::find(&directory.0, &["a"]).unwrap();
        assert!(sdk.file("a@1.0.0/main.js").is_some());
        assert_eq!(sdk.file("a@1.0.0/out.js"), None);
    }

    #[test]
    fn the_error_of_a_missing_sdk_has_the_command_that_installs_it() {
        let error = Sdk::find(Path::new("/nowhere"), &["a", "b"]).err().unwrap();
        let text = error.to_string();
        assert!(
            text.contains("`npm install --prefix /nowhere a b`"),
            "{text}"
        );
        assert!(text.contains("--sdk"), "{text}");
    }
}
