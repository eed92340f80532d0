//! What people read, state by state.

use super::*;
use crate::domain::calendar::DayKind;

fn words_of(feedback: &Feedback) -> Words {
    words::of(feedback, &page_state(&Clock::system()))
}

/// Colour, sign and lines as they are read.
fn read(words: &Words) -> String {
    let look = serde_json::to_value((words.colour, words.icon)).unwrap();
    let lines =
        [words.title.as_str(), words.sub.as_str(), words.message.as_str()].into_iter().chain(words.hints.iter().map(String::as_str));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    format!("{} {}: {}", look[0].as_str().unwrap(), look[1].as_str().unwrap(), lines.join(" / "))
}

fn person(state: State) -> Feedback {
    Feedback { state, ..recorded(1) }
}

#[test]
fn each_state_says_what_the_hall_agreed() {
    let reason = |state, reason| Feedback { reason: Some(reason), ..person(state) };
    let nobody = |state| Feedback { name: None, checkpoint: None, today: Vec::new(), outcome: None, ..person(state) };
    let cases = [
        (person(State::Recorded), "green check: 欧阳明月 / 上午上班 打卡成功 / 08:21:37"),
        (person(State::Already), "blue check: 欧阳明月 / 您已打卡 08:21 / 上午上班 本次 08:21:37 也已保存"),
        (reason(State::OffHours, Reason::RestDay), "blue calendar: 欧阳明月 / 今日非工作日，已记录 / 08:21:37"),
        (reason(State::OffHours, Reason::BeforePost), "blue calendar: 欧阳明月 / 已记录（岗前） / 08:21:37"),
        (reason(State::OffHours, Reason::OutsideWindows), "blue calendar: 欧阳明月 / 已记录（非打卡时段） / 08:21:37"),
        (
            nobody(State::Unknown),
            "amber question: 此卡尚未登记 / 本次刷卡已留存 / 请联系管理办公室核对（电话\u{a0}8210000） / 办事群众请到取号机取号，谢谢",
        ),
        (nobody(State::Disabled), "red barred: 此卡已停用 / 本次刷卡已留存 / 请联系管理办公室（电话\u{a0}8210000）"),
        (
            Feedback { reason: Some(Reason::NoRoster), ..nobody(State::Unknown) },
            "amber check: 已记录 / 08:21 / 本机尚未收到花名册，收到后由中心自动对应",
        ),
        (Feedback { tries: 2, ..nobody(State::Retry) }, "amber again: 请重按手指 / 第 2 次 / 请再试一次"),
        (
            Feedback { tries: 3, ..nobody(State::Retry) },
            "amber again: 请重按手指 / 第 3 次 / 请改用工牌，或到管理办公室登记 / 每次尝试的时间均已留存",
        ),
        (person(State::Event), "green check: 欧阳明月 / 签到成功 / 08:21:37"),
        (person(State::Out), "blue out: 欧阳明月 / 外出已登记 08:21 / 离岗超过15分钟，请先向窗口负责人报告并安排补位"),
        (person(State::Back), "blue back: 欧阳明月 / 返岗已登记 08:21"),
        (person(State::NotRecorded), "red paper: 未记录 / 欧阳明月 08:21 / 请纸质签到 / 本次打卡没有保存（电话\u{a0}8210000）"),
        (
            Feedback::of(State::Fault),
            "red paper: 暂停打卡 / 请纸质签到 / 本机暂时无法保存打卡，修复后自动恢复 / 请联系管理办公室（电话\u{a0}8210000）",
        ),
        (Feedback::of(State::Maintenance), "grey wrench: 维护中 / 请用旁边终端"),
        (Feedback::of(State::Idle), "light none: "),
    ];
    for (feedback, expected) in cases {
        assert_eq!(read(&words_of(&feedback)), expected);
    }
}

#[test]
fn late_and_early_look_like_any_recorded_punch_and_only_the_hint_differs() {
    let on_time = words_of(&person(State::Recorded));
    let late = Feedback {
        outcome: Some(LiveOutcome::Late),
        minutes: 3,
        at: Some("2026-11-23T08:28:05+08:00".to_owned()),
        ..person(State::Recorded)
    };
    let words = words_of(&late);
    assert_eq!((words.colour, words.icon), (on_time.colour, on_time.icon));
    assert_eq!(read(&words), "green check: 欧阳明月 / 已记录 08:28 / 考勤时间 8:25 / 因公、请假或其他情况，请向窗口负责人说明");
    let early = Feedback { outcome: Some(LiveOutcome::BeforeDue), due: Some("11:50".to_owned()), ..late };
    assert!(read(&words_of(&early)).ends_with("考勤时间 11:50 / 因公、请假或其他情况，请向窗口负责人说明"));
}

