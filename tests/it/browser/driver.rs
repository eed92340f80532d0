//! A headless Chromium of one test's own, through a chromedriver of its own on a free port. Both end with the test, however it ends.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::measure;

/// How often the window is set before its page must have the size.
const RESIZES_MAX: usize = 200;
/// How long a page may take to show what is waited for, on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(15);
/// Names under which distributions ship the browser.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser is heavy: one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// An open browser.
pub(super) struct Browser {
    client: Client,
    _driver: Driver,
    _turn: MutexGuard<'static, ()>,
}

/// The chromedriver process, its browsers (one process group) and their profile.
struct Driver {
    child: Child,
    profile: tempfile::TempDir,
    port: u16,
}

impl Browser {
    /// Opens one whose page area has exactly this size in pixels.
    pub(super) async fn open(width: u32, height: u32) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let driver = Driver::start();
        let webdriver = format!("http://127.0.0.1:{}", driver.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(driver.capabilities()).connect(&webdriver).await.expect("chromedriver opens the browser");
        let browser = Self { client, _driver: driver, _turn: turn };
        browser.resize(width, height).await;
        browser
    }

    /// Sets the window so that the page area, without the browser's own frame, has this size. The page hears of a new size some time after
    /// the window has it.
    async fn resize(&self, width: u32, height: u32) {
        for _ in 0..RESIZES_MAX {
            let sizes = self.script("return [innerWidth, innerHeight, outerWidth, outerHeight]").await;
            let [inner_width, inner_height, outer_width, outer_height] =
                [0, 1, 2, 3].map(|at| u32::try_from(sizes[at].as_u64().unwrap()).unwrap());
            if (inner_width, inner_height) == (width, height) {
                return;
            }
            let frame = (outer_width.saturating_sub(inner_width), outer_height.saturating_sub(inner_height));
            self.client.set_window_size(width + frame.0, height + frame.1).await.unwrap();
        }
        panic!("the page area does not become {width} by {height}");
    }

    pub(super) async fn goto(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Waits until something matches a selector.
    pub(super) async fn wait_for(&self, selector: &str) {
        let found = self.client.wait().at_most(WAIT_MAX).every(LOOK_EVERY).for_element(Locator::Css(selector)).await;
        if let Err(error) = found {
            let body = self.script("return document.body.cloneNode(false).outerHTML + document.body.innerText").await;
            panic!("{selector} did not come: {error}; the page is {body}");
        }
    }

    pub(super) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    pub(super) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub(super) async fn script_that_calls_back(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    /// Keeps every later result on the screen, so that it can be looked at for as long as it takes.
    pub(super) async fn hold(&self) {
        self.script("window.setTimeout = () => 1; document.documentElement.style.setProperty('animation', 'none')").await;
    }

    /// What is cut, covered, too small or outside.
    pub(super) async fn problems(&self) -> Vec<String> {
        // The entrance of a result lasts a moment; it is looked at when it stands.
        self.script_that_calls_back(
            "const done = arguments[0]; Promise.all(document.getAnimations().map((moving) => moving.finished)).then(() => done(0), () => done(0))",
        )
        .await;
        let problems = self.script(measure::SCRIPT).await;
        serde_json::from_value(problems).expect("a list of sentences")
    }

    /// Measures a scene, keeps its picture, and gives what is wrong with it.
    pub(super) async fn look_at(&self, scene: &str, (width, height): (u32, u32)) -> Vec<String> {
        let problems = self.problems().await;
        self.picture(&format!("{scene}-{width}x{height}")).await;
        problems.into_iter().map(|problem| format!("{scene} at {width}×{height}: {problem}")).collect()
    }

    /// Keeps a picture, where pictures are wanted.
    pub(super) async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PUNCH_SCREENSHOTS").map(PathBuf::from) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name).with_extension("png"), self.client.screenshot().await.unwrap()).unwrap();
        }
    }

    pub(super) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

impl Driver {
    fn start() -> Self {
        let program = on_path("chromedriver").expect("chromedriver is not installed: apt-get install chromium-driver (tests/run does it)");
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("chromedriver starts");
        let output = child.stdout.take().unwrap();
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ChromeDriver was started successfully on port ").map(str::to_owned));
        let port = port.and_then(|port| port.trim_end_matches('.').parse().ok()).expect("chromedriver tells its port");
        // Its output is read on, so that it never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, profile, port }
    }

    fn capabilities(&self) -> Capabilities {
        let browser = BROWSERS.iter().find_map(|name| on_path(name));
        let browser = browser.expect("Chromium is not installed: apt-get install chromium (tests/run does it)");
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            &profile,
        ];
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": { "binary": browser, "args": arguments } });
        serde_json::from_value(capabilities).unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path: &PathBuf| Path::is_file(path))
}
