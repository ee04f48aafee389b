//! `kinescore doctor --editors`: whether what is installed in each editor is complete, is where the
//! editor looks for it, and can be opened from there.
//!
//! Each finding that is bad ends with what mends it.

mod blender;
mod finding;
mod openfx;
mod opening;
mod programs;
mod recorded;
mod sandboxes;

pub use finding::{Finding, Findings, State};
pub use opening::{Content, open};

/// Checks every editor that Kinescore can be installed in.
pub fn check() -> Findings {
    let mut findings = Findings::default();
    openfx::check(&mut findings);
    blender::check(&mut findings);
    programs::kdenlive(&mut findings);
    programs::resolve(&mut findings);
    sandboxes::check(&mut findings);
    findings
}
