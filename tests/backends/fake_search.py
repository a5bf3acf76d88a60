"""A search server of tests on the loopback address: recorded answers, delays, failures."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeSearch:
    """Answers every request with ``answer`` (or what it returns), after ``delay`` seconds, with ``status``."""

    def __init__(self) -> None:
        self.answer: Any = {"hits": {"hits": []}}
        self.status, self.delay = 200, 0.0
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.asked.append((self.command, self.path, dict(self.headers), _read(body)))
                time.sleep(fake.delay)
                found = fake.answer(fake.asked[-1]) if callable(fake.answer) else fake.answer
                data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def _read(body: bytes) -> Any:
    """Return JSON, or the list of its lines where there are several (``_msearch``)."""
    if body.endswith(b"\n"):
        return [json.loads(line) for line in body.splitlines()]
    return json.loads(body) if body else None


def hits(*lines: tuple[str, float], **fields: object) -> dict[str, Any]:
    """Return an answer of ``_search`` as OpenSearch 2 and Elasticsearch 8 write it."""
    return {
        "took": 3,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {
            "total": {"value": len(lines), "relation": "eq"},
            "max_score": max((score for _, score in lines), default=None),
            "hits": [
                {"_index": "songs", "_id": name, "_score": score, "_source": {"title": f"Title of {name}", **fields}}
                for name, score in lines
            ],
        },
    }
