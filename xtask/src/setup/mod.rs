//! Makes sure that the machine has what the commands need.
//!
//! Requirements are programs, headers or elements, not packages, so it does not matter how they were
//! installed. On Debian and Ubuntu the packages of missing requirements are installed; elsewhere
//! the requirements are listed.

mod requirements;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{self, find, probe};
use requirements::{ALL, Machine, Requirement, SERVICES};
pub(crate) use requirements::{CHROMIUM, FIREFOX};

/// What the requirements are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building and running the elements and the demo.
    Run,
    /// Also the tests.
    Test,
    /// Also the checks for contributors.
    Check,
    /// Downloading the media of the demo's sample caller.
    Media,
    /// Making networks, machines and participants of calls fail.
    Faults,
    /// Long calls in which participants come and go.
    Soak,
}

impl Purpose {
    /// Whether all requirements for `other` are requirements for this.
    fn includes(self, other: Purpose) -> bool {
        other == Purpose::Run || other == self || (self == Purpose::Check && other == Purpose::Test)
    }
}

/// Lists the missing requirements and installs them. Takes well under a second if nothing is
/// missing.
///
/// # Errors
/// A missing requirement cannot be installed here.
pub(crate) fn prepare(purpose: Purpose) -> Result<()> {
    if purpose == Purpose::Check {
        add_rust_components()?;
    }
    let missing = missing(purpose);
    if missing.is_empty() {
        return Ok(());
    }
    command::headline("Missing on this machine");
    for requirement in &missing {
        println!("  {}: {}", requirement.what, requirement.why);
    }
    let packages = packages(&missing);
    let list = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if find("apt-get").is_none() {
        bail!("install the above and run this again; packages on Debian and Ubuntu: {list}");
    }
    install(&packages, &list)?;

    let still: Vec<_> = self::missing(purpose)
        .iter()
        .map(|requirement| requirement.what)
        .collect();
    if !still.is_empty() {
        bail!(
            "still missing after the installation: {}; this system's packages are older than \
             Debian 12's or Ubuntu 24.04's",
            still.join(", ")
        );
    }
    Ok(())
}

/// Adds the components that the checks use; a minimal Rust has neither.
fn add_rust_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if probe(Command::new("cargo").args([subcommand, "--version"])).is_none() {
            println!("Adding Rust's component {component}");
            command::run(Command::new("rustup").args(["component", "add", component]))?;
        }
    }
    Ok(())
}

fn missing(purpose: Purpose) -> Vec<&'static Requirement> {
    let machine = Machine::new();
    ALL.iter()
        .filter(|requirement| purpose.includes(requirement.purpose))
        .filter(|requirement| !requirement.found.on(&machine))
        .collect()
}

fn packages(missing: &[&'static Requirement]) -> BTreeSet<&'static str> {
    let ubuntu = fs::read_to_string("/etc/os-release")
        .is_ok_and(|release| release.lines().any(|line| line == "ID=ubuntu"));
    missing
        .iter()
        .flat_map(|requirement| requirement.packages.iter().copied())
        .map(|package| match package {
            // Ubuntu's packages with these names install the browsers as snaps.
            "chromium" if ubuntu => "chromium-browser",
            "firefox-esr" if ubuntu => "firefox",
            package => package,
        })
        .collect()
}

fn install(packages: &BTreeSet<&'static str>, list: &str) -> Result<()> {
    let root = probe(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if !root && find("sudo").is_none() {
        bail!("run `apt-get install {list}` as root, then this command again");
    }
    let apt_get = || {
        let mut command = if root {
            Command::new("env")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.arg("env");
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        command
    };
    command::headline(&format!("Installing {list}"));
    // An unreachable package source may not be needed.
    if let Err(error) = command::run(apt_get().arg("update")) {
        println!("Continuing with the existing package lists: {error}");
    }
    let services = Services::of(packages, root);
    services.hold()?;
    let installed = command::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    );
    services.turn_off()?;
    installed
}

/// The services of the packages that are about to be installed, if systemd runs. They are disabled:
/// the tests start the programs themselves.
struct Services {
    names: Vec<&'static str>,
    root: bool,
}

impl Services {
    fn of(packages: &BTreeSet<&'static str>, root: bool) -> Services {
        let runs_systemd = Path::new("/run/systemd/system").is_dir();
        let services = SERVICES.iter().filter(|(package, _)| {
            // A service that is installed already is left alone.
            runs_systemd && packages.contains(package)
        });
        let names = services.map(|(_, service)| *service).collect();
        Services { names, root }
    }

    /// Prevents the installation from starting the services.
    fn hold(&self) -> Result<()> {
        self.control(&[&["mask", "--runtime"]])
    }

    /// Disables the services.
    fn turn_off(&self) -> Result<()> {
        self.control(&[&["unmask", "--runtime"], &["disable"]])
    }

    fn control(&self, actions: &[&[&str]]) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        for action in actions {
            let mut command = if self.root {
                Command::new("systemctl")
            } else {
                let mut sudo = Command::new("sudo");
                sudo.arg("systemctl");
                sudo
            };
            command::run(command.arg("--quiet").args(*action).args(&self.names))?;
        }
        Ok(())
    }
}
