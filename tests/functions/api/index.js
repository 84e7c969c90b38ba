// Behind API Gateway: the client has its answer at once, the confirmation is sent after it.
const { after, handler } = require('postlude');

exports.handler = handler(async (event) => {
  const order = JSON.parse(event.body);
  after(confirm, order);
  return { statusCode: 202, body: JSON.stringify({ accepted: order.id }) };
});

async function confirm(order) {
  await new Promise((resolve) => setTimeout(resolve, 1000)); // stands for a slow mail server
  console.log(`order ${order.id} is confirmed`);
}
