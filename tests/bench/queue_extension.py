"""The usual way by hand: the handler puts its work into a queue, and a thread of the same process, registered as an
internal extension, does it before it asks for the next INVOKE event."""
import http.client
import json
import os
import queue
import threading

import plain_function

WORK = queue.Queue()


def extension():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("POST", "/2020-01-01/extension/register", json.dumps({"events": ["INVOKE"]}),
                {"Lambda-Extension-Name": "queue"})
    answer = api.getresponse()
    answer.read()
    identifier = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    REGISTERED.set()
    while True:
        api.request("GET", "/2020-01-01/extension/event/next", headers=identifier)
        api.getresponse().read()
        plain_function.work(WORK.get())


REGISTERED = threading.Event()
threading.Thread(target=extension, daemon=True).start()
REGISTERED.wait()
plain_function.serve(WORK.put)
