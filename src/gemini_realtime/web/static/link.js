// The connection to the server of this page: one WebSocket for a conversation, made again when it breaks.

import { secret } from "./access.js";

const WAITS_MS = [300, 1000, 2000, 4000, 8000];
const MAX_WAITING_BYTES = 64000; // 2 s of sound: what the network does not take is not worth sending late

export class Link {
  // `onMessage` is given what the server says, `onAudio` sound, `onLost` the ms until the next attempt;
  // `history()` gives the turns with which a conversation goes on.
  constructor({ onMessage, onAudio, onLost, history }) {
    Object.assign(this, { onMessage, onAudio, onLost, history });
    this.socket = null;
    this.settings = null; // of the conversation that is held; null where there is none
    this.timer = null;
    this.attempts = 0;
    this.unsent = []; // messages for when there is a connection
    this.typed = []; // words that nobody has taken yet: said again when there is another connection
  }

  get held() {
    return this.settings !== null;
  }

  start(settings) {
    this.settings = settings;
    this.attempts = 0;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(new URL("/talk", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.put(socket, { event: "start", secret: secret(), settings: this.settings, history: this.history() });
      this.unsent.splice(0).forEach((message) => this.put(socket, message));
      this.typed.forEach((text) => this.put(socket, { event: "text", text }));
    };
    socket.onmessage = ({ data }) => this.socket === socket && this.received(data);
    socket.onclose = () => this.socket === socket && this.lost();
    this.socket = socket;
  }

  received(data) {
    if (data instanceof ArrayBuffer) return this.onAudio(data);
    const message = JSON.parse(data);
    if (message.event === "ready") this.attempts = 0;
    if (message.event === "ended") this.settings = null;
    return this.onMessage(message);
  }

  lost() {
    this.socket = null;
    if (!this.held) return;
    const wait = WAITS_MS[Math.min(this.attempts++, WAITS_MS.length - 1)];
    this.timer = setTimeout(() => this.connect(), wait);
    this.onLost(wait);
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // Say something, as soon as there is a connection.
  tell(message) {
    if (this.open) this.put(this.socket, message);
    else this.unsent.push(message);
  }

  // Say these words, which are kept until they have been taken, or come back by `untaken`.
  say(text) {
    this.typed.push(text);
    if (this.open) this.put(this.socket, { event: "text", text });
  }

  // The words that were not taken, to be written again.
  untaken(count = this.typed.length) {
    return this.typed.splice(0, count).join(" ");
  }

  // Say something about this connection.
  note(message) {
    if (this.open) this.put(this.socket, message);
  }

  hear(piece) {
    if (this.open && this.socket.bufferedAmount < MAX_WAITING_BYTES) this.socket.send(piece);
  }

  put(socket, message) {
    socket.send(JSON.stringify(message));
  }

  end() {
    clearTimeout(this.timer);
    this.settings = null;
    this.unsent = [];
    this.typed = [];
    if (this.open) this.put(this.socket, { event: "end" });
    else this.socket?.close();
  }
}
