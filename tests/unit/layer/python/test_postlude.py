"""The Python helper against a scripted local API."""

import ast
import asyncio
import base64
import contextvars
import json
import logging
import os
import pathlib
import sys
import threading
import types
import unittest
from unittest import mock

LAYER = pathlib.Path(__file__).resolve().parents[4] / "layer" / "python"
sys.path[:0] = [str(LAYER), str(pathlib.Path(__file__).parent)]

import postlude  # noqa: E402
from scripted_api import ScriptedApi  # noqa: E402

LONG = 60  # seconds; only a failing test waits for it
PRELUDE = "application/vnd.awslambda.http-integration-response"


class Context:
    def __init__(self, request_id="request-1"):
        self.aws_request_id = request_id

    def get_remaining_time_in_millis(self):
        return 4321


class WithApi(unittest.TestCase):
    def setUp(self):
        self.api = ScriptedApi()
        self.addCleanup(self.api.close)
        variables = mock.patch.dict(os.environ, {"POSTLUDE_API": self.api.url, "http_proxy": "http://127.0.0.1:9"})
        variables.start()
        self.addCleanup(variables.stop)

    def run_handler(self, body, request_id="request-1"):
        """Runs body as a wrapped handler."""
        return postlude.handler(lambda event, context: body())({}, Context(request_id))

    def only_request(self):
        self.assertEqual(len(self.api.requests), 1)
        return self.api.requests[0]


class Plain(WithApi):
    def test_without_work_nothing_is_called_and_the_value_is_the_same_object(self):
        value = {"a": 1}
        self.assertIs(self.run_handler(lambda: value), value)
        self.assertEqual(self.api.requests, [])

    def test_the_wrapper_keeps_name_and_documentation(self):
        def lambda_handler(event, context):
            """Mine."""

        wrapped = postlude.handler(lambda_handler)
        self.assertEqual((wrapped.__name__, wrapped.__doc__), ("lambda_handler", "Mine."))

    def test_an_exception_without_work_is_the_same_object(self):
        for error in (KeyError("x"), StopIteration("y"), SystemExit(3)):
            with self.assertRaises(type(error)) as caught:
                self.run_handler(mock.Mock(side_effect=error))
            self.assertIs(caught.exception, error)

    def test_remaining_ms_is_that_of_the_context(self):
        self.assertEqual(self.run_handler(postlude.remaining_ms), 4321)

    def test_verbs_outside_a_wrapped_function_say_how_to_wrap(self):
        for verb in (lambda: postlude.after(print), lambda: postlude.respond(1), postlude.stream,
                     lambda: postlude.defer("x"), postlude.remaining_ms):
            with self.assertRaisesRegex(postlude.PostludeError, "@postlude.handler"):
                verb()

    def test_the_source_is_python_3_9_and_below_250_lines(self):
        source = (LAYER / "postlude.py").read_text()
        ast.parse(source, feature_version=(3, 9))
        self.assertLess(len(source.splitlines()), 250)
        for name in postlude.__all__:
            self.assertTrue(getattr(postlude, name).__doc__, name)


