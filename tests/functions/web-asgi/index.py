"""A Starlette app behind a Function URL, by an ASGI adapter in one page: the caller has the response when
the app has sent it, and what the app does afterwards (background tasks) goes on."""
import base64
import os
from urllib.parse import unquote

import postlude
from starlette.applications import Starlette
from starlette.background import BackgroundTasks
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route


def wait_for_gate():
    with open(os.environ["GATE"], "rb", buffering=0) as gate:
        gate.read(1)


async def record(order):
    await run_in_threadpool(wait_for_gate)
    print(f"recorded {order}", flush=True)


async def fail():
    raise ValueError("a background task that fails")


async def take_order(request):
    order = await request.json()
    tasks = BackgroundTasks()
    tasks.add_task(record, order["name"])
    if order.get("fails"):
        tasks.add_task(fail)
    return JSONResponse({"taken": order["name"], "path": request.url.path}, status_code=202, background=tasks)


app = Starlette(routes=[Route("/orders/{kind}", take_order, methods=["POST"])])


class Exchange:
    """One event as ASGI's receive() and send(). The answer goes out with the last piece of the body."""

    def __init__(self, event):
        http = event["requestContext"]["http"]
        body = event.get("body") or ""
        self.body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
        self.answer = {"statusCode": 500, "headers": {}, "cookies": [], "isBase64Encoded": True}
        self.sent = b""
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": http["method"],
            "scheme": "https",
            "path": unquote(event["rawPath"]),
            "raw_path": event["rawPath"].encode(),
            "query_string": event["rawQueryString"].encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in event["headers"].items()],
            "server": (event["headers"].get("host", "localhost"), 443),
            "client": (http["sourceIp"], 0),
        }

    async def receive(self):
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.answer["statusCode"] = message["status"]
            for name, value in message["headers"]:
                if name.lower() == b"set-cookie":
                    self.answer["cookies"].append(value.decode("latin-1"))
                else:
                    self.answer["headers"][name.decode()] = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            self.sent += message.get("body", b"")
            if not message.get("more_body"):
                self.answer["body"] = base64.b64encode(self.sent).decode()
                postlude.respond(self.answer)


@postlude.handler
async def handler(event, context):
    exchange = Exchange(event)
    await app(exchange.scope, exchange.receive, exchange.send)
    return exchange.answer
