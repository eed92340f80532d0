//! A line between kiosk and office that can be spoilt while it is used: a TCP proxy whose way is switched at any moment.
//!
//! Of TLS it knows only records: the client's first one of application data ends the handshake (RFC 8446, section 4.4.4), the second begins
//! the request; so it can deliver a request and lose its reply.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::rig::{PATIENCE, until};

/// Most bytes that are passed on at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// How often in a second a slow line passes something on.
const SLOW_STEPS: usize = 20;
/// What an office says of its own accord before it answers, the tickets of TLS, is shorter than this, in bytes; an answer is longer.
const TICKETS_BYTES: usize = 400;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Good.
    Pass,
    /// So many bytes a second, either way.
    Slow(usize),
    /// Each piece comes so much later.
    Late(Duration),
    /// Accepts, hears nothing, says nothing.
    Silent,
    /// Accepts and closes.
    HangUp,
    /// Nobody listens.
    Refuse,
    /// Closes once so many bytes went to the office.
    CutRequest(usize),
    /// Closes once so many bytes came from the office.
    CutReply(usize),
    /// Delivers the request, passes on so many bytes of the reply, then resets the connection.
    ResetReply(usize),
    /// Delivers the request, loses the reply, closes.
    LoseReply,
}

/// The line.
pub(super) struct Proxy {
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    address: SocketAddr,
    line: Mutex<Line>,
    changed: Condvar,
    accepted: AtomicUsize,
}

struct Line {
    way: Way,
    ends: Vec<SocketAddr>,
    open: Vec<Weak<Pair>>,
    closing: bool,
}

/// One connection: both its ends, and what is known of it.
struct Pair {
    kiosk: TcpStream,
    office: TcpStream,
    asked: AtomicBool,
    gone: AtomicBool,
    reset: AtomicBool,
}

impl Proxy {
    /// A good line to this end.
    pub(super) fn to(end: SocketAddr) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), end)
    }

    /// The same, reached over IPv6 alone.
    pub(super) fn over_ipv6(end: SocketAddr) -> Self {
        Self::at((Ipv6Addr::LOCALHOST, 0).into(), end)
    }

    fn at(place: SocketAddr, end: SocketAddr) -> Self {
        let listener = TcpListener::bind(place).unwrap();
        let line = Mutex::new(Line { way: Way::Pass, ends: vec![end], open: Vec::new(), closing: false });
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { address, line, changed: Condvar::new(), accepted: AtomicUsize::new(0) });
        let theirs = Arc::clone(&shared);
        Self { shared, accepting: Some(std::thread::spawn(move || theirs.accept(listener))) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.shared.address)
    }

    /// How many connections were accepted until now.
    pub(super) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Switches the line; what is open breaks, unless the line only becomes slower or falls silent.
    pub(super) fn switch(&self, way: Way) {
        let mut line = self.shared.lock();
        let before = std::mem::replace(&mut line.way, way);
        let goes_on = matches!(way, Way::Slow(_) | Way::Late(_) | Way::Silent);
        drop(line);
        if !goes_on {
            self.hang_up();
        }
        self.shared.changed.notify_all();
        if way == Way::Refuse && before != Way::Refuse {
            TcpStream::connect(self.shared.address).ok();
        }
    }

    /// Breaks what is open.
    pub(super) fn hang_up(&self) {
        let mut line = self.shared.lock();
        for pair in line.open.drain(..).filter_map(|pair| pair.upgrade()) {
            pair.close();
        }
    }

    /// From now on each connection leads to the next of these ends in turn.
    pub(super) fn lead_to(&self, ends: &[SocketAddr]) {
        self.shared.lock().ends = ends.to_vec();
        self.hang_up();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.hang_up();
        self.shared.changed.notify_all();
        TcpStream::connect(self.shared.address).ok();
        if let Some(accepting) = self.accepting.take() {
            accepting.join().ok();
        }
    }
}

impl Pair {
    fn close(&self) {
        self.kiosk.shutdown(Shutdown::Both).ok();
        self.office.shutdown(Shutdown::Both).ok();
    }

