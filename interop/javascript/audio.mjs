// A spoken question, in real time, and an answer aloud; both in writing as well.

import assert from 'node:assert/strict';
import { speak } from './microphone.mjs';
import { Turn, connect } from './session.mjs';

const { session, messages } = await connect({ inputAudioTranscription: {} });
const silence = speak(session, 'calculate');
const turn = await new Turn().hear(messages);
silence();
turn.expect('eighty four');
assert.match(turn.heard, /twelve times seven/);
session.close();
