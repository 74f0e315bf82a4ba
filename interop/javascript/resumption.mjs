// A second connection goes on with the conversation of the first, by the handle that the first was given.

import { Turn, connect, next } from './session.mjs';

const first = await connect({ sessionResumption: {} });
first.session.sendClientContent({ turns: 'My name is Ada.' });
(await new Turn().hear(first.messages)).expect('ada');
let handle; // comes after a turn
while (!handle) handle = (await next(first.messages)).sessionResumptionUpdate?.newHandle;
first.session.close();

const second = await connect({ sessionResumption: { handle } });
second.session.sendClientContent({ turns: 'What is my name?' });
(await new Turn().hear(second.messages)).expect('ada');
second.session.close();
