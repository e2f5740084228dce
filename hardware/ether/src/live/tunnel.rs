//! The far end of a radio tunnel: a station for firmware behind a serial line.

use std::io;

use fanal_radio::tunnel::{ALIVE_INTERVAL, Answer, Server, Task};
use fanal_radio::{Error, Radio, Received};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::MissedTickBehavior;

use super::radio::Finished;
use super::{Air, LiveRadio};
use crate::channel::Position;

impl Air {
    /// Lends the station `name` at `position` to whoever speaks the tunnel protocol on this line, until the line
    /// is closed (`Ok`) or fails.
    ///
    /// # Errors
    /// Those of the line; [`io::ErrorKind::AddrInUse`] when another radio of that name was given out meanwhile.
    ///
    /// # Cancel safety
    /// Dropping it switches the station silent; nothing else is lost.
    pub async fn serve(
        &self,
        name: &str,
        position: Position,
        mut input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut radio = self.station(name, position);
        let mut server = Server::new();
        let mut alive = tokio::time::interval(ALIVE_INTERVAL);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = false;
        let (mut octets, mut frame) = ([0; 512], [0; 255]);
        loop {
            tokio::select! {
                read = input.read(&mut octets) => match read? {
                    0 => return Ok(()),
                    len => server.handle_octets(octets.get(..len).unwrap_or_default()),
                },
                _ = alive.tick() => server.alive(),
                news = next(&mut radio, under_way, server.listening(), &mut frame) => match news {
                    News::Finished(finished) => {
                        under_way = false;
                        server.done(match finished {
                            Ok(Some(Finished::Detected { busy })) => Answer::Cad { busy },
                            Ok(_) => Answer::Transmitted,
                            Err(error) => failed(error)?,
                        });
                    }
                    News::Received(Ok(received)) => {
                        server.received(received.quality, frame.get(..received.len).unwrap_or_default());
                    }
                    News::Received(Err(error)) => drop(failed(error)?),
                },
            }
            while !under_way && let Some(task) = server.poll_task() {
                match begin(&mut radio, task) {
                    Ok(None) => under_way = true,
                    Ok(Some(answer)) => server.done(answer),
                    Err(error) => server.done(failed(error)?),
                }
            }
            loop {
                let len = server.poll_octets(&mut octets);
                if len == 0 {
                    break;
                }
                output.write_all(octets.get(..len).unwrap_or_default()).await?;
            }
            output.flush().await?;
        }
    }
}

/// What the radio has to say.
enum News {
    Finished(Result<Option<Finished>, Error>),
    Received(Result<Received, Error>),
}

/// Waits for the end of what is under way, or else for a frame if one is wanted. Cancel safe.
async fn next(radio: &mut LiveRadio, under_way: bool, listening: bool, frame: &mut [u8]) -> News {
    if under_way {
        News::Finished(radio.finished().await)
    } else if listening {
        News::Received(radio.receive(frame).await)
    } else {
        std::future::pending().await
    }
}

/// Begins a task; its answer, if that is known at once.
fn begin(radio: &mut LiveRadio, task: Task<'_>) -> Result<Option<Answer>, Error> {
    match task {
        Task::Reset => {
            radio.silence()?;
            Ok(Some(Answer::Configured))
        }
        Task::Configure(channel) => radio.tune(&channel).map(|()| Some(Answer::Configured)),
        Task::Transmit(frame) => radio.begin_transmission(frame).map(|()| None),
        Task::Cad => radio.begin_detection().map(|()| None),
    }
}

fn failed(error: Error) -> io::Result<Answer> {
    match error {
        Error::Disconnected => Err(io::ErrorKind::AddrInUse.into()),
        other => Ok(Answer::Failed(other.into())),
    }
}