    /// Closes so that the kiosk is told nothing but “reset”: that comes when the last who holds the socket lets it go.
    fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        rustix::net::sockopt::set_socket_linger(&self.kiosk, Some(Duration::ZERO)).unwrap();
        self.kiosk.shutdown(Shutdown::Read).ok();
        self.office.shutdown(Shutdown::Both).ok();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap()
    }

    /// The way things go, once it is not to be silent.
    fn way(&self) -> Way {
        let silent = |line: &mut Line| line.way == Way::Silent && !line.closing;
        self.changed.wait_while(self.lock(), silent).unwrap().way
    }

    fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut listener = Some(listener);
        loop {
            let refusing = {
                let line = self.lock();
                if line.closing {
                    return;
                }
                line.way == Way::Refuse
            };
            if refusing {
                listener = None;
                drop(self.changed.wait_while(self.lock(), |line| line.way == Way::Refuse && !line.closing).unwrap());
                continue;
            }
            let again = || until("the port is free again", PATIENCE, || TcpListener::bind(self.address).ok());
            let Ok((kiosk, _)) = listener.get_or_insert_with(again).accept() else { continue };
            let end = {
                let line = self.lock();
                if line.closing || line.way == Way::Refuse {
                    continue;
                }
                line.ends[self.accepted.fetch_add(1, Ordering::SeqCst) % line.ends.len()]
            };
            let shared = Arc::clone(&self);
            std::thread::spawn(move || shared.connection(kiosk, end));
        }
    }

    fn connection(self: Arc<Self>, kiosk: TcpStream, end: SocketAddr) {
        if self.way() == Way::HangUp {
            return;
        }
        let Ok(office) = TcpStream::connect(end) else { return };
        kiosk.set_nodelay(true).ok();
        office.set_nodelay(true).ok();
        let pair =
            Arc::new(Pair { kiosk, office, asked: AtomicBool::default(), gone: AtomicBool::default(), reset: AtomicBool::default() });
        {
            let mut line = self.lock();
            line.open.retain(|open| open.strong_count() > 0);
            line.open.push(Arc::downgrade(&pair));
        }
        let (theirs, shared) = (Arc::clone(&pair), Arc::clone(&self));
        let down = std::thread::spawn(move || shared.pump_down(&theirs));
        self.pump_up(&pair);
        drop(pair);
        down.join().ok();
    }

    /// From the kiosk to the office. What a kiosk that gave up has left on the line is lost, as it is where no kernel buffers it.
    fn pump_up(&self, pair: &Arc<Pair>) {
        let (heard, pieces) = channel::<Vec<u8>>();
        let theirs = Arc::clone(pair);
        let hearing = std::thread::spawn(move || {
            let mut buffer = [0; CHUNK_BYTES];
            while let Ok(read @ 1..) = (&theirs.kiosk).read(&mut buffer)
                && heard.send(buffer[..read].to_vec()).is_ok()
            {}
            theirs.gone.store(true, Ordering::SeqCst);
        });
        let (mut records, mut passed) = (Records::default(), 0);
        for piece in pieces {
            if !self.pass_up(pair, &piece, &mut records, &mut passed) {
                break;
            }
        }
        if !pair.reset.load(Ordering::SeqCst) {
            pair.close();
        }
        hearing.join().ok();
    }

    /// Passes on what the kiosk sent at once; whether it may send more.
    fn pass_up(&self, pair: &Pair, piece: &[u8], records: &mut Records, passed: &mut usize) -> bool {
        for step in piece.chunks(self.chunk()) {
            let way = self.way();
            take_time(way);
            let most = if let Way::CutRequest(most) = way { most.saturating_sub(*passed) } else { step.len() };
            let bytes = &step[..step.len().min(most)];
            records.pass(bytes);
            pair.asked.store(records.application > 1, Ordering::SeqCst);
            *passed += bytes.len();
            let gone = pair.gone.load(Ordering::SeqCst);
            if gone || (&pair.office).write_all(bytes).is_err() || bytes.len() < step.len() {
                return false;
            }
        }
        true
    }

    /// From the office to the kiosk.
    fn pump_down(&self, pair: &Pair) {
        let (mut passed, mut replied, mut buffer) = (0, 0, [0; CHUNK_BYTES]);
        while let Ok(read @ 1..) = (&pair.office).read(&mut buffer[..self.chunk()]) {
            let mut bytes = &buffer[..read];
            let way = self.way();
            take_time(way);
            let before = replied;
            replied += if pair.asked.load(Ordering::SeqCst) { read } else { 0 };
            if let Way::CutReply(most) = way {
                bytes = &bytes[..bytes.len().min(most.saturating_sub(passed))];
            }
            if way == Way::LoseReply && replied > 0 {
                if replied > TICKETS_BYTES {
                    break;
                }
                continue;
            }
            if let Way::ResetReply(most) = way
                && replied > most
            {
                (&pair.kiosk).write_all(&bytes[..most.saturating_sub(before).min(read)]).ok();
                return pair.reset();
            }
            passed += bytes.len();
            if (&pair.kiosk).write_all(bytes).is_err() || bytes.len() < read {
                break;
            }
        }
        if !pair.reset.load(Ordering::SeqCst) {
            pair.close();
        }
    }

    fn chunk(&self) -> usize {
        let way = self.lock().way;
        if let Way::Slow(bytes_per_s) = way { (bytes_per_s / SLOW_STEPS).clamp(1, CHUNK_BYTES) } else { CHUNK_BYTES }
    }
}

fn take_time(way: Way) {
    if let Way::Slow(_) = way {
        std::thread::park_timeout(Duration::from_secs(1) / u32::try_from(SLOW_STEPS).unwrap());
    } else if let Way::Late(by) = way {
        std::thread::park_timeout(by);
    }
}

/// Counts TLS records of application data (content type 23) as they pass.
#[derive(Default)]
struct Records {
    head: Vec<u8>,
    left: usize,
    application: usize,
}

impl Records {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            self.head.push(*byte);
            if let [kind, _, _, high, low] = self.head[..] {
                self.application += usize::from(kind == 23);
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.head.clear();
            }
        }
    }
}
