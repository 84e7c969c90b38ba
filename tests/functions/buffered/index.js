// An ordinary buffered function of Node.js. It knows nothing of deferred work.
exports.handler = async (event) => {
  console.log('order received');
  return { statusCode: 200, body: `thank you for order ${event.order}` };
};
