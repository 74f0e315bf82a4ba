// What happens to the connection, in words; and what the conversation has come to.

import { $, duration, el } from "./dom.js";

const MAX_SHOWN = 40;

const short = (count) => count.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });

const list = (items) => items.filter(Boolean).join(", ");

// What was sent again, such as "1.2 s of sound, 2 texts".
function resent(items) {
  const sound = items.filter(({ kind }) => kind === "audio").reduce((total, { duration_ms }) => total + duration_ms, 0);
  const counted = (kind, one, many) => {
    const count = items.filter((item) => item.kind === kind).length;
    return count ? `${count} ${count === 1 ? one : many}` : "";
  };
  return list([sound ? `${duration(sound)} of sound` : "", counted("text", "text", "texts"), counted("function_result", "result", "results")]);
}

const WORDS = {
  "session.connection_lost": ({ code, reason }) => ["lost", "Connection lost", list([`code ${code}`, reason])],
  "session.reconnecting": ({ attempt, wait_ms, reason }) => ["lost", `Attempt ${attempt} in ${duration(wait_ms)}`, reason],
  "session.resumed": (event, lost) => [
    event.new_session ? "lost" : "good",
    event.new_session ? "Continued in a new session" : lost ? "Resumed" : "Handed over to another connection",
    list([`after ${duration(event.gap_ms)}`, event.items.length ? `sent again: ${resent(event.items) || event.items.length}` : "nothing was lost", event.uncertain ? `${event.uncertain} uncertain` : ""]),
  ],
  "session.updated": () => ["good", "Changes are in force", ""],
  "session.go_away": ({ time_left_ms }) => ["plain", "The service will move us", time_left_ms === null ? "soon" : `within ${duration(time_left_ms)}`],
  "input_audio_buffer.dropped": ({ duration_ms, reason }) => ["lost", `${duration(duration_ms)} of sound dropped`, reason],
  "session.voice_health": ({ finding, detail, action }) => ["lost", finding.replaceAll("_", " "), list([detail, action])],
  "output_audio_buffer.cleared": ({ played_ms, unplayed_ms }) => ["plain", "You interrupted", `after ${duration(played_ms)}; ${duration(unplayed_ms)} were thrown away`],
};

export class Happenings {
  constructor() {
    this.lost = false; // the connection, and not resumed yet
    this.began = performance.now();
  }

  show(event) {
    const words = WORDS[event.type]?.(event, this.lost);
    if (words) this.add(event.at_ms, ...words);
    if (event.type === "session.connection_lost") this.lost = true;
    if (event.type === "session.resumed") this.lost = false;
  }

  // `atMs` since the conversation began; null for now.
  add(atMs, kind, title, detail = "") {
    const events = $("events");
    if (atMs === 0) this.began = performance.now();
    atMs ??= performance.now() - this.began;
    const time = `${Math.floor(atMs / 60000)}:${String(Math.floor(atMs / 1000) % 60).padStart(2, "0")}`;
    events.prepend(el("li", { "data-kind": kind }, el("span", { className: "at" }, time), el("span", {}, el("b", {}, title), detail ? el("small", {}, detail) : null)));
    while (events.children.length > MAX_SHOWN) events.lastChild.remove();
    $("events-empty").hidden = true;
  }
}

export class Figures {
  constructor() {
    this.turns = new Map();
    this.conversation = 0;
  }

  begin() {
    this.conversation += 1;
  }

  show(turn) {
    if (turn.role !== "assistant") return;
    this.turns.set(`${this.conversation}.${turn.number}`, turn);
    this.draw();
  }

  draw() {
    const turns = [...this.turns.values()];
    const waits = turns.map((turn) => turn.first_audio_ms).filter((ms) => ms !== null).sort((one, other) => one - other);
    const sum = (name) => turns.reduce((total, turn) => total + (turn[name] ?? 0), 0);
    const [given, got] = [sum("input_tokens"), sum("output_tokens")];
    $("first-audio").textContent = waits.length ? duration(waits[Math.floor((waits.length - 1) / 2)]) : "–";
    $("tokens").textContent = given + got ? (given + got).toLocaleString("en") : "–";
    $("tokens-note").textContent = given + got ? `${short(given)} in, ${short(got)} out` : "in and out";
    const priced = turns.some((turn) => turn.cost_usd !== null);
    $("cost").textContent = priced ? `$${sum("cost_usd").toFixed(4)}` : "–";
    $("cost-note").textContent = priced || !(given + got) ? "US dollars" : "price not known";
  }
}
