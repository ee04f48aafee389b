//! What the page can ask for.

use crate::answer::{Refusal, json_bytes, json_of};
use crate::files::Kind;
use crate::menu;
use crate::page;
use crate::request::{self, Click};
use crate::session::Session;
use crate::take::{Take, changed};
use crate::view::{self, Axis};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::Stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// Most bytes of a request.
const MOST_BYTES: usize = 1 << 20;

/// How often a connection of events is used even if nothing happens, so that the page notices when
/// it is lost.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Characters of a file name that stay as they are in a header.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// Makes the command line that gives the same result: from the settings that are not the defaults,
/// and the name of a file of marks if there are any.
pub type CommandLine = dyn Fn(&[(&'static str, String)], Option<&str>) -> String + Send + Sync;

type Answer = Result<Response, Refusal>;

/// What the answers are made from.
#[derive(Clone)]
pub(crate) struct Desk {
    pub session: Arc<Session>,
    pub command: Arc<CommandLine>,
}

/// The page and everything that it asks for.
pub(crate) fn page(desk: Desk) -> Router {
    Router::new()
        .route("/", get(|| file_of_page(page::INDEX.to_owned())))
        .route("/{name}", get(|Path(name): Path<String>| file_of_page(name)))
        .route("/api/clip", get(clip))
        .route("/api/settings", get(settings))
        .route("/api/events", get(events))
        .route("/api/video", get(video))
        .route("/api/poses", get(poses))
        .route("/api/people", get(people))
        .route("/api/takes/{id}/analysis", get(analysis))
        .route("/api/takes/{id}/command", get(command))
        .route("/api/takes/{id}/stems/{name}", get(stem))
        .route("/api/takes/{id}/{kind}", get(file))
        .route("/api/render", post(render))
        .route("/api/cancel", post(cancel))
        .route("/api/person", post(person))
        .fallback(|| async { Refusal::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
        })
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(desk)
}

async fn file_of_page(name: String) -> Answer {
    let found = page::file(&name);
    let (content, kind) = found.ok_or_else(|| Refusal::not_found("the page has no file of that name"))?;
    Ok(([(header::CONTENT_TYPE, kind)], Bytes::from_static(content)).into_response())
}

async fn clip(State(desk): State<Desk>) -> Response {
    let clip = desk.session.clip();
    json_of(&view::clip(&clip, &Axis::of_media(&clip)))
}

async fn settings(State(desk): State<Desk>) -> Response {
    json_of(&menu::groups(&desk.session.started_with))
}

async fn events(State(desk): State<Desk>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = futures_util::stream::unfold(desk.session.events(), |mut receiver| async {
        receiver.changed().await.ok()?;
        let text = String::from_utf8_lossy(&receiver.borrow_and_update().clone()).into_owned();
        Some((Ok(Event::default().event("state").data(text)), receiver))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

async fn video(State(desk): State<Desk>, request: Request) -> Answer {
    serve(desk.session.path.clone(), request).await
}

/// A file of this machine, in ranges if they are asked for.
async fn serve(path: PathBuf, request: Request) -> Answer {
    let served = ServeFile::new(path).oneshot(request).await;
    let response = served.unwrap_or_else(|never| match never {}).map(Body::new);
    if response.status() == StatusCode::NOT_FOUND {
        return Err(Refusal::not_found("the file is no longer in its place"));
    }
    Ok(response)
}

fn unknown_yet() -> Refusal {
    Refusal::not_found("nothing is known of the people in the clip yet")
}

async fn poses(State(desk): State<Desk>) -> Answer {
    desk.session.poses().map(json_bytes).ok_or_else(unknown_yet)
}

/// Runs what takes more than a moment beside the answers to others.
async fn aside<T: Send + 'static>(
    desk: Desk,
    work: impl FnOnce(&Desk) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || work(&desk)).await;
    done.unwrap_or_else(|_| {
        let sentence = "an error in the program itself; its messages have the details";
        Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, sentence))
    })
}

async fn people(State(desk): State<Desk>) -> Answer {
    let people = aside(desk, |desk| Ok(desk.session.people()?.map(|people| people.json()))).await?;
    people.map(json_bytes).ok_or_else(unknown_yet)
}

/// The take with a number that is in an address.
fn take(desk: &Desk, id: &str) -> Result<Arc<Take>, Refusal> {
    let found = id.parse().ok().and_then(|id| desk.session.take(id));
    found.ok_or_else(|| {
        let takes: Vec<String> = desk.session.takes().iter().map(|take| take.id.to_string()).collect();
        let those = if takes.is_empty() {
            "none yet".to_owned()
        } else {
            takes.join(", ")
        };
        Refusal::not_found(format!("there is no such take; there are: {those}"))
    })
}

async fn analysis(State(desk): State<Desk>, Path(id): Path<String>) -> Answer {
    Ok(json_bytes(take(&desk, &id)?.analysis.clone()))
}

async fn command(State(desk): State<Desk>, Path(id): Path<String>) -> Answer {
    let take = take(&desk, &id)?;
    let marks = (!take.marks.is_empty()).then(|| Kind::Marks.name(&desk.session.path));
    let line = (desk.command)(&changed(&take.settings), marks.as_deref());
    Ok(json_of(&json!({ "command": line })))
}

async fn file(State(desk): State<Desk>, Path((id, kind)): Path<(String, String)>, request: Request) -> Answer {
    let kind = Kind::of(&kind).ok_or_else(|| {
        Refusal::not_found("a take has: analysis, command, json, marks, midi, stems/NAME.wav, video, wav")
    })?;
    download(desk, &id, kind, request).await
}

async fn stem(State(desk): State<Desk>, Path((id, name)): Path<(String, String)>, request: Request) -> Answer {
    let part = name.strip_suffix(".wav").unwrap_or(&name).to_owned();
    download(desk, &id, Kind::Stem(part), request).await
}

async fn download(desk: Desk, id: &str, kind: Kind, request: Request) -> Answer {
    let take = take(&desk, id)?;
    let ready = aside(desk, move |desk| desk.session.file(&take, &kind)).await?;
    let inline = request.uri().query() == Some("inline");
    let mut response = serve(ready.path, request).await?;
    if !inline {
        let disposition = attachment(&ready.name);
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The header that gives a download its name (RFC 6266): in plain letters for old readers, and in
/// full.
fn attachment(name: &str) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_graphic() && !['"', '\\', '%'].contains(&c) || c == ' ';
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let full = utf8_percent_encode(name, PLAIN);
    let value = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"));
    value.unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// The body of a request, if it is not too large.
fn content(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body has more than {MOST_BYTES} bytes; send fewer marks"),
        ),
        status => Refusal::new(status, "the body cannot be read"),
    })
}

async fn render(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> Answer {
    let request = request::render(&content(body)?, &desk.session.started_with)?;
    let revision = desk.session.ask(request);
    Ok((StatusCode::ACCEPTED, json_of(&json!({ "revision": revision }))).into_response())
}

async fn cancel(State(desk): State<Desk>) -> Response {
    desk.session.cancel();
    (StatusCode::ACCEPTED, json_of(&json!({}))).into_response()
}

async fn person(State(desk): State<Desk>, body: Result<Bytes, BytesRejection>) -> Answer {
    let Click { time, x, y } = request::read(&content(body)?)?;
    let person = aside(desk, move |desk| Ok(desk.session.person(time, x, y)?)).await?;
    match person {
        Some(number) => Ok(json_of(&json!({ "person": number }))),
        None => Err(Refusal::not_found("nobody was found there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_cannot_leave_their_header() {
        let header = |name: &str| attachment(name).to_str().expect("plain letters").to_owned();
        assert_eq!(
            header("dance.wav"),
            "attachment; filename=\"dance.wav\"; filename*=UTF-8''dance.wav"
        );
        assert_eq!(
            header("Tänze \"2\"\r\n.wav"),
            "attachment; filename=\"T_nze _2___.wav\"; filename*=UTF-8''T%C3%A4nze%20%222%22%0D%0A.wav"
        );
    }
}
