// A long story is interrupted by a question in writing: it ends, and the question is answered.

import { Turn, connect } from './session.mjs';

const { session, messages } = await connect();
session.sendClientContent({ turns: 'Tell me a long story.' });
let asked = false;
const onSpeech = ({ audioBytes }) => {
  if (asked || audioBytes < 48_000) return;
  asked = true;
  session.sendClientContent({ turns: 'What is twelve times seven?' });
};
(await new Turn().hear(messages, { onSpeech })).expectInterrupted();
(await new Turn().hear(messages)).expect('eighty four');
session.close();