class After(WithApi):
    def test_the_answer_goes_first_then_the_work_in_order_then_the_value(self):
        def body():
            postlude.after(self.api.events.append, "one")
            postlude.after(lambda *args, **more: self.api.events.append((args, more)), 2, three=3)
            self.api.events.append("returning")
            return {"ok": True}

        self.assertEqual(self.run_handler(body), {"ok": True})
        self.assertEqual(self.api.events, ["returning", "POST /postlude/v1/invocations/request-1/response HTTP/1.1",
                                           "one", ((2,), {"three": 3})])
        request = self.only_request()
        self.assertEqual(request.body, b'{"ok": true}')
        self.assertEqual(request.field("Content-Type"), "application/json")
        self.assertEqual(request.field("Content-Length"), "12")
        self.assertIsNone(request.field("Lambda-Runtime-Function-Response-Mode"))

    def test_work_may_add_work_and_use_the_verbs(self):
        def first():
            postlude.after(self.api.events.append, "second")
            self.api.events.append(postlude.remaining_ms())

        self.run_handler(lambda: postlude.after(first))
        self.assertEqual(self.api.events[1:], [4321, "second"])

    def test_an_error_of_work_is_logged_and_the_next_one_runs(self):
        def broken():
            raise ValueError("no mail")

        def leaves():
            sys.exit(1)

        def body():
            postlude.after(broken)
            postlude.after(leaves)
            postlude.after(self.api.events.append, "next")
            return 7

        with self.assertLogs("postlude", logging.ERROR) as logs:
            self.assertEqual(self.run_handler(body), 7)
        self.assertEqual(self.api.events[-1], "next")
        self.assertEqual(len(logs.records), 2)
        self.assertIn("request-1", logs.output[0])
        self.assertIn("broken", logs.output[0])
        self.assertIn("no mail", logs.output[0])
        self.assertIn("Traceback", logs.output[0])

    def test_an_exception_drops_the_work_with_one_warning_and_is_unchanged(self):
        error = RuntimeError("boom")

        def body():
            postlude.after(self.api.events.append, "never")
            postlude.after(self.api.events.append, "never")
            raise error

        with self.assertLogs("postlude") as logs, self.assertRaises(RuntimeError) as caught:
            self.run_handler(body)
        self.assertIs(caught.exception, error)
        self.assertEqual([record.levelname for record in logs.records], ["WARNING"])
        self.assertIn("boom", logs.output[0])
        self.assertEqual(self.api.events, [])

    def test_a_value_that_cannot_be_encoded_is_left_to_the_runtime(self):
        value = {"set": {1}}

        def body():
            postlude.after(self.api.events.append, "never")
            return value

        with self.assertLogs("postlude", logging.WARNING):
            self.assertIs(self.run_handler(body), value)
        self.assertEqual(self.api.events, [])

    def test_what_is_not_callable_is_refused_at_once(self):
        with self.assertRaises(TypeError):
            self.run_handler(lambda: postlude.after("x"))

    def test_after_is_over_when_the_handler_is(self):
        contexts = []
        self.run_handler(lambda: contexts.append(contextvars.copy_context()))
        with self.assertRaises(postlude.PostludeError):
            contexts[0].run(postlude.after, print)

    def test_the_value_is_encoded_by_the_marshaller_that_the_runtime_has_loaded(self):
        runtime = types.ModuleType("awslambdaric.lambda_runtime_client")
        runtime.LambdaRuntimeClient = mock.Mock()
        for marshalled, body in ((("\u00e9", "application/json"), "\u00e9".encode()),
                                 ((b"\xff", "application/unknown"), b"\xff")):
            runtime.LambdaRuntimeClient.marshaller.marshal_response.return_value = marshalled
            with mock.patch.dict(sys.modules, {runtime.__name__: runtime}):
                self.run_handler(lambda: postlude.after(lambda: None))
            self.assertEqual(self.api.requests[-1].body, body)
            self.assertEqual(self.api.requests[-1].field("Content-Type"), marshalled[1])


class FailedEarlyAnswer(WithApi):
    def expect_fallback(self, warnings):
        def body():
            postlude.after(self.api.events.append, "work")
            return "value"

        with self.assertLogs("postlude", logging.DEBUG) as logs:
            logging.getLogger("postlude").debug("so that there is a line")
            self.assertEqual(self.run_handler(body), "value")
        self.assertEqual(self.api.events[-1], "work")
        self.assertEqual(len(logs.records) - 1, warnings)

    def test_a_refusal_is_logged_and_the_runtime_answers_after_the_work(self):
        self.api.script["response"] = (503, {"error": {"type": "Unavailable", "message": "later"}})
        self.expect_fallback(warnings=1)

    def test_a_connection_that_dies_is_logged_and_the_runtime_answers(self):
        self.api.script["response"] = ("hang up", {})
        self.expect_fallback(warnings=1)

    def test_a_shim_that_is_gone_is_logged_and_the_runtime_answers(self):
        with mock.patch.dict(os.environ, {"POSTLUDE_API": "http://127.0.0.1:1/postlude/v1"}):
            self.expect_fallback(warnings=1)

    def test_an_answer_given_by_other_means_is_no_reason_to_warn(self):
        self.api.script["response"] = (409, {"error": {"type": "AlreadyAnswered", "message": "it is"}})
        self.expect_fallback(warnings=0)


