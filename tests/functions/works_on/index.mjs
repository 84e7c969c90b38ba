// Ends its answer, then works on: in the handler, with all its local variables.
import { open } from 'node:fs/promises';

// Waits until the test lets one reader of the pipe go on.
async function pass(gate) {
  const file = await open(gate);
  await file.read(Buffer.alloc(1), 0, 1);
  await file.close();
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// A Function URL's event carries ours in its body.
const wishes = (event) => JSON.parse(event.body ?? JSON.stringify(event));

export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  const { gate, seconds } = wishes(event);
  stream.write(`Hello my request id is: ${context.awsRequestId}`);
  stream.end();
  console.log(`works on after ${context.awsRequestId}`);
  await (gate ? pass(gate) : pause(seconds));
  console.log(`really done with ${context.awsRequestId}`);
});

export const http = awslambda.streamifyResponse(async (event, stream, context) => {
  const { gate } = wishes(event);
  const answer = awslambda.HttpResponseStream.from(stream, {
    statusCode: 201,
    headers: { 'Content-Type': 'text/plain', 'X-Kind': 'streamed' },
    cookies: ['a=b'],
  });
  answer.write('first,');
  await pass(gate);
  answer.write('second');
  answer.end();
  console.log(`works on after ${context.awsRequestId}`);
  await pass(gate);
  console.log(`really done with ${context.awsRequestId}`);
});
