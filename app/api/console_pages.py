"""The console's pages under /console/: built files (frontend/), the same index for every address of theirs."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request, send_from_directory
from werkzeug.security import safe_join

from app.api.policy import add_route, current_operation
from app.api.services import services
from app.errors import NotFound

LOGIN = "/console/login"
# Bootstrap of the pages is a file; nothing inline, nothing from elsewhere.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ONE_YEAR = "public, max-age=31536000, immutable"  # the names of these files change with what is in them
PACKED = (("br", ".br"), ("gzip", ".gz"))
NOT_BUILT = (
    "the console's pages are not built here: `make up` builds them where node 18 and npm are,"
    " and PALMONAS_CONSOLE_DIR names their directory"
)


def register(app: Flask) -> None:
    for rule, view, summary in (
        ("/", get_root, "To the console"),
        ("/console/", get_console, "The console"),
        ("/console/<path:path>", get_console_page, "A page of the console, or a file of it"),
        ("/console/assets/<path:name>", get_console_asset, "Scripts and styles of the console"),
    ):
        add_route(app, rule, view, policy="public", tag="console", summary=summary, documented=False)


def get_root() -> Response:
    return _redirect("/console/", 302)


def get_console() -> Response:
    return _send_index()


def get_console_page(path: str) -> Response:
    """A file that is there; every other address is the page's own, and it looks itself at where it is."""
    directory = _find_directory()
    found = safe_join(str(directory), path)
    if found is None or path == "index.html" or path.endswith(tuple(ending for _, ending in PACKED)):
        return _send_index()
    return send_from_directory(directory, path) if _is_file(found) else _send_index()


def get_console_asset(name: str) -> Response:
    response = send_packed(_find_directory() / "assets", name)
    response.headers["Cache-Control"] = ONE_YEAR
    return response


def send_packed(directory: Path, name: str) -> Response:
    """A file, packed where the browser takes it and it was packed when it was built."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    for encoding, ending in PACKED:
        found = safe_join(str(directory), f"{name}{ending}")
        if found and request.accept_encodings.quality(encoding) > 0 and _is_file(found):
            response = send_from_directory(directory, f"{name}{ending}", mimetype=kind)
            response.headers["Content-Encoding"] = encoding
            break
    else:
        response = send_from_directory(directory, name, mimetype=kind)
    response.headers["Vary"] = "Accept-Encoding"
    return response


def send_to_login() -> Response | None:
    """The way to the login page for somebody who opens one of our pages in a browser; None for everybody else."""
    operation = current_operation()
    navigates = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    if not (operation and operation.browser and navigates) or "Authorization" in request.headers or not _is_built():
        return None
    # The path is one of our own rules', so it is local; what follows it is only ever data.
    path = f"/{request.path.lstrip('/')}"
    wanted = f"{path}?{request.query_string.decode('latin-1')}" if request.query_string else path
    return _redirect(f"{LOGIN}?{urlencode({'next': wanted})}", 303)


def _redirect(to: str, status: int) -> Response:
    response = redirect(to, status)
    assert isinstance(response, Response)
    return response


def _send_index() -> Response:
    response = Response((_find_directory() / "index.html").read_bytes(), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


def _is_file(path: str) -> bool:
    # Path.is_file raises for a name that is longer than the file system's names, and names come from anybody.
    return os.path.isfile(path)


def _find_directory() -> Path:
    """Raises NotFound when nothing is built."""
    if not _is_built():
        raise NotFound(NOT_BUILT)
    return Path(services().config.console_dir)


def _is_built() -> bool:
    directory = services().config.console_dir
    return bool(directory) and (Path(directory) / "index.html").is_file()
