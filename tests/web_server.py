"""A server on this machine that cuts off, ignores ranges, lies or refuses, as it is told."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves ``files`` (path → bytes); ``requests`` are the paths and ranges that were asked for.

    ``cuts`` holds how many bytes of a file the next answers give before they end.
    """

    def __init__(self, url):
        self.url = url
        self.files, self.requests, self.cuts = {}, [], []
        self.knows_ranges, self.shift, self.status = True, 0, None

    def add_record(self, path, files, damage=()):
        """Publishes files as a Zenodo record does."""
        entries = []
        for name, content in files.items():
            checksum = hashlib.md5(content).hexdigest()
            entries.append({"key": name, "size": len(content), "checksum": f"md5:{checksum}"})
            served = bytes(reversed(content)) if name in damage else content
            self.files[f"{path}/files/{name}/content"] = served
        self.files[path] = json.dumps({"files": entries}).encode()


@contextmanager
def serve():
    """Gives a :class:`Server` that runs until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server = self.server.told
            asked = self.headers.get("Range")
            server.requests.append((self.path, asked))
            content = server.files.get(self.path)
            if content is None or server.status:
                self.send_error(server.status or 404)
                return
            start = int(asked[6:-1]) if asked and server.knows_ranges else 0
            if start > len(content) or (start and start == len(content)):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                first = start + server.shift
                self.send_header(
                    "Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.told = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield http.told
        finally:
            http.shutdown()
            thread.join()
