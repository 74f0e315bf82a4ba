// A long story is interrupted by someone who speaks: it ends, and the spoken question is answered.

import { speak } from './microphone.mjs';
import { Turn, connect } from './session.mjs';

const { session, messages } = await connect();
session.sendClientContent({ turns: 'Tell me a long story.' });
let silence;
const onSpeech = ({ audioBytes }) => {
  if (audioBytes >= 48_000) silence ??= speak(session, 'calculate');
};
(await new Turn().hear(messages, { onSpeech })).expectInterrupted();
(await new Turn().hear(messages)).expect('eighty four');
silence();
session.close();
