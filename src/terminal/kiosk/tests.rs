//! The loop itself, with nobody behind its channels.

use super::*;
use crate::control::Reply;
use crate::domain::credential::Credential;
use crate::domain::id::ReaderName;
use crate::reader::{Answer, Reading};
use crate::terminal::journal::Command;

#[tokio::test]
async fn a_reading_that_waits_when_the_kiosk_is_told_to_stop_is_still_stored() {
    tokio::time::pause();
    let mut rig = Rig::new("");
    rig.kiosk.apply(Happened::Journal(journal::Event::Available { journals: Vec::new(), recent: Vec::new() }));
    rig.kiosk.settle();
    let credential: Credential = "em4100:67003B51C6".parse().unwrap();
    let kind = PortEventKind::Reading(Reading::Credential(credential.clone()));
    rig.inlets.ports.try_send(PortEvent { reader: reader(), at: Clock::system().mono(), kind }).unwrap();
    rig.supervisor.stop().cancel();
    assert!(!rig.kiosk.run(rig.outlets).await, "it was told to");
    let commands: Vec<Command> = rig.commands.try_iter().collect();
    let stored = |command: &Command| matches!(command, Command::Append { draft, .. } if draft.body == Body::Punch { reader: reader(), credential: credential.clone() });
    assert!(commands.iter().any(stored), "{commands:?}");
    assert!(matches!(commands.last(), Some(Command::Stop)));
}

#[tokio::test]
async fn the_page_is_made_anew_only_when_something_on_it_changed() {
    let mut rig = Rig::new("");
    rig.kiosk.settle();
    let first = rig.kiosk.shown.unwrap();
    rig.kiosk.settle();
    assert_eq!(rig.kiosk.shown, Some(first));
    let now = rig.kiosk.clock.mono();
    rig.kiosk.board.raise(now, Code::NoSound, "", "no device");
    rig.kiosk.settle();
    assert_ne!(rig.kiosk.shown, Some(first));
}

#[test]
fn a_readers_bytes_are_wanted_until_the_last_listener_has_left() {
    let mut technician = Technician::default();
    let (first, first_end) = mpsc::channel(1);
    let (second, second_end) = mpsc::channel(1);
    technician.listen(reader(), first);
    technician.listen(reader(), second);
    drop(first_end);
    assert_eq!(technician.left().0, []);
    drop(second_end);
    assert_eq!(technician.left().0, [reader()]);
    assert_eq!(technician.left().0, [], "it is told once");
}

#[test]
fn a_reader_is_freed_of_a_request_whose_technician_has_left() {
    let mut technician = Technician::default();
    let (replies, mut answers) = mpsc::channel(4);
    technician.wait_for(reader(), replies);
    let told = |answer| PortEvent { reader: reader(), at: Mono(0), kind: PortEventKind::Answer(answer) };
    technician.port(&told(Answer::Press { capture: 1 }));
    assert!(matches!(answers.try_recv(), Ok(Reply::Answer { answer: Answer::Press { .. } })) && technician.is_busy(&reader()));
    drop(answers);
    assert!(!technician.is_busy(&reader()));
    assert_eq!(technician.left().1, [reader()]);
    let (replies, mut answers) = mpsc::channel(4);
    technician.wait_for(reader(), replies);
    technician.port(&told(Answer::Enrolled { slot: 3 }));
    assert!(answers.try_recv().is_ok() && !technician.is_busy(&reader()));
    assert_eq!(technician.left().1, [], "it came to its end by itself");
}

#[tokio::test]
async fn a_kiosk_set_to_english_makes_an_english_page() {
    let mut rig = Rig::new("[kiosk]\nlanguage = \"en\"\n");
    let best = rig.kiosk.keeper.best_now(rig.kiosk.clock.read());
    assert!(rig.kiosk.page(&best, (false, 0)).english_first);
}

struct Rig {
    kiosk: Kiosk,
    inlets: Inlets,
    outlets: Outlets,
    commands: std::sync::mpsc::Receiver<Command>,
    supervisor: Supervisor,
    _data: tempfile::TempDir,
}

impl Rig {
    fn new(more: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let text = format!("[terminal]\ndata-dir = {:?}\n{more}", data.path());
        let settings = Arc::new(crate::config::terminal::check("terminal.toml", &text).unwrap());
        let (supervisor, notices) = Supervisor::new();
        let (inlets, outlets) = channels(notices);
        let (journal, commands) = std::sync::mpsc::sync_channel(JOURNAL_COMMANDS_MAX);
        let clock = Clock::system();
        let display = Display::new(clock.clone());
        let parts = Parts {
            settings,
            clock,
            supervisor: supervisor.clone(),
            journal,
            display,
            page: "127.0.0.1:8025".parse().unwrap(),
            sound: None,
            inlets: inlets.clone(),
            watchdog_ms: None,
            seed: 7,
        };
        Self { kiosk: Kiosk::new(parts, Readers::default()), inlets, outlets, commands, supervisor, _data: data }
    }
}

fn reader() -> ReaderName {
    "badge".parse().unwrap()
}