#[test]
fn a_lone_lunch_tap_is_told_by_when_to_tap_again() {
    let lunch = Feedback {
        at: Some("2026-11-23T12:10:00+08:00".to_owned()),
        checkpoint: Some("morning_out".to_owned()),
        reason: Some(Reason::TapAgainAfterLunch),
        ..person(State::Recorded)
    };
    assert_eq!(read(&words_of(&lunch)), "green check: 欧阳明月 / 上午下班 已记录 12:10 / 下午上班请于 13:25 前再打卡");
}

#[test]
fn a_time_that_is_a_guess_is_marked() {
    let guess = Feedback { at_doubtful: true, ..person(State::Recorded) };
    assert_eq!(words_of(&guess).hints, ["~08:21:37"]);
}

#[test]
fn the_boxes_name_the_checkpoints_and_which_one_this_punch_met() {
    let marks = words_of(&recorded(1)).marks;
    let read: Vec<_> = marks.iter().map(|mark| (mark.label.as_str(), mark.at.as_str(), mark.current)).collect();
    assert_eq!(read, [("上午上班", "08:21", true), ("上午下班", "", false), ("下午上班", "", false), ("下午下班", "", false)]);
}

#[test]
fn nobody_is_accused_and_every_result_has_a_sign_words_and_an_end() {
    let reasons = [
        None,
        Some(Reason::RestDay),
        Some(Reason::OutsideWindows),
        Some(Reason::BeforePost),
        Some(Reason::CalendarUnknown),
        Some(Reason::NoRules),
        Some(Reason::NoRoster),
        Some(Reason::NoMatch),
        Some(Reason::NotRead),
        Some(Reason::TapAgainAfterLunch),
    ];
    let outcomes = [None, Some(LiveOutcome::OnTime), Some(LiveOutcome::Late), Some(LiveOutcome::BeforeDue)];
    let states = [
        State::Recorded,
        State::Already,
        State::OffHours,
        State::Unknown,
        State::Disabled,
        State::Retry,
        State::Event,
        State::Out,
        State::Back,
        State::NotRecorded,
    ];
    for (state, reason) in states.into_iter().flat_map(|state| reasons.map(|reason| (state, reason))) {
        for outcome in outcomes {
            let known = Feedback { outcome, reason, ..person(state) };
            let bare = Feedback { outcome, reason, ..Feedback::of(state) };
            is_fit_for_the_hall(&known, &page_state(&Clock::system()));
            is_fit_for_the_hall(&bare, &PageState::default());
        }
    }
}

fn is_fit_for_the_hall(feedback: &Feedback, page: &PageState) {
    let words = words::of(feedback, page);
    let all = serde_json::to_string(&words).unwrap();
    for word in ["迟到", "早退", "旷工", "缺卡", "非法", "晚于", " late"] {
        assert!(!all.contains(word), "{word} in {all}");
    }
    assert!(!words.title.is_empty() && words.icon != words::Icon::None && !words.english.is_empty(), "{all}");
    assert!((1_500..=5_000).contains(&words.hold_ms), "{all}");
    assert_eq!(words.icon == words::Icon::Paper, feedback.state == State::NotRecorded, "{all}");
}

#[test]
fn the_page_says_what_to_punch_for_now() {
    for (time, expected) in [
        ("05:30", "接下来：上午上班（8:25截止）"),
        ("08:21", "现在：上午上班（8:25截止）"),
        ("09:30", "接下来：上午下班（11:50起）"),
        ("12:10", "现在：上午下班（11:50起）"),
        ("12:50", "现在：下午上班（13:25截止）"),
        ("17:30", "现在：下午下班（17:00起）"),
    ] {
        assert_eq!(view_at(time, |_| {})["due"][0], expected, "{time}");
    }
    let holiday = view_at("08:21", |page| page.day = Some(DayKind::Holiday("国庆节".to_owned())));
    assert_eq!((&holiday["due"][0], holiday["schedule"].as_array().unwrap().len()), (&"今日非工作日（国庆节）".into(), 0));
}

#[test]
fn the_clock_goes_on_by_itself_and_a_guess_is_marked() {
    let display = display();
    display.clock.skip(90_000);
    let view = view(&display);
    assert_eq!(view["clock"], "08:23");
    assert_eq!(view_at("08:21", |page| page.clock.as_mut().unwrap().doubtful = true)["clock"], "~08:21");
    assert_eq!(view_at("08:21", |page| page.clock = None)["clock"], "");
}

#[test]
fn offline_is_told_in_the_head_with_how_long_and_how_many_and_is_no_banner() {
    let display = display();
    display.show(Feedback { offline: true, backlog: 36, ..recorded(1) });
    display.clock.skip(2 * 3_600_000 + 5_000);
    let seen = view(&display);
    assert_eq!(
        (&seen["online"], &seen["network"][0], &seen["backlog"]),
        (&false.into(), &"离线 已保存".into(), &"待上传 36 条 · 离线 2 小时".into())
    );
    display.show(Feedback { offline: false, backlog: 0, ..recorded(2) });
    let seen = view(&display);
    assert_eq!((&seen["network"][0], &seen["backlog"]), (&"已联网".into(), &"待上传 0 条".into()));
    let quiet = view_at("08:21", |page| page.conditions = vec![condition(Code::OfficeUnreachable)]);
    assert_eq!(quiet["banners"].as_array().unwrap().len(), 0);
}

