//! The kiosk's page, asked for as a browser does.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::terminal::TerminalSettings;
use crate::health::doctor::CHECK_LIMIT_MS;
use crate::health::doctor::page::Found;

const LIMIT: Duration = Duration::from_millis(CHECK_LIMIT_MS);
/// Bytes of an answer that are looked at: its first line and some headers.
const LOOKED_AT: usize = 512;
/// What a page that is ours begins with.
const SERVED: &str = "HTTP/1.1 200 ";

/// Asks for it where the daemon says that it is, else where the configuration does.
pub(super) fn ask(told: Option<String>, settings: Option<&TerminalSettings>) -> Found {
    let told = told.and_then(|page| page.parse::<SocketAddr>().ok());
    let configured = settings.map(|settings| settings.listen).filter(|listen| listen.port() != 0);
    let Some(address) = told.or(configured) else { return Found::Unasked };
    let url = format!("http://{address}/");
    match answer(address) {
        Ok(line) if line.starts_with(SERVED) => Found::Served { url },
        Ok(line) => Found::Wrong { url, what: line },
        Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => Found::Silent { url },
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Found::Refused { url },
        Err(error) => Found::Wrong { url, what: error.to_string() },
    }
}

/// The first line of the answer.
fn answer(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut bytes = [0; LOOKED_AT];
    let length = stream.read(&mut bytes)?;
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
    Ok(text.lines().next().unwrap_or_default().chars().filter(|letter| !letter.is_control()).collect())
}
