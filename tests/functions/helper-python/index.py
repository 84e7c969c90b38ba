"""Does what the event says, with the helper module: {"do": ...}, or the same as the body of a
request. $GATE holds it back in the middle."""
import json
import os
import time

import postlude


def wait():
    with open(os.environ["GATE"], "rb", buffering=0) as gate:
        gate.read(1)


def say(text):
    print(text, flush=True)


@postlude.handler
def handler(event, context):
    kept = f"a local of {context.aws_request_id}"
    what = event.get("do") or json.loads(event["body"])["do"]
    if what in ("respond", "respond, then fail"):
        say(f"responding at {time.time() * 1000:.3f}")
        postlude.respond({"early": context.aws_request_id})
        wait()
        say(f"worked on with {kept}")
        if what == "respond, then fail":
            raise ValueError("too late")
        return {"late": True}
    if what == "stream":
        with postlude.stream(status=201, headers={"x-made-by": "helper"}, content_type="text/plain") as out:
            out.write("first ")
            wait()
            out.write("second")
        say("worked on after the stream")
        return None
    if what == "after":
        postlude.after(say, "after one")
        postlude.after(lambda: 1 / 0)
        postlude.after(wait)
        postlude.after(say, f"after two with {kept}")
        return {"text": "späť", "number": 1.5, "list": [1, None]}
    if what == "respond twice":
        postlude.respond("first")
        try:
            postlude.respond("second")
        except postlude.PostludeError as error:
            say(f"refused: {error.status} {error.type}")
        return "third"
    if what == "defer":
        say(f"deferred {postlude.defer({'command': ['cat']}, {'remaining': postlude.remaining_ms() > 0})}")
    return "done"
