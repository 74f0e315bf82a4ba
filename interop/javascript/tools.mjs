// A question that needs a function: it is called with what was asked for, and its result is told.

import assert from 'node:assert/strict';
import { Type } from '@google/genai';
import { Turn, connect } from './session.mjs';

const weather = {
  name: 'get_weather',
  description: 'Get the weather in a city.',
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
};

const { session, messages } = await connect({ tools: [{ functionDeclarations: [weather] }] });
const answer = ({ id, name }) =>
  session.sendToolResponse({ functionResponses: [{ id, name, response: { weather: 'foggy', degrees: 12 } }] });

session.sendClientContent({ turns: 'What is the weather in London?' });
const turn = new Turn();
// Some models end a turn at the call, or before it, and tell the result in another.
for (let turns = 0; turns < 3 && !turn.said.includes('foggy'); turns++) await turn.hear(messages, { onCall: answer });
turn.expect('foggy', '12');
assert.deepEqual(turn.calls.map(({ name, args }) => ({ name, args })), [{ name: 'get_weather', args: { city: 'London' } }]);
session.close();
