"""The simulator as a part of the stack: the settings that lead to it, and its control API. docs/simulator.md"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from stack.layout import Layout
from stack.pages import open_session

SIMULATOR = "simulator"
CHANNELS = ("shopify", "woocommerce", "amazon", "standard")
# What the service shows to the channels, each in a file of its name.
API_SECRETS = (
    "SHOPIFY_API_TOKEN",
    "WOOCOMMERCE_API_KEY",
    "WOOCOMMERCE_API_SECRET",
    "AMAZON_CLIENT_ID",
    "AMAZON_CLIENT_SECRET",
    "AMAZON_REFRESH_TOKEN",
    "STANDARD_PUSH_SECRET",
)
CONTROL_TOKEN_FILE = "simulator_control_token"  # noqa: S105 - the name of a file
CALL_DEADLINE_S = 10.0

Key = tuple[str, str]  # channel, external id
State = tuple[str, str | None]  # channel status, total


def find_simulator(layout: Layout) -> str:
    """The address of the stack's simulator, whether it runs or not."""
    return f"http://127.0.0.1:{layout.ports[SIMULATOR]}"


def list_api_settings(url: str) -> dict[str, str]:
    """Where the service finds the channels' APIs, and that it may call nothing else; the secrets come apart."""
    return {
        "SHOPIFY_API_URL": url,
        "WOOCOMMERCE_API_URL": url,
        "AMAZON_API_URL": url,
        "AMAZON_TOKEN_URL": f"{url}/auth/o2/token",
        "AMAZON_MARKETPLACE_IDS": "ATVPDKIKX0DER",
        "STANDARD_PUSH_URL": f"{url}/standard/inbound",
        "OUTBOUND_ALLOW": url.removeprefix("http://"),
    }


class Control:
    """The control API of the simulator at `url`."""

    def __init__(self, url: str, secrets: Path) -> None:
        self.url = url
        self._token_file = secrets / CONTROL_TOKEN_FILE

    def tell(self, method: str, path: str, **body: Any) -> Any:
        """One call; the JSON of its answer, None when it has none. Raises OSError (as requests' errors are)."""
        token = self._token_file.read_text(encoding="utf-8").strip()
        with open_session() as session:
            answer = session.request(
                method,
                self.url + path,
                json=body if method == "POST" else None,
                headers={"Authorization": f"Bearer {token}"},
                timeout=CALL_DEADLINE_S,
            )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def make_orders(self, channel: str, count: int, *, steps: int = 0) -> list[Key]:
        """So many new orders, each up to `steps` steps into its life."""
        made = self.tell("POST", "/control/orders", channel=channel, count=count, steps=steps)["made"]
        return [(channel, external_id) for external_id in made]

    def read_orders(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = self.tell("GET", "/control/oracle")["orders"]
        return orders

    def read_truth(self) -> dict[Key, State]:
        """The last state of every order ever made."""
        return {
            (one["channel"], one["external_id"]): (one["channel_status"], one["total"]) for one in self.read_orders()
        }

    def read_pushes(self) -> list[dict[str, Any]]:
        pushes: list[dict[str, Any]] = self.tell("GET", "/control/oracle")["pushes"]
        return pushes


def is_same(true: State | None, stored: State | None) -> bool:
    """Same state and total; a total that the channel does not tell (None) is compared with nothing."""
    if true is None or stored is None:
        return true is stored
    return true[0] == stored[0] and (true[1] is None or stored[1] is None or Decimal(true[1]) == Decimal(stored[1]))
