//! Names and ways to the office: proxies in the environment, a name that leads nowhere, one that leads to IPv6 alone, an end that is silent.

use std::process::Command;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::sim::reader::Protocol;

use super::super::rig::{Kiosk, Office, Place, punchd, text};
use super::proxy::{Proxy, Way};
use super::stand::{Stand, is_told};

/// How long everything has to reach the office.
const DRAIN_LIMIT: Duration = Duration::from_secs(40);
/// How long a technician waits for a pairing that hangs: a connection may take 10 s; with room for a busy machine.
const PAIRING_MS: u64 = 25_000;

#[test]
fn proxies_in_the_environment_are_not_used() {
    let office = Office::start();
    let (place, strange) = (Place::new(), Proxy::to(office.address));
    strange.switch(Way::HangUp);
    let reader = place.reader("badge", Protocol::Em4100);
    let mut command = punchd(&place.configure("", &[("badge", "em4100")]), &["run"]);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, format!("http://{}", strange.address()));
    }
    let kiosk = Kiosk::start_by(&place, command.env_remove("NO_PROXY").env_remove("no_proxy"));
    kiosk.page();
    kiosk.until_open();
    office.pair(&kiosk, "east-hall-1");
    kiosk.until_drained(DRAIN_LIMIT);
    assert_eq!(strange.accepted(), 0);
    drop(reader);
}

#[test]
fn an_office_that_is_silent_keeps_no_technician_and_no_stop_waiting() {
    let office = Office::start();
    let stand = Stand::new(Place::new(), Proxy::to(office.address), 1);
    stand.line.switch(Way::Silent);
    let clock = Clock::system();
    let begun = clock.mono();
    let refused = stand.kiosk.ctl(&["pair", &stand.line.url(), &office.code("hall-1")]);
    let took_ms = clock.mono().millis_since(begun);
    println!("pairing with a silent end was given up after {took_ms} ms");
    assert_eq!(refused.status.code(), Some(69));
    assert!(text(&refused.stderr).contains("cannot be reached") && took_ms < PAIRING_MS, "{took_ms} ms: {}", text(&refused.stderr));
    stand.line.switch(Way::Pass);
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    stand.kiosk.until_drained(DRAIN_LIMIT);
    let accepted = stand.line.accepted();
    stand.line.hang_up();
    stand.line.switch(Way::Silent);
    stand.sync();
    super::super::rig::until("it tries", DRAIN_LIMIT, || (stand.line.accepted() > accepted).then_some(()));
    assert_eq!(stand.kiosk.stop(), Some(0), "it stops in the middle of an exchange");
}

#[test]
fn an_office_at_an_address_of_ipv6_is_reached() {
    let office = Office::start();
    let mut stand = Stand::new(Place::new(), Proxy::over_ipv6(office.address), 1);
    office.pair_at(&stand.kiosk, &stand.terminal, &stand.line.url());
    stand.tap();
    stand.drain(DRAIN_LIMIT);
    assert!(stand.line.url().contains("[::1]") && stand.line.accepted() > 0);
}

#[test]
fn a_name_that_leads_to_ipv6_alone_and_then_nowhere_is_followed_and_told() {
    let mut office = Office::configured("");
    let line = Proxy::over_ipv6(office.address);
    let url = format!("https://office.example:{}", line.address().port());
    office.configure(&format!("public-url = \"{url}\""));
    office.start_again();
    let place = Place::new();
    let hosts = place.path("hosts");
    let known = "127.0.0.1 localhost\n::1 office.example\n";
    std::fs::write(&hosts, known).unwrap();
    let Some(kiosk) = kiosk_with_names_of(&place) else { return };
    office.pair_at(&kiosk, "hall-1", &url);
    kiosk.until_drained(DRAIN_LIMIT);
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    line.hang_up();
    assert!(kiosk.ctl(&["sync"]).status.success());
    let status = kiosk.within("the name is told", Duration::from_secs(90), |status| is_told(status, "office-unreachable", "dns error"));
    println!("a name that leads nowhere: {}", status["office"]["last_error"]);
    std::fs::write(&hosts, known).unwrap();
    assert!(kiosk.ctl(&["sync"]).status.success());
    kiosk.within("the name leads there again", DRAIN_LIMIT, |status| status["office"]["reachable"] == true && status["backlog"] == 0);
    office.check_verified();
}

/// A kiosk that looks names up in a file of its own, and beyond it asks a server that is not there.
fn kiosk_with_names_of(place: &Place) -> Option<Kiosk> {
    const MOUNT: &str = "mount --bind \"$1/hosts\" /etc/hosts && mount --bind \"$1/resolv.conf\" /etc/resolv.conf";
    let config = place.configure("", &[]);
    std::fs::write(place.path("resolv.conf"), "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n").unwrap();
    let apart = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).arg(place.folder.path());
        command
    };
    if !apart(MOUNT).output().is_ok_and(|output| output.status.success()) {
        println!("SKIPPED a name that leads to IPv6 alone: giving a process another /etc/hosts needs root and unshare");
        return None;
    }
    let run = punchd(&config, &["run"]);
    let mut command = apart(&format!("{MOUNT} && shift && exec \"$@\""));
    let kiosk = Kiosk::start_by(place, command.arg(run.get_program()).args(run.get_args()));
    kiosk.page();
    kiosk.until_open();
    Some(kiosk)
}
