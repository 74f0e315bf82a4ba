// What the cases share: a session, and what was seen in a turn of it.

import assert from 'node:assert/strict';
import { EventEmitter, on } from 'node:events';
import { GoogleGenAI, Modality } from '@google/genai';

/** Open a session that answers aloud; `messages` iterates over what the service sends, and ends in an error with it. */
export async function connect(config = {}) {
  const events = new EventEmitter();
  const messages = on(events, 'message');
  const session = await new GoogleGenAI({}).live.connect({
    model: 'gemini-3.8-live',
    config: { responseModalities: [Modality.AUDIO], outputAudioTranscription: {}, ...config },
    callbacks: {
      onmessage: (message) => events.emit('message', message),
      onerror: (event) => events.emit('error', new Error(`the connection failed: ${event.message}`)),
      onclose: (event) => events.emit('error', new Error(`closed: ${event.code} ${event.reason}`)),
    },
  });
  return { session, messages };
}

/** What was seen of a turn: words heard and said, speech, calls, how it ended. */
export class Turn {
  heard = '';
  said = '';
  audioBytes = 0;
  calls = [];
  interrupted = false;

  /** Receive until the turn is complete; `onCall` is given each function call. */
  async hear(messages, onCall = () => {}) {
    for (;;) {
      const [{ serverContent: content, toolCall }] = (await messages.next()).value;
      for (const call of toolCall?.functionCalls ?? []) {
        this.calls.push(call);
        onCall(call);
      }
      this.heard += content?.inputTranscription?.text ?? '';
      this.said += content?.outputTranscription?.text ?? '';
      for (const part of content?.modelTurn?.parts ?? []) {
        this.audioBytes += Buffer.from(part.inlineData?.data ?? '', 'base64').length;
      }
      this.interrupted ||= content?.interrupted ?? false;
      if (content?.turnComplete) return this;
    }
  }

  /** Print the turn, and fail unless it says these words aloud. */
  expect(...words) {
    console.log(this);
    for (const word of words) assert.ok(this.said.toLowerCase().includes(word), `"${word}" is not in what was said`);
    // Speech of 24 kHz, 16 bits; nobody says more than 25 characters in a second.
    assert.ok(this.audioBytes > (48_000 * this.said.length) / 25, 'too little speech for what was said');
  }
}
