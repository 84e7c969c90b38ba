"""What AWS's own runtime client for Python does for a handler, in short; that one is in no package of
Debian. The handler's name is _HANDLER, as everywhere on Lambda."""
import http.client
import importlib
import json
import os
import sys
import time
import traceback
from types import SimpleNamespace

ROOT = "/2018-06-01/runtime"


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.tenant_id = headers.get("Lambda-Runtime-Aws-Tenant-Id")
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        identity = json.loads(headers.get("Lambda-Runtime-Cognito-Identity") or "{}")
        self.identity = SimpleNamespace(
            cognito_identity_id=identity.get("cognitoIdentityId"),
            cognito_identity_pool_id=identity.get("cognitoIdentityPoolId"))
        client = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = json.loads(client, object_hook=lambda members: Members(**members)) if client else None

    def get_remaining_time_in_millis(self):
        return max(self.deadline_ms - int(time.time() * 1000), 0)


class Members(dict):
    """Of the client context: AWS's client shows them as attributes, the maps in them as dictionaries."""
    __getattr__ = dict.get


def error_of(error, request_id=""):
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


def call(connection, method, path, body=None, headers=()):
    connection.request(method, ROOT + path, body, dict(headers))
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in (200, 202):
        sys.exit(f"the platform refused {method} {path}: {answer.status} {content}")
    return answer, content


def fail(connection, path, failure, kind):
    print(f"[ERROR] {failure['errorType']}: {failure['errorMessage']}")
    call(connection, "POST", path, json.dumps(failure), {"Lambda-Runtime-Function-Error-Type": kind})


def load(connection):
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    try:
        return getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as error:
        failure = error_of(error)
        missing = isinstance(error, (ImportError, AttributeError))
        kind = "Runtime." + ("HandlerNotFound" if isinstance(error, AttributeError) else
                             "ImportModuleError" if missing else failure["errorType"])
        fail(connection, "/init/error", {**failure, "errorType": kind}, kind)
        sys.exit(1)


def main():
    # Lambda shows what a function prints at once.
    sys.stdout.reconfigure(line_buffering=True)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    handler = load(connection)
    while True:
        event, body = call(connection, "GET", "/invocation/next")
        context = Context(event.headers)
        os.environ["_X_AMZN_TRACE_ID"] = event.headers.get("Lambda-Runtime-Trace-Id", "")
        path = f"/invocation/{context.aws_request_id}"
        try:
            result = json.dumps(handler(json.loads(body), context))
        except Exception as error:
            failure = error_of(error, context.aws_request_id)
            fail(connection, path + "/error", failure, failure["errorType"])
        else:
            call(connection, "POST", path + "/response", result, {"Content-Type": "application/json"})


main()
