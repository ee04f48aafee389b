//! Copies sound to the caller, while it is rendered and after that.

use crate::arguments;
use crate::job::JobWork;
use crate::status::{Failure, Status};
use kinescore_core::{Blocks, Cancel};

/// Channels of sound while it is rendered: stereo.
const CHANNELS: usize = 2;

/// The failure of a call that comes before the sound.
pub fn no_sound() -> Failure {
    Failure::new(Status::WrongState, "the sound is not being rendered yet")
}

/// Where the caller wants which part of the sound.
pub struct Target {
    /// Number of the first sample frame.
    pub first: usize,
    /// Sample frames that fit into `samples`.
    pub frames: usize,
    pub samples: *mut f32,
    pub read: *mut usize,
}

impl Target {
    /// Copies what has been rendered, after waiting for the first frame.
    ///
    /// # Safety
    /// That of kinescore_job_read_audio.
    pub unsafe fn read_rendering(&self, blocks: &Blocks, cancel: &Cancel) -> Result<(), Failure> {
        self.check()?;
        // At most as many as there are, so that a large request does not take more memory than the
        // sound.
        let room = self.frames.min(blocks.frames().saturating_sub(self.first));
        let mut block = vec![0.0; CHANNELS * room];
        let count = blocks.read(self.first, &mut block, cancel)?;
        // SAFETY: by contract.
        unsafe { self.write(&block[..CHANNELS * count], count) };
        Ok(())
    }

    /// Copies from the sound of a finished run.
    ///
    /// # Safety
    /// That of kinescore_job_read_audio.
    pub unsafe fn read_finished(&self, work: &JobWork) -> Result<(), Failure> {
        self.check()?;
        let audio = work.finished()?.audio().ok_or_else(no_sound)?;
        let first = self.first.min(audio.frames());
        let last = first.saturating_add(self.frames).min(audio.frames());
        let block = &audio.samples[first * audio.channels..last * audio.channels];
        // SAFETY: by contract.
        unsafe { self.write(block, last - first) };
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        arguments::check(self.samples, "samples")?;
        arguments::check(self.read, "read")
    }

    /// # Safety
    /// Both pointers must have been checked, and `samples` must have room for the block.
    unsafe fn write(&self, block: &[f32], frames: usize) {
        // SAFETY: by contract.
        unsafe {
            std::ptr::copy_nonoverlapping(block.as_ptr(), self.samples, block.len());
            self.read.write(frames);
        }
    }
}
