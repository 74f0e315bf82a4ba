// A microphone: a spoken question of this repository, 20 ms at a time in real time, and silence after it.

import { readFileSync } from 'node:fs';

const HEADER_BYTES = 44;
const CHUNK_BYTES = 640; // 20 ms of 16 kHz, mono, 16 bits

/** Speak into a session until the function that is returned is called. */
export function speak(session, sample) {
  const file = new URL(`../../src/gemini_realtime/local/samples/${sample}.wav`, import.meta.url);
  const words = readFileSync(file).subarray(HEADER_BYTES);
  const began = performance.now();
  let sent = 0;
  const microphone = setInterval(() => {
    for (; sent < (performance.now() - began) / 20; sent++) {
      const chunk = Buffer.alloc(CHUNK_BYTES); // silence, where there are no words
      chunk.set(words.subarray(CHUNK_BYTES * sent, CHUNK_BYTES * (sent + 1)));
      session.sendRealtimeInput({ audio: { data: chunk.toString('base64'), mimeType: 'audio/pcm;rate=16000' } });
    }
  }, 20);
  return () => clearInterval(microphone);
}
