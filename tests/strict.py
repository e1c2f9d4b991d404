"""Serves a site with a policy for its content, as a careful host does."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

# What contributing.md names: nothing from elsewhere, and WebAssembly.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:"
)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Hands out files under the policy, and logs nothing."""

    def log_message(self, *arguments):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the folder is served."""
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
