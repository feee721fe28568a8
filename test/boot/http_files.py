#!/usr/bin/env python3
"""
An HTTP server for one connection, its standard input: http_files.py FOLDER. QEMU's user network starts one for each
(guestfwd with "cmd:"), so no port is taken. Unlike Python's own, it answers requests for ranges, which sanboot makes.
"""
import os
import re
import socket
import sys
from http.server import SimpleHTTPRequestHandler


class Files(SimpleHTTPRequestHandler):
    """Files of a folder, whole or one range of a file."""
    protocol_version = "HTTP/1.1"

    def __init__(self, connection):
        super().__init__(connection, ("guest", 0), None, directory=sys.argv[1])

    def log_message(self, *_):
        """Standard error is the connection, too."""

    def end_headers(self):
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def do_GET(self):
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not span:
            super().do_GET()
            return
        first, last = int(span[1]), int(span[2])
        with open(self.translate_path(self.path), "rb") as file:
            file.seek(first)
            piece = file.read(last + 1 - first)
            self.send_response(206)
            size = os.fstat(file.fileno()).st_size
            self.send_header("Content-Range", f"bytes {first}-{first + len(piece) - 1}/{size}")
            self.send_header("Content-Length", str(len(piece)))
            self.end_headers()
            self.wfile.write(piece)


if __name__ == "__main__":
    with socket.socket(fileno=0) as connection:
        Files(connection)
