// A Hono app behind a Function URL, by Hono's own adapter for Lambda. waitUntil() is that of
// @vercel/functions; it finds the context that postlude.handler provides.
const fs = require('node:fs');
const { waitUntil } = require('@vercel/functions');
const { Hono } = require('hono');
const { handle } = require('hono/aws-lambda');
const postlude = require('postlude');

async function record(order) {
  const gate = await fs.promises.open(process.env.GATE);
  await gate.read(Buffer.alloc(1));
  await gate.close();
  console.log(`recorded ${order.name}`);
  if (order.fails) {
    throw new Error('work that fails');
  }
}

const app = new Hono();
app.post('/orders/:kind', async (c) => {
  const order = await c.req.json();
  waitUntil(record(order));
  return c.json({ taken: order.name, path: c.req.path }, 202);
});

exports.handler = postlude.handler(handle(app));
