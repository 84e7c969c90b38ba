// Its init lasts until the test lets it go on.
import { openSync, readSync } from 'node:fs';

console.log('init waits');
readSync(openSync(process.env.INIT_GATE), Buffer.alloc(1));

export const handler = async () => ({ loaded: true });
