"""Answer the caller now, finish the work afterwards: the Postlude helper for Python.

    @postlude.handler
    def lambda_handler(event, context):
        postlude.after(send_mail, event["user"])     # runs once the caller has the answer
        return {"statusCode": 202, "body": "on its way"}

Without `after` work nothing changes. With it, the returned value is encoded by the runtime's own encoder,
the caller has it, then the work runs in order; an error of it is logged with the request id, and the next
one still runs. If the function raises, the exception reaches the runtime unchanged; work registered before
runs only if the caller has its whole answer already, otherwise it is dropped with a warning. If the early
answer cannot be delivered, a warning says so and the runtime answers, after the work. Without the layer (no
POSTLUDE_API) the work runs before the function returns, with one warning; respond, stream and defer raise.

The request is bound by contextvars: tasks of asyncio and asyncio.to_thread see the right one; start threads
with `contextvars.copy_context().run`. Every verb blocks, also in `async def`; the calls stay on this host.
"""
from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import functools
import http.client
import inspect
import json
import logging
import os
import sys
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple, TypeVar, Union
from urllib.parse import quote, urlsplit

__all__ = ["PostludeError", "after", "defer", "handler", "remaining_ms", "respond", "stream"]

Function = TypeVar("Function", bound=Callable[..., Any])
_log = logging.getLogger("postlude")
_running: contextvars.ContextVar[Optional[_Invocation]] = contextvars.ContextVar("postlude", default=None)
_ERROR_TYPE, _ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"


class PostludeError(RuntimeError):
    """A verb failed; `status` (409: the caller has its answer already) and `type` are the local API's."""
    status: Optional[int] = None
    type: Optional[str] = None


class _Invocation:
    warned = False

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.context = kwargs.get("context", args[-1] if args else None)
        self.request_id: str = getattr(self.context, "aws_request_id", None) or ""
        self.work: list[functools.partial[Any]] = []
        self.stream: Optional[stream] = None  # while it is open
        self.answer = ""  # "whole", or "broken": a stream that ended with an error
        self.value, self.error, self.over = None, None, False

    @staticmethod
    def current(verb: str) -> _Invocation:
        invocation = _running.get()
        if invocation is None or invocation.over:
            raise PostludeError(f"{verb}() works inside a wrapped handler, while it runs: put @postlude.handler"
                                " above it (and start threads with contextvars.copy_context().run)")
        return invocation

    async def run(self, call: Callable[[], Any], in_loop: bool) -> None:
        """The handler, the answer, the work. Outside a loop this never waits: one send() runs it all."""
        token = _running.set(self)
        try:
            self.value = await call() if in_loop else call()
            self.answer_now()
        except BaseException as error:
            self.error = error
            if self.stream:
                self.stream.fail(error)
            if self.answer != "whole":
                self.drop(error)
        while self.work:  # work may add work
            work = self.work.pop(0)
            try:
                result = work()
                if inspect.isawaitable(result):
                    await result if in_loop else asyncio.run(result)
            except BaseException as error:  # sys.exit() in one must not cost the others
                _log.exception("postlude: request %s: after(%s) failed: %r", self.request_id,
                               getattr(work.func, "__qualname__", work.func), error)
        self.over = True
        _running.reset(token)

    def answer_now(self) -> None:
        try:
            if self.stream:
                self.stream.end()
            if self.work and not self.answer and os.environ.get("POSTLUDE_API"):
                respond(self.value)
            elif self.work and not self.answer and not _Invocation.warned:
                _Invocation.warned = True
                _log.warning("postlude: no POSTLUDE_API, so no layer: after() work runs before the answer")
        except PostludeError as error:
            if error.status != 409:  # 409: the function has answered by other means
                _log.warning("postlude: request %s is answered after its work: %s", self.request_id, error)
        except Exception as error:  # no encoder takes the value: the runtime will say so to the caller
            self.drop(error)

    def drop(self, error: BaseException) -> None:
        if self.work:
            _log.warning("postlude: request %s: after() work is dropped: %r", self.request_id, error)
            self.work.clear()


