// A shop that knows nothing of Postlude: the function of the README's recipes.
const json = (statusCode, value) => ({ statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });

async function route({ requestContext: { http: { method, path } }, body }) {
  const asked = body?.startsWith('{') ? JSON.parse(body) : body;
  if (path === '/slack/command') {
    return json(200, { response_type: 'ephemeral', text: 'Working on it' });
  }
  if (method === 'POST' && path === '/orders') {
    return json(201, { id: 'o-17', total: 42.5, email: asked.email });
  }
  if (method === 'PUT' && path.startsWith('/products/')) {
    return json(200, { id: path.split('/').at(-1), price: asked.price });
  }
  if (method === 'POST' && path === '/pictures') {
    return json(201, { key: asked.key });
  }
  if (path === '/broken') {
    throw new RangeError('no such shelf');
  }
  if (path === '/hangs') {
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  return json(404, { error: 'not found' });
}

export const handler = async (event) => {
  if (event.job) {
    process.stdout.write(`job ${JSON.stringify(event.job)}\n`);
    return null;
  }
  return route(event);
};
