//! A local page on which a person sees, hears and corrects what Kinescore found in a clip.
//!
//! [`run`] opens a clip, serves the page on the loopback address, and renders in the background
//! what the page asks for, until it is cancelled. Who asks must know the token in the address; see
//! `docs/studio.md` for the rest of what protects a session.
//!
//! ```text
//! gate ─► routes ─┬► session ◄─► worker (a thread)
//!                 ├► files (of takes, made when asked for)
//!                 └► page (part of the program)
//! ```
//!
//! [`report`] writes the page of one soundtrack as a file that works without this program.
#![forbid(unsafe_code)]

mod address;
mod answer;
mod files;
mod gate;
mod menu;
mod page;
mod people;
mod place;
pub mod report;
mod request;
mod routes;
mod session;
mod take;
mod view;
mod worker;

pub use address::Address;
pub use routes::CommandLine;

use gate::Gate;
use kinescore::{Cancel, Cut, Engine, Error, Job, Marks, Resources, Settings};
use place::Place;
use routes::Desk;
use session::Session;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the switch that ends the server is checked.
const LOOK: Duration = Duration::from_millis(50);

/// How long work that was cancelled may take to end.
const ENDS_WITHIN: Duration = Duration::from_millis(700);

/// A clip, and how its first take is made.
pub struct Config {
    /// The video.
    pub clip: PathBuf,
    /// The part of it that is heard.
    pub cut: Cut,
    /// The settings of the first take.
    pub settings: Settings,
    /// The marks of the first take.
    pub marks: Marks,
    /// Where models, SoundFont and cache are. Without a cache, one is kept for the session, so that
    /// poses are found only once.
    pub resources: Resources,
    /// The port; `None` or 0: a free one.
    pub port: Option<u16>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The clip, the models or something else that takes need cannot be used.
    #[error(transparent)]
    Library(#[from] Error),
    /// The port cannot be used.
    #[error("port {port} of 127.0.0.1: {source}")]
    Port {
        /// The port.
        port: u16,
        /// The error of the system.
        source: io::Error,
    },
}

/// Opens a clip and serves its page until `cancel` is switched on. `ready` receives the address.
///
/// # Errors
/// [`Problem::Port`]; those of opening the clip, see [`Job::open`]; those of the system. What is
/// wrong with a clip that can be opened, such as that nobody is seen in it, is reported on the page.
pub fn run(
    config: Config,
    command: Arc<CommandLine>,
    cancel: &Cancel,
    ready: impl FnOnce(&Address),
) -> Result<(), Problem> {
    let listener = listen(config.port.unwrap_or(0))?;
    let folder = Place::new().map_err(system("a folder for temporary files"))?;
    let mut resources = config.resources;
    resources.cache.get_or_insert_with(|| folder.path().join("cache"));
    let engine = Arc::new(Engine::new(resources)?);
    let Config {
        clip,
        cut,
        settings,
        marks,
        ..
    } = config;
    let job = Job::open_until(engine.clone(), settings, &clip, cut, cancel)?;
    // A switch of its own: when the other is turned on, the server ends first.
    let stop = Cancel::new();
    let place = folder.path().to_owned();
    let session = Arc::new(Session::new(engine, (clip, cut), place, stop, job, marks));
    let port = listener.local_addr().map_err(system("the port"))?.port();
    let address = Arc::new(Address::new(port).map_err(system("random numbers for the token"))?);
    let desk = Desk {
        session: session.clone(),
        command,
    };
    let server = gate::server(Gate {
        address: address.clone(),
        page: routes::page(desk),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("the server"))?;
    let working = session.clone();
    let worker = thread::Builder::new()
        .name("studio".to_owned())
        .spawn(move || worker::work(&working))
        .map_err(system("a thread"))?;
    ready(&address);
    let served = runtime.block_on(serve(listener, server, cancel));
    session.end();
    let end = Instant::now() + ENDS_WITHIN;
    wait(&worker, end);
    runtime.shutdown_timeout(end.saturating_duration_since(Instant::now()));
    drop(session);
    let place = folder.path().to_owned();
    folder.close().map_err(Error::output(&place))?;
    served.map_err(system("the server"))?;
    Ok(())
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { what, source }
}

/// Listens on the loopback address, so that no other machine can connect.
fn listen(port: u16) -> Result<TcpListener, Problem> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let ready = bound.and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    ready.map_err(|source| {
        let source = match source.kind() {
            io::ErrorKind::AddrInUse => io::Error::new(source.kind(), "another program uses it; choose another port"),
            io::ErrorKind::PermissionDenied => {
                io::Error::new(source.kind(), "you may not use it; choose one of 1024 or above")
            }
            _ => source,
        };
        Problem::Port { port, source }
    })
}

async fn serve(listener: TcpListener, server: axum::Router, cancel: &Cancel) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let serving = std::pin::pin!(async { axum::serve(listener, server).await });
    let ended = std::pin::pin!(async {
        while !cancel.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
    });
    // Connections that are open end with the server: events would never end by themselves.
    match futures_util::future::select(serving, ended).await {
        futures_util::future::Either::Left((served, _)) => served,
        futures_util::future::Either::Right(_) => Ok(()),
    }
}

fn wait(worker: &JoinHandle<()>, end: Instant) {
    while !worker.is_finished() && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
}
