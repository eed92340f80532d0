//! One kiosk for each thing that can be wrong with a line or with what answers at its end, all against one office.

use std::path::Path;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::domain::time::Mono;

use super::super::rig::{Office, Tally, until};
use super::impostor::{Guise, Impostor, MARKER, Manner};
use super::proxy::Way;
use super::stand::{Stand, is_told};

/// An office lets one address pair ten times, then slowly: its next life begins anew.
const PAIRED_AT_ONCE: usize = 9;
/// Taps at each kiosk while its line is spoilt.
const TAPS: u64 = 4;
/// A fault is in the status within this: the longest exchange (30 s), then the 30 s that it must last, with room for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(90);
/// How long a kiosk has to bring everything to the office after its fault.
const DRAIN_LIMIT: Duration = Duration::from_secs(40);
/// Between two looks at all kiosks.
const LOOK: Duration = Duration::from_millis(200);
/// Most lines of a log that a fault may cost: of the loss and of the taps meanwhile.
const LINES_MAX: usize = 10;

/// What is wrong.
enum Fault {
    Line(Way),
    End(Impostor),
}

/// A fault, and how it is told.
struct Case {
    name: &'static str,
    fault: Fault,
    code: &'static str,
    says: &'static str,
}

const UNREACHABLE: &str = "office-unreachable";
const GARBLED: &str = "office-garbled";

#[test]
fn whatever_is_wrong_with_the_line_taps_are_green_it_is_told_and_nothing_is_lost_or_doubled() {
    let mut office = Office::start();
    let foreign = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = lines().into_iter().chain(ends(&office.data(), foreign.path())).collect();
    let mut stands = Vec::new();
    for (number, _) in cases.iter().enumerate() {
        if number > 0 && number % PAIRED_AT_ONCE == 0 {
            office.stop();
            office.start_again();
        }
        let mut stand = Stand::paired(&office, u32::try_from(number).unwrap() + 1);
        stand.tap();
        stands.push(stand);
    }
    for stand in &stands {
        stand.drain(DRAIN_LIMIT);
    }
    spoil(&cases, &mut stands);
    for (case, stand) in cases.iter().zip(&stands) {
        if let Fault::End(_) = case.fault {
            stand.line.lead_to(&[office.address]);
        }
        stand.line.switch(Way::Pass);
        let status = stand.drain(DRAIN_LIMIT);
        assert_eq!(status["office"]["last_error"], "", "{}: quiet after", case.name);
        stand.check_log(&[MARKER]);
    }
    let mut tally = Tally { held: office.punches(), ..Tally::default() };
    for stand in stands {
        tally.fed.extend(stand.tally.fed);
        tally.confirmed.extend(stand.tally.confirmed);
    }
    office.check_verified();
    assert_eq!(tally.held.len(), tally.fed.len());
    tally.check(&format!("{} faults", cases.len()));
}

/// Lets every fault begin, taps meanwhile, and waits until each is told; counts what it costs.
fn spoil(cases: &[Case], stands: &mut [Stand]) {
    let clock = Clock::system();
    let mut waiting = Vec::new();
    for (case, stand) in cases.iter().zip(stands.iter_mut()) {
        let lines = logged(stand);
        match &case.fault {
            Fault::Line(way) => stand.line.switch(*way),
            Fault::End(impostor) => stand.line.lead_to(&[impostor.address()]),
        }
        let begun = (clock.mono(), stand.line.accepted(), lines);
        let slowest = (0..TAPS).map(|_| stand.tap()).max().unwrap();
        waiting.push((case, &*stand, begun, slowest));
    }
    until("every fault is told", TOLD_WITHIN, || {
        std::thread::park_timeout(LOOK);
        waiting.retain(|(case, stand, begun, slowest)| {
            let status = stand.kiosk.status();
            // What takes longest to fail is not waited for until it has lasted: its words are enough.
            let slow = matches!(&case.fault, Fault::End(impostor) if impostor.drips());
            let words = status["office"]["last_error"].as_str().unwrap().contains(case.says);
            let told = if slow { words } else { is_told(&status, case.code, case.says) };
            if told {
                assert!(status["backlog"].as_u64() >= Some(TAPS), "{}: {status:#}", case.name);
                count(case, stand, *begun, *slowest, &clock);
            }
            !told
        });
        waiting.is_empty().then_some(()).or_else(|| {
            let rest = waiting.iter().map(|(case, stand, ..)| format!("{}: {}", case.name, stand.kiosk.status()["office"]["last_error"]));
            let elapsed_ms = waiting.iter().map(|(_, _, (since, ..), _)| clock.mono().millis_since(*since)).max()?;
            assert!(elapsed_ms < 85_000, "not told: {}", rest.collect::<Vec<_>>().join("\n"));
            None
        })
    });
}

