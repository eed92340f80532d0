//! The kiosk page in a real browser, at the sizes of real panels: nothing cut, nothing overlapping, nobody's name left behind, and the truth
//! told when the daemon is gone. With `PUNCH_SCREENSHOTS` set to a folder, every screen is kept there as a picture.

mod driver;
mod measure;
mod scenes;

use std::future::Future;
use std::time::Duration;

use punchd::clock::Clock;
use punchd::domain::time::Wall;
use punchd::machine::feedback::{Feedback, State};
use punchd::terminal::display::{Display, PageState};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use driver::Browser;

/// How long one test may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(5);

#[tokio::test]
async fn nothing_is_cut_on_a_seven_inch_panel_of_1024_by_600() {
    every_scene(1024, 600, false).await;
}

#[tokio::test]
async fn nothing_is_cut_on_a_ten_inch_panel_of_1280_by_800() {
    every_scene(1280, 800, false).await;
}

#[tokio::test]
async fn nothing_is_cut_on_an_upright_panel_of_800_by_1280() {
    every_scene(800, 1280, false).await;
}

#[tokio::test]
async fn nothing_is_cut_where_english_comes_first() {
    every_scene(1024, 600, true).await;
    every_scene(800, 1280, true).await;
}

#[tokio::test]
async fn a_result_gives_way_to_the_clock_and_no_name_stays_behind() {
    on_page(1280, 800, |display, browser, _| async move {
        display.show(scenes::recorded(1, scenes::SHORT_NAME));
        browser.wait_for("body[data-state='recorded']").await;
        assert!(browser.text("#title").await.contains(scenes::SHORT_NAME));
        browser.wait_for("body[data-state='idle'][data-view='idle']").await;
        let left = browser.script("return document.documentElement.outerHTML").await;
        assert!(!left.as_str().unwrap().contains(scenes::SHORT_NAME), "the name is gone from the whole page");
        browser
    })
    .await;
}

#[tokio::test]
async fn a_new_read_replaces_the_result_on_the_screen_at_once() {
    on_page(1280, 800, |display, browser, _| async move {
        browser.hold().await;
        display.show(scenes::recorded(1, scenes::SHORT_NAME));
        browser.wait_for("body[data-state='recorded']").await;
        display.show(Feedback { name: Some(scenes::LONG_NAME.to_owned()), state: State::Already, ..scenes::recorded(2, "") });
        browser.wait_for("body[data-state='already']").await;
        assert_eq!(browser.text("#title").await, scenes::LONG_NAME);
        browser
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_for_paper_while_the_daemon_is_gone_and_comes_back_by_itself() {
    let (display, listener) = (display(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let browser = Browser::open(1280, 800).await;
    let first = display.clone().serve(listener, async move { stopped.await.unwrap_or_default() });
    let scenario = async {
        browser.goto(&format!("http://{address}/")).await;
        browser.wait_for("body[data-state='idle']").await;
        display.show(scenes::recorded(1, scenes::SHORT_NAME));
        browser.wait_for("body[data-state='recorded']").await;
        stop.send(()).unwrap();
    };
    let (served, ()) = within(async { tokio::join!(first, scenario) }).await;
    served.unwrap();
    browser.wait_for("body[data-state='lost'][data-colour='red']").await;
    assert_eq!(browser.text("#message").await, "请纸质签到");
    assert_eq!(browser.look_at("lost", (1280, 800)).await, Vec::<String>::new());

    let again = TcpListener::bind(address).await.unwrap();
    tokio::select! {
        ended = self::display().serve(again, std::future::pending()) => panic!("the page ended: {ended:?}"),
        () = within(async {
            browser.wait_for("body[data-state='idle'][data-network='online']").await;
            assert_eq!(browser.text("#clock").await, "08:21");
        }) => {}
    }
    browser.close().await;
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_breaks_none_of_its_own_policy() {
    on_page(1280, 800, |_, browser, address| async move {
        let loaded = browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name)").await;
        let loaded: Vec<&str> = loaded.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
        assert!(loaded.len() >= 2 && loaded.iter().all(|name| name.starts_with(&address)), "{loaded:?}");
        let refused = "const image = new Image(); const done = arguments[arguments.length - 1]; image.onerror = () => done('refused'); \
                       image.onload = () => done('loaded'); image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';";
        assert_eq!(browser.script_that_calls_back(refused).await, "refused", "the policy holds");
        browser
    })
    .await;
}

/// Shows every scene at a size and measures it.
async fn every_scene(width: u32, height: u32, english_first: bool) {
    let page = move |change| PageState { english_first, ..scenes::page_with(&display_clock(), change) };
    let named = move |name: &str| if english_first { format!("{name}-english") } else { name.to_owned() };
    on_page(width, height, |display, browser, address| async move {
        let mut wrong = Vec::new();
        for scene in scenes::standing() {
            display.page(page(scene.change));
            display.show(scene.last);
            browser.goto(&address).await;
            browser.wait_for(scene.shows).await;
            wrong.extend(browser.look_at(&named(scene.name), (width, height)).await);
        }
        display.page(page(|_| {}));
        display.show(Feedback::of(State::Idle));
        browser.goto(&address).await;
        browser.wait_for("body[data-seen='1'][data-view='idle']").await;
        browser.hold().await;
        for (shown, (name, feedback)) in scenes::results().into_iter().enumerate() {
            display.show(feedback);
            browser.wait_for(&format!("body[data-seen='{}'][data-view='result']", shown + 2)).await;
            wrong.extend(browser.look_at(&named(&name), (width, height)).await);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        browser
    })
    .await;
}

/// Runs a scenario on a served page in a browser of that size, and closes the browser that it gives back.
async fn on_page<F: Future<Output = Browser>>(width: u32, height: u32, scenario: impl FnOnce(Display, Browser, String) -> F) {
    let (display, listener) = (display(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let browser = Browser::open(width, height).await;
    let acting = async {
        browser.goto(&address).await;
        browser.wait_for("body[data-state='idle']").await;
        scenario(display.clone(), browser, address).await
    };
    let browser = tokio::select! {
        ended = display.clone().serve(listener, std::future::pending()) => panic!("the page ended: {ended:?}"),
        browser = within(acting) => browser,
    };
    browser.close().await;
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it ends within the limit")
}

fn display() -> Display {
    let clock = display_clock();
    let display = Display::new(clock.clone());
    display.page(scenes::page_with(&clock, |_| {}));
    display
}

/// A Monday morning, four minutes before the first checkpoint.
fn display_clock() -> Clock {
    Clock::skipping(Wall::parse_rfc3339("2026-11-23T08:21:05+08:00").unwrap())
}
