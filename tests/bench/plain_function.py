"""A function on a runtime client of a few lines, for what a language of the managed runtimes costs. With BENCH_CALL it
does by itself, before its answer, what a task would do afterwards."""
import http.client
import os
from urllib.parse import urlsplit

API = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
ROOT = "/2018-06-01/runtime/invocation/"
URL = urlsplit(os.environ["BENCH_URL"])
PEER = http.client.HTTPConnection(URL.netloc)


def work(request_id):
    PEER.request("POST", URL.path, '{"id":"%s"}' % request_id, {"Content-Type": "application/json"})
    PEER.getresponse().read()


def call(method, path, body=None):
    API.request(method, ROOT + path, body)
    answer = API.getresponse()
    answer.read()
    return answer.headers.get("Lambda-Runtime-Aws-Request-Id")


def serve(after_the_event):
    while True:
        request_id = call("GET", "next")
        after_the_event(request_id)
        call("POST", request_id + "/response", b"a" * 1024)


if __name__ == "__main__":
    serve(work if os.environ["BENCH_CALL"] == "before" else lambda request_id: None)
