"""TLS in front of the front door: a HAProxy and a blackbox exporter of a drill's own, and a certificate."""

from __future__ import annotations

import subprocess
from pathlib import Path

from app.errors import UsageError
from drills.stand import Stand
from drills.targets import add_target
from stack.binaries import find_program
from stack.pages import fetch_page
from stack.processes import find_free_port, wait_until
from stack.programs import find_executable

MAKE_DEADLINE_S = 20.0
STOP_DEADLINE_S = 5.0
READY_DEADLINE_S = 10.0
HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 15s
    timeout server 20s
frontend tls
    bind 127.0.0.1:{port} ssl crt {directory}/front.pem
    default_backend plain
backend plain
    server front 127.0.0.1:{front}
"""
# The committed module, and trust in the drill's certificate.
BLACKBOX = """
modules:
  answers_200:
    prober: http
    timeout: 5s
    http:
      valid_status_codes: [200]
      preferred_ip_protocol: ip4
      tls_config: {{ca_file: {directory}/certificate.pem}}
"""


class TlsFront:
    """A door with TLS that the blackbox exporter asks, until the drill is undone."""

    def __init__(self, stand: Stand, days: int) -> None:
        """Start it with a certificate that is valid for `days` more days. Raises UsageError without the programs."""
        self._directory = Path(stand.layout.state / "tls")
        self._directory.mkdir(exist_ok=True)
        self._haproxy: subprocess.Popen[bytes] | None = None
        port, exporter = find_free_port(), find_free_port()
        self._write("haproxy.cfg", HAPROXY.format(port=port, directory=self._directory, front=stand.layout.port))
        self._write("blackbox.yml", BLACKBOX.format(directory=self._directory))
        stand.undo.callback(self._stop)
        self.renew(days)
        blackbox = subprocess.Popen(
            [
                _find("blackbox-exporter"),
                f"--config.file={self._directory / 'blackbox.yml'}",
                f"--web.listen-address=127.0.0.1:{exporter}",
            ],
            stderr=subprocess.DEVNULL,
        )
        stand.undo.callback(blackbox.wait, STOP_DEADLINE_S)
        stand.undo.callback(blackbox.kill)
        page = f"http://127.0.0.1:{exporter}/metrics"
        if not wait_until(lambda: fetch_page(page, deadline_s=1) is not None, READY_DEADLINE_S, pause_s=0.1):
            raise UsageError("the drill's blackbox exporter did not start")
        asked = {"instance": "front-door-tls", "__param_target": f"https://localhost:{port}/livez"}
        add_target(stand, "blackbox", f"127.0.0.1:{exporter}", asked)

    def renew(self, days: int) -> None:
        """Take a new certificate of the same key, and start HAProxy with it."""
        key, certificate = self._directory / "key.pem", self._directory / "certificate.pem"
        new = ["-key", str(key)] if key.exists() else ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key)]
        openssl = find_program("openssl")
        if openssl is None:
            raise UsageError("openssl was not found; apt-get install openssl")
        command = [str(openssl), "req", "-x509", *new, "-out", str(certificate), "-days", str(days)]
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run([*command, *subject], check=True, capture_output=True, timeout=MAKE_DEADLINE_S)
        self._write("front.pem", certificate.read_text(encoding="ascii") + key.read_text(encoding="ascii"))
        self._stop()
        self._haproxy = subprocess.Popen([_find("haproxy"), "-db", "-f", str(self._directory / "haproxy.cfg")])

    def _write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(text, encoding="ascii")

    def _stop(self) -> None:
        if self._haproxy:
            self._haproxy.kill()
            self._haproxy.wait(STOP_DEADLINE_S)


def _find(part: str) -> str:
    program = find_executable(part)
    if program is None:
        raise UsageError(f"{part} was not found; `palmonas status` says how to install it")
    return str(program)
