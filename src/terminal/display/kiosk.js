"use strict";
// The page makes nothing up: every word but the two of a lost connection comes with the events. It keeps three things: what stands, the
// result that is on the screen and until when, and when it last heard from the daemon.
(() => {
  const SILENT_MS = 3000;
  const REOPEN_MS = 1000;
  const LOST = {
    colour: "red", icon: "unplugged", title: "未连接", sub: "", message: "请纸质签到",
    hints: ["考勤程序没有应答，正在自动重新连接"],
    english: "Not connected. Please sign on the paper sheet.", marks: [],
  };

  const body = document.body;
  const element = (id) => document.getElementById(id);
  const make = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  let source = null;
  let opened = 0;
  let heard = performance.now();
  let lost = false;
  let version = null;
  let page = null;
  let drawn = "";
  let standing = null;
  let holding = 0;
  let phone = "";

  // Widths in ems, so that a line is set as large as fits: Chinese characters are one, Latin letters and digits less.
  const width = (text) => Array.from(text).reduce((sum, c) => sum + (c.codePointAt(0) < 0x2000 && c !== "·" ? 0.62 : 1), 0);

  const set = (id, text) => {
    const target = element(id);
    if (target.textContent !== text) target.textContent = text;
    return target;
  };

  function boxes(list) {
    const made = list.map((box) => {
      const item = document.createElement("li");
      if (box.current) item.classList.add("current");
      if (!box.at) item.classList.add("open");
      item.append(make("span", box.label, "label"), make("span", box.at || "—", "at"));
      return item;
    });
    element("boxes").replaceChildren(...made);
  }

  function paint(words, state, idle) {
    body.dataset.view = idle ? "idle" : "result";
    body.dataset.state = state;
    body.dataset.colour = words.colour;
    if (idle) {
      boxes(page ? page.schedule : []);
      // Nobody's name stays behind, not even unseen.
      for (const id of ["title", "sub", "message", "english"]) set(id, "");
      element("hints").replaceChildren();
      return;
    }
    set("title", words.title).style.setProperty("--n", String(Math.max(1, Array.from(words.title).length)));
    set("sub", words.sub);
    set("message", words.message).style.setProperty("--n", String(Math.max(1, width(words.message))));
    element("icon-use").setAttribute("href", "#icon-" + words.icon);
    element("hints").replaceChildren(...words.hints.filter(Boolean).map((hint) => make("p", hint)));
    set("english", words.english);
    boxes(words.marks);
  }

  function settle() {
    clearTimeout(holding);
    holding = 0;
    if (lost) {
      const hints = phone ? LOST.hints.concat("管理办公室 " + phone) : LOST.hints;
      paint(Object.assign({}, LOST, { hints }), "lost", false);
      body.dataset.network = "offline";
      set("network-zh", "未连接");
      set("network-en", "Not connected");
    } else if (standing) {
      paint(standing.words, standing.state, standing.words.icon === "none");
    }
  }

  function result(datum) {
    clearTimeout(holding);
    body.dataset.dim = "false";
    paint(datum.words, datum.state, false);
    // Restarts the entrance, so that a second tap by the same person is seen as a second answer.
    const section = element("result");
    section.classList.remove("enter");
    void section.offsetWidth;
    section.classList.add("enter");
    holding = setTimeout(settle, datum.words.hold_ms);
  }

  function banners(list) {
    const made = list.map((wrong) => {
      const banner = document.createElement("p");
      banner.className = wrong.severity;
      banner.append(make("b", wrong.title), make("span", wrong.remedy));
      return banner;
    });
    element("banners").replaceChildren(...made);
    body.dataset.banners = String(list.length);
  }

  function head(view) {
    set("site", view.site);
    set("terminal", view.terminal);
    set("network-zh", view.network[0]);
    set("network-en", view.network[1]);
    body.dataset.network = view.online ? "online" : "offline";
    phone = view.phone;
    body.dataset.language = view.language;
    set("phone", phone ? (view.language === "en" ? "Office " : "管理办公室 ") + phone : "");
    set("backlog", view.backlog);
    set("notices", view.notices.join(" · "));
  }

  function onPage(event) {
    came();
    const view = JSON.parse(event.data);
    if (version === null) version = view.version;
    if (version !== view.version) {
      location.reload();
      return;
    }
    if (event.data === drawn) return;
    drawn = event.data;
    page = view;
    standing = { words: view.standing, state: view.state };
    head(view);
    banners(view.banners);
    set("clock", view.clock);
    set("date", view.date);
    set("due-zh", view.due[0]);
    set("due-en", view.due[1]);
    if (!holding) {
      body.dataset.dim = String(view.dim);
      settle();
    }
  }

  function onDatum(event) {
    came();
    const datum = JSON.parse(event.data);
    body.dataset.seen = String(Number(body.dataset.seen) + 1);
    if (datum.words.hold_ms > 0) {
      result(datum);
    } else if (!datum.replay || !standing) {
      standing = { words: datum.words, state: datum.state };
      if (!holding) settle();
    }
  }

  function came() {
    heard = performance.now();
    lost = false;
  }

  function open() {
    if (source) source.close();
    opened = performance.now();
    source = new EventSource("/events");
    source.onmessage = onDatum;
    source.addEventListener("page", onPage);
  }

  // The browser's own reconnection gives up on some answers; this one never does.
  function watch() {
    const now = performance.now();
    const silent = now - heard > SILENT_MS;
    const gone = source.readyState === EventSource.CLOSED || silent;
    if (gone && now - opened > REOPEN_MS) open();
    if (silent && !lost) {
      lost = true;
      drawn = "";
      body.dataset.dim = "false";
      settle();
    }
  }

  element("result").addEventListener("animationend", (event) => event.currentTarget.classList.remove("enter"));
  open();
  setInterval(watch, 250);
})();
