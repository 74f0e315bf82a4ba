// Plays 16-bit pieces one after the other, tells when marks between them are reached, and is silent at once when told.

const FADE = 72; // samples, 3 ms at 24 kHz: an answer that is cut off does not click
const HELD_BACK = 1440; // samples, 60 ms: what begins with so much, or so much later, has no holes when pieces come unevenly
const REPORT_EVERY = 6; // blocks of 128 samples

registerProcessor(
  "loudspeaker",
  class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.queue = []; // pieces of samples, and names of marks
      this.at = 0; // in the first piece
      this.queued = 0; // samples that wait
      this.wait = HELD_BACK; // samples of time that what begins may still be held back
      this.last = 0; // sample that was played
      this.peak = 0;
      this.blocks = 0;
      this.port.onmessage = ({ data }) => this.told(data);
    }

    told(data) {
      if (data.clear) this.clear();
      else this.put(data.mark ?? new Int16Array(data.audio));
    }

    put(piece) {
      this.queue.push(piece);
      if (typeof piece !== "string") this.queued += piece.length;
    }

    clear() {
      this.queue = [];
      this.at = this.queued = this.wait = 0;
      if (this.last) this.put(Int16Array.from({ length: FADE }, (_, n) => this.last * 32768 * (1 - n / FADE)));
    }

    // Whether what is there is still held back.
    holds(time) {
      if (!this.queue.length) this.wait = HELD_BACK;
      else if (this.wait > 0) this.wait = this.queued < HELD_BACK ? this.wait - time : 0;
      return this.wait > 0;
    }

    process(_, [[out]]) {
      if (!this.holds(out.length)) this.play(out);
      for (const sample of out) this.peak = Math.max(this.peak, Math.abs(sample));
      if (++this.blocks === REPORT_EVERY) {
        this.port.postMessage({ peak: this.peak });
        this.blocks = this.peak = 0;
      }
      return true;
    }

    play(out) {
      for (let n = 0; n < out.length && this.queue.length; ) {
        const piece = this.queue[0];
        if (typeof piece === "string") this.port.postMessage({ mark: piece });
        else while (n < out.length && this.at < piece.length) out[n++] = this.last = piece[this.at++] / 32768;
        if (typeof piece === "string" || this.at === piece.length) {
          if (typeof piece !== "string") this.queued -= piece.length;
          this.queue.shift();
          this.at = 0;
        }
      }
      if (!this.queue.length) this.last = 0;
    }
  },
);
