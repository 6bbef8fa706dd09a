//! Makes sure that the machine has what the commands need.
//!
//! What is needed is looked for as such (a program, a header, an element), not as a package, so
//! that whatever way it came is good. On Debian and Ubuntu the packages of what is missing are
//! installed; elsewhere what is missing is named.

mod requirements;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{self, find, probe};
use requirements::{ALL, Machine, Requirement, SERVICES};
pub(crate) use requirements::{CHROMIUM, FIREFOX};

/// What the machine is to be made ready for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building and running the elements and the demo.
    Run,
    /// The tests as well.
    Test,
    /// The checks of contributors as well as those.
    Check,
    /// Fetching what the demo's sample caller plays.
    Media,
    /// Letting networks, machines and parties of calls fail.
    Faults,
    /// Wearing calls out.
    Soak,
}

impl Purpose {
    /// Whether it needs all that `other` does.
    fn includes(self, other: Purpose) -> bool {
        other == Purpose::Run || other == self || (self == Purpose::Check && other == Purpose::Test)
    }
}

/// Installs what is missing, after saying what and why. Costs well under a second where
/// everything is there.
///
/// # Errors
/// If something is missing that cannot be installed here.
pub(crate) fn prepare(purpose: Purpose) -> Result<()> {
    if purpose == Purpose::Check {
        add_rust_components()?;
    }
    let missing = missing(purpose);
    if missing.is_empty() {
        return Ok(());
    }
    command::headline("What this machine lacks");
    for requirement in &missing {
        println!("  {}: {}", requirement.what, requirement.why);
    }
    let packages = packages(&missing);
    let list = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if find("apt-get").is_none() {
        bail!(
            "please install the above and run this again; on Debian and Ubuntu the packages \
             are: {list}"
        );
    }
    install(&packages, &list)?;

    let still: Vec<_> = self::missing(purpose)
        .iter()
        .map(|requirement| requirement.what)
        .collect();
    if !still.is_empty() {
        bail!(
            "after the installation there is still no {}: this system's packages are older than \
             Debian 12's or Ubuntu 24.04's",
            still.join(", no ")
        );
    }
    Ok(())
}

/// A minimal Rust has neither; the checks use them.
fn add_rust_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if probe(Command::new("cargo").args([subcommand, "--version"])).is_none() {
            println!("Adding Rust's component {component}, which the checks use");
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
            // Ubuntu's packages of these names bring the browsers as snaps.
            "chromium" if ubuntu => "chromium-browser",
            "firefox-esr" if ubuntu => "firefox",
            package => package,
        })
        .collect()
}

fn install(packages: &BTreeSet<&'static str>, list: &str) -> Result<()> {
    let root = probe(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    if !root && find("sudo").is_none() {
        bail!("please run this as root, and then this command again: apt-get install {list}");
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
    // One source of packages that cannot be reached need not be the one that is needed.
    if let Err(error) = command::run(apt_get().arg("update")) {
        println!("Going on with the lists that are here: {error}");
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

/// The services of the packages that are about to be installed, where systemd runs them. The tests
/// start the programs themselves; the machine is not to serve anybody because of them.
struct Services {
    names: Vec<&'static str>,
    root: bool,
}

impl Services {
    fn of(packages: &BTreeSet<&'static str>, root: bool) -> Services {
        let runs_systemd = Path::new("/run/systemd/system").is_dir();
        let services = SERVICES.iter().filter(|(package, _)| {
            // One that is there already is somebody's.
            runs_systemd && packages.contains(package)
        });
        let names = services.map(|(_, service)| *service).collect();
        Services { names, root }
    }

    /// Keeps them from being started by their installation.
    fn hold(&self) -> Result<()> {
        self.control(&[&["mask", "--runtime"]])
    }

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
