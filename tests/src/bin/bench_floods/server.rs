//! A server in a separate process.

use acscall::server::{Config, Server};
use anyhow::Result;

/// Serves until it is killed.
pub(crate) fn serve(port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // The server registers its socket with the runtime.
    let _context = runtime.enter();
    let server = Server::bind(([127, 0, 0, 1], port).into(), Config::default())?;
    runtime.block_on(server.serve(std::future::pending()))?;
    Ok(())
}
