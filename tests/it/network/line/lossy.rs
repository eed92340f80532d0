//! A kiosk in a network of its own, whose line to the office is slow and loses packets either way. Needs root, `ip`, `tc` and `nft`.

use std::process::Command;

use super::{Clock, Duration, Kiosk, Office, Place, Tally, backlog, mark, punchd, until};

/// Of a hundred packets so many are lost, each way.
const LOST_OF_100: u32 = 30;
/// Enough that batches meet losses of every kind.
const BACKLOG: u32 = 400;
/// How long it has: a retransmission that is lost again waits for twice as long each time.
const DRAIN_LIMIT: Duration = Duration::from_secs(110);

#[test]
fn a_line_of_400_kbit_that_loses_three_packets_of_ten_loses_no_punch() {
    let Some(net) = Net::new() else { return };
    let mut office = Office::configured("");
    office.address.set_ip([10, 77, net.number, 1].into());
    office.configure("");
    office.start_again();
    let place = Place::new();
    let built = backlog::store(&place, 0, BACKLOG);
    let config = place.configure("", &[]);
    let mut command = Command::new("ip");
    let run = punchd(&config, &["run"]);
    command.args(["netns", "exec", &net.name]).arg(run.get_program()).args(run.get_args());
    let kiosk = Kiosk::start_by(&place, &mut command);
    kiosk.page();
    kiosk.until_open();
    net.spoil();
    let begun = Clock::system().mono();
    until("it is paired, over the lossy line", DRAIN_LIMIT, || {
        let paired = kiosk.ctl(&["pair", &office.url(), &office.code("hall-1")]);
        paired.status.success().then_some(())
    });
    let paired_ms = Clock::system().mono().millis_since(begun);
    until("everything is at the office", DRAIN_LIMIT, || {
        assert!(kiosk.ctl(&["sync"]).status.success());
        std::thread::park_timeout(Duration::from_millis(500));
        let status = kiosk.status();
        (status["backlog"] == 0 && mark(&office, "hall-1") >= Some(u64::from(BACKLOG))).then_some(())
    });
    let drained_ms = Clock::system().mono().millis_since(begun) - paired_ms;
    println!("400 kbit/s, {LOST_OF_100} % lost each way: paired in {paired_ms} ms, {BACKLOG} entries in {drained_ms} ms; {}", net.lost());
    net.mend();
    kiosk.until_drained(DRAIN_LIMIT);
    office.check_verified();
    let tally = Tally { held: office.punches(), ..built };
    assert_eq!(tally.held.len(), tally.fed.len());
    tally.check("three packets of ten lost");
}

/// A network name space with one line to this machine's own.
struct Net {
    name: String,
    outside: String,
    number: u8,
}

impl Net {
    fn new() -> Option<Self> {
        let number = u8::try_from(std::process::id() % 250).unwrap() + 1;
        let net = Self { name: format!("punch-lossy-{number}"), outside: format!("punch-lossy{number}"), number };
        for tool in ["ip", "tc", "nft"] {
            if Command::new(tool).arg("-V").output().is_err() && Command::new(tool).arg("-v").output().is_err() {
                println!("SKIPPED a lossy line: {tool} is missing (Debian packages iproute2, nftables)");
                return None;
            }
        }
        if !rustix::process::geteuid().is_root() || !run("ip", &["netns", "add", &net.name]) {
            println!("SKIPPED a lossy line: making a network name space needs root");
            return None;
        }
        let (name, outside) = (net.name.clone(), net.outside.clone());
        let address = |host: u8| format!("10.77.{number}.{host}/30");
        let made = run("ip", &["link", "add", &outside, "type", "veth", "peer", "name", "line", "netns", &name])
            && run("ip", &["address", "add", &address(1), "dev", &outside])
            && run("ip", &["link", "set", &outside, "up"])
            && net.inside(&["ip", "address", "add", &address(2), "dev", "line"])
            && net.inside(&["ip", "link", "set", "line", "up"])
            && net.inside(&["ip", "link", "set", "lo", "up"])
            // What is lost is one packet as on a wire, not a bundle of forty.
            && run("ip", &["link", "set", "dev", &outside, "gso_max_segs", "1"])
            && net.inside(&["ip", "link", "set", "dev", "line", "gso_max_segs", "1"]);
        if !made {
            println!("SKIPPED a lossy line: this kernel makes no pair of virtual interfaces");
            return None;
        }
        Some(net)
    }

    fn inside(&self, command: &[&str]) -> bool {
        run("ip", &[&["netns", "exec", &self.name], command].concat())
    }

    /// From now on it is slow and loses packets.
    fn spoil(&self) {
        let slow = ["root", "tbf", "rate", "400kbit", "burst", "4kb", "latency", "400ms"];
        let outside = [&["qdisc", "add", "dev", self.outside.as_str()][..], &slow].concat();
        assert!(run("tc", &outside) && self.inside(&[&["tc", "qdisc", "add", "dev", "line"][..], &slow].concat()));
        assert!(self.inside(&["nft", "add", "table", "inet", "chaos"]));
        for (chain, side) in [("in", "iifname"), ("out", "oifname")] {
            let hook = format!("{{ type filter hook {chain}put priority 0 ; }}");
            assert!(self.inside(&["nft", "add", "chain", "inet", "chaos", chain, &hook]));
            let rule = format!("{side} line numgen random mod 100 < {LOST_OF_100} counter drop");
            assert!(self.inside(&["nft", "add", "rule", "inet", "chaos", chain, &rule]));
        }
    }

    /// It loses nothing any more.
    fn mend(&self) {
        assert!(self.inside(&["nft", "delete", "table", "inet", "chaos"]));
    }

    /// How many packets were lost, either way.
    fn lost(&self) -> String {
        let listed = Command::new("ip").args(["netns", "exec", &self.name, "nft", "list", "table", "inet", "chaos"]).output().unwrap();
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let counted = text.split("counter packets ").skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        format!("{} packets lost", counted.sum::<u64>())
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        run("ip", &["link", "delete", &self.outside]);
        run("ip", &["netns", "delete", &self.name]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output().unwrap();
    if !output.status.success() {
        println!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}
