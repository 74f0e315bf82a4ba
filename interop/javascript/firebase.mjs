// Firebase AI Logic's SDK: a question in writing that needs a function, a spoken one, an interruption, and a connection
// that is cut and resumed; on the Gemini API, or with --vertex on Vertex AI.

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

const session = await live.connect({});
let handle; // the last one that came

/** What the connection brings, as @google/genai has it. */
async function* received() {
  for await (const message of session.receive()) {
    if (message.type === 'sessionResumptionUpdate') handle = message.newHandle ?? handle;
    yield [message.type === 'toolCall' ? { toolCall: message } : { serverContent: message }];
  }
}

/** Receive turns until something is said. */
async function hear(messages, options) {
  const turn = new Turn();
  while (!turn.said) await turn.hear(messages, options);
  return turn;
}

let messages = received();
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
const before = handle;
while (handle === before) await messages.next(); // the handle that comes after the turn
process.kill(process.ppid, 'SIGUSR1'); // the server cuts every connection
await assert.rejects(async () => {
  while (!(await messages.next()).done);
  throw new Error('the connection is gone');
});
await session.resumeSession({ handle });
messages = received();
await session.sendTextRealtime('What is my name?');
(await hear(messages)).expect('ada');
await session.close();
process.exit(0);
