"""The service `web` of the sample organization: one page, one health check, and a way to break it.

Standard library only; run as a process of its own: `python web.py --port PORT --log FILE`. Wedged, it answers 503 until
it is restarted: its pool of connections is in memory and nothing gives them back.
"""

import argparse
import html
import os
import random
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_POOL = 20
_MAX_BODY = 4096
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>web: {status}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f6f7f9; color: #1d2430 }}
 main {{ max-width: 34rem; margin: 8vh auto; padding: 2rem; background: #fff; border-radius: 12px;
        box-shadow: 0 1px 3px #0002 }}
 h1 {{ margin: 0 0 .25rem; font-size: 1.4rem }}
 .dot {{ display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; background: {color} }}
 dl {{ display: grid; grid-template-columns: 9rem 1fr; gap: .3rem; margin: 1.2rem 0 }}
 dt {{ color: #667 }} dd {{ margin: 0 }}
 button {{ font: inherit; padding: .5rem 1rem; border: 1px solid #ccd; border-radius: 8px; background: #fff;
          cursor: pointer }}
 button:hover {{ background: #f0f2f6 }} form {{ display: inline }} p.small {{ color: #667; font-size: .875rem }}
</style></head><body><main>
<h1><span class="dot" role="img" aria-label="{status}"></span> Acme web shop: {status}</h1>
<p>{sentence}</p>
<dl><dt>Up for</dt><dd>{uptime}</dd><dt>Process</dt><dd>{pid}</dd><dt>Generation</dt><dd>{generation}</dd>
<dt>Connections</dt><dd>{used} of {pool} in use</dd></dl>
<form method="post" action="/wedge"><button>Wedge it</button></form>
<form method="post" action="/unwedge"><button>Unwedge</button></form>
<p class="small">Health: <a href="/healthz">/healthz</a>. Once wedged, a restart mends it for good.</p>
</main></body></html>
"""


class Shop:
    """The state of the running process; `used` connections of the pool never come back once it is wedged."""

    def __init__(self, log: Path, generation: str) -> None:
        self.log_file = log
        self.generation = generation
        self.started = time.monotonic()
        self.used = 2
        self.lock = threading.Lock()

    @property
    def wedged(self) -> bool:
        return self.used >= _POOL

    def log(self, level: str, message: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self.lock, self.log_file.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {level:<5} web[{os.getpid()}] {message}\n")

    def wedge(self) -> None:
        self.log("WARN", "slow query on orders took 30.0s, connection kept")
        self.used = _POOL
        self.log("ERROR", f"connection pool exhausted: {_POOL} of {_POOL} in use, waited 5.0s")

    def unwedge(self) -> None:
        self.used = 2
        self.log("INFO", "connections returned to the pool")


class Handler(BaseHTTPRequestHandler):
    server_version = "acme-web"
    sys_version = ""
    timeout = 10
    shop: Shop

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/healthz":
                self._health()
            case "/":
                self._page()
            case _:
                self._answer(404, "text/plain", "not found\n")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        self.rfile.read(min(int(length) if length.isdigit() else 0, _MAX_BODY))
        match self.path.partition("?")[0]:
            case "/wedge":
                self.shop.wedge()
                self._answer(303, "text/plain", "wedged\n", location="/")
            case "/unwedge":
                self.shop.unwedge()
                self._answer(303, "text/plain", "unwedged\n", location="/")
            case _:
                self._answer(404, "text/plain", "not found\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass  # the service writes its own lines

    def _health(self) -> None:
        if self.shop.wedged:
            self.shop.log("ERROR", f"connection pool exhausted: {_POOL} of {_POOL} in use, waited 5.0s")
            self._answer(503, "text/plain", "unhealthy: connection pool exhausted\n")
        else:
            self._answer(200, "text/plain", "ok\n")

    def _page(self) -> None:
        shop = self.shop
        status, color, code = ("down", "#d23b3b", 503) if shop.wedged else ("healthy", "#2a9d5c", 200)
        if shop.wedged:
            shop.log("ERROR", "GET / failed: connection pool exhausted")
            sentence = "Every request waits for a database connection and fails."
        else:
            shop.log("INFO", f"GET / 200 {random.randint(4, 19)}ms")
            sentence = "Orders are being taken."
        page = _PAGE.format(
            status=status,
            color=color,
            sentence=sentence,
            uptime=_duration(shop),
            pool=_POOL,
            pid=os.getpid(),
            used=shop.used,
            generation=html.escape(shop.generation),
        )
        self._answer(code, "text/html; charset=utf-8", page)

    def _answer(self, code: int, kind: str, text: str, *, location: str | None = None) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="The service web.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--generation", default="1")
    chosen = parser.parse_args(arguments)
    shop = Shop(chosen.log, chosen.generation)
    handler = type("BoundHandler", (Handler,), {"shop": shop})
    server = Server(("127.0.0.1", chosen.port), handler)
    shop.log(
        "INFO", f"listening on 127.0.0.1:{chosen.port}, generation {chosen.generation}, pool of {_POOL} connections"
    )
    threading.Thread(target=_heartbeat, args=(shop,), daemon=True).start()
    server.serve_forever(poll_interval=0.2)
    return 0


def _duration(shop: Shop) -> str:
    seconds = int(time.monotonic() - shop.started)
    return f"{seconds // 3600} h {seconds % 3600 // 60} min {seconds % 60} s"


def _heartbeat(shop: Shop) -> None:
    """The lines that a shop's log has: orders while it works, failures while it does not."""
    while True:
        if shop.wedged:
            shop.log("ERROR", f"POST /orders 503 connection pool exhausted ({_POOL} of {_POOL} in use)")
        else:
            shop.log("INFO", f"POST /orders 201 {random.randint(12, 64)}ms order=A{random.randint(10000, 99999)}")
        time.sleep(15)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
