//! The networks, the link between them, and the server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The namespaces, and the last bytes of their addresses.
pub(crate) const PLACES: [(&str, u8); 3] = [("server", 1), ("sender", 2), ("receiver", 3)];
/// The name of the call.
pub(crate) const CALL: &str = "faults";
const PORT: u16 = 7788;

/// See the module. Everything disappears with the namespaces around it.
pub(crate) struct World {
    directory: PathBuf,
    link: Child,
    answers: BufReader<ChildStdout>,
}

impl World {
    /// Creates three networks, connected by perfect lines.
    pub(crate) fn new() -> Result<World> {
        let directory = PathBuf::from("/run/acscall-faults");
        std::fs::create_dir_all(&directory)?;
        for (place, _) in PLACES {
            ip(&["netns", "add", place])?;
            ip(&["-n", place, "link", "set", "lo", "up"])?;
        }
        let mut link = Command::new(program("link")?)
            .args(PLACES.map(|(place, _)| place))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(link.stdout.take().context("its output is piped")?);
        let mut world = World {
            directory,
            link,
            answers,
        };
        world.answer()?;
        for (place, byte) in PLACES {
            // Without IPv6, so that each interface has one address.
            ip(&["-n", place, "link", "set", "link0", "addrgenmode", "none"])?;
            ip(&["-n", place, "link", "set", "link0", "up"])?;
            world.address("add", place, byte)?;
        }
        world.make_credentials()?;
        Ok(world)
    }

    /// Adds (`add`) an address to the interface of a namespace, or removes (`del`) it.
    pub(crate) fn address(&self, action: &str, place: &str, byte: u8) -> Result<()> {
        let address = format!("10.77.0.{byte}/24");
        ip(&["-n", place, "address", action, &address, "dev", "link0"])
    }

    /// Sets the conditions of a namespace's line, each way.
    pub(crate) fn line(&mut self, place: &str, conditions: &str) -> Result<()> {
        let answer = self.ask(&format!("{place} {conditions}"))?;
        ensure!(answer == "ok", "{answer}");
        Ok(())
    }

    /// The packet counts of a namespace's line.
    pub(crate) fn counts(&mut self, place: &str) -> Result<String> {
        self.ask(&format!("count {place}"))
    }

    /// A command that runs `program` in this namespace.
    pub(crate) fn at(&self, place: &str, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{place}"));
        command.arg(program.as_ref());
        command.env("SSL_CERT_FILE", self.directory.join("cert.pem"));
        command
    }

    /// The properties with which elements join.
    pub(crate) fn joining(&self, user: &str) -> String {
        format!("server=wss://10.77.0.1:{PORT} call={CALL} user={user}")
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn serve(&self) -> Result<Child> {
        let mut command = self.at("server", program("acscall")?);
        command.args(["serve", "--listen", &format!("10.77.0.1:{PORT}")]);
        for (option, file) in [
            ("--secret-file", "secret"),
            ("--tls-cert", "cert.pem"),
            ("--tls-key", "key.pem"),
        ] {
            command.arg(option).arg(self.directory.join(file));
        }
        let mut server = command
            .env("ACSCALL_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = server.stdout.take().context("its output is piped")?;
        let mut lines = BufReader::new(output).lines();
        lines.next().context("the server does not start")??;
        // Keeps reading, so that printing does not fail.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }

    /// Creates a token for this user.
    pub(crate) fn token(&self, user: &str) -> Result<String> {
        let output = Command::new(program("acscall")?)
            .arg("token")
            .arg("--secret-file")
            .arg(self.directory.join("secret"))
            .args(["--user", user, "--call", CALL, "--expires-in", "12h"])
            .output()?;
        ensure!(output.status.success(), "no token for {user}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Creates the secret and the certificate that a server outside loopback needs.
    fn make_credentials(&self) -> Result<()> {
        let made = rcgen::generate_simple_self_signed(vec!["10.77.0.1".to_owned()])?;
        let write = |name: &str, text: &str| std::fs::write(self.directory.join(name), text);
        write("cert.pem", &made.cert.pem())?;
        write("key.pem", &made.signing_key.serialize_pem())?;
        write("secret", &"nobody reaches this server ".repeat(2))?;
        Ok(())
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        let input = self.link.stdin.as_mut().context("its input is piped")?;
        writeln!(input, "{question}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut answer = String::new();
        let length = self.answers.read_line(&mut answer)?;
        ensure!(length > 0, "the link has ended");
        Ok(answer.trim().to_owned())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _already_over = self.link.kill();
        let _already_reaped = self.link.wait();
    }
}

/// The path of one of this project's programs, which are all in one folder.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name(name);
    ensure!(path.is_file(), "{} is not built", path.display());
    Ok(path)
}

fn ip(arguments: &[&str]) -> Result<()> {
    let status = Command::new("ip")
        .args(arguments)
        .status()
        .context("ip (package iproute2) cannot be started")?;
    ensure!(status.success(), "ip {} failed", arguments.join(" "));
    Ok(())
}
