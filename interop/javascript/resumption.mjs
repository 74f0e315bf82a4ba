// A connection is cut; a second one goes on with its conversation, by the handle given to it, with new instructions.

import assert from 'node:assert/strict';
import { Turn, connect, next } from './session.mjs';

const first = await connect({ sessionResumption: {}, systemInstruction: 'Your name is Zoe.' });
first.session.sendClientContent({ turns: 'My name is Ada.' });
(await new Turn().hear(first.messages)).expect('ada');
let handle; // comes after a turn
while (!handle) handle = (await next(first.messages)).sessionResumptionUpdate?.newHandle;
first.session.sendClientContent({ turns: 'What is your name?' });
(await new Turn().hear(first.messages)).expect('zoe');
process.kill(process.ppid, 'SIGUSR1'); // the server cuts every connection
await assert.rejects(async () => {
  for (;;) await next(first.messages);
}, /closed: 1006/);

const second = await connect({ sessionResumption: { handle }, systemInstruction: 'Your name is Grace.' });
second.session.sendClientContent({ turns: 'What is my name?' });
(await new Turn().hear(second.messages)).expect('ada');
second.session.sendClientContent({ turns: 'What is your name?' });
(await new Turn().hear(second.messages)).expect('grace');
second.session.close();
