// Defers the tasks that its caller's body names, {"defer": [task, ...]}, for the current invocation.
// Its answer is what the local API said of each.
const { POSTLUDE_API } = process.env;

async function defer(task) {
  const response = await fetch(`${POSTLUDE_API}/invocations/current/tasks`, {
    method: 'POST',
    body: JSON.stringify(task),
  });
  return { status: response.status, ...(await response.json()) };
}

export const handler = async (event) => {
  const said = [];
  for (const task of JSON.parse(event.body).defer) {
    said.push(await defer(task));
  }
  return { statusCode: 200, body: JSON.stringify(said) };
};
