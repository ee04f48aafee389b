//! The program with its page, and a browser that sends what it is told.

use crate::common::outside;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use std::time::{Duration, Instant};

/// More than any take of the short clips of these tests needs, on a slow machine under load.
const LONG: Duration = Duration::from_secs(300);

/// A running program. It is ended when dropped.
pub struct Studio {
    child: Child,
    pub port: u16,
    pub token: String,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{}\n{text:.500}", self.head);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Studio {
    /// Starts the program, and waits for the address that it prints.
    #[track_caller]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("http://127.0.0.1:").expect("an address");
        let (port, token) = address.trim_end_matches('/').split_once('/').expect("a token");
        let port = port.parse().expect("a port");
        Self {
            token: token.to_owned(),
            port,
            child,
        }
    }

    /// Sends a request with these header lines, and the page's Host.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let host = format!("Host: 127.0.0.1:{}\r\n", self.port);
        self.send_raw(method, path, &format!("{host}{headers}"), body)
    }

    pub fn send_raw(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect(method, path, headers, body);
        let mut bytes = Vec::new();
        // The server may close a connection whose body it has refused to read.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("an answer");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head");
        let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        Answer {
            status: status.expect("a status"),
            body: bytes[end + 4..].to_vec(),
            head,
        }
    }

    /// HTTP/1.0, so that the answer ends with the connection.
    fn connect(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a time limit");
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\n{headers}Content-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let _ = stream.write_all(body); // see above
        stream
    }

    /// The path of something below the page.
    pub fn path(&self, inner: &str) -> String {
        format!("/{}/{inner}", self.token)
    }

    #[track_caller]
    pub fn get(&self, inner: &str) -> Answer {
        self.send("GET", &self.path(inner), "", b"")
    }

    #[track_caller]
    pub fn post(&self, inner: &str, body: &Value) -> Answer {
        let kind = "Content-Type: application/json\r\n";
        self.send("POST", &self.path(inner), kind, body.to_string().as_bytes())
    }

    /// Waits for a state of the work, and returns it. `what` is what is waited for.
    #[track_caller]
    pub fn wait(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let host = format!("Host: localhost:{}\r\n", self.port);
        let stream = self.connect("GET", &self.path("api/events"), &host, b"");
        let end = Instant::now() + LONG;
        let mut last = Value::Null;
        for line in BufReader::new(stream).lines() {
            let line = line.expect("an event");
            assert!(Instant::now() < end, "{what}: {last}");
            let Some(text) = line.strip_prefix("data: ") else {
                continue;
            };
            last = serde_json::from_str(text).expect("JSON");
            if is_it(&last) {
                return last;
            }
        }
        panic!("{what}: {last}");
    }

    /// Waits until a request is done, which must have given a take.
    #[track_caller]
    pub fn ready(&self, revision: u64) -> Value {
        let done = |state: &Value| {
            let over = ["ready", "failed", "cancelled"]
                .iter()
                .any(|word| state["state"] == *word);
            over && state["revision"].as_u64() >= Some(revision)
        };
        let state = self.wait("the end of the work", done);
        assert_eq!(state["state"], "ready", "{state}");
        state
    }

    /// Asks for a take, and waits for it.
    #[track_caller]
    pub fn render(&self, order: &Value) -> Value {
        let answer = self.post("api/render", order).expect(202).json();
        self.ready(answer["revision"].as_u64().expect("a number"))
    }

    /// Sends a signal, and returns how long the program takes to end, and its exit code.
    pub fn end(mut self, signal: &str) -> (Duration, Option<i32>) {
        let begin = Instant::now();
        outside::signal(&self.child, signal);
        let status = outside::ended(&mut self.child);
        (begin.elapsed(), status.code())
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        // Asked to end, it removes its folder.
        if matches!(self.child.try_wait(), Ok(None)) {
            outside::signal(&self.child, "-TERM");
            outside::ended(&mut self.child);
        }
    }
}
