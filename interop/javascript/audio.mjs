// A spoken question, 20 ms at a time in real time, and an answer aloud; both in writing as well.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Turn, connect } from './session.mjs';

const HEADER_BYTES = 44;
const CHUNK_BYTES = 640; // 20 ms of 16 kHz, mono, 16 bits

const file = new URL('../../src/gemini_realtime/local/samples/calculate.wav', import.meta.url);
const words = readFileSync(file).subarray(HEADER_BYTES);

const { session, messages } = await connect({ inputAudioTranscription: {} });
const began = performance.now();
let sent = 0;
const microphone = setInterval(() => {
  for (; sent < (performance.now() - began) / 20; sent++) {
    const chunk = Buffer.alloc(CHUNK_BYTES); // silence, where there are no words
    chunk.set(words.subarray(CHUNK_BYTES * sent, CHUNK_BYTES * (sent + 1)));
    session.sendRealtimeInput({ audio: { data: chunk.toString('base64'), mimeType: 'audio/pcm;rate=16000' } });
  }
}, 20);
const turn = await new Turn().hear(messages);
clearInterval(microphone);
turn.expect('eighty four');
assert.match(turn.heard, /twelve times seven/);
session.close();
