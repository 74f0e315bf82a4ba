// The page: what it is told, what it shows, and what its buttons do.

import { WrongSecret, about, enter, keep } from "./access.js";
import { $, announce, el } from "./dom.js";
import { Figures, Happenings } from "./happenings.js";
import { Link } from "./link.js";
import { Settings } from "./settings.js";
import { Loudspeaker, Microphone } from "./sound.js";
import { Timing } from "./timing.js";
import { Transcript } from "./transcript.js";

const FLOOR_DB = -54; // what a meter shows at its left end
const FALL = 0.9; // of a meter, from frame to frame
const SOUNDING = 0.004; // peak from which the agent counts as speaking
const SPEAKING_MS = 300;

const settings = new Settings({ onChange: (changed) => changeSettings(changed) });
const transcript = new Transcript({ announces: () => settings.announces });
const timing = new Timing();
const happenings = new Happenings();
const figures = new Figures();
const levels = { mic: 0, agent: 0 };
let state = "loading"; // loading, locked, gone, idle, connecting, live, again
let talksTo = "";
let drawing = false; // the levels, from frame to frame
let spokeAt = -Infinity; // when the agent sounded last

const loudspeaker = new Loudspeaker({
  onMark: (name) => link.note({ event: "mark", mark: { name } }),
  onPeak: (peak) => {
    levels.agent = Math.max(levels.agent, peak);
    if (peak > SOUNDING) spokeAt = performance.now();
  },
});

const microphone = new Microphone({
  onPiece: (piece) => link.held && link.hear(piece),
  onPeak: (peak) => (levels.mic = Math.max(levels.mic, peak)),
  onLost: () => {
    closeMicrophone();
    notice("The microphone is gone.", "Plug it in again, or choose another in your system, and press Talk.");
  },
});

const link = new Link({
  onAudio: (audio) => loudspeaker.play(audio),
  onMessage: (message) => MESSAGES[message.event]?.(message),
  onLost: (waitMs) => {
    loudspeaker.clear();
    if (state !== "again") happenings.add(null, "lost", "The page’s own server is gone", "trying again until it is back");
    become("again");
    $("state-words").title = `next attempt in ${waitMs} ms`;
  },
  history: () => transcript.history(),
});

const MESSAGES = {
  clear: () => loudspeaker.clear(),
  mark: ({ mark }) => loudspeaker.mark(mark.name),
  turn: ({ turn }) => [transcript, timing, figures].forEach((each) => each.show(turn)),
  call: (call) => transcript.fill(call),
  happened: (event) => happenings.show(event),
  taken: ({ request }) => request === "text" && link.typed.shift(),
  refused: ({ request, problem, remedy }) => {
    if (request === "text") giveBack(link.untaken(1));
    notice(`${sentence(problem)}`, remedy ? sentence(remedy) : "");
  },
  ready: ({ agent, model, voice }) => {
    const again = state === "again";
    for (const each of [timing, figures]) each.begin();
    transcript.begin(again ? "Connected again; the agent knows what was said." : transcript.empty ? "" : "A new conversation");
    happenings.add(0, "good", again ? "Connected again" : "Connected", [model, voice].filter(Boolean).join(", "));
    if (again && settings.pushToTalk) closeMicrophone();
    $("whom").textContent = `${model} · ${talksTo}`;
    become("live");
  },
  ended: (end) => {
    closeMicrophone();
    loudspeaker.clear();
    giveBack(link.untaken());
    become("idle");
    ENDS[end.why]?.(end);
  },
};

const ENDS = {
  secret: () => lock("The password has changed."),
  full: ({ conversations }) => notice(conversations === 1 ? "There is a conversation already." : `There are ${conversations} conversations already.`, "End one in another tab, or start the server with a larger --max-conversations."),
  limit: ({ minutes }) => notice(`A conversation lasts ${minutes} minutes at most.`, "Press Talk to begin another."),
  failed: ({ problem, remedy }) => notice(sentence(problem), remedy ? sentence(remedy) : "The terminal may say more."),
  over: () => happenings.add(null, "plain", "Ended"),
};

const sentence = (words) => {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
};

// --- what is shown

const STATES = {
  loading: "Loading",
  locked: "Locked",
  gone: "No server: trying again",
  idle: "Ready",
  connecting: "Connecting",
  again: "Connecting again",
};

function become(next) {
  const before = state;
  state = next;
  const busy = ["connecting", "live", "again"].includes(state);
  $("end").hidden = !busy;
  for (const id of ["talk", "words", "open-settings"]) $(id).disabled = ["loading", "locked", "gone"].includes(state);
  $("typed").querySelector("button").disabled = $("words").disabled;
  showState();
  animate();
  if (before !== state && !["loading", "idle"].includes(before + state)) announce($("state-words").textContent);
}

function liveState() {
  if (performance.now() - spokeAt < SPEAKING_MS) return ["speaking", "Speaking"];
  if (microphone.open) return ["listening", "Listening"];
  return ["live", settings.pushToTalk ? "Hold the button to talk" : "Microphone off"];
}

function showState() {
  const [name, words] = state === "live" ? liveState() : [state, STATES[state]];
  if ($("state").dataset.state !== name || $("state-words").textContent !== words) {
    $("state").dataset.state = name;
    $("state-words").textContent = words;
  }
  const talks = microphone.open;
  $("talk").dataset.mic = talks ? "on" : "off";
  $("talk-label").textContent = settings.pushToTalk ? (talks ? "Release to send" : "Hold to talk") : talks ? "Mute" : "Talk";
}

