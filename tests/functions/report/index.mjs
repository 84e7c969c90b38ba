// An ordinary buffered function that knows nothing of Postlude.
export const handler = async (event, context) => ({
  statusCode: 200,
  headers: { 'Content-Type': 'application/json', 'X-Answered-By': 'report' },
  body: JSON.stringify({ hello: event.name ?? 'nobody', requestId: context.awsRequestId }),
});
