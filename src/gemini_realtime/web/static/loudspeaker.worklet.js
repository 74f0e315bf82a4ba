// Plays 16-bit pieces one after the other, tells when marks between them are reached, and is silent at once when told.

const FADE = 72; // samples, 3 ms at 24 kHz: an answer that is cut off does not click
const REPORT_EVERY = 6; // blocks of 128 samples

registerProcessor(
  "loudspeaker",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.queue = []; // pieces of samples, and names of marks
      this.at = 0; // in the first piece
      this.last = 0; // sample that was played
      this.peak = 0;
      this.blocks = 0;
      this.port.onmessage = ({ data }) => this.told(data);
    }

    told(data) {
      if (data.clear) this.clear();
      else this.queue.push(data.mark ?? new Int16Array(data.audio));
    }

    clear() {
      this.queue = [Int16Array.from({ length: FADE }, (_, n) => this.last * 32768 * (1 - n / FADE))];
      this.at = 0;
    }

    process(_, [[out]]) {
      for (let n = 0; n < out.length && this.queue.length; ) {
        const piece = this.queue[0];
        if (typeof piece === "string") this.port.postMessage({ mark: piece });
        else while (n < out.length && this.at < piece.length) out[n++] = this.last = piece[this.at++] / 32768;
        if (typeof piece === "string" || this.at === piece.length) {
          this.queue.shift();
          this.at = 0;
        }
      }
      if (!this.queue.length) this.last = 0;
      for (const sample of out) this.peak = Math.max(this.peak, Math.abs(sample));
      if (++this.blocks === REPORT_EVERY) {
        this.port.postMessage({ peak: this.peak });
        this.blocks = this.peak = 0;
      }
      return true;
    }
  },
);