class Respond(WithApi):
    def test_the_caller_has_the_answer_while_the_handler_goes_on(self):
        def body():
            postlude.respond({"statusCode": 202})
            self.api.events.append("working")
            postlude.after(self.api.events.append, "work")
            return "discarded"

        self.assertEqual(self.run_handler(body), "discarded")
        self.assertEqual(self.api.events, ["POST /postlude/v1/invocations/request-1/response HTTP/1.1", "working", "work"])
        self.assertEqual(self.only_request().body, b'{"statusCode": 202}')

    def test_text_and_bytes_under_a_content_type_go_as_they_are(self):
        for value, body in (("\u00e9", "\u00e9".encode()), (b"\x00\xff", b"\x00\xff"), (bytearray(b"x"), b"x"), ("", b"")):
            self.run_handler(lambda: postlude.respond(value, "text/plain"))
            self.assertEqual(self.api.requests[-1].body, body)
            self.assertEqual(self.api.requests[-1].field("Content-Type"), "text/plain")

    def test_a_second_answer_raises_what_the_api_said(self):
        def body():
            postlude.respond(1)
            self.api.script["response"] = (409, {"error": {"type": "AlreadyAnswered", "message": "it has its answer"}})
            with self.assertRaisesRegex(postlude.PostludeError, "it has its answer") as caught:
                postlude.respond(2)
            self.assertEqual((caught.exception.status, caught.exception.type), (409, "AlreadyAnswered"))

        self.run_handler(body)
        self.assertEqual(len(self.api.requests), 2)

    def test_work_still_runs_when_the_handler_raises_after_its_answer(self):
        def body():
            postlude.after(self.api.events.append, "work")
            postlude.respond(1)
            raise RuntimeError("late")

        with self.assertRaisesRegex(RuntimeError, "late"):
            self.run_handler(body)
        self.assertEqual(self.api.events[1:], ["work"])

    def test_a_refusal_before_the_whole_body_was_sent_is_still_told(self):
        self.api.script["response"] = ("refuse", {"error": {"type": "AlreadyAnswered", "message": "no"}})
        with self.assertRaises(postlude.PostludeError):
            self.run_handler(lambda: postlude.respond("x" * (32 << 20)))

    def test_request_ids_are_quoted(self):
        self.run_handler(lambda: postlude.respond(1), request_id="a/b c")
        self.assertIn("/invocations/a%2Fb%20c/response ", self.only_request().line)