/// Tries grow rarer, whatever the fault, and few lines are logged.
fn count(case: &Case, stand: &Stand, (since, accepted, lines): (Mono, usize, usize), slowest_ms: u64, clock: &Clock) {
    let elapsed_ms = clock.mono().millis_since(since);
    // Where nobody listens, only the kiosk knows how often it tried.
    let tried = stand.kiosk.log().matches("connecting to ").count();
    let tries = (stand.line.accepted() - accepted).max(tried.saturating_sub(accepted));
    let lines = logged(stand) - lines;
    println!("{}: told after {elapsed_ms} ms as {}; {tries} tries, {lines} log lines, slowest tap {slowest_ms} ms", case.name, case.code);
    // A kiosk that waits for 1 s to 2 s each time comes to two thirds of a try a second; delays that grow, to less than half of that.
    let most = 6 + usize::try_from(elapsed_ms).unwrap() / 3_000;
    assert!((1..=most).contains(&tries), "{}: {tries} tries in {elapsed_ms} ms, at most {most}", case.name);
    assert!(lines <= LINES_MAX, "{}: {lines} log lines\n{}", case.name, stand.kiosk.log());
}

/// How many lines a kiosk has logged that are there without anyone asking for finer ones.
fn logged(stand: &Stand) -> usize {
    stand.kiosk.log().lines().filter(|line| !line.contains(" TRACE ") && !line.contains(" DEBUG ")).count()
}

fn lines() -> Vec<Case> {
    let case = |name, way, says| Case { name, fault: Fault::Line(way), code: UNREACHABLE, says };
    vec![
        case("nobody listens", Way::Refuse, "refused"),
        case("accepts and is silent", Way::Silent, "timed out"),
        case("accepts and closes", Way::HangUp, "error sending request"),
        case("reset in the middle of the reply", Way::ResetReply(450), "reset"),
        case("request delivered, reply lost", Way::LoseReply, "error sending request"),
        case("breaks off in the handshake", Way::CutReply(700), "error sending request"),
        case("breaks off in the request", Way::CutRequest(1_000), "error sending request"),
    ]
}

fn ends(ours: &Path, foreign: &Path) -> Vec<Case> {
    let case = |name, folder, manner, code, says| Case { name, fault: Fault::End(Impostor::start(Guise::Tls(folder), manner)), code, says };
    let html = |status, more| Manner::Http(status, more, "text/html");
    let portal = Impostor::start(Guise::Plain, html("200 OK", ""));
    vec![
        Case { name: "login page, plain HTTP", fault: Fault::End(portal), code: GARBLED, says: "does not speak TLS" },
        case("login page, foreign certificate", foreign, html("200 OK", ""), "office-untrusted", "certificate"),
        case("HTML signed by nobody", ours, html("200 OK", ""), GARBLED, "signed by nobody"),
        case("redirect", ours, html("302 Found", "location: https://login.example/\r\n"), GARBLED, "302"),
        case("413", ours, html("413 Payload Too Large", ""), GARBLED, "413"),
        case("endless answer", ours, Manner::Endless("200 OK"), GARBLED, "longer than 65536 bytes"),
        case("endless head", ours, Manner::EndlessHead, GARBLED, "does not speak HTTP"),
        case("another protocol", ours, Manner::Bytes(format!("SSH-2.0-{MARKER}\r\n")), GARBLED, "does not speak HTTP"),
        case("500", ours, html("500 Internal Server Error", ""), UNREACHABLE, "500"),
        case("503, come again tomorrow", ours, html("503 Service Unavailable", "retry-after: 86400\r\n"), UNREACHABLE, "503"),
        case("endless 503", ours, Manner::Endless("503 Service Unavailable"), UNREACHABLE, "503"),
        case("byte by byte", ours, Manner::Drip, UNREACHABLE, "too slowly"),
        case("hears everything, says nothing", ours, Manner::Nothing, UNREACHABLE, "nothing is heard"),
    ]
}
