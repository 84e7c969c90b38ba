"""The local API as a script: keeps every request as it came over the wire, answers as it is told."""

import json
import queue
import socket
import threading


class Request:
    def __init__(self, head):
        self.line, *fields = head.decode("latin-1").split("\r\n")
        self.fields = [tuple(field.split(": ", 1)) for field in fields]
        self.body = b""
        self.trailers = {}

    def field(self, name):
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


class ScriptedApi:
    """Listens on a port of its own. `pieces` gets every chunk when it arrives, `events` a line for each whole
    request, before its answer is sent. `script` maps the end of a path to (status, body)."""

    def __init__(self):
        self.requests, self.events, self.script = [], [], {}
        self.pieces = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/postlude/v1"
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def _accept(self):
        threads = []
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._serve, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as source:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = source.readline()
                if not line:
                    return
                head += line
            request = Request(head[:-4])
            path = request.line.split(" ")[1]
            status, body = self.script.get(path.rsplit("/", 1)[1], (202, {"status": "OK"}))
            if status == "hang up":
                return
            if status != "refuse":
                self._read_body(request, source)
            self.requests.append(request)
            self.events.append(request.line)
            status = 409 if status == "refuse" else status
            text = json.dumps(body).encode()
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(text), text))

    def _read_body(self, request, source):
        if request.field("Transfer-Encoding") != "chunked":
            request.body = source.read(int(request.field("Content-Length") or 0))
            return
        while True:
            size = int(source.readline(), 16)
            if size == 0:
                break
            piece = source.read(size)
            source.read(2)
            request.body += piece
            self.pieces.put(piece)
        for line in iter(source.readline, b"\r\n"):
            name, value = line.decode().rstrip("\r\n").split(": ", 1)
            request.trailers[name] = value
