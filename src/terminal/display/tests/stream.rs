//! The contract of `/events`, over real sockets.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn each_datum_goes_out_once_on_each_connection_in_order_under_its_id() {
    let display = display();
    served(display.clone(), |address| async move {
        let (mut first, mut second) = (Stream::open(&address).await, Stream::open(&address).await);
        first.data().await;
        second.data().await;
        for sequence in 1..=40 {
            display.show(recorded(sequence));
        }
        display.show(Feedback::of(State::NotRecorded));
        for stream in [&mut first, &mut second] {
            for sequence in 1..=40 {
                let event = stream.data().await;
                assert_eq!(event.data["sequence"], sequence);
                assert_eq!(event.id, Some(format!("{}/{sequence}", JournalId([0xAB; 16]))));
                assert!(event.data.get("replay").is_none());
            }
            let event = stream.data().await;
            assert_eq!((event.data["state"].as_str(), event.id, event.data.get("sequence")), (Some("not-recorded"), None, None));
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_begins_with_how_things_stand_and_then_the_page() {
    let display = display();
    served(display.clone(), |address| async move {
        let mut stream = Stream::open(&address).await;
        let (first, second) = (stream.next().await.unwrap(), stream.next().await.unwrap());
        assert_eq!((first.kind.as_str(), &first.data["state"], &first.data["replay"]), ("", &"idle".into(), &true.into()));
        assert_eq!((second.kind.as_str(), second.data.get("sequence")), ("page", None));
        assert_eq!((&second.data["clock"], &second.data["date"]), (&"08:21".into(), &"2026年11月23日 星期一".into()));
        let third = stream.next().await.unwrap();
        assert_eq!(third.kind, "page", "the page hears the time again within its three seconds");
    })
    .await;
}

#[tokio::test]
async fn what_waits_to_be_sent_is_told_together_with_the_result() {
    let display = display();
    served(display.clone(), |address| async move {
        let mut stream = Stream::open(&address).await;
        stream.data().await;
        display.show(Feedback { offline: true, backlog: 36, ..recorded(1) });
        stream.data().await;
        let page = stream.next().await.unwrap();
        assert_eq!((page.kind.as_str(), &page.data["backlog"]), ("page", &"待上传 36 条 · 离线".into()));
    })
    .await;
}

#[tokio::test]
async fn a_result_is_replayed_while_it_is_on_the_screen_and_no_name_comes_back_after() {
    let display = display();
    served(display.clone(), |address| async move {
        display.show(recorded(7));
        display.clock.skip(1_000);
        let replay = Stream::open(&address).await.data().await;
        assert_eq!((&replay.data["sequence"], &replay.data["replay"]), (&7.into(), &true.into()));
        let left = replay.data["words"]["hold_ms"].as_u64().unwrap();
        assert!((1..=1_500).contains(&left), "{left}");
        display.clock.skip(1_500);
        let mut later = Stream::open(&address).await;
        let replay = later.data().await;
        assert_eq!((&replay.data["state"], replay.data.get("name"), replay.data.get("sequence")), (&"idle".into(), None, None));
        assert!(!later.next().await.unwrap().data.to_string().contains("欧阳"));
    })
    .await;
}

#[tokio::test]
async fn a_slow_client_is_closed_after_a_prefix_and_nothing_is_coalesced() {
    let display = display();
    served(display.clone(), |address| async move {
        let (mut slow, mut quick) = (Stream::open(&address).await, Stream::open(&address).await);
        quick.data().await;
        let mut shown = 0;
        while display.streams() == 2 {
            shown += 1;
            assert!(shown < 1_000_000, "it is closed before it holds a hospital's year");
            display.show(recorded(shown));
            assert_eq!(quick.data().await.data["sequence"], shown, "the other client is not disturbed");
        }
        slow.data().await;
        let mut seen = 0;
        while let Some(event) = slow.next_of_data().await {
            seen += 1;
            assert_eq!(event.data["sequence"], seen);
        }
        assert!(seen > EVENTS_QUEUED_MAX as u64 && seen < shown, "{seen} of {shown}");
        assert_eq!(Stream::open(&address).await.data().await.data["replay"], true, "it may come again");
    })
    .await;
}

#[tokio::test]
async fn more_streams_than_the_limit_are_refused_and_a_place_is_given_back() {
    let display = display();
    served(display.clone(), |address| async move {
        let mut open = Vec::new();
        for _ in 0..STREAMS_MAX {
            let mut stream = Stream::open(&address).await;
            stream.data().await;
            open.push(stream);
        }
        assert!(get(&address, "/events", "localhost").await.starts_with("HTTP/1.0 503"));
        open.clear();
        let end = display.clock.mono().plus_millis(20_000);
        while display.streams() > 0 {
            assert!(display.clock.mono() < end, "the places are not given back");
            tokio::task::yield_now().await;
        }
        Stream::open(&address).await.data().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_shown_before_the_stop_still_goes_out_and_then_the_streams_end() {
    let display = display();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = Arc::new(tokio::sync::Notify::new());
    let stopping = Arc::clone(&stop);
    let serving = display.clone().serve(listener, async move { stopping.notified().await });
    let scenario = async {
        let mut stream = Stream::open(&address).await;
        stream.data().await;
        display.show(recorded(1));
        stop.notify_one();
        assert_eq!(stream.data().await.data["sequence"], 1);
        assert!(stream.next_of_data().await.is_none());
    };
    let (served, ()) = tokio::time::timeout(LIMIT, async { tokio::join!(serving, scenario) }).await.unwrap();
    served.unwrap();
}

#[tokio::test]
async fn a_foreign_name_is_refused_and_nothing_foreign_is_loaded() {
    served(display(), |address| async move {
        for path in ["/", "/events", "/kiosk.js", "/health"] {
            let answer = get(&address, path, "kiosk.attacker.example").await;
            assert!(answer.starts_with("HTTP/1.0 421"), "{path}: {answer}");
        }
        let page = get(&address, "/", "127.0.0.1:8100").await;
        assert!(page.starts_with("HTTP/1.0 200") && page.contains("content-security-policy: default-src 'self';"), "{page}");
        for path in ["/", "/kiosk.css", "/kiosk.js"] {
            let body = get(&address, path, "localhost").await;
            assert!(
                !body.contains("//fonts.") && !body.contains("http:") && !body.contains("https:") && !body.contains("@import"),
                "{path}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn health_is_503_while_punches_cannot_be_taken() {
    let display = Display::new(Clock::system());
    served(display.clone(), |address| async move {
        assert!(get(&address, "/health", "localhost").await.starts_with("HTTP/1.0 503"), "nothing is known yet");
        display.page(page_state(&display.clock));
        assert!(get(&address, "/health", "localhost").await.starts_with("HTTP/1.0 200"));
        let conditions = vec![condition(Code::OfficeUnreachable), condition(Code::NoSound)];
        display.page(PageState { conditions, ..page_state(&display.clock) });
        let answer = get(&address, "/health", "localhost").await;
        assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("\"office-unreachable\",\"no-sound\""), "{answer}");
        display.page(PageState { conditions: vec![condition(Code::JournalUnavailable)], ..page_state(&display.clock) });
        assert!(get(&address, "/health", "localhost").await.starts_with("HTTP/1.0 503"));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = display().serve(listener, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, DisplayError::NotLoopback(_)) && !error.is_transient(), "{error}");
}

/// Runs a scenario against a served page, within the limit.
async fn served<F: Future<Output = ()>>(display: Display, scenario: impl FnOnce(String) -> F) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::select! {
        ended = display.serve(listener, std::future::pending()) => panic!("the page ended: {ended:?}"),
        done = tokio::time::timeout(LIMIT, scenario(address)) => done.expect("the scenario ends in time"),
    }
}

async fn get(address: &str, path: &str, host: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// One server-sent event.
struct Event {
    kind: String,
    id: Option<String>,
    data: Value,
}

/// A client of `/events`.
struct Stream {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Stream {
    async fn open(address: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut stream = Self { socket, read: Vec::new() };
        let head = stream.until(b"\r\n\r\n").await.unwrap();
        assert!(head.contains("200 OK") && head.contains("content-type: text/event-stream"), "{head}");
        stream
    }

    /// What comes before the next separator; none at the end of the stream.
    async fn until(&mut self, separator: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(separator.len()).position(|window| window == separator) {
                let rest = self.read.split_off(at + separator.len());
                let mut whole = std::mem::replace(&mut self.read, rest);
                whole.truncate(at);
                return Some(String::from_utf8(whole).unwrap());
            }
            // A cut connection ends it like a closed one.
            match self.socket.read_buf(&mut self.read).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn next(&mut self) -> Option<Event> {
        let text = self.until(b"\n\n").await?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
        Some(Event { kind: field("event: ").unwrap_or_default(), id: field("id: "), data })
    }

    async fn next_of_data(&mut self) -> Option<Event> {
        loop {
            let event = self.next().await?;
            if event.kind.is_empty() {
                return Some(event);
            }
        }
    }

    async fn data(&mut self) -> Event {
        self.next_of_data().await.expect("the stream goes on")
    }
}
