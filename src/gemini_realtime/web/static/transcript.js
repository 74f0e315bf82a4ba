// What was said, turn by turn, as it comes.

import { $, announce, duration, el } from "./dom.js";

const WORDS_WITHIN_MS = 3000; // after the end of speech
const NEAR_END_PX = 80;
const MAX_HISTORY_CHARACTERS = 100000; // some hours of talk: what a conversation goes on with

export class Transcript {
  // `announces()` says whether answers are to be announced.
  constructor({ announces }) {
    this.announces = announces;
    this.agent = "Agent";
    this.turns = new Map(); // what is shown of each, by conversation and number
    this.shown = new Map(); // the same, by element
    this.conversation = 0;
    this.list = $("turns");
    this.scroller = $("scroller");
    this.atEnd = true;
    this.scroller.onscroll = () => (this.atEnd = this.nearEnd);
    new ResizeObserver(() => this.follow(() => {})).observe(this.scroller);
  }

  get nearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  get empty() {
    return this.turns.size === 0;
  }

  // The same page may hold several conversations, which go on from each other.
  begin(words) {
    this.conversation += 1;
    if (words && !this.empty) this.follow(() => this.list.append(el("li", { className: "divider" }, el("span", {}, words))));
  }

  key(number) {
    return `${this.conversation}.${number}`;
  }

  show(turn) {
    this.follow(() => {
      const key = this.key(turn.number);
      if (!this.turns.has(key)) this.insert(key, turn);
      this.turns.get(key).update(turn);
    });
    $("welcome").hidden = true;
    if (turn.role === "assistant" && turn.complete_ms !== null && this.announces()) this.announce(turn);
  }

  insert(key, turn) {
    const shown = new ShownTurn(turn.role === "user" ? "You" : turn.agent || this.agent, turn.role);
    const before = turn.before === null ? null : this.turns.get(this.key(turn.before));
    this.list.insertBefore(shown.element, before?.element ?? null);
    this.turns.set(key, shown);
    this.shown.set(shown.element, shown);
  }

  // What a function was called with, and what it gave.
  fill({ number, call_id, arguments: given, result }) {
    this.follow(() => this.turns.get(this.key(number))?.calls.get(call_id)?.fill(given, result));
  }

  announce(turn) {
    const shown = this.turns.get(this.key(turn.number));
    if (shown.announced) return;
    shown.announced = true;
    announce(`${turn.agent || this.agent}: ${turn.said}`);
  }

  // What a conversation goes on with: what was heard of it, the last words first to be kept.
  history() {
    const kept = [];
    let characters = 0;
    for (const element of [...this.list.querySelectorAll(".turn")].reverse()) {
      const { role, said, heard } = this.shown.get(element).turn;
      const text = (heard ?? said).trim();
      characters += text.length;
      if (characters > MAX_HISTORY_CHARACTERS) break;
      if (text) kept.unshift({ role, text });
    }
    return kept;
  }

  // Stay at the end, for whoever is there.
  follow(change) {
    const { atEnd, scroller } = this;
    change();
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }
}

class ShownTurn {
  constructor(speaker, role) {
    this.words = el("span");
    this.unheard = el("s");
    this.said = el("p", { className: "said" }, this.words, this.unheard);
    this.tools = el("div", { className: "tools" });
    this.notes = el("p", { className: "notes" });
    this.calls = new Map();
    this.announced = false;
    this.element = el("li", { className: `turn ${role}` }, el("h3", {}, speaker), this.tools, this.said, this.notes);
  }

  update(turn) {
    this.turn = turn;
    const said = turn.said.trimStart();
    const unheard = turn.unheard.trim();
    this.words.textContent = unheard ? said.slice(0, said.trimEnd().length - unheard.length) : said;
    this.unheard.replaceChildren(...(unheard ? [el("span", { className: "hidden" }, " (not heard:) "), unheard] : []));
    this.said.hidden = turn.role === "assistant" && !said.trim();
    if (turn.role === "user") this.wait(!said.trim());
    this.notes.replaceChildren(...notesOf(turn));
    for (const use of turn.tools) this.call(use);
  }

  // For words of the user, while there is only sound; a noise that brings none goes away.
  wait(waiting) {
    clearTimeout(this.noise);
    this.said.classList.toggle("waiting", waiting);
    this.element.hidden = false;
    if (waiting) this.noise = setTimeout(() => (this.element.hidden = true), WORDS_WITHIN_MS);
  }

  call(use) {
    if (!this.calls.has(use.call_id)) {
      const shown = new ShownCall(use);
      this.calls.set(use.call_id, shown);
      this.tools.append(shown.element);
    }
    this.calls.get(use.call_id).update(use);
  }
}

function notesOf(turn) {
  const notes = [];
  if (turn.interrupted) {
    const heard = turn.heard_ms === null ? "" : ` after ${duration(turn.heard_ms)}`;
    notes.push(el("span", { className: "interrupted" }, `interrupted${heard}`));
  }
  if (turn.first_audio_ms !== null) notes.push(el("span", {}, `first audio ${duration(turn.first_audio_ms)}`));
  if (turn.input_tokens || turn.output_tokens) notes.push(el("span", {}, `${turn.input_tokens + turn.output_tokens} tokens`));
  return notes;
}

class ShownCall {
  constructor(use) {
    this.took = el("span", { className: "took" });
    this.short = el("span");
    this.given = el("pre");
    this.result = el("pre", {}, "–");
    const summary = el("summary", {}, el("span", { className: "call" }, el("b", {}, use.name), this.short), this.took);
    this.element = el("details", { className: "tool" }, summary, el("h4", {}, "Arguments"), this.given, el("h4", {}, "Result"), this.result);
  }

  update(use) {
    const state = use.cancelled ? "cancelled" : use.duration_ms === null ? "running" : use.failed ? "failed" : "done";
    this.element.dataset.state = state;
    const took = { done: duration(use.duration_ms), failed: `failed, ${duration(use.duration_ms)}` };
    this.took.textContent = took[state] ?? state;
  }

  fill(given, result) {
    this.short.textContent = `(${Object.entries(given).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")})`;
    this.given.textContent = JSON.stringify(given, null, 2);
    if (result !== null) this.result.textContent = JSON.stringify(result, null, 2);
  }
}
