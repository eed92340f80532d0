//! An empty fingerprint module is put to use from the command line.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use punchd::sim::reader::{Protocol, SimReader, Touch};

use crate::rig::{Kiosk, Place, text};

#[test]
fn a_finger_is_enrolled_listed_recognised_and_deleted() {
    let (place, module, kiosk) = rig();
    enrol(&kiosk, &module, 3);
    let taken = || kiosk.ask(&["readers", "--slots", "finger"])[0]["slots"]["taken"].clone();
    assert_eq!(taken(), serde_json::json!([3]));
    let events = kiosk.events();
    module.finger(Touch::New(1)).unwrap();
    assert_eq!(events.state("unknown")["reader"], "finger");
    module.lift().unwrap();
    let again = kiosk.ctl(&["enrol", "finger", "--slot", "3"]);
    assert!(again.status.code() == Some(69) && text(&again.stdout).contains("slot 3 is taken"), "{}", text(&again.stdout));
    let deleted = kiosk.ctl(&["finger", "delete", "finger", "3"]);
    assert!(deleted.status.success() && text(&deleted.stdout).contains("slot 3 is empty"), "{}", text(&deleted.stdout));
    assert_eq!(taken(), serde_json::json!([]));
    let acts = kiosk.ask(&["punches"]).iter().filter(|entry| entry["kind"] == "maintenance").count();
    assert_eq!(acts, 3, "each of a technician's acts is an entry");
    drop(place);
}

#[test]
fn whoever_gives_up_an_enrolment_leaves_the_module_free() {
    let (_place, module, kiosk) = rig();
    let mut enrol = kiosk.command(&["enrol", "finger"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(enrol.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("press the finger"));
    let busy = kiosk.ctl(&["readers", "--slots", "finger"]);
    assert!(busy.status.code() == Some(69) && text(&busy.stderr).contains("busy"), "{}", text(&busy.stderr));
    enrol.kill().unwrap();
    enrol.wait().unwrap();
    let freed = crate::rig::until("the module answers another", std::time::Duration::from_secs(5), || {
        let slots = kiosk.ctl(&["readers", "--slots", "finger", "--json"]);
        slots.status.success().then(|| text(&slots.stdout))
    });
    assert!(freed.contains("\"taken\":[]"), "{freed}");
    drop(module);
}

fn rig() -> (Place, SimReader, Kiosk) {
    let place = Place::new();
    let module = place.reader("finger", Protocol::Ef01);
    let kiosk = Kiosk::start(&place, &place.configure("", &[("finger", "ef01")]));
    kiosk.until("the module answers", |status| status["readers"][0]["connected"] == true && status["journal"].is_string());
    (place, module, kiosk)
}

/// Presses and lifts as the tool asks.
fn enrol(kiosk: &Kiosk, module: &SimReader, slot: u16) {
    let mut enrol = kiosk.command(&["enrol", "finger", "--slot", &slot.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(enrol.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if line.contains("press the finger") {
            module.finger(Touch::New(1)).unwrap();
        } else if line.contains("lift the finger") {
            module.lift().unwrap();
        }
        told.push(line);
    }
    module.lift().unwrap();
    assert!(enrol.wait().unwrap().success() && told.last().unwrap().contains(&format!("slot {slot}")), "{told:?}");
}
