"""Which clients there are is said by the settings; what is missing is named."""

from __future__ import annotations

import pytest

from app.channels import CHANNELS
from app.channels.clients import make_clients
from app.config import PREFIX, Config
from app.errors import ConfigError

NAMES = ("shopify", "woocommerce", "amazon", "standard")
SECRET = "canary-8Jx2vQm4Rk7Tz1Wn"
SETTINGS = {
    "SHOPIFY_API_URL": "https://shop.example",
    "SHOPIFY_API_TOKEN": f"shpat_{SECRET}",
    "WOOCOMMERCE_API_URL": "https://shop.example",
    "WOOCOMMERCE_API_KEY": f"ck_{SECRET}",
    "WOOCOMMERCE_API_SECRET": f"cs_{SECRET}",
    "AMAZON_API_URL": "https://sellingpartnerapi-eu.amazon.com",
    "AMAZON_CLIENT_ID": "amzn1.application-oa2-client",
    "AMAZON_CLIENT_SECRET": SECRET,
    "AMAZON_REFRESH_TOKEN": f"Atzr|{SECRET}",
    "AMAZON_MARKETPLACE_IDS": "A1PA6795UKMFR9",
    "STANDARD_PUSH_URL": "https://partner.example/in",
    "STANDARD_PUSH_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


def configure(**changes: str) -> Config:
    return Config({PREFIX + name: value for name, value in (SETTINGS | changes).items()})


def test_clients_are_those_that_are_configured() -> None:
    clients = make_clients(configure())
    assert set(clients) == set(NAMES) == set(CHANNELS)
    assert all(client.name == name for name, client in clients.items())
    assert make_clients(configure(**{name: "" for name in SETTINGS if name.endswith("URL")})) == {}
    for client in clients.values():
        assert SECRET not in repr(client)


@pytest.mark.parametrize("name", [name for name in SETTINGS if not name.endswith("_URL")])
def test_a_missing_credential_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{PREFIX}{name} must be set, too"):
        make_clients(configure(**{name: ""}))


def test_plain_http_is_for_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="PALMONAS_OUTBOUND_ALLOW"):
        make_clients(configure(SHOPIFY_API_URL="http://127.0.0.1:4060"))
    assert "shopify" in make_clients(
        configure(SHOPIFY_API_URL="http://127.0.0.1:4060", OUTBOUND_ALLOW="127.0.0.1:4060")
    )
