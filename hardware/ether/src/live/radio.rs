//! A station of the live air, as its firmware sees it.

use std::sync::{Arc, MutexGuard};

use fanal_protocol::region::{Channel, MAX_FRAME};
use fanal_radio::{Error, Radio, Received};
use tokio::sync::Notify;

use super::{Core, Doing, Shared, Station};
use crate::channel::StationId;

/// A station's radio. It listens from the first `receive` until it is told to do something else.
pub struct LiveRadio {
    shared: Arc<Shared>,
    index: usize,
    /// The number of this radio among those of its station.
    number: u64,
    news: Arc<Notify>,
}

/// How something that takes time ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    Transmitted,
    Detected { busy: bool },
}

impl LiveRadio {
    pub(super) fn new(shared: Arc<Shared>, index: usize, number: u64, news: Arc<Notify>) -> Self {
        Self { shared, index, number, news }
    }

    /// The core, as long as this is the radio of its station.
    fn core(&self) -> Result<MutexGuard<'_, Core>, Error> {
        let core = self.shared.core();
        let mine = core.stations.get(self.index).is_some_and(|station| station.radio == self.number);
        if mine { Ok(core) } else { Err(Error::Disconnected) }
    }

    /// Tunes. Nothing may be under way.
    pub(super) fn tune(&mut self, channel: &Channel) -> Result<(), Error> {
        let now = self.shared.now();
        let mut core = self.core()?;
        let station = station(&mut core, self.index)?;
        if !station.on {
            return Err(Error::Hardware);
        }
        if station.channel != Some(*channel) {
            station.channel = Some(*channel);
            core.ether.stop(StationId(self.index), now);
        }
        Ok(())
    }

    /// Back to the state of a radio that was just switched on: silent, deaf, without a channel.
    pub(super) fn silence(&mut self) -> Result<(), Error> {
        let now = self.shared.now();
        let mut core = self.core()?;
        core.ether.stop(StationId(self.index), now);
        let station = station(&mut core, self.index)?;
        station.doing = Doing::Nothing;
        station.channel = None;
        station.kept.clear();
        drop(core);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Begins to transmit; [`LiveRadio::finished`] tells the end. Nothing may be under way.
    pub(super) fn begin_transmission(&mut self, frame: &[u8]) -> Result<(), Error> {
        if frame.is_empty() || frame.len() > MAX_FRAME {
            return Err(Error::Length);
        }
        self.begin(Doing::Transmitting, Some(frame))
    }

    /// Begins to look for activity; [`LiveRadio::finished`] tells the end. Nothing may be under way.
    pub(super) fn begin_detection(&mut self) -> Result<(), Error> {
        self.begin(Doing::Detecting, None)
    }

    fn begin(&mut self, doing: Doing, frame: Option<&[u8]>) -> Result<(), Error> {
        let now = self.shared.now();
        let mut core = self.core()?;
        let station = station(&mut core, self.index)?;
        let channel = station.channel.ok_or(Error::NotConfigured)?;
        if !station.on {
            return Err(Error::Hardware);
        }
        let id = StationId(self.index);
        match frame {
            Some(frame) => core.ether.transmit(id, frame, &channel, now),
            None => core.ether.cad(id, &channel, now),
        }
        .map_err(|_| Error::Hardware)?;
        if let Some(station) = core.stations.get_mut(self.index) {
            station.doing = doing;
        }
        drop(core);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Waits for the end of what was begun; `None` when nothing was. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<Option<Finished>, Error> {
        loop {
            {
                let mut core = self.core()?;
                let station = station(&mut core, self.index)?;
                let finished = match station.doing {
                    Doing::Transmitting | Doing::Detecting => None,
                    Doing::Nothing => Some(Ok(None)),
                    Doing::Transmitted => Some(Ok(Some(Finished::Transmitted))),
                    Doing::Detected(busy) => Some(Ok(Some(Finished::Detected { busy }))),
                    Doing::Failed => Some(Err(Error::Hardware)),
                };
                if let Some(finished) = finished {
                    station.doing = Doing::Nothing;
                    return finished;
                }
            }
            self.news.notified().await;
        }
    }

    /// Waits for the end of what a dropped future left under way, however it ends.
    async fn settle(&mut self) -> Result<(), Error> {
        match self.finished().await {
            Err(Error::Disconnected) => Err(Error::Disconnected),
            _ => Ok(()),
        }
    }
}

fn station(core: &mut Core, index: usize) -> Result<&mut Station, Error> {
    core.stations.get_mut(index).ok_or(Error::Disconnected)
}

impl Radio for LiveRadio {
    async fn configure(&mut self, channel: &Channel) -> Result<(), Error> {
        self.settle().await?;
        self.tune(channel)
    }

    async fn transmit(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.settle().await?;
        self.begin_transmission(frame)?;
        self.finished().await.map(|_| ())
    }

    async fn cad(&mut self) -> Result<bool, Error> {
        self.settle().await?;
        self.begin_detection()?;
        Ok(matches!(self.finished().await?, Some(Finished::Detected { busy: true })))
    }

    async fn receive(&mut self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.settle().await?;
        loop {
            {
                let now = self.shared.now();
                let mut core = self.core()?;
                let station = station(&mut core, self.index)?;
                let channel = station.channel.ok_or(Error::NotConfigured)?;
                if let Some((quality, frame)) = station.kept.pop_front() {
                    buffer.get_mut(..frame.len()).ok_or(Error::Length)?.copy_from_slice(&frame);
                    return Ok(Received { len: frame.len(), quality });
                }
                if station.on {
                    core.ether.listen(StationId(self.index), &channel, now).map_err(|_| Error::Hardware)?;
                    self.shared.changed.notify_one();
                }
            }
            self.news.notified().await;
        }
    }
}

impl Drop for LiveRadio {
    fn drop(&mut self) {
        // A radio that has been replaced has nothing to silence.
        let _ = self.silence();
    }
}
