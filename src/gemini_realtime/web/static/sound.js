// The microphone and the loudspeaker of this machine.

const LOUDSPEAKER_HZ = 24000;

export class Microphone {
  // `onPiece` is given 20 ms of 16-bit samples at 16 kHz, `onPeak` the loudest of them, from 0 to 1.
  constructor({ onPiece, onPeak, onLost }) {
    Object.assign(this, { onPiece, onPeak, onLost });
    this.stream = null;
    this.context = null;
    this.open = false; // whether what is heard goes out
  }

  get ready() {
    return this.stream !== null;
  }

  async prepare() {
    if (this.ready) return;
    if (!navigator.mediaDevices) throw new DOMException("no secure context", "SecurityError");
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.stream = stream;
    this.context = new AudioContext({ latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(new URL("microphone.worklet.js", import.meta.url));
    const hears = new AudioWorkletNode(this.context, "microphone", { channelCount: 1, channelCountMode: "explicit" });
    hears.port.onmessage = ({ data }) => {
      this.onPeak(this.open ? data.peak : 0);
      if (this.open) this.onPiece(data.piece);
    };
    this.context.createMediaStreamSource(stream).connect(hears);
    hears.connect(this.context.destination); // it is silent, and some browsers ask for nothing that leads nowhere
    const [track] = stream.getAudioTracks();
    track.onended = () => this.stream === stream && this.lost();
    await this.context.resume();
  }

  async lost() {
    await this.close();
    this.onLost();
  }

  async close() {
    const { stream, context } = this;
    this.stream = this.context = null;
    this.open = false;
    this.onPeak(0);
    stream?.getTracks().forEach((track) => track.stop());
    await context?.close();
  }
}

export class Loudspeaker {
  // `onMark` is given the name of a mark when everything before it has been heard, `onPeak` what sounds.
  constructor({ onMark, onPeak }) {
    Object.assign(this, { onMark, onPeak });
    this.context = null;
    this.node = null;
  }

  // To be called on a click or a key: before one, browsers play nothing.
  async prepare() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: LOUDSPEAKER_HZ, latencyHint: "interactive" });
      this.context.resume(); // while it is still the click that asks for it
      await this.context.audioWorklet.addModule(new URL("loudspeaker.worklet.js", import.meta.url));
      this.node = new AudioWorkletNode(this.context, "loudspeaker", { numberOfInputs: 0, outputChannelCount: [1] });
      this.node.port.onmessage = ({ data }) => (data.mark === undefined ? this.onPeak(data.peak) : this.onMark(data.mark));
      this.node.connect(this.context.destination);
    }
    await this.context.resume();
  }

  play(audio) {
    this.node?.port.postMessage({ audio }, [audio]);
  }

  mark(name) {
    this.node?.port.postMessage({ mark: name });
  }

  clear() {
    this.node?.port.postMessage({ clear: true });
  }
}
