"use strict";

const LANES = [
  ["turns-user", "You said", "user", 30], ["turns-model", "Model said", "model", 30], ["wait", "Response", "", 26],
  ["tools", "Tools", "", 28], ["connections", "Connection", "", 26], ["marks", "Events", "", 70],
];
const WAVE_PX = 56;
const RULER_PX = 22;
const WORDS_FROM_PX_PER_S = 80;
const SLOW_MS = 2000;
const FRAMES_SHOWN = 120;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function clock(ms) {
  const tenths = Math.round(ms / 100);
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return minutes < 60 ? `${minutes}:${seconds}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
}

function brief(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function bytes(id) {
  const text = document.getElementById(id)?.textContent ?? "";
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

class Timeline {
  constructor(number, data) {
    this.data = data;
    this.duration = data.duration_ms;
    this.items = [];
    this.root = element("section", { class: "recording", "aria-label": data.title });
    this.root.append(element("h2", {}, data.title), element("p", { class: "about" }, data.about), this.numbers());
    this.wave = element("div");
    this.time = element("output", {}, `${clock(0)} / ${clock(this.duration)}`);
    this.playing = element("button", { type: "button", class: "play", onclick: () => this.toggle() }, "▶ Play");
    this.overview = element("div", { class: "overview" });
    this.root.append(element("div", { class: "timeline" }, this.controls(), this.stage()));
    this.turns = element("ol", { class: "turns" });
    this.selected = element("pre", { class: "selected", hidden: "" });
    this.frames = element("div", { class: "frames", tabindex: "0", "aria-label": "Frames" });
    this.filter = element("input", { type: "search", placeholder: "Filter frames", "aria-label": "Filter frames",
      oninput: () => this.showFrames(this.shownMs ?? 0) });
    this.root.append(element("div", { class: "below" },
      element("div", { class: "panel" }, element("h3", {}, "What was said"), this.turns),
      element("div", { class: "panel" }, element("h3", {}, "Frames around the cursor"), this.filter, this.selected, this.frames)));
    document.getElementById("recordings").append(this.root);
    this.draw(number);
    this.listTurns();
    this.showFrames(0);
  }

  numbers() {
    const list = element("dl", { class: "numbers" });
    for (const [label, value, unit, bad] of this.data.numbers) {
      list.append(element("div", bad ? { class: "bad" } : {}, element("dt", {}, label),
        element("dd", {}, value, " ", element("small", {}, unit))));
    }
    return list;
  }

  controls() {
    const zoom = (factor) => element("button", { type: "button", "aria-label": factor > 1 ? "Zoom in" : "Zoom out",
      onclick: () => this.zoom(factor) }, factor > 1 ? "+" : "−");
    return element("div", { class: "controls" }, this.playing, this.time, zoom(1 / 1.6), zoom(1.6),
      element("button", { type: "button", onclick: () => this.fit() }, "Fit"),
      element("input", { type: "search", placeholder: "Find words, tools, events", "aria-label": "Find",
        onkeydown: (event) => { if (event.key === "Enter") this.find(event.target.value); },
        oninput: (event) => this.mark(event.target.value) }));
  }

  stage() {
    const label = (text, kind, height) => element("div", { class: kind, style: `height:${height}px` }, text);
    const labels = element("div", { class: "labels", "aria-hidden": "true" }, label("", "", RULER_PX),
      label("You", "user", WAVE_PX), label("Model", "model", WAVE_PX));
    for (const [, text, kind, height] of LANES) labels.append(label(text, kind, height));
    return element("div", { class: "stage" }, labels, this.wave, this.overview);
  }

  draw(number) {
    const levels = ["user", "model"].map((side) => bytes(`peaks-${number}-${side}`));
    const loudest = levels.reduce((most, level) => level.reduce((one, other) => Math.max(one, other), most), 16);
    const sides = levels.map((level) => Float32Array.from(level, (peak) => peak / loudest));
    const sound = bytes(`sound-${number}`);
    const peaks = sides.map((side) => (side.length ? side : new Float32Array(Math.ceil(this.duration / 10))));
    const P = WaveSurfer;
    this.surfer = WaveSurfer.create({
      container: this.wave, height: WAVE_PX, splitChannels: this.colours(), peaks, duration: this.duration / 1000,
      url: sound.length ? URL.createObjectURL(new Blob([sound], { type: "audio/flac" })) : undefined,
      cursorColor: css("--cursor"), cursorWidth: 2, barWidth: 0, normalize: false, hideScrollbar: false,
      plugins: [
        P.Timeline.create({ height: RULER_PX, insertPosition: "beforebegin",
          style: { fontSize: "11px", color: "var(--quiet)" }, secondaryLabelOpacity: 0.6, formatTimeCallback: (s) => clock(s * 1000).replace(/\.0$/, "") }),
        P.Zoom.create({ exponentialZooming: true, iterations: 60, maxZoom: 600, deltaThreshold: 4 }),
        P.Hover.create({ lineColor: css("--quiet"), labelBackground: css("--text"), labelColor: css("--page"),
          labelSize: "11px", formatTimeCallback: (s) => clock(s * 1000) }),
        P.Minimap.create({ container: this.overview, height: 28, waveColor: css("--line"), progressColor: css("--quiet"),
          overlayColor: "rgba(120,140,170,.25)", cursorWidth: 1 }),
      ],
    });
    this.sounds = sound.length > 0;
    if (!this.sounds) {
      this.playing.disabled = true;
      this.playing.textContent = "no sound";
      this.surfer.load("", peaks, this.duration / 1000);
    }
    const wrapper = this.surfer.getWrapper();
    this.lanes = element("div", { class: "lanes" });
    wrapper.append(element("style", {}, document.getElementById("lanes-style").textContent), this.lanes);
    this.fill();
    this.surfer.on("timeupdate", (s) => this.moved(s * 1000));
    this.surfer.on("interaction", () => this.go(this.surfer.getCurrentTime() * 1000));
    this.surfer.on("play", () => { this.playing.textContent = "❚❚ Pause"; });
    this.surfer.on("pause", () => { this.playing.textContent = "▶ Play"; });
    this.surfer.on("zoom", (px) => this.lanes.classList.toggle("words", px >= WORDS_FROM_PX_PER_S));
    const perSecond = () => wrapper.clientWidth / (this.duration / 1000);
    new ResizeObserver(() => this.lanes.classList.toggle("words", perSecond() >= WORDS_FROM_PX_PER_S)).observe(wrapper);
  }

  colours() {
    return ["user", "model"].map((side) => ({ waveColor: css(`--${side}`), progressColor: css(`--${side}`), height: WAVE_PX }));
  }

  recolour() {
    this.surfer.setOptions({ splitChannels: this.colours(), cursorColor: css("--cursor") });
  }

  // --- lanes

  fill() {
    const lanes = Object.fromEntries(LANES.map(([name, , , height]) => {
      const lane = element("div", { class: "lane", style: `height:${height}px` });
      this.lanes.append(lane);
      return [name, lane];
    }));
    for (const turn of this.data.turns) this.addTurn(lanes, turn);
    for (const tool of this.data.tools) {
      const took = tool.took_ms === null ? "no result" : brief(tool.took_ms);
      this.add(lanes.tools, `tool ${tool.bad ? "bad" : ""}`, tool.begin_ms, tool.begin_ms + (tool.took_ms ?? 300),
        `${tool.name} ${took}`, tool);
    }
    for (const connection of this.data.connections) {
      const end = connection.closed_ms ?? this.duration;
      const how = connection.resumed ? ` · resumed ${connection.resumed}` : "";
      this.add(lanes.connections, "connection", connection.opened_ms, end, `#${connection.number}${how}`, connection);
    }
    for (const gap of this.data.gaps) {
      this.add(lanes.connections, "gap", gap.begin_ms, gap.end_ms, "", { "no connection, ms": Math.round(gap.end_ms - gap.begin_ms) });
    }
    for (const { row, ...event } of this.data.marks) {
      this.add(lanes.marks, `mark ${event.kind}`, event.at_ms, null, event.name, event).style.top = `${3 + row * 22}px`;
    }
  }

  addTurn(lanes, turn) {
    const side = turn.role === "user" ? "user" : "model";
    const item = this.add(lanes[`turns-${side}`], `spoken ${side}`, turn.begin_ms, turn.end_ms, turn.heard ?? turn.said, turn.told, turn.said);
    const length = Math.max(1, turn.end_ms - turn.begin_ms);
    for (const [begin, end, text, heard] of turn.words) {
      if (begin >= turn.end_ms) break;
      item.append(element("span", { class: heard ? "word" : "word cut", "aria-hidden": "true",
        style: `left:${((begin - turn.begin_ms) / length) * 100}%;width:${((Math.max(end, begin + 40) - begin) / length) * 100}%` }, text));
    }
    if (turn.unheard) {
      const until = Math.min(this.duration, Math.max(turn.end_ms + 400, Math.min(turn.said_ms, turn.end_ms + 4000)));
      this.add(lanes["turns-model"], "unheard", turn.end_ms, until, `not heard: ${turn.unheard}`, turn.told);
    }
    if (turn.first_audio_ms > 0) {
      this.add(lanes.wait, `wait ${turn.first_audio_ms > SLOW_MS ? "slow" : ""}`, turn.answered_ms - turn.first_audio_ms,
        turn.answered_ms, brief(turn.first_audio_ms), { "end of speech to first audio, ms": Math.round(turn.first_audio_ms) });
    }
  }

  add(lane, kind, begin, end, text, told, sought = text) {
    const left = (begin / this.duration) * 100;
    const width = end === null ? "" : `width:${(Math.max(0, end - begin) / this.duration) * 100}%`;
    const item = element("button", { type: "button", class: `item ${kind}`, style: `left:${left}%;${width}`,
      title: `${clock(begin)}  ${text}` }, text);
    item.addEventListener("click", (event) => {
      event.stopPropagation();
      this.select(told);
      this.surfer.setTime(begin / 1000);
      this.go(begin);
    });
    lane.append(item);
    this.items.push({ item, begin, text: sought.toLowerCase() });
    return item;
  }

  // --- where we are

  go(ms) {
    this.showFrames(ms);
    if (this.sounds && !this.surfer.isPlaying()) this.surfer.play();
  }

  toggle() {
    if (this.sounds) this.surfer.playPause();
  }

  moved(ms) {
    this.time.textContent = `${clock(ms)} / ${clock(this.duration)}`;
    const now = this.data.turns.findLastIndex((turn) => turn.begin_ms <= ms);
    if (now !== this.nowTurn) {
      this.turns.children[this.nowTurn]?.firstChild.classList.remove("now");
      const current = this.turns.children[now]?.firstChild;
      if (current) {
        current.classList.add("now");
        this.turns.scrollTop = current.offsetTop - this.turns.offsetTop - 120;
      }
      this.nowTurn = now;
    }
    if (!this.surfer.isPlaying() && ms !== this.shownMs) this.showFrames(ms);
  }

  zoom(factor) {
    const view = this.surfer.getWrapper().parentElement.clientWidth;
    const now = this.surfer.getWrapper().clientWidth / (this.duration / 1000);
    this.surfer.zoom(Math.min(600, Math.max(view / (this.duration / 1000), now * factor)));
  }

  fit() {
    this.surfer.zoom(0);
  }

  seek(by) {
    this.surfer.setTime(Math.max(0, Math.min(this.duration / 1000, this.surfer.getCurrentTime() + by)));
  }

  // --- what is said of it

  select(told) {
    this.selected.hidden = false;
    this.selected.textContent = JSON.stringify(told, null, 2);
  }

  mark(words) {
    const wanted = words.trim().toLowerCase();
    this.found = this.items.filter(({ item, text }) => {
      const found = wanted !== "" && text.includes(wanted);
      item.classList.toggle("found", found);
      return found;
    }).sort((one, other) => one.begin - other.begin);
  }

  find(words) {
    this.mark(words);
    const now = this.surfer.getCurrentTime() * 1000;
    const next = this.found.find(({ begin }) => begin > now + 1) ?? this.found[0];
    if (next) {
      this.surfer.setTime(next.begin / 1000);
      this.showFrames(next.begin);
    }
  }

  listTurns() {
    for (const turn of this.data.turns) {
      const side = turn.role === "user" ? "user" : "model";
      const words = element("div", {}, turn.heard ?? turn.said);
      if (turn.unheard) words.append(" ", element("del", {}, turn.unheard));
      const chips = element("div", { class: "chips" });
      if (turn.first_audio_ms !== null) {
        const slow = turn.first_audio_ms > SLOW_MS ? "chip fault" : "chip";
        chips.append(element("span", { class: slow }, `first audio ${Math.round(turn.first_audio_ms)} ms`));
      }
      if (turn.interrupted) chips.append(element("span", { class: "chip fault" }, "interrupted"));
      for (const tool of turn.tools) chips.append(element("span", { class: "chip tool" }, tool));
      if (turn.tokens) chips.append(element("span", { class: "chip" }, turn.tokens));
      if (chips.childElementCount) words.append(chips);
      this.turns.append(element("li", {}, element("button", { type: "button", onclick: () => {
        this.select(turn.told);
        this.surfer.setTime(turn.begin_ms / 1000);
        this.go(turn.begin_ms);
      } }, element("time", {}, clock(turn.begin_ms)), element("span", { class: side }, side === "user" ? "you" : "model"), words)));
    }
  }

  showFrames(ms) {
    this.shownMs = ms;
    const wanted = this.filter.value.trim().toLowerCase();
    const frames = this.data.frames.filter((frame) => !wanted || `${frame[3]} ${frame[4]}`.toLowerCase().includes(wanted));
    let at = frames.findIndex((frame) => frame[0] >= ms);
    if (at < 0) at = frames.length;
    const from = Math.max(0, at - FRAMES_SHOWN / 4);
    const rows = frames.slice(from, from + FRAMES_SHOWN).map((frame) => this.row(frame));
    this.frames.replaceChildren(...(rows.length ? rows : [element("p", {}, "No frames.")]));
    const here = rows[at - from];
    this.frames.scrollTop = here ? here.offsetTop - this.frames.offsetTop - 40 : 0;
  }

  row([ms, , sender, kind, frame]) {
    const arrow = { client: "↑", server: "↓" }[sender] ?? "•";
    const details = element("details", {}, element("summary", { class: sender }, element("span", {}, clock(ms)),
      element("span", {}, arrow), element("span", {}, kind)));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) {
        details.append(element("pre", {}, frame ? JSON.stringify(JSON.parse(frame), null, 2) : kind));
      }
    });
    return details;
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const timelines = [];

function theme(name) {
  document.documentElement.dataset.theme = name;
  for (const timeline of timelines) timeline.recolour();
}

theme(dark.matches ? "dark" : "light");
JSON.parse(document.getElementById("data").textContent).forEach((data, number) => timelines.push(new Timeline(number, data)));
let [used] = timelines; // the keyboard is for the one that was used last
for (const timeline of timelines) {
  for (const kind of ["pointerdown", "focusin"]) timeline.root.addEventListener(kind, () => { used = timeline; });
}
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => {
  theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.target.closest("button, summary");
  const actions = {
    " ": () => used.toggle(), "+": () => used.zoom(1.6), "=": () => used.zoom(1.6), "-": () => used.zoom(1 / 1.6),
    f: () => used.fit(), ArrowLeft: () => used.seek(event.shiftKey ? -10 : -1), ArrowRight: () => used.seek(event.shiftKey ? 10 : 1),
  };
  if (actions[event.key] && !(onButton && event.key === " ")) {
    event.preventDefault();
    actions[event.key]();
  }
});
