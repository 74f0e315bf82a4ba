// The settings: what differs from how the agent is goes with a conversation, and into one that is held.

import { $, el } from "./dom.js";

const KEPT = "settings";
const TEXTS = ["model", "voice", "language", "instructions"];

export class Settings {
  // `onChange` is given the options that have changed, but for the model.
  constructor({ onChange }) {
    this.onChange = onChange;
    this.dialog = $("settings");
    this.form = $("settings-form");
    this.agent = {};
    this.chosen = {};
    $("open-settings").onclick = () => this.open();
    $("settings-close").onclick = () => this.dialog.close();
    $("settings-reset").onclick = () => this.fill({});
    this.form.onchange = () => this.showDetection();
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.apply();
    };
  }

  // What the agent has by itself, as `/about` tells.
  know(about) {
    this.agent = { model: about.model, voice: about.voice ?? "", language: "", instructions: about.instructions };
    this.field("model").disabled = about.models.length === 0;
    $("model-note").textContent = about.models.length ? "Takes effect with the next conversation." : "The agent’s own.";
    for (const [id, names] of [["models", about.models], ["voices", about.voices]]) {
      $(id).replaceChildren(...names.map((name) => el("option", {}, name)));
    }
    try {
      this.chosen = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    } catch {
      this.chosen = {};
    }
    if (!about.models.length) delete this.chosen.model;
  }

  field(name) {
    return this.form.elements[name];
  }

  get pushToTalk() {
    return this.chosen.turns === "push_to_talk";
  }

  get announces() {
    return this.chosen.announces === true;
  }

  // As a conversation begins with them.
  get options() {
    const { announces, ...options } = this.chosen;
    return options;
  }

  open() {
    this.fill(this.chosen);
    $("settings-problem").textContent = "";
    this.dialog.showModal();
  }

  fill(chosen) {
    for (const name of TEXTS) this.field(name).value = chosen[name] ?? this.agent[name];
    this.field("turns").value = chosen.turns ?? "automatic";
    this.field("silence_ms").value = chosen.silence_ms ?? "";
    this.field("interrupts").checked = chosen.interrupts ?? true;
    this.field("announces").checked = chosen.announces ?? false;
    this.showDetection();
  }

  showDetection() {
    const automatic = this.field("turns").value === "automatic";
    for (const field of $("automatic-only").querySelectorAll("input")) field.disabled = !automatic;
  }

  read() {
    const chosen = {};
    for (const name of TEXTS) {
      const text = this.field(name).value.trim();
      if (text !== this.agent[name].trim()) chosen[name] = text;
    }
    for (const name of ["model", "voice", "language"]) if (!chosen[name]) delete chosen[name];
    if (this.field("turns").value === "push_to_talk") chosen.turns = "push_to_talk";
    else {
      if (this.field("silence_ms").value !== "") chosen.silence_ms = Number(this.field("silence_ms").value);
      if (!this.field("interrupts").checked) chosen.interrupts = false;
    }
    if (this.field("announces").checked) chosen.announces = true;
    return chosen;
  }

  apply() {
    if (!this.form.reportValidity()) return;
    const before = this.chosen;
    this.chosen = this.read();
    localStorage.setItem(KEPT, JSON.stringify(this.chosen));
    this.dialog.close();
    this.onChange(this.changes(before));
  }

  // What to tell a conversation that is held: what was taken back is as the agent has it.
  changes(before) {
    const changed = {};
    for (const name of ["voice", "language", "instructions"]) {
      const [old, now] = [before, this.chosen].map((chosen) => chosen[name] ?? this.agent[name]);
      if (old !== now) changed[name] = now || null;
    }
    const detection = ({ turns = "automatic", silence_ms = null, interrupts = true }) => ({ turns, silence_ms, interrupts });
    if (JSON.stringify(detection(before)) !== JSON.stringify(detection(this.chosen))) Object.assign(changed, detection(this.chosen));
    return changed;
  }
}
