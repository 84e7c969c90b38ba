// Answers after as many milliseconds as its caller's body says, {"ms": 1500}.
export const handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, JSON.parse(event.body).ms ?? 0));
  return { statusCode: 200, body: 'answered' };
};
