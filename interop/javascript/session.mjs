// What the cases share: a session, and what was seen in a turn of it.

import assert from 'node:assert/strict';
import { EventEmitter, on } from 'node:events';
import { GoogleGenAI, Modality, ThinkingLevel } from '@google/genai';

const named = process.argv.indexOf('--model');
const model = named > 0 ? process.argv[named + 1] : 'gemini-3.8-live';
const thinkingConfig = model.includes('extended-thinking') ? { thinkingLevel: ThinkingLevel.LOW } : undefined;

/** Open a session that answers aloud; `messages` iterates over what the service sends, and ends in an error with it. */
export async function connect(config = {}) {
  const events = new EventEmitter();
  const messages = on(events, 'message');
  const session = await new GoogleGenAI({}).live.connect({
    model,
    config: { responseModalities: [Modality.AUDIO], outputAudioTranscription: {}, thinkingConfig, ...config },
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

  /** Receive until the turn is complete; `onCall` is given each function call, `onSpeech` what has been seen so far. */
  async hear(messages, { onCall = () => {}, onSpeech = () => {} } = {}) {
    for (;;) {
      const { serverContent: content, toolCall } = await next(messages);
      for (const call of toolCall?.functionCalls ?? []) {
        this.calls.push(call);
        onCall(call);
      }
      this.heard += content?.inputTranscription?.text ?? '';
      this.said += content?.outputTranscription?.text ?? '';
      for (const part of content?.modelTurn?.parts ?? []) {
        this.audioBytes += Buffer.from(part.inlineData?.data ?? '', 'base64').length;
      }
      if (content?.modelTurn) onSpeech(this);
      this.interrupted ||= content?.interrupted ?? false;
      if (content?.turnComplete) return this;
    }
  }

  /** Print the turn, and fail unless it is a whole one that says these words aloud. */
  expect(...words) {
    console.log(this);
    assert.ok(!this.interrupted, 'the turn was interrupted');
    for (const word of words) assert.ok(this.said.toLowerCase().includes(word), `"${word}" is not in what was said`);
    // Speech of 24 kHz, 16 bits; nobody says more than 25 characters in a second.
    assert.ok(this.audioBytes > (48_000 * this.said.length) / 25, 'too little speech for what was said');
  }

  /** Print the turn, and fail unless it was cut short. */
  expectInterrupted() {
    console.log(this);
    assert.ok(this.audioBytes > 0, 'no speech');
    assert.ok(this.interrupted, 'the turn was not interrupted');
  }
}

/** The next message of the service. */
export async function next(messages) {
  return (await messages.next()).value[0];
}
