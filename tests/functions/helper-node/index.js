// Does what the event says, with the helper module: {"do": ...}, or the same as the body of a
// request. $GATE holds it back in the middle.
const fs = require('node:fs');
const postlude = require('postlude');

async function wait() {
  const gate = await fs.promises.open(process.env.GATE);
  await gate.read(Buffer.alloc(1));
  await gate.close();
}

const say = (text) => console.log(text);

exports.handler = postlude.handler(async (event, context) => {
  const kept = `a local of ${context.awsRequestId}`;
  const what = event.do ?? JSON.parse(event.body).do;
  switch (what) {
    case 'respond':
    case 'respond, then fail':
      say(`responding at ${performance.timeOrigin + performance.now()}`);
      await postlude.respond({ early: context.awsRequestId });
      await wait();
      say(`worked on with ${kept}`);
      if (what !== 'respond') {
        throw new Error('too late');
      }
      return { late: true };
    case 'stream': {
      const out = postlude.stream({ statusCode: 201, headers: { 'x-made-by': 'helper' }, contentType: 'text/plain' });
      out.write('first ');
      await wait();
      out.end('second');
      await out.done;
      say('worked on after the stream');
      return null;
    }
    case 'after':
      postlude.after(say, 'after one');
      postlude.after(() => {
        throw new Error('an error of after work');
      });
      postlude.after(wait);
      postlude.after(say, `after two with ${kept}`);
      return { text: 'späť', number: 1.5, list: [1, null] };
    case 'respond twice':
      await postlude.respond('first');
      await postlude.respond('second').catch((error) => say(`refused: ${error.status} ${error.type}`));
      return 'third';
    case 'defer':
      say(`deferred ${await postlude.defer({ command: ['cat'] }, { remaining: postlude.remainingMs() > 0 })}`);
      return 'done';
    default:
      return 'done';
  }
});
