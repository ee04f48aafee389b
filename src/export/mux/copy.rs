//! Copies the video's packets.

use super::header::Opened;
use super::part::{Packets, VideoPart, units};
use super::sink::Stop;
use super::sound::{ENCODING_SHARE, Encoded};
use crate::progress::{Monitor, Stage};
use crate::video::Clip;
use ffmpeg_next as ffmpeg;

/// Maximum number of packets without a decoding timestamp that are held back at the start until one
/// has it.
const HELD: usize = 64;

/// Copies the video's packets, interleaved with the sound's.
pub(super) struct PacketWriter<'a> {
    pub(super) clip: &'a Clip,
    pub(super) opened: Opened,
    pub(super) sound: Encoded,
    pub(super) part: &'a VideoPart,
    /// Latest decoding timestamp written, in the output's time base.
    last: Option<i64>,
    /// Packets held back until one has a decoding timestamp; `None` afterwards.
    held: Option<Vec<ffmpeg::Packet>>,
}

impl<'a> PacketWriter<'a> {
    pub(super) fn new(clip: &'a Clip, opened: Opened, sound: Encoded, part: &'a VideoPart) -> Self {
        Self {
            clip,
            opened,
            sound,
            part,
            last: None,
            held: Some(Vec::new()),
        }
    }

    pub(super) fn copy(&mut self, packets: &mut Packets, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let part = self.part;
        let mut waiting = part.key.is_some();
        while let Some(packet) = packets.next() {
            monitor.check()?;
            if packet.stream() != part.stream {
                if !waiting {
                    self.subtitle(packet)?;
                }
                continue;
            }
            if waiting {
                if part.key != Some((packet.pts(), packet.dts())) {
                    continue;
                }
                waiting = false;
            }
            let time = packet.dts().or(packet.pts());
            if let (Some(time), Some(end)) = (time, part.end)
                && time >= end
            {
                break;
            }
            if let Some(time) = time {
                let done = time.saturating_sub(part.zero) as f64 * f64::from(part.time_base);
                let done = (done / self.clip.duration.seconds().max(1e-9)).clamp(0.0, 1.0);
                monitor.progress(Stage::Export, ENCODING_SHARE + (1.0 - ENCODING_SHARE) * done)?;
            }
            self.video(packet, monitor)?;
        }
        self.release(monitor)?;
        self.sound
            .write_until(f64::INFINITY, self.opened.sound, &mut self.opened.output, monitor)
    }

    fn video(&mut self, mut packet: ffmpeg::Packet, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let shift = |t: i64| t.saturating_sub(self.part.zero);
        packet.set_pts(packet.pts().map(shift));
        packet.set_dts(packet.dts().map(shift));
        let Some(held) = &mut self.held else {
            return self.write(packet, monitor);
        };
        let known = packet.dts().is_some();
        held.push(packet);
        if known || held.len() >= HELD {
            self.release(monitor)?;
        }
        Ok(())
    }

    /// Writes the packets that were held back, with evenly spaced decoding timestamps before the
    /// first known one.
    fn release(&mut self, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let mut held = self.held.take().unwrap_or_default();
        fill_dts(&mut held);
        held.into_iter().try_for_each(|packet| self.write(packet, monitor))
    }

    fn write(&mut self, mut packet: ffmpeg::Packet, monitor: &Monitor<'_>) -> Result<(), Stop> {
        let base = self
            .opened
            .output
            .stream(0)
            .map_or(self.part.time_base, |stream| stream.time_base());
        packet.rescale_ts(self.part.time_base, base);
        // Muxers refuse decoding timestamps that are not ascending, and pictures shown before they
        // are decoded. Damaged files have both, and a coarser time base makes timestamps equal.
        let next = self.last.map(|last| last + packet.duration().max(1));
        let dts = packet.dts().or(next).or(packet.pts()).unwrap_or(0);
        let pts = packet.pts().unwrap_or(dts);
        let least = self.last.map_or(i64::MIN, |last| last + 1);
        let dts = dts.min(pts).max(least);
        packet.set_dts(Some(dts));
        packet.set_pts(Some(pts.max(dts)));
        packet.set_stream(0);
        packet.set_position(-1);
        self.last = Some(dts);
        self.sound.write_until(
            dts as f64 * f64::from(base),
            self.opened.sound,
            &mut self.opened.output,
            monitor,
        )?;
        match packet.size() {
            0 => Ok(()),
            _ => Ok(packet.write_interleaved(&mut self.opened.output)?),
        }
    }

    fn subtitle(&mut self, mut packet: ffmpeg::Packet) -> Result<(), Stop> {
        let Some(&(_, from, to)) = self
            .opened
            .subtitles
            .iter()
            .find(|(index, _, _)| *index == packet.stream())
        else {
            return Ok(());
        };
        let zero = units(self.part.zero_seconds(), from);
        let Some(pts) = packet.pts().map(|t| t.saturating_sub(zero)).filter(|t| *t >= 0) else {
            return Ok(());
        };
        let cut = !self.clip.whole && pts as f64 * f64::from(from) >= self.part.lead + self.clip.duration.seconds();
        if cut || packet.size() == 0 {
            return Ok(());
        }
        packet.set_pts(Some(pts));
        packet.set_dts(Some(pts));
        let base = self.opened.output.stream(to).map_or(from, |stream| stream.time_base());
        packet.rescale_ts(from, base);
        packet.set_stream(to);
        packet.set_position(-1);
        Ok(packet.write_interleaved(&mut self.opened.output)?)
    }
}

/// Gives packets at the start that lack a decoding timestamp evenly spaced ones before the first
/// known one.
fn fill_dts(packets: &mut [ffmpeg::Packet]) {
    let Some(known) = packets.iter().position(|p| p.dts().is_some()) else {
        return;
    };
    let step = packets.iter().map(|p| p.duration()).max().unwrap_or(0).max(1);
    let Some(first) = packets.get(known).and_then(|p| p.dts()) else {
        return;
    };
    let mut dts = first;
    for packet in packets.iter_mut().take(known).rev() {
        dts -= step;
        // A picture cannot be shown before it is decoded.
        dts = packet.pts().map_or(dts, |pts| dts.min(pts));
        packet.set_dts(Some(dts));
    }
}
