// An ordinary streaming function of Node.js: it answers, ends the stream, and goes on.
const seconds = (n) => new Promise((resolve) => setTimeout(resolve, n * 1000));

exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.write(`Hello my request id is: ${context.awsRequestId}\n`);
  stream.end();
  console.log('the caller has its answer; 5 seconds of work begin');
  await seconds(5);
  console.log('the work is done');
});
