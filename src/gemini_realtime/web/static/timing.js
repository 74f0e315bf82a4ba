// A waterfall for each answer: from the end of the user's speech to the end of the answer.

import { $, duration, el } from "./dom.js";

const BEFORE_MS = 400; // of the user's speech that is shown
const SHORTEST_MS = 2000;
const MAX_ROWS = 10;
const LONGEST_MS = 12000; // what goes on for longer is cut off, so that the beginning stays readable
const STEPS_MS = [500, 1000, 2000, 4000];

export class Timing {
  constructor() {
    this.conversation = 0;
    this.users = []; // turns of the user, of this conversation
    this.rows = new Map(); // by conversation and number of the answer
    this.scale = SHORTEST_MS;
    this.count = 0;
  }

  begin() {
    this.conversation += 1;
    this.users = [];
  }

  show(turn) {
    if (turn.role === "user") this.users[turn.number] = turn;
    else this.row(turn).answer = turn;
    this.scale = SHORTEST_MS;
    for (const row of this.rows.values()) {
      if (row.conversation === this.conversation) row.question = this.questionOf(row.answer);
      this.scale = Math.min(LONGEST_MS, Math.max(this.scale, row.end));
    }
    this.drawAxis();
    for (const row of this.rows.values()) row.draw(this.scale);
  }

  row(turn) {
    const key = `${this.conversation}.${turn.number}`;
    if (!this.rows.has(key)) {
      const row = new Row(this.conversation, ++this.count);
      this.rows.set(key, row);
      if (this.rows.size > MAX_ROWS) this.forget(this.rows.keys().next().value);
      $("timing-rows").append(row.element);
      $("timing").hidden = false;
      $("timing-empty").hidden = true;
    }
    return this.rows.get(key);
  }

  forget(key) {
    this.rows.get(key).element.remove();
    this.rows.delete(key);
  }

  // What an answer answers: what the user said last before it began to sound.
  questionOf(answer) {
    if (answer.first_audio_ms === null && answer.first_word_ms === null && !answer.tools.length) return null;
    return this.users.filter((turn) => turn && turn.begin_ms <= answer.begin_ms + 1).at(-1) ?? null;
  }

  drawAxis() {
    const step = STEPS_MS.find((each) => this.scale / each <= 5) ?? STEPS_MS.at(-1);
    const ticks = [];
    for (let ms = 0; ms <= this.scale * 0.96; ms += step) {
      const tick = el("span", {}, ms ? `${ms / 1000} s` : "0");
      tick.style.left = `${place(ms, this.scale)}%`;
      ticks.push(tick);
    }
    $("axis").replaceChildren(...ticks);
  }
}

const place = (ms, scale) => ((Math.max(-BEFORE_MS, Math.min(scale, ms)) + BEFORE_MS) / (scale + BEFORE_MS)) * 100;

class Row {
  constructor(conversation, count) {
    this.conversation = conversation;
    this.answer = null;
    this.question = null;
    this.graph = el("div", { className: "waterfall", "aria-hidden": "true" });
    this.firstAudio = el("td");
    this.endCell = el("td");
    this.words = el("span", { className: "hidden" });
    this.element = el("tr", {}, el("th", { scope: "row" }, String(count)), el("td", { className: "graph" }, this.graph, this.words), this.firstAudio, this.endCell);
  }

  get zero() {
    return this.question ? this.question.end_ms : this.answer.begin_ms;
  }

  get end() {
    return (this.answer.complete_ms ?? this.answer.end_ms) - this.zero;
  }

  draw(scale) {
    const { answer, question } = this;
    const marks = [];
    if (question) marks.push(bar("user", -BEFORE_MS, 0, scale));
    for (const use of answer.tools) {
      const begin = use.begin_ms - this.zero;
      marks.push(bar("tool", begin, begin + (use.duration_ms ?? answer.end_ms - use.begin_ms), scale));
    }
    if (answer.first_audio_ms !== null) marks.push(bar(answer.interrupted ? "answer cut" : "answer", answer.first_audio_ms, this.end, scale));
    const heard = question?.transcribed_ms ?? null;
    if (heard !== null) marks.push(tick("heard", heard, scale));
    this.graph.replaceChildren(...marks);
    this.firstAudio.textContent = duration(answer.first_audio_ms);
    this.endCell.textContent = answer.complete_ms === null ? "…" : duration(this.end);
    this.words.textContent = heard === null ? "" : `your words after ${duration(heard)}`;
  }
}

function bar(kind, begin, end, scale) {
  const mark = el("i", { className: kind });
  const [left, right] = [place(begin, scale), place(end, scale)];
  mark.style.left = `${left}%`;
  mark.style.width = `${Math.max(0.6, right - left)}%`;
  return mark;
}

function tick(kind, at, scale) {
  const mark = el("i", { className: kind });
  mark.style.left = `${place(at, scale)}%`;
  return mark;
}
