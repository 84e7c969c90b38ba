"""A Flask app behind a Function URL, by a WSGI adapter in one page: the caller has the response when its
body is complete, and what the app left for its close() (call_on_close) goes on."""
import base64
import io
import os
import sys
from urllib.parse import unquote

import postlude
from flask import Flask, jsonify, request

app = Flask(__name__)


def wait_for_gate():
    with open(os.environ["GATE"], "rb", buffering=0) as gate:
        gate.read(1)


@app.post("/orders/<kind>")
def take_order(kind):
    order = request.get_json()
    response = jsonify(taken=order["name"], path=request.path)
    response.status_code = 202

    @response.call_on_close
    def record():
        wait_for_gate()
        print(f"recorded {order['name']}", flush=True)
        if order.get("fails"):
            raise ValueError("work on close that fails")

    return response


def environ_of(event):
    http = event["requestContext"]["http"]
    body = event.get("body") or ""
    content = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    environ = {
        "REQUEST_METHOD": http["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(event["rawPath"], "latin-1"),
        "QUERY_STRING": event["rawQueryString"],
        "CONTENT_TYPE": event["headers"].get("content-type", ""),
        "CONTENT_LENGTH": str(len(content)),
        "SERVER_NAME": event["headers"].get("host", "localhost"),
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": http["sourceIp"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in event["headers"].items():
        environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
    return environ


@postlude.handler
def handler(event, context):
    answer = {"isBase64Encoded": True, "cookies": []}

    def start_response(status, headers, exc_info=None):
        answer["statusCode"] = int(status.split()[0])
        answer["cookies"] = [value for name, value in headers if name.lower() == "set-cookie"]
        answer["headers"] = {name: value for name, value in headers if name.lower() != "set-cookie"}

    pieces = app(environ_of(event), start_response)
    try:
        answer["body"] = base64.b64encode(b"".join(pieces)).decode()
        postlude.respond(answer)
    finally:
        pieces.close()
    return answer
