//! The networks, the link between them, and the server.

use std::path::Path;
use std::process::Command;

use acscall_tests::namespace::Place;
use acscall_tests::process::{Process, program};
use acscall_tests::server::RemoteServer;
use acscall_tests::wait::TIMEOUT;
use anyhow::{Result, ensure};

use crate::call::Who;

/// See the module. Everything disappears with the namespaces around it.
pub(crate) struct World {
    places: [Place; 3],
    server: RemoteServer,
    link: Process,
}

impl World {
    /// Creates three networks, connected by perfect lines.
    pub(crate) fn new() -> Result<World> {
        let [server, sender, receiver] = Who::ALL.map(|who| Place::new(who.name()));
        let names = Who::ALL.map(Who::name);
        let world = World {
            places: [server?, sender?, receiver?],
            server: RemoteServer::new("10.77.0.1")?,
            link: Process::start(Command::new(program("link")?).args(names))?,
        };
        world.link.line(TIMEOUT)?;
        for who in Who::ALL {
            let place = world.place(who);
            // Without IPv6, so that each interface has one address.
            place.ip(&["link", "set", "link0", "addrgenmode", "none"])?;
            place.ip(&["link", "set", "link0", "up"])?;
            world.address("add", who, 0)?;
        }
        Ok(world)
    }

    /// Adds (`add`) an address to the interface of a process, or removes (`del`) it. Each process
    /// has several, by number.
    pub(crate) fn address(&self, action: &str, who: Who, number: usize) -> Result<()> {
        let address = format!("10.77.0.{}/24", 1 + who as usize + 10 * number);
        let place = self.place(who);
        place.ip(&["address", action, &address, "dev", "link0"])
    }

    /// Sets the conditions of the line of a process, each way.
    pub(crate) fn line(&mut self, who: Who, conditions: &str) -> Result<()> {
        let answer = self.ask(&format!("{} {conditions}", who.name()))?;
        ensure!(answer == "ok", "{answer}");
        Ok(())
    }

    /// The packet counts of the line of a process.
    pub(crate) fn counts(&mut self, who: Who) -> Result<String> {
        self.ask(&format!("count {}", who.name()))
    }

    /// A command that runs `program` as this process, which may join.
    pub(crate) fn participant(&self, who: Who, program: impl AsRef<Path>) -> Result<Command> {
        self.server
            .participant(self.place(who), program, who.name())
    }

    /// The properties with which elements join.
    pub(crate) fn joining(&self, who: Who) -> String {
        self.server.joining(who.name())
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn serve(&self) -> Result<Process> {
        self.server.start(self.place(Who::Server), &[])
    }

    fn place(&self, who: Who) -> &Place {
        &self.places[who as usize]
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        self.link.write(question)?;
        self.link.line(TIMEOUT)
    }
}
