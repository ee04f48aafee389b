//! Answers to requests.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// A request that is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    sentence: String,
    field: Option<String>,
}

impl Refusal {
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            sentence: sentence.into(),
            field: None,
        }
    }

    pub fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, sentence)
    }

    pub fn bad(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    /// Names the field that is wrong.
    pub fn at(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }

    #[cfg(test)]
    pub fn parts(&self) -> (u16, &str, Option<&str>) {
        (self.status.as_u16(), &self.sentence, self.field.as_deref())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.sentence });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        (self.status, json_of(&body)).into_response()
    }
}

impl From<kinescore::Error> for Refusal {
    fn from(error: kinescore::Error) -> Self {
        use kinescore::Error;
        let sentence = error.to_string();
        match error {
            Error::SettingValue { key, .. } | Error::UnknownSetting { key, .. } => Self::bad(sentence).at(key),
            Error::Marks { .. } => Self::bad(sentence).at("marks"),
            Error::Cancelled => Self::new(StatusCode::SERVICE_UNAVAILABLE, "the program is ending"),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, sentence),
        }
    }
}

/// An answer of JSON.
pub(crate) fn json_of(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(bytes.into()),
        Err(_) => {
            let body = Bytes::from_static(br#"{"error":"the answer cannot be written as JSON"}"#);
            (StatusCode::INTERNAL_SERVER_ERROR, json_bytes(body)).into_response()
        }
    }
}

/// An answer of text that is JSON already.
pub(crate) fn json_bytes(bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
