"""A Grafana that is there already: its address and token, and each of its answers as JSON or as one sentence.

The paths are those of Grafana's HTTP API (docs/grafana.md says which versions of its documentation were read).
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.config import PREFIX, Config
from app.errors import ConfigError, UsageError
from app.setting_values import Setting, read_credential, read_web_address

if TYPE_CHECKING:
    from grafana_client.api import GrafanaApi

SETTINGS = (
    Setting(
        "GRAFANA_URL",
        read_web_address,
        "",
        "Grafana that `palmonas grafana` talks to, and that drills and load tell of themselves; empty: none.",
    ),
    Setting("GRAFANA_TOKEN", read_credential, "", "Token of a service account of it, role Editor.", True),
)
DEADLINE_S = 5.0  # of each call
URL, TOKEN = (PREFIX + setting.name for setting in SETTINGS)


class GrafanaError(UsageError):
    """Grafana did not do what it was asked. `status`: of its answer, 0 when there was none."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Grafana:
    """One Grafana under one token, used as a context. Every call answers within DEADLINE_S or raises GrafanaError."""

    def __init__(self, url: str, token: str) -> None:
        from grafana_client.api import GrafanaApi

        parts = urlsplit(url)
        host = parts.hostname or ""
        self.url = url
        self.api: GrafanaApi = GrafanaApi(
            token,
            protocol=parts.scheme,
            host=f"[{host}]" if ":" in host else host,
            port=parts.port,
            url_path_prefix=f"{parts.path.strip('/')}/".lstrip("/"),
            timeout=DEADLINE_S,
        )

    def __enter__(self) -> Grafana:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.client.s.close()

    def ask(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What `call`, a method of `api`, answers: an object or a list."""
        from grafana_client.client import GrafanaException
        from niquests.exceptions import InvalidJSONError, RequestException

        try:
            answer = call(*arguments, **named)
        except GrafanaException as error:
            raise self._explain(error.status_code, error.message) from error
        except InvalidJSONError as error:
            raise self._doubt() from error
        except RequestException as error:
            raise GrafanaError(f"Grafana does not answer at {self.url} ({type(error).__name__}); is it running?") from (
                error
            )
        if not isinstance(answer, dict | list):
            raise self._doubt()
        return answer

    def find(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any] | None:
        """The object that `call` answers, or None when Grafana has none (404)."""
        try:
            answer = self.ask(call, *arguments)
        except GrafanaError as error:
            if error.status == 404:
                return None
            raise
        if not isinstance(answer, dict):
            raise self._doubt()
        return answer

    def check(self) -> None:
        """Raise GrafanaError unless what answers is a Grafana that works."""
        health = self.find(self.api.client.GET, "/health")
        if health is None or "database" not in health:
            raise self._doubt()
        if health["database"] != "ok":
            raise GrafanaError(f"Grafana at {self.url} has lost its own database; look into its log")

    def read_rights(self) -> Mapping[str, Any]:
        """What the token may do: scopes by action, as in {"dashboards:write": ["folders:*"]}."""
        rights = self.find(self.api.client.GET, "/access-control/user/permissions")
        if rights is None:
            raise GrafanaError(f"Grafana at {self.url} does not tell the token's rights; it must be 9.0 or newer")
        return rights

    def find_dashboard(self, uid: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The dashboard there and what Grafana says about it (folderUid, provisioned, canSave), or None."""
        found = self.find(self.api.dashboard.get_dashboard, uid)
        if found is None:
            return None
        board, meta = found.get("dashboard"), found.get("meta")
        if not isinstance(board, dict) or not isinstance(meta, dict):
            raise self._doubt()
        return board, meta

    def list_dashboards(self, folder: str) -> dict[str, str]:
        """Titles by uid of what is in a folder."""
        query = {"folderUIDs": folder, "type": "dash-db", "limit": 5000}
        found = self.ask(self.api.client.GET, "/search", params=query)
        try:
            return {str(one["uid"]): str(one["title"]) for one in found}
        except (KeyError, TypeError) as error:
            raise self._doubt() from error

    def annotate(self, text: str, tags: list[str], start: float, end: float | None = None) -> int:
        """Draw an event at `start`, or from `start` to `end` (seconds since 1970), on every dashboard that asks for
        its tags; its id."""
        answer = self.ask(
            self.api.annotations.add_annotation,
            time_from=round(start * 1000),
            time_to=None if end is None else round(end * 1000),
            tags=tags,
            text=text,
        )
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), int):
            raise self._doubt()
        return int(answer["id"])

    def _doubt(self) -> GrafanaError:
        return GrafanaError(f"what answers at {self.url} is not Grafana's API; is {URL} the address people open?")

    def _explain(self, status: int, message: object) -> GrafanaError:
        said = " ".join(str(message).split())[:300]
        if status == 0:
            return GrafanaError(f"Grafana at {self.url} did not answer within {DEADLINE_S:.0f} s")
        if status == 401:
            return GrafanaError(f"Grafana at {self.url} refuses the token (401); put a valid one into {TOKEN}", 401)
        if status == 403:
            return GrafanaError(
                f"the token may not do this ({said}); give its service account the role Editor in Grafana", 403
            )
        return GrafanaError(f"Grafana refused: {said}", status)


def open_grafana(environ: Mapping[str, str] = os.environ) -> Grafana:
    """The Grafana that the environment names. Raises ConfigError without one, and UsageError without the client."""
    config = Config(environ, SETTINGS)
    url, token = str(config.get("GRAFANA_URL")), str(config.get("GRAFANA_TOKEN"))
    if not url or not token:
        missing = TOKEN if url else URL
        raise ConfigError(f"{missing} is not set; docs/grafana.md tells how to make a token (or set {missing}_FILE)")
    if importlib.util.find_spec("grafana_client") is None:
        raise UsageError(
            "this needs grafana_client, which only development installs have: "
            "pip install --require-hashes -r requirements/dev.lock"
        )
    return Grafana(url, token)
