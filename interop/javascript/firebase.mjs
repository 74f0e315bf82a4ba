// Firebase AI Logic's SDK: a question in writing that needs a function, a spoken one, an interruption, and a second
// connection that goes on where the first was; on the Gemini API, or with --vertex on Vertex AI.

import assert from 'node:assert/strict';
import { initializeApp } from 'firebase/app';
import { GoogleAIBackend, ResponseModality, VertexAIBackend, getAI, getLiveGenerativeModel } from 'firebase/ai';
import WebSocket from 'ws';
import { speak } from './microphone.mjs';
import { Turn } from './session.mjs';

// The SDK dials firebasevertexai.googleapis.com by the platform's WebSocket, and can be told no other address.
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    const { host } = new URL(process.env.GOOGLE_GEMINI_BASE_URL);
    super(url.replace('firebasevertexai.googleapis.com', host));
  }
};

const named = process.argv.indexOf('--model');
const model = named > 0 ? process.argv[named + 1] : 'gemini-3.8-live';
const vertex = process.argv.includes('--vertex');
const app = initializeApp({ apiKey: process.env.GOOGLE_API_KEY, projectId: 'offline', appId: '1:1:web:1' });
const weather = {
  name: 'get_weather',
  description: 'Get the weather in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

const live = getLiveGenerativeModel(getAI(app, { backend: vertex ? new VertexAIBackend() : new GoogleAIBackend() }), {
  model,
  systemInstruction: 'You are a helpful voice assistant.',
  tools: [{ functionDeclarations: [weather] }],
  generationConfig: {
    responseModalities: [ResponseModality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
  },
});

/** Open a session; `messages` is what it brings, as @google/genai has it, and `handle` the last handle. */
async function connect(handle) {
  const session = await live.connect(handle ? { handle } : {});
  const seen = { session, handle: undefined };
  seen.messages = (async function* () {
    for await (const message of session.receive()) {
      if (message.type === 'sessionResumptionUpdate') seen.handle = message.newHandle ?? seen.handle;
      yield [message.type === 'toolCall' ? { toolCall: message } : { serverContent: message }];
    }
  })();
  return seen;
}

/** Receive turns until something is said. */
async function hear(messages, options) {
  const turn = new Turn();
  while (!turn.said) await turn.hear(messages, options);
  return turn;
}

const first = await connect();
const { session, messages } = first;
const onCall = ({ id, name }) =>
  session.sendFunctionResponses([{ id, name, response: { weather: 'foggy', degrees: 12 } }]);
await session.send('What is the weather in London?');
const answer = await hear(messages, { onCall });
answer.expect('foggy', '12');
assert.deepEqual(answer.calls.map(({ name, args }) => ({ name, args })), [{ name: 'get_weather', args: { city: 'London' } }]);

// The blob that `sendAudioRealtime` takes is what `sendRealtimeInput` of @google/genai has as its `audio`.
const microphone = { sendRealtimeInput: ({ audio }) => session.isClosed || session.sendAudioRealtime(audio) };
let silence = speak(microphone, 'calculate');
const spoken = await hear(messages);
silence();
spoken.expect('eighty four');
assert.match(spoken.heard, /twelve times seven/);

await session.sendTextRealtime('Tell me a long story.');
silence = undefined;
const onSpeech = ({ audioBytes }) => {
  if (audioBytes >= 48_000) silence ??= speak(microphone, 'calculate');
};
(await new Turn().hear(messages, { onSpeech })).expectInterrupted();
(await hear(messages)).expect('eighty four');
silence();

await session.sendTextRealtime('My name is Ada.');
(await hear(messages)).expect('ada');
const before = first.handle;
while (first.handle === before) await messages.next(); // the handle that comes after the turn
await session.close();
const second = await connect(first.handle);
await second.session.sendTextRealtime('What is my name?');
(await hear(second.messages)).expect('ada');
await second.session.close();
process.exit(0);
