// A runtime for Managed Instances: WORKERS workers, each of which polls again before its handler is done. The
// event says what the handler does: {"ms": before its answer, "defer": a task for the local API, "later": one
// that it defers behind its answer, "wait": milliseconds before that}.
import http from 'node:http';

const workers = Number(process.env.WORKERS ?? 2);
const runtime = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const agent = new http.Agent({ keepAlive: true });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function request(method, url, body = null) {
  return new Promise((resolve, reject) => {
    const call = http.request(url, { method, agent }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const defer = (id, task) =>
  request('POST', `${process.env.POSTLUDE_API}/invocations/${id}/tasks`, JSON.stringify(task));

async function handle(id, event) {
  if (event.postlude) {
    console.log(`again ${event.postlude.task}`);
    await request('POST', `${runtime}/${id}/response`, '"again"');
    return;
  }
  await pause(event.ms ?? 0);
  if (event.defer) {
    console.log(`deferred ${(await defer(id, event.defer)).status}`);
  }
  await request('POST', `${runtime}/${id}/response`, JSON.stringify({ answered: event.name ?? null }));
  if (event.later) {
    await pause(event.wait ?? 0);
    console.log(`later ${(await defer(id, event.later)).status}`);
  }
}

async function work() {
  for (;;) {
    const { headers, text } = await request('GET', `${runtime}/next`);
    handle(headers['lambda-runtime-aws-request-id'], JSON.parse(text)).catch((error) => console.log(`${error}`));
  }
}

await Promise.all(Array.from({ length: workers }, work));
