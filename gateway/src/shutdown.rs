//! When to stop: SIGTERM from the supervisor, SIGINT from the keyboard.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Returns when the process has been asked to stop.
///
/// # Errors
///
/// The signals cannot be listened for.
///
/// # Cancel safety
///
/// Cancel safe, but a signal that comes while nobody waits is forgotten.
pub async fn requested() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