class Streams(WithApi):
    def test_pieces_arrive_while_the_handler_goes_on(self):
        def body():
            with postlude.stream(status=201, headers={"x-a": "b"}, cookies=["c=d"]) as out:
                prelude = self.api.pieces.get(timeout=LONG)
                self.assertEqual(prelude[-8:], bytes(8))
                self.assertEqual(json.loads(prelude[:-8]),
                                 {"statusCode": 201, "headers": {"x-a": "b"}, "cookies": ["c=d"]})
                for piece, sent in (("\u00e9", "\u00e9".encode()), (b"two", b"two"), (memoryview(b"3"), b"3")):
                    out.write(piece)
                    self.assertEqual(self.api.pieces.get(timeout=LONG), sent)
                out.write("")
                self.assertEqual(self.api.requests, [])
            self.assertEqual(len(self.api.requests), 1)
            out.end()
            postlude.after(self.api.events.append, "work")

        self.run_handler(body)
        request = self.only_request()
        self.assertEqual(request.line, "POST /postlude/v1/invocations/request-1/response HTTP/1.1")
        self.assertEqual(request.field("Content-Type"), PRELUDE)
        self.assertEqual(request.field("Lambda-Runtime-Function-Response-Mode"), "streaming")
        self.assertEqual(request.field("Transfer-Encoding"), "chunked")
        self.assertIsNone(request.field("Content-Length"))
        self.assertEqual(request.trailers, {})
        self.assertEqual(self.api.events[-1], "work")

    def test_without_status_the_body_goes_under_its_content_type(self):
        def body(*content_type):
            with postlude.stream(*content_type) as out:
                out.write("x")

        self.run_handler(body)
        self.run_handler(lambda: body("text/event-stream"))
        self.assertEqual([request.field("Content-Type") for request in self.api.requests],
                         ["application/octet-stream", "text/event-stream"])
        self.assertEqual([request.body for request in self.api.requests], [b"x", b"x"])

    def test_a_content_type_beside_a_status_becomes_a_header_of_the_answer(self):
        self.run_handler(lambda: postlude.stream("text/html", status=200).end())
        self.assertEqual(json.loads(self.only_request().body[:-8])["headers"], {"content-type": "text/html"})

    def test_an_exception_ends_the_stream_with_the_error_trailers_and_goes_on(self):
        def body():
            postlude.after(self.api.events.append, "never")
            with postlude.stream("text/plain") as out:
                out.write("half")
                raise LookupError("lost \u00e9\r\n")

        with self.assertLogs("postlude", logging.WARNING), self.assertRaises(LookupError):
            self.run_handler(body)
        request = self.only_request()
        self.assertEqual(request.field("Trailer"),
                         "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        self.assertEqual(request.trailers["Lambda-Runtime-Function-Error-Type"], "LookupError")
        error = json.loads(base64.b64decode(request.trailers["Lambda-Runtime-Function-Error-Body"]))
        self.assertEqual(error, {"errorMessage": "lost \u00e9\r\n", "errorType": "LookupError"})
        self.assertEqual(len(self.api.events), 1)

    def test_an_exception_beside_an_open_stream_breaks_it_off_too(self):
        def body():
            postlude.stream("text/plain").write("half")
            raise LookupError

        with self.assertRaises(LookupError):
            self.run_handler(body)
        self.assertEqual(self.only_request().trailers["Lambda-Runtime-Function-Error-Type"], "LookupError")

    def test_work_runs_after_a_broken_stream_whose_error_was_caught(self):
        def body():
            postlude.after(self.api.events.append, "work")
            try:
                with postlude.stream():
                    raise LookupError
            except LookupError:
                return "fine"

        self.assertEqual(self.run_handler(body), "fine")
        self.assertEqual(self.api.events[1:], ["work"])

    def test_a_stream_left_open_is_ended_before_the_work(self):
        def body():
            postlude.stream("text/plain").write("x")
            postlude.after(self.api.events.append, "work")

        self.run_handler(body)
        self.assertEqual(self.api.events, ["POST /postlude/v1/invocations/request-1/response HTTP/1.1", "work"])

    def test_nothing_else_can_answer_while_a_stream_is_open_nor_write_when_it_ended(self):
        def body():
            out = postlude.stream()
            with self.assertRaisesRegex(postlude.PostludeError, "open stream"):
                postlude.respond(1)
            out.end()
            with self.assertRaisesRegex(postlude.PostludeError, "ended"):
                out.write("x")

        self.run_handler(body)
        self.only_request()

    def test_a_refused_stream_raises_what_the_api_said(self):
        self.api.script["response"] = (409, {"error": {"type": "AlreadyAnswered", "message": "too late"}})

        def body():
            with postlude.stream() as out:
                out.write("x")

        with self.assertRaisesRegex(postlude.PostludeError, "too late") as caught:
            self.run_handler(body)
        self.assertEqual(caught.exception.status, 409)


class Defer(WithApi):
    def test_a_task_is_handed_over_and_its_id_returned(self):
        self.api.script["tasks"] = (202, {"id": "request-1/mail/1"})
        self.assertEqual(self.run_handler(lambda: postlude.defer("mail", {"to": "a"})), "request-1/mail/1")
        request = self.only_request()
        self.assertEqual(request.line, "POST /postlude/v1/invocations/request-1/tasks HTTP/1.1")
        self.assertEqual(request.field("Content-Type"), "application/json")
        self.assertEqual(json.loads(request.body), {"task": "mail", "payload": {"to": "a"}})

    def test_an_inline_task_goes_with_its_payload(self):
        self.api.script["tasks"] = (202, {"id": "x"})
        self.run_handler(lambda: postlude.defer({"command": ["bin/report"]}, 5))
        self.assertEqual(json.loads(self.only_request().body), {"command": ["bin/report"], "payload": 5})

    def test_a_refusal_carries_the_type_and_message_of_the_api(self):
        self.api.script["tasks"] = (404, {"error": {"type": "UnknownTask", "message": "no task mails"}})
        with self.assertRaisesRegex(postlude.PostludeError, "no task mails") as caught:
            self.run_handler(lambda: postlude.defer("mails"))
        self.assertEqual((caught.exception.status, caught.exception.type), (404, "UnknownTask"))


class Async(WithApi):
    def test_the_wrapped_function_is_plain_and_its_work_runs_on_the_same_loop(self):
        loops = []

        async def work(word):
            loops.append(asyncio.get_running_loop())
            self.api.events.append(word)

        @postlude.handler
        async def lambda_handler(event, context):
            loops.append(asyncio.get_running_loop())
            postlude.after(work, "async")
            postlude.after(self.api.events.append, "plain")
            await asyncio.to_thread(postlude.after, self.api.events.append, "thread")
            await asyncio.create_task(self.add_from_task())
            return event

        self.assertEqual(lambda_handler({"n": 1}, Context()), {"n": 1})
        self.assertEqual(self.api.events[1:], ["async", "plain", "thread", "task"])
        self.assertIs(loops[0], loops[1])
        self.assertEqual(self.only_request().body, b'{"n": 1}')

    async def add_from_task(self):
        postlude.after(self.api.events.append, "task")

    def test_without_work_nothing_is_called(self):
        @postlude.handler
        async def lambda_handler(event, context):
            return event

        self.assertEqual(lambda_handler({"n": 1}, Context()), {"n": 1})
        self.assertEqual(self.api.requests, [])

    def test_errors_propagate_and_those_of_work_are_logged(self):
        async def broken():
            raise ValueError("no mail")

        @postlude.handler
        async def lambda_handler(event, context):
            postlude.after(broken)
            postlude.respond(1)
            raise LookupError("late")

        with self.assertLogs("postlude", logging.ERROR) as logs, self.assertRaisesRegex(LookupError, "late"):
            lambda_handler({}, Context())
        self.assertIn("no mail", logs.output[0])

    def test_a_plain_handler_can_have_async_work(self):
        async def work():
            self.api.events.append("async")

        self.run_handler(lambda: postlude.after(work))
        self.assertEqual(self.api.events[1:], ["async"])


class Concurrent(WithApi):
    def test_two_invocations_at_once_are_not_mixed_up(self):
        both_inside = threading.Barrier(2, timeout=LONG)

        def body(name):
            both_inside.wait()
            postlude.after(lambda: (both_inside.wait(), postlude.defer(name)))
            return name

        self.api.script["tasks"] = (202, {"id": "x"})
        threads = [threading.Thread(target=self.run_handler, args=(lambda name=name: body(name), name))
                   for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = {(request.line.split("/")[4], request.line.split("/")[5].split(" ")[0]): json.loads(request.body)
                for request in self.api.requests}
        self.assertEqual(seen, {("one", "response"): "one", ("two", "response"): "two",
                                ("one", "tasks"): {"task": "one", "payload": None},
                                ("two", "tasks"): {"task": "two", "payload": None}})

    def test_a_thread_started_with_the_context_sees_the_request_and_another_does_not(self):
        results = []

        def ask():
            try:
                results.append(postlude.remaining_ms())
            except postlude.PostludeError as error:
                results.append(str(error))

        def body():
            for target in (ask, lambda context=contextvars.copy_context(): context.run(ask)):
                thread = threading.Thread(target=target)
                thread.start()
                thread.join()

        self.run_handler(body)
        self.assertIn("copy_context", results[0])
        self.assertEqual(results[1], 4321)

    def test_a_wrapped_function_called_by_a_wrapped_one_leaves_the_outer_binding(self):
        inner = postlude.handler(lambda event, context: postlude.respond("inner"))

        def body():
            inner({}, Context("inner"))
            return postlude.respond("outer")

        self.run_handler(body, "outer")
        self.assertEqual([request.line.split("/")[4] for request in self.api.requests], ["inner", "outer"])


class OutsideTheLayer(unittest.TestCase):
    def setUp(self):
        variables = mock.patch.dict(os.environ)
        variables.start()
        self.addCleanup(variables.stop)
        os.environ.pop("POSTLUDE_API", None)
        postlude._Invocation.warned = False

    def test_work_runs_before_the_return_with_one_warning_for_all_invocations(self):
        events = []

        @postlude.handler
        def lambda_handler(event, context):
            postlude.after(events.append, event)
            return event

        with self.assertLogs("postlude") as logs:
            self.assertEqual([lambda_handler(1, Context()), lambda_handler(2, None)], [1, 2])
        self.assertEqual(events, [1, 2])
        self.assertEqual([record.levelname for record in logs.records], ["WARNING"])
        self.assertIn("POSTLUDE_API", logs.output[0])

    def test_the_other_verbs_raise_and_name_the_layer(self):
        for verb in (lambda: postlude.respond(1), lambda: postlude.stream(), lambda: postlude.defer("x")):
            with self.assertRaisesRegex(postlude.PostludeError, "POSTLUDE_API"):
                postlude.handler(lambda event, context, verb=verb: verb())({}, Context())


if __name__ == "__main__":
    unittest.main()
