// A function that handler tasks call again. What it does then stands in the body of its caller:
// {"again": "ok" | "throw" | "exit" | "sleep" | "defer", ...}. It tells its log what it was given.
const { POSTLUDE_API } = process.env;

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

async function defer(requestId, task) {
  const response = await fetch(`${POSTLUDE_API}/invocations/${requestId}/tasks`, {
    method: 'POST',
    body: JSON.stringify(task),
  });
  return { status: response.status, ...(await response.json()) };
}

const acts = {
  ok: async () => 'swallowed',
  throw: async () => {
    throw new TypeError('not this time');
  },
  exit: async () => process.exit(3),
  sleep: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, 'late')),
  defer: async (_, document, { awsRequestId }) => {
    const level = (document.payload?.level ?? 0) + 1;
    const answer = await defer(awsRequestId, { handler: {}, name: 'deeper', payload: { level } });
    tell({ deferred: level, ...answer });
  },
};

export const handler = async (event, context) => {
  if (!event.postlude && !event.again) {
    return JSON.parse(event.body).answer ?? { statusCode: 200, body: 'answered' };
  }
  const wish = event.again ?? JSON.parse(event.postlude.event.body);
  const { awsRequestId, invokedFunctionArn, clientContext } = context;
  const left = context.getRemainingTimeInMillis();
  tell({ began: awsRequestId, at: Date.now(), event, invokedFunctionArn, clientContext, left });
  try {
    return await acts[wish.again](wish, event.postlude, context);
  } finally {
    tell({ ended: awsRequestId, at: Date.now() });
  }
};
