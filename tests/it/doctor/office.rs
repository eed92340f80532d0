//! An office that is down, silent, or not what it should be: each is named by the step at which it breaks.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

use super::{Answer, Hall};
use crate::rig::{BADGE, Office};

#[test]
fn an_office_that_is_down_or_silent_or_a_login_page_is_told_apart() {
    let Hall { place, mut office, kiosk, badge } = Hall::open();
    let address = office.address;
    office.stop();
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(69).says(
        "office",
        "office-refused",
        &["拒绝连接", "start punch-office"],
        &["refuses the connection", "start punch-office"],
    );
    assert_eq!(answer.check("clock")["code"], "clock-synced");
    {
        let _silent = Stranger::at(address, None);
        let mut asking = kiosk.command(&["doctor"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        let events = kiosk.events();
        badge.badge(&BADGE).unwrap();
        events.next("the punch", |datum| datum["sequence"].is_u64() && datum["replay"] != true);
        assert!(asking.try_wait().unwrap().is_none(), "a tap does not wait for the doctor, who waits for the office");
        assert_eq!(asking.wait().unwrap().code(), Some(69));
        let answer = Answer::of_kiosk(&kiosk);
        answer.exits(69).says("office", "office-silent", &["5 秒内没有应答"], &["says nothing within 5 s", "restart punch-office"]);
        // What else there is to say is said all the same.
        answer.says("journal", "journal-whole", &[], &[]).says("identity", "identity-right", &[], &[]);
    }
    {
        let _portal = Stranger::at(address, Some(LOGIN_PAGE));
        let answer = Answer::of_kiosk(&kiosk);
        answer.exits(69).says("office", "office-not-tls", &["不是 HTTPS", "上网认证"], &["no HTTPS", "log in to the network"]);
    }
    office.start_again();
    kiosk.until("the office is back", |status| status["office"]["reachable"] == true);
    Answer::of_kiosk(&kiosk).says("office", "office-answers", &["应答"], &["answers in"]);
    office.run(&["terminal", "revoke", "east-hall-1"]);
    let answer = Answer::of_kiosk(&kiosk);
    answer.exits(69).says("office", "office-refuses", &["中心拒绝本机", "重新配对"], &["refuses this terminal", "pair again"]);
    drop(place);
}

#[test]
fn an_office_whose_name_stands_for_nothing_is_told_by_its_name() {
    let Hall { place, office, kiosk, badge: _badge } = Hall::open();
    assert_eq!(kiosk.stop(), Some(0));
    let file = place.path("data/pairing.json");
    let paired = fs::read_to_string(&file).unwrap();
    fs::write(&file, paired.replace(&office.url(), "https://office.invalid:8443")).unwrap();
    let answer = Answer::of_config(&place.path("terminal.toml"));
    answer.exits(69).says(
        "office",
        "office-no-name",
        &["域名无法解析：office.invalid:8443", "DNS"],
        &["cannot be resolved: office.invalid"],
    );
}

#[test]
fn a_certificate_that_does_not_pass_is_told_in_words() {
    let authority = Authority::new("Office CA");
    let office = Office::configured("");
    let given = format!("tls-cert = {:?}\ntls-key = {:?}", office.data().join("chain.pem"), office.data().join("key.pem"));
    fs::create_dir_all(office.data()).unwrap();
    office.configure(&given);
    let mut office = office;
    authority.vouch(&office.data(), "127.0.0.1", (2024, 2090));
    office.start_again();
    let Hall { place, mut office, kiosk, badge: _badge } = Hall::with(office);
    let stranger = Authority::new("Another CA");
    let mut presents = |by: &Authority, name: &str, years: (i32, i32)| {
        office.stop();
        by.vouch(&office.data(), name, years);
        office.start_again();
        let answer = Answer::of_kiosk(&kiosk);
        println!("{}", answer.check("office"));
        answer.says("clock", "clock-synced", &[], &[]);
        answer
    };
    let expired = presents(&authority, "127.0.0.1", (2020, 2021));
    expired.exits(69).says("office", "certificate-expired", &["已于 2021-01-01", "新证书"], &["expired at 2021-01-01", "a new one"]);
    let early = presents(&authority, "127.0.0.1", (2098, 2099));
    early.exits(69).says("office", "certificate-not-yet", &["2098-01-01", "才生效"], &["not valid before 2098", "compare the clocks"]);
    let renamed = presents(&authority, "elsewhere.example", (2024, 2090));
    let (zh, en) = (["不是签给", "elsewhere.example", "public-url"], ["not for 127.0.0.1", "(but elsewhere.example)"]);
    renamed.exits(69).says("office", "certificate-name", &zh, &en);
    let strange = presents(&stranger, "127.0.0.1", (2024, 2090));
    strange.exits(69).says("office", "certificate-authority", &["不是本中心签发", "重新配对"], &["another authority", "pair again"]);
    office.stop();
    authority.vouch(&office.data(), "127.0.0.1", (2024, 2090));
    office.start_again();
    Answer::of_kiosk(&kiosk).says("office", "office-answers", &["证书还有"], &["certificate holds"]);
    drop(place);
}

const LOGIN_PAGE: &str =
    "HTTP/1.1 302 Found\r\nlocation: http://login.example/\r\ncontent-type: text/html\r\ncontent-length: 20\r\n\r\n<html>log in</html>\n";

/// Something else at the office's address: it says the same to everybody, or nothing.
struct Stranger {
    address: SocketAddr,
    gone: Arc<AtomicBool>,
    serving: Option<std::thread::JoinHandle<()>>,
}

impl Stranger {
    fn at(address: SocketAddr, says: Option<&'static str>) -> Self {
        let listener = crate::rig::until("the address is free", crate::rig::PATIENCE, || TcpListener::bind(address).ok());
        let gone = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&gone);
        let serving = std::thread::spawn(move || {
            let mut held = Vec::new();
            while let Ok((mut stream, _)) = listener.accept() {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                if let Some(says) = says
                    && stream.read(&mut [0; 512]).is_ok_and(|length| length > 0)
                {
                    stream.write_all(says.as_bytes()).ok();
                }
                held.push(stream);
            }
        });
        Self { address, gone, serving: Some(serving) }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        std::net::TcpStream::connect(self.address).ok();
        self.serving.take().unwrap().join().ok();
    }
}

/// An authority that vouches for whatever it is asked to.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Writes a certificate for a name, valid from the beginning of one year to that of another, with its key.
    fn vouch(&self, folder: &Path, name: &str, years: (i32, i32)) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap().pem();
        fs::write(folder.join("chain.pem"), leaf + &self.pem).unwrap();
        fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    }
}
