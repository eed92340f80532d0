//! Several readers tapped in the same instant.

use std::collections::BTreeSet;
use std::sync::Barrier;

use punchd::sim::reader::{Protocol, SimReader, Touch};

use super::cable::{Cable, em4100, em4100_binary};
use super::vitals::{recorded, start};
use crate::rig::{PATIENCE, Place, badge, until};

/// Looks for a finger after which its lift was seen.
const LOOKS: usize = 2;
/// How often everybody taps at once.
const ROUNDS: u32 = 20;
/// Numbers of the binary reader's badges, apart from the other's.
const BINARY: u32 = 1_000;

#[test]
fn everybody_who_taps_in_the_same_instant_is_recorded_once() {
    let place = Place::new();
    let mut cables = ["ascii", "binary", "qr"].map(|name| Cable::plugged(&place, name));
    let module = place.reader("finger", Protocol::Ef01);
    let kiosk = start(&place, &[("ascii", "em4100"), ("binary", "em4100-binary"), ("qr", "line"), ("finger", "ef01")]);
    kiosk.until_open();
    let (events, mut fed) = (kiosk.events(), BTreeSet::new());
    for round in 0..ROUNDS {
        let (ascii, binary, qr) = (badge(round), badge(BINARY + round), format!("QR-{round}"));
        let frames = [em4100(ascii.0), em4100_binary(binary.0), format!("{qr}\r").into_bytes()];
        let together = Barrier::new(cables.len() + 1);
        std::thread::scope(|scope| {
            for (cable, frame) in cables.iter_mut().zip(&frames) {
                let together = &together;
                scope.spawn(move || {
                    together.wait();
                    cable.sends(frame);
                });
            }
            together.wait();
            module.finger(Touch::Slot(u16::try_from(round).unwrap())).unwrap();
        });
        fed.extend([ascii.1, binary.1, format!("text:{qr}"), format!("finger:{round}")]);
        let mut readers = BTreeSet::from(["ascii", "binary", "qr", "finger"]);
        while !readers.is_empty() {
            let datum = events.next("all four are recorded", |datum| datum["sequence"].is_u64());
            assert!(readers.remove(datum["reader"].as_str().unwrap()), "each once: {datum}");
        }
        module.lift().unwrap();
        // Whoever comes next waits until the module has seen that the finger is gone.
        let looked = looks(&module);
        until("the module has looked again", PATIENCE, || (looks(&module) >= looked + LOOKS).then_some(()));
    }
    let recorded = recorded(&kiosk);
    println!("{ROUNDS} times four readers at once: {} presented, {} recorded", fed.len(), recorded.len());
    assert_eq!((recorded.len(), BTreeSet::from_iter(recorded)), (fed.len(), fed), "each once, nothing else");
}

fn looks(module: &SimReader) -> usize {
    module.host_wrote().iter().filter(|wrote| wrote.instruction == "GetImage").count()
}
