"""What AWS's own runtime client for Python does for a handler, in short; that one is in no package of
Debian: runtime.py MODULE.FUNCTION, in the function's folder."""
import http.client
import importlib
import json
import os
import sys
import time
import traceback

ROOT = "/2018-06-01/runtime/invocation"


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self.deadline_ms - int(time.time() * 1000), 0)


def error_of(error, request_id):
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def main():
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method, path, body=None, headers=()):
        connection.request(method, ROOT + path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 202):
            sys.exit(f"the platform refused {method} {path}: {answer.status} {content}")
        return answer, content

    while True:
        event, body = call("GET", "/next")
        context = Context(event.headers)
        path = f"/{context.aws_request_id}"
        try:
            result = json.dumps(handler(json.loads(body), context))
        except Exception as error:
            failure = error_of(error, context.aws_request_id)
            print(f"[ERROR] {failure['errorType']}: {failure['errorMessage']}", flush=True)
            kind = {"Lambda-Runtime-Function-Error-Type": failure["errorType"]}
            call("POST", path + "/error", json.dumps(failure), kind)
        else:
            call("POST", path + "/response", result, {"Content-Type": "application/json"})


main()
