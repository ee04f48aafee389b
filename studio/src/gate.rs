//! Who is let in: the checks that come before every answer, and the headers that every answer has.

use crate::address::{Address, Inner};
use crate::answer::Refusal;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower::ServiceExt;

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The page behind its checks.
pub(crate) struct Gate {
    pub address: Arc<Address>,
    pub page: Router,
}

/// The whole server.
pub(crate) fn server(gate: Gate) -> Router {
    Router::new().fallback(pass).with_state(Arc::new(gate))
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let mut response = match check(&gate.address, request) {
        Ok(None) => (StatusCode::SEE_OTHER, [(header::LOCATION, gate.address.folder())]).into_response(),
        Ok(Some(request)) => {
            let answer = gate.page.clone().oneshot(request).await;
            answer.unwrap_or_else(|never| match never {})
        }
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The request with its path within the page's folder; `None` if it leads to the folder itself,
/// whose address ends in a slash.
fn check(address: &Address, mut request: Request) -> Result<Option<Request>, Refusal> {
    let forbidden = |sentence: &str| Err(Refusal::new(StatusCode::FORBIDDEN, sentence));
    if request.uri().authority().is_some() {
        return Err(Refusal::bad(
            "a request must have the path alone, such as GET /, and no address before it",
        ));
    }
    // Which of several is meant, the sender and this server might see differently.
    for name in [header::HOST, header::ORIGIN, header::CONTENT_TYPE] {
        let count = request.headers().get_all(&name).iter().count();
        if count > 1 {
            return Err(Refusal::bad(format!(
                "a request has {count} headers {name}; send at most one"
            )));
        }
    }
    let header = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    if !address.is_host(header(header::HOST)) {
        return forbidden("this server answers at the address that the program has printed, and at no other name");
    }
    if !address.is_origin(header(header::ORIGIN)) {
        return forbidden("this server answers its own page, and no other");
    }
    let path = match address.inner(request.uri().path()) {
        None => return forbidden("this address does not have the token that the program has printed"),
        Some(Inner::Folder) => return Ok(None),
        Some(Inner::Path(path)) => path,
    };
    if request.method() == Method::POST && !is_json(header(header::CONTENT_TYPE)) {
        let sentence = "the Content-Type of a request must be application/json";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    let query = request
        .uri()
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let inner = PathAndQuery::try_from(format!("/{path}{query}"));
    *request.uri_mut() = inner
        .map(Uri::from)
        .map_err(|_| Refusal::bad("the path cannot be read"))?;
    Ok(Some(request))
}

/// Whether a type is JSON: a form of another page cannot send that without being asked first.
fn is_json(kind: Option<&[u8]>) -> bool {
    let essence = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    /// The status of a refusal, or the path that a request leads to.
    fn outcome(method: &str, path: &str, headers: &[(&str, &str)]) -> Result<String, u16> {
        let address = Address::new(9000).expect("random numbers");
        let path = path.replace("TOKEN", address.folder().trim_matches('/'));
        match check(&address, request(method, &path, headers)) {
            Ok(None) => Ok("folder".to_owned()),
            Ok(Some(request)) => Ok(request.uri().to_string()),
            Err(refusal) => Err(refusal.parts().0),
        }
    }

    const HOST: (&str, &str) = ("host", "localhost:9000");

    #[test]
    fn only_the_page_itself_with_its_token_is_let_in() {
        let page = |path: &str| Ok(path.to_owned());
        assert_eq!(outcome("GET", "/TOKEN/api/clip?x=1", &[HOST]), page("/api/clip?x=1"));
        assert_eq!(outcome("GET", "/TOKEN/", &[HOST]), page("/"));
        assert_eq!(outcome("GET", "/TOKEN", &[HOST]), page("folder"));
        assert_eq!(outcome("GET", "/TOKEN/../api", &[HOST]), page("/../api"));
        for path in ["/", "/api/clip", "/TOKENa/", "/x/TOKEN/", "/open/TOKEN", "//TOKEN/"] {
            assert_eq!(outcome("GET", path, &[HOST]), Err(403), "{path}");
        }
        assert_eq!(outcome("GET", "/TOKEN/", &[]), Err(403));
        assert_eq!(outcome("GET", "/TOKEN/", &[("host", "rebound.example:9000")]), Err(403));
        assert_eq!(
            outcome("GET", "/TOKEN/", &[HOST, ("origin", "http://evil.example")]),
            Err(403)
        );
        assert_eq!(outcome("GET", "/TOKEN/", &[HOST, ("origin", "null")]), Err(403));
        let own = ("origin", "http://127.0.0.1:9000");
        assert_eq!(outcome("GET", "/TOKEN/", &[HOST, own]), page("/"));
    }

    #[test]
    fn a_request_that_can_be_read_in_two_ways_is_refused() {
        let other = ("host", "evil.example");
        for headers in [[HOST, other], [other, HOST], [HOST, HOST]] {
            assert_eq!(outcome("GET", "/TOKEN/", &headers), Err(400));
        }
        let own = ("origin", "http://127.0.0.1:9000");
        assert_eq!(outcome("GET", "/TOKEN/", &[HOST, own, own]), Err(400));
        for name in ["evil.example", "localhost:9000"] {
            assert_eq!(outcome("GET", &format!("http://{name}/TOKEN/"), &[HOST]), Err(400));
        }
    }

    #[test]
    fn what_changes_something_is_json() {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "",
        ] {
            assert_eq!(
                outcome("POST", "/TOKEN/api/render", &[HOST, ("content-type", kind)]),
                Err(415)
            );
        }
        assert_eq!(outcome("POST", "/TOKEN/api/render", &[HOST]), Err(415));
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(outcome("POST", "/TOKEN/api/render", &[HOST, ("content-type", kind)]).is_ok());
        }
    }
}
