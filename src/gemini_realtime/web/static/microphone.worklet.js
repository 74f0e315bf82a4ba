// What the microphone hears, as 16-bit pieces of 20 ms at 16 kHz, whatever rate the device has.

const RATE_HZ = 16000;
const PIECE = 320;
const HALF = 8; // samples that go out, to either side of one, which the filter looks at
const PHASES = 256;

// A windowed sinc, cut off below 8 kHz, at so many places between two samples; `half` is in samples of the device. At
// 48 kHz what lies above 10 kHz is 55 dB down, and up to 6 kHz nothing is lost.
function filters(ratio, half) {
  const cutoff = ratio > 1 ? 0.9 / ratio : 1;
  return Array.from({ length: PHASES }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * half }, (_, tap) => {
      const x = tap - half + 1 - phase / PHASES;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / (half + 1));
      return (x === 0 ? cutoff : Math.sin(Math.PI * cutoff * x) / (Math.PI * x)) * window;
    });
    const sum = taps.reduce((total, tap) => total + tap);
    return taps.map((tap) => tap / sum);
  });
}

registerProcessor(
  "microphone",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.ratio = sampleRate / RATE_HZ;
      this.half = Math.ceil(HALF * Math.max(1, this.ratio));
      this.filters = filters(this.ratio, this.half);
      this.heard = new Float32Array(2 * this.half); // what the filter still needs, and what has come
      this.at = 0; // of the next sample that goes out, in what was heard
      this.piece = new Int16Array(PIECE);
      this.filled = 0;
    }

    process([[channel]]) {
      if (!channel) return true;
      const heard = new Float32Array(this.heard.length + channel.length);
      heard.set(this.heard);
      heard.set(channel, this.heard.length);
      for (; Math.floor(this.at) + 2 * this.half < heard.length; this.at += this.ratio) this.put(this.sample(heard));
      const done = Math.floor(this.at);
      this.heard = heard.slice(done);
      this.at -= done;
      return true;
    }

    sample(heard) {
      const first = Math.floor(this.at);
      const taps = this.filters[Math.floor((this.at - first) * PHASES)];
      let sample = 0;
      for (let tap = 0; tap < taps.length; tap++) sample += taps[tap] * heard[first + tap];
      return sample;
    }

    put(sample) {
      this.piece[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
      if (this.filled < PIECE) return;
      const peak = this.piece.reduce((highest, value) => Math.max(highest, Math.abs(value)), 0) / 32768;
      this.port.postMessage({ piece: this.piece.buffer, peak }, [this.piece.buffer]);
      this.piece = new Int16Array(PIECE);
      this.filled = 0;
    }
  },
);
