// Defers what its caller's body names, {"defer": [[task, payload], ...]}, with the helper module; called
// again as a handler task, it tells its log with which payload.
const { defer, handler } = require('postlude');

exports.handler = handler(async (event) => {
  if (event.postlude) {
    process.stdout.write(`again: ${JSON.stringify(event.postlude.payload)}\n`);
    return 'swallowed';
  }
  const ids = [];
  for (const [task, payload] of JSON.parse(event.body).defer) {
    ids.push(await defer(task, payload));
  }
  return { statusCode: 200, body: JSON.stringify(ids) };
});