#[test]
fn what_is_wrong_stands_above_the_clock_worst_first_and_the_rest_is_counted() {
    let seen = view_at("08:21", |page| {
        page.conditions = [Code::NoSound, Code::ClockUntrusted, Code::NoRoster, Code::ReaderMissing].map(condition).to_vec();
        page.conditions[3].subject = "badge".to_owned();
    });
    let banners = seen["banners"].as_array().unwrap();
    assert_eq!((banners.len(), &banners[0]["severity"], &banners[0]["title"]), (2, &"fault".into(), &"读卡器未连接（badge）".into()));
    assert!(banners[1]["remedy"].as_str().unwrap().ends_with("（另有 1 项）"));
    assert_eq!(seen["notices"][0], "无法播放声音");
    assert_eq!(seen["state"], "idle", "one reader at fault leaves the others in use");
}

#[test]
fn a_store_that_takes_nothing_asks_for_paper_before_anyone_taps() {
    let seen = view_at("08:21", |page| page.conditions = vec![condition(Code::JournalUnavailable)]);
    assert_eq!(
        (&seen["state"], &seen["standing"]["message"], &seen["standing"]["colour"]),
        (&"fault".into(), &"请纸质签到".into(), &"red".into())
    );
}

#[test]
fn a_reader_at_fault_is_a_banner_and_the_clock_stays() {
    let display = display();
    display.show(Feedback { reader: Some("finger".parse().unwrap()), ..Feedback::of(State::Fault) });
    let seen = view(&display);
    assert_eq!((&seen["standing"]["icon"], &seen["banners"][0]["title"]), (&"none".into(), &"读卡器故障（finger）".into()));
    display.show(Feedback::of(State::Idle));
    assert_eq!(view(&display)["banners"].as_array().unwrap().len(), 0);
}

#[test]
fn the_screen_is_dimmed_at_night_after_five_quiet_minutes_and_woken_by_a_tap() {
    let night = display_at("22:00");
    assert_eq!(view(&night)["dim"], false);
    night.clock.skip(5 * 60_000);
    assert_eq!(view(&night)["dim"], true);
    night.show(recorded(1));
    assert_eq!(view(&night)["dim"], false);
    let day = display_at("10:00");
    day.clock.skip(5 * 60_000);
    assert_eq!(view(&day)["dim"], false);
}

fn display_at(time: &str) -> Display {
    let display = Display::new(Clock::skipping(Wall::parse_rfc3339(&format!("2026-11-23T{time}:00+08:00")).unwrap()));
    display.page(page_state(&display.clock));
    display
}

fn view_at(time: &str, change: impl FnOnce(&mut PageState)) -> serde_json::Value {
    let display = display_at(time);
    let mut page = page_state(&display.clock);
    change(&mut page);
    display.page(page);
    view(&display)
}

/// The page event's content.
fn view(display: &Display) -> serde_json::Value {
    let frame = String::from_utf8(display.page_frame().to_vec()).unwrap();
    serde_json::from_str(frame.strip_prefix("event: page\ndata: ").unwrap().trim()).unwrap()
}

#[test]
fn where_english_comes_first_the_page_speaks_it_first() {
    let clock = Clock::skipping(Wall::parse_rfc3339("2026-11-23T08:21:37+08:00").unwrap());
    let missing = Condition { subject: "badge".to_owned(), ..condition(Code::ReaderMissing) };
    let mut page = PageState { english_first: true, backlog: 3, conditions: vec![missing], ..page_state(&clock) };
    let view = |page: &PageState| serde_json::to_value(page.view(&Feedback::of(State::Idle), clock.mono(), clock.mono())).unwrap();
    let shown = view(&page);
    assert_eq!(shown["due"][0], "Now: morning in, by 8:25");
    assert_eq!((&shown["network"][0], &shown["date"]), (&"Online".into(), &"Monday, 23 November 2026".into()));
    assert_eq!(shown["schedule"][1], serde_json::json!({ "label": "morning out", "at": "from 11:50", "current": false }));
    assert_eq!(shown["banners"][0]["title"], "A reader is not connected (badge)");
    assert_eq!((&shown["backlog"], &shown["language"]), (&"3 to be sent".into(), &"en".into()));
    assert_eq!(words::of(&recorded(1), &page).marks[0].label, "morning in");
    page.english_first = false;
    assert_eq!(view(&page)["due"][0], "现在：上午上班（8:25截止）");
}
