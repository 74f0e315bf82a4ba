// A question in writing, an answer aloud; then another in the same session.

import { Turn, connect } from './session.mjs';

const { session, messages } = await connect();
session.sendClientContent({ turns: 'What is twelve times seven?' });
(await new Turn().hear(messages)).expect('eighty four');
session.sendRealtimeInput({ text: 'Please repeat: the fox is brown.' });
(await new Turn().hear(messages)).expect('fox is brown');
session.close();