const scaled = (peak) => Math.max(0, 1 - (20 * Math.log10(Math.max(peak, 1e-6))) / FLOOR_DB);

function draw() {
  for (const [name, id] of [["mic", "mic-level"], ["agent", "agent-level"]]) {
    $(id).style.transform = `scaleX(${scaled(levels[name]).toFixed(3)})`;
    if (name === "mic") $("talk").style.setProperty("--level", scaled(levels.mic).toFixed(3));
    levels[name] *= FALL;
  }
  if (state === "live") showState();
  drawing = state === "live" || levels.mic + levels.agent > 0.001;
  if (drawing) requestAnimationFrame(draw);
}

function animate() {
  if (!drawing) requestAnimationFrame(draw);
  drawing = true;
}

function notice(title, words) {
  $("notice-title").textContent = title;
  $("notice-words").textContent = words;
  $("notice").hidden = false;
}

// --- what buttons do

function begin() {
  if (link.held) return;
  $("notice").hidden = true;
  become("connecting");
  link.start(settings.options);
}

const MICROPHONE_PROBLEMS = {
  NotAllowedError: ["The microphone is blocked.", "Allow it for this page beside the address above, and press Talk again. Or type: you hear the answers all the same."],
  NotFoundError: ["There is no microphone.", "Connect one and press Talk again, or type."],
  NotReadableError: ["The microphone cannot be opened.", "Another program may be using it: close that, and press Talk again."],
  SecurityError: ["Browsers give the microphone to https and to this machine only.", "Open the page as http://localhost, or serve it with --certificate."],
};

async function openMicrophone() {
  try {
    await loudspeaker.prepare();
    await microphone.prepare();
  } catch (error) {
    const [title, words] = MICROPHONE_PROBLEMS[error.name] ?? ["The microphone does not work.", error.message];
    notice(title, words);
    return false;
  }
  begin();
  microphone.open = true;
  if (settings.pushToTalk) link.tell({ event: "activity", active: true });
  showState();
  return true;
}

function muteMicrophone() {
  if (!microphone.open) return;
  microphone.open = false;
  link.tell(settings.pushToTalk ? { event: "activity", active: false } : { event: "microphone", open: false });
  showState();
}

function closeMicrophone() {
  held = false;
  microphone.close();
  showState();
}

let held = false; // the button or the key, with push-to-talk

async function press() {
  if (held) return;
  held = true;
  if ((await openMicrophone()) && !held) muteMicrophone();
}

function release() {
  if (!held) return;
  held = false;
  muteMicrophone();
}

const talk = $("talk");
const isKey = ({ key }) => key === " " || key === "Enter";
talk.onclick = () => settings.pushToTalk || (microphone.open ? muteMicrophone() : openMicrophone());
talk.onpointerdown = (event) => {
  if (!settings.pushToTalk || talk.disabled) return;
  talk.setPointerCapture(event.pointerId);
  press();
};
talk.onpointerup = talk.onpointercancel = talk.onblur = () => release();
talk.onkeydown = (event) => settings.pushToTalk && isKey(event) && !event.repeat && press();
talk.onkeyup = (event) => isKey(event) && release();
talk.oncontextmenu = (event) => settings.pushToTalk && event.preventDefault();

async function say(words) {
  await loudspeaker.prepare();
  begin();
  link.say(words);
}

function giveBack(words) {
  $("words").value = [words, $("words").value].filter(Boolean).join(" ");
}

$("typed").onsubmit = (event) => {
  event.preventDefault();
  const words = $("words").value.trim();
  if (!words) return;
  $("words").value = "";
  say(words);
};

$("end").onclick = () => {
  link.end();
  closeMicrophone();
  loudspeaker.clear();
  become("idle");
  talk.focus();
};

$("notice-close").onclick = () => ($("notice").hidden = true);

function changeSettings(changed) {
  if (link.held && Object.keys(changed).length) {
    muteMicrophone();
    link.settings = settings.options;
    link.tell({ event: "settings", settings: changed });
  }
  showState();
}

for (const button of document.querySelectorAll("[data-show]")) {
  button.onclick = () => {
    document.body.dataset.view = button.dataset.show;
    for (const other of document.querySelectorAll("[data-show]")) other.setAttribute("aria-pressed", String(other === button));
  };
}

// --- the beginning

const ATTEMPT_EVERY_MS = 1500;

function lock(problem = "") {
  become("locked");
  $("door-problem").textContent = problem;
  if (!$("door").open) $("door").showModal();
}

$("door").oncancel = (event) => event.preventDefault();
$("door-form").onsubmit = (event) => {
  event.preventDefault();
  keep($("password").value);
  $("door").close();
  load("That is not the password.");
};

async function load(problem = "") {
  try {
    show(await about());
  } catch (error) {
    if (error instanceof WrongSecret) return lock(problem);
    become("gone");
    setTimeout(load, ATTEMPT_EVERY_MS);
  }
}

function show(known) {
  document.title = `Talk to ${known.agent}`;
  $("agent").textContent = transcript.agent = known.agent;
  talksTo = known.talks_to;
  $("whom").textContent = `${known.model} · ${talksTo}`;
  $("suggestions").replaceChildren(
    ...known.suggestions.map((words) => el("li", {}, el("button", { type: "button", onclick: () => say(words) }, words))),
  );
  settings.know(known);
  become("idle");
}

await enter().catch(() => {});
await load();