class _Call:
    """One exchange with the local API, on its own connection: an open one could be dead after a freeze."""

    def __init__(self, verb: str, route: str, headers: Dict[str, str], body: Any = None) -> None:
        invocation, api = _Invocation.current(verb), urlsplit(os.environ.get("POSTLUDE_API", ""))
        if not (api.hostname and invocation.request_id):
            raise PostludeError(f"{verb}() needs the Postlude layer, which sets POSTLUDE_API (is "
                                "AWS_LAMBDA_EXEC_WRAPPER=/opt/postlude set?), and the runtime's context")
        target = f"{api.path}/invocations/{quote(invocation.request_id, safe='')}{route}"
        self.verb, self.connection = verb, http.client.HTTPConnection(api.hostname, api.port)
        with self.reaching():
            self.connection.connect()
        with contextlib.suppress(OSError):  # refused before all was sent; result() says why
            self.connection.request("POST", target, body.encode() if isinstance(body, str) else body, headers)

    def result(self) -> Any:
        with self.reaching(), contextlib.closing(self.connection):
            response = self.connection.getresponse()
            value = json.loads(response.read())
        if response.status // 100 == 2:
            return value
        why = {"type": None, "message": response.reason, **value.get("error", {})}
        error = PostludeError(f"{self.verb}(): {why['message']} ({why['type']}, HTTP {response.status})")
        error.status, error.type = response.status, why["type"]
        raise error

    @contextlib.contextmanager
    def reaching(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PostludeError(f"{self.verb}() got no answer from the Postlude shim: {error!r}") from error


class stream:
    """Answers in pieces: `with postlude.stream(status=200) as out: out.write("a piece")`, for a Function URL
    or API that streams. A status, headers or cookies go ahead of the body; without any, the body goes as
    `content_type`. An exception in the block breaks the answer off with that error, and goes on."""

    def __init__(self, content_type: str = "", *, status: Optional[int] = None,
                 headers: Optional[Mapping[str, str]] = None, cookies: Sequence[str] = ()) -> None:
        self._invocation, start = _Invocation.current("stream"), b""
        if status or headers or cookies:
            headers = {**({"content-type": content_type} if content_type else {}), **(headers or {})}
            prelude = {"statusCode": status or 200, "headers": headers, "cookies": list(cookies)}
            start = json.dumps(prelude).encode() + bytes(8)
            content_type = "application/vnd.awslambda.http-integration-response"
        self._call = _Call("stream", "/response", {
            "Content-Type": content_type or "application/octet-stream", "Transfer-Encoding": "chunked",
            "Lambda-Runtime-Function-Response-Mode": "streaming", "Trailer": f"{_ERROR_TYPE}, {_ERROR_BODY}"})
        self._invocation.stream = self
        self.write(start)

    def write(self, piece: Union[str, bytes, bytearray, memoryview]) -> None:
        """Sends a piece at once; text as UTF-8."""
        data = piece.encode() if isinstance(piece, str) else bytes(piece)
        self._send(b"%x\r\n%b\r\n" % (len(data), data) if data else b"")

    def end(self) -> None:
        """Ends the answer and returns when the platform took it. Ending twice does nothing."""
        if self._invocation.stream is self:
            self._send(b"0\r\n\r\n", "whole")

    def fail(self, error: BaseException) -> None:
        """Breaks the answer off; the error goes into the trailers."""
        name = type(error).__name__
        text = base64.b64encode(json.dumps({"errorMessage": str(error), "errorType": name}).encode()).decode()
        end = f"0\r\n{_ERROR_TYPE}: {name}\r\n{_ERROR_BODY}: {text}\r\n\r\n"
        with contextlib.suppress(PostludeError):  # the error itself matters more
            self._send(end.encode("ascii", "replace"), "broken")

    def _send(self, data: bytes, answer: str = "") -> None:
        if self._invocation.stream is not self:
            raise PostludeError("write() on a stream that has ended")
        try:
            self._call.connection.send(data)
        except OSError:  # the API has refused the rest; result() says why
            answer = answer or "broken"
        if answer:
            self._invocation.stream = None
            self._call.result()
            self._invocation.answer = answer

    def __enter__(self) -> stream:
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        self.end() if error is None else self.fail(error)


def handler(function: Function) -> Function:
    """Wraps a Lambda handler, sync or `async def`. As the runtime does not await, the wrapped function is
    a plain one: it runs an `async def`, and its `after` work, by asyncio.run."""
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        invocation, in_loop = _Invocation(args, kwargs), inspect.iscoroutinefunction(function)
        steps = invocation.run(functools.partial(function, *args, **kwargs), in_loop)
        with contextlib.suppress(StopIteration):  # so a coroutine says that it has ended
            asyncio.run(steps) if in_loop else steps.send(None)
        if invocation.error:
            raise invocation.error
        return invocation.value
    return run  # type: ignore[return-value]


def after(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Runs `function(*args, **kwargs)` once the answer is out, in the order of the calls."""
    _Invocation.current("after").work.append(functools.partial(function, *args, **kwargs))


def respond(value: Any, content_type: str = "") -> None:
    """Answers the caller with `value`, encoded as the runtime would, and returns when the platform took it;
    what the function returns later is discarded. With a content type, str or bytes are sent as they are."""
    invocation = _Invocation.current("respond")
    if invocation.stream:
        raise PostludeError("respond(): an open stream answers this invocation already")
    body, kind = (value, content_type) if content_type else _encoded(value)
    _Call("respond", "/response", {"Content-Type": kind}, body).result()
    invocation.answer = "whole"


def defer(task: Union[str, Mapping[str, Any]], payload: Any = None) -> str:
    """Hands a task to the layer, by name or inline: `defer({"command": ["bin/report"]}, payload)`. Returns
    its id once it is durable; it runs after the answer, and may outlive this invocation."""
    body, _ = _encoded({"payload": payload, **({"task": task} if isinstance(task, str) else task)})
    return _Call("defer", "/tasks", {"Content-Type": "application/json"}, body).result()["id"]


def remaining_ms() -> int:
    """Milliseconds until Lambda ends this invocation."""
    return _Invocation.current("remaining_ms").context.get_remaining_time_in_millis()


def _encoded(value: Any) -> Tuple[Union[str, bytes], str]:
    """As the runtime will: with the marshaller it has loaded, which a function may have replaced."""
    client = sys.modules.get("awslambdaric.lambda_runtime_client")
    return client.LambdaRuntimeClient.marshaller.marshal_response(value) if client else (
        json.dumps(value), "application/json")
