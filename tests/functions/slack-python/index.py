"""A Slack slash command behind a Function URL. Slack wants an answer within 3 seconds: this one answers at
once, then works, and posts the result to the command's `response_url`.

Set SLACK_SIGNING_SECRET (Slack app, "Basic Information"), the handler `index.handler`, the layer, and
AWS_LAMBDA_EXEC_WRAPPER=/opt/postlude; use the Function URL (auth NONE, since Slack signs) as Request URL.
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.parse
import urllib.request

import postlude

SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
if not SECRET:
    raise RuntimeError("SLACK_SIGNING_SECRET is empty: anybody could sign with it")
WORK_SECONDS = float(os.environ.get("WORK_SECONDS", "5"))
MAX_AGE_SECONDS = 300  # an older request may be one that somebody recorded


@postlude.handler
def handler(event, context):
    body = event.get("body") or ""
    body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if not signed_by_slack(headers, body):
        return {"statusCode": 401, "body": "not signed by Slack"}
    command = dict(urllib.parse.parse_qsl(body.decode()))
    postlude.after(finish, command)
    return message("Working on it ...")


def signed_by_slack(headers, body):
    """https://api.slack.com/authentication/verifying-requests-from-slack"""
    timestamp = headers.get("x-slack-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(time.time() - int(timestamp)) > MAX_AGE_SECONDS:
        return False
    digest = hmac.new(SECRET, b"v0:%b:%b" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={digest}".encode(), headers.get("x-slack-signature", "").encode())


def finish(command):
    try:
        text = report(command.get("text", ""))
    except Exception:
        post(command["response_url"], "That did not work, sorry.")
        raise  # into the log
    post(command["response_url"], text)


def report(text):
    """Stands for your work, however slow it is (the function's timeout is the limit)."""
    time.sleep(WORK_SECONDS)
    return f"The report about {text} is ready."


def post(url, text):
    body = json.dumps({"response_type": "ephemeral", "text": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def message(text):
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"response_type": "ephemeral", "text": text}),
    }
