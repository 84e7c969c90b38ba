// What a runtime posted whole before it ended is its answer, whatever else the shim learns of in that moment.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { startFunction } from './task_story.mjs';

const runtime = `python3 ${path.join(import.meta.dirname, 'dying_runtime.py')}`;

for (const [what, tasks] of [['with tasks for failures', [{ name: 'alarm', when: 'failure', command: ['true'] }]], ['without tasks', null]]) {
  test(`an answer whose connection the shim accepts behind the runtime's end arrives, ${what}`, async (t) => {
    const story = await startFunction(t, tasks, { runtime });
    // Behind them their extension's word waits to be read.
    for (const event of ['first', 'second']) {
      assert.equal((await story.invoke(`"${event}"`)).text, `"answered ${event}"`);
    }
    assert.equal((await story.invoke('"last"')).text, '"answered last"');
    assert.equal((await story.lambda.event('processExited')).how, 'exit status 3');
  });
}
