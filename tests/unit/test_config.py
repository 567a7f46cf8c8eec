"""Settings: from the environment or from files, checked once, and never with a secret in the sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config import PREFIX, SETTINGS, Config, Setting
from app.errors import ConfigError
from dashboards.grafana import SETTINGS as GRAFANA_SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SECRET = "8Jx2vQm4Rk7Tz1Wn"  # of nothing that runs
SAMPLES: dict[str, tuple[str, object]] = {
    "DATABASE_URL": (f"postgresql://u:{SECRET}@db:5432/orders", f"postgresql://u:{SECRET}@db:5432/orders"),
    "DATABASE_REPLICA_URL": (f"postgresql://u:{SECRET}@db2/orders", f"postgresql://u:{SECRET}@db2/orders"),
    "REPLICA_LAG_S": ("10", 10.0),
    "REDIS_SENTINELS": ("one:26379 two:26379", ("one:26379", "two:26379")),
    "REDIS_SENTINEL_MASTER": ("orders", "orders"),
    "REDIS_URL": (f"rediss://:{SECRET}@cache:6379/0", f"rediss://:{SECRET}@cache:6379/0"),
    "SHOPIFY_SECRETS": (SECRET, (SECRET,)),
    "WOOCOMMERCE_SECRETS": (f"{SECRET} {SECRET}2", (SECRET, f"{SECRET}2")),
    "STANDARD_SECRETS": (f"whsec_{SECRET}", (f"whsec_{SECRET}",)),
    "ROLES": ("console, accept", ("console", "accept")),
    "INSTANCE": ("api-7", "api-7"),
    "LOG_LEVEL": ("debug", "DEBUG"),
    "LISTEN_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - read, not listened on
    "PORT": ("4321", 4321),
    "METRICS_HOST": ("::1", "::1"),
    "METRICS_PORT": ("0", 0),
    "MAX_BODY_BYTES": ("2048", 2048),
    "CONNECTIONS_MAX": ("77", 77),
    "POOL_MAX": ("9", 9),
    "POOL_TIMEOUT_S": ("0.25", 0.25),
    "CONNECT_TIMEOUT_S": ("1.5", 1.5),
    "STATEMENT_TIMEOUT_S": ("7", 7.0),
    "ACCEPT_TIMEOUT_S": ("4.5", 4.5),
    "BODY_TIMEOUT_S": ("3", 3.0),
    "DOORBELL_TIMEOUT_S": ("0.1", 0.1),
    "DRAIN_BATCH": ("250", 250),
    "DRAIN_SECONDS": ("2.5", 2.5),
    "SWEEP_INTERVAL_S": ("0.5", 0.5),
    "RETENTION_DAYS": ("30", 30),
    "SESSION_IDLE_S": ("60", 60.0),
    "SESSION_MAX_S": ("3600", 3600.0),
    "LOGIN_WINDOW_S": ("60", 60),
    "LOGIN_TRIES_ACCOUNT": ("3", 3),
    "LOGIN_TRIES_ADDRESS": ("30", 30),
    "EXPORT_TIMEOUT_S": ("5", 5.0),
    "CONSOLE_DIR": ("/srv/console", "/srv/console"),
    "AUDIT_RETENTION_DAYS": ("90", 90),
    "TRUSTED_PROXIES": ("10.0.0.7, fd00::/8", ("10.0.0.7/32", "fd00::/8")),
    "SHOPIFY_API_URL": ("https://shop.example/", "https://shop.example"),
    "SHOPIFY_API_TOKEN": (SECRET, SECRET),
    "WOOCOMMERCE_API_URL": ("https://shop.example/blog", "https://shop.example/blog"),
    "WOOCOMMERCE_API_KEY": (SECRET, SECRET),
    "WOOCOMMERCE_API_SECRET": (SECRET, SECRET),
    "AMAZON_API_URL": ("http://127.0.0.1:4100", "http://127.0.0.1:4100"),
    "AMAZON_TOKEN_URL": ("https://login.example/token", "https://login.example/token"),
    "AMAZON_CLIENT_ID": ("amzn1.application", "amzn1.application"),
    "AMAZON_CLIENT_SECRET": (SECRET, SECRET),
    "AMAZON_REFRESH_TOKEN": (f"Atzr|{SECRET}", f"Atzr|{SECRET}"),
    "AMAZON_MARKETPLACE_IDS": ("A1PA6795UKMFR9, ATVPDKIKX0DER", ("A1PA6795UKMFR9", "ATVPDKIKX0DER")),
    "STANDARD_PUSH_URL": ("https://partner.example/in", "https://partner.example/in"),
    "STANDARD_PUSH_SECRET": (f"whsec_{SECRET}", f"whsec_{SECRET}"),
    "OUTBOUND_ALLOW": ("Simulator:4100 [::1]:4100", ("simulator:4100", "[::1]:4100")),
    "OUTBOUND_TIMEOUT_S": ("2.5", 2.5),
    "POLL_INTERVAL_S": ("1", 1.0),
    "POLL_OVERLAP_S": ("600", 600.0),
    "POLL_SETTLE_S": ("5", 5.0),
    "POLL_LOOKBACK_S": ("3600", 3600.0),
    "POLL_LEASE_S": ("3", 3.0),
    "POLL_RETRY_S": ("0.5", 0.5),
    "PUSH_RETRY_DELAYS_S": ("1, 2 30", (1, 2, 30)),
    "PROMETHEUS_URL": ("http://prometheus:9090/", "http://prometheus:9090"),
    "ALERTMANAGER_URL": ("http://alertmanager:9093/", "http://alertmanager:9093"),
    "EVENT_STREAM_S": ("60", 60.0),
    "SECRETS_DIR": ("/run/secrets", "/run/secrets"),
    "LEAVE_S": ("4", 4.0),
    "PREVIEW_DIR": ("/srv/preview", "/srv/preview"),
    "RESTARTS_FILE": ("/run/restarts.json", "/run/restarts.json"),
    "DOCKER_SOCKET": ("/var/run/docker.sock", "/var/run/docker.sock"),
}
every_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)


def read(**settings: str) -> Config:
    return Config({PREFIX + name: value for name, value in settings.items()})


@every_setting
def test_a_setting_is_read_from_the_environment(setting: Setting) -> None:
    text, value = SAMPLES[setting.name]
    config = read(**{setting.name: text})
    assert config.get(setting.name) == value
    assert getattr(config, setting.name.lower()) == value


@every_setting
def test_a_setting_is_read_from_a_file(setting: Setting, tmp_path: Path) -> None:
    text, value = SAMPLES[setting.name]
    path = tmp_path / "setting"
    path.write_text(f"{text}\n", encoding="utf-8")
    assert read(**{f"{setting.name}_FILE": str(path)}).get(setting.name) == value


def test_a_directory_holds_secrets_and_the_environment_comes_first(tmp_path: Path) -> None:
    (tmp_path / "shopify_secrets").write_text(f"{SECRET}\n", encoding="utf-8")
    (tmp_path / "port").write_text("4321", encoding="utf-8")
    directory = {"SECRETS_DIR": str(tmp_path)}
    assert read(**directory).shopify_secrets == (SECRET,)
    assert read(**directory, SHOPIFY_SECRETS=f"{SECRET}2").shopify_secrets == (f"{SECRET}2",)
    assert read(**directory).port == 4000, "no secret"
    assert read(**directory).standard_secrets == (), "not there"
    (tmp_path / "shopify_secrets").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"PALMONAS_SECRETS_DIR: .*shopify_secrets is empty"):
        read(**directory).get("SHOPIFY_SECRETS")


@every_setting
def test_both_at_once_is_an_error(setting: Setting, tmp_path: Path) -> None:
    path = tmp_path / "setting"
    path.write_text(SAMPLES[setting.name][0], encoding="utf-8")
    with pytest.raises(ConfigError, match=f"PALMONAS_{setting.name} and PALMONAS_{setting.name}_FILE are both set"):
        read(**{setting.name: SAMPLES[setting.name][0], f"{setting.name}_FILE": str(path)}).get(setting.name)


@every_setting
def test_a_file_that_cannot_be_read_is_named(setting: Setting, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"PALMONAS_{setting.name}_FILE: cannot read .*absent"):
        read(**{f"{setting.name}_FILE": str(tmp_path / "absent")}).get(setting.name)


@every_setting
def test_empty_is_the_default_or_an_error_that_says_what_to_set(setting: Setting) -> None:
    for config in (read(), read(**{setting.name: ""})):
        if setting.default is None:
            with pytest.raises(ConfigError, match=f"PALMONAS_{setting.name} is not set.*_FILE"):
                config.get(setting.name)
        else:
            assert config.get(setting.name) == setting.default


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("METRICS_PORT", "-1"),
        ("POOL_MAX", "0"),
        ("POOL_MAX", "1.5"),
        ("POOL_TIMEOUT_S", "soon"),
        ("POOL_TIMEOUT_S", "0"),
        ("POOL_TIMEOUT_S", "nan"),
        ("STATEMENT_TIMEOUT_S", "inf"),
        ("LOG_LEVEL", "LOUD"),
        ("ROLES", "accept,admin"),
        ("ROLES", ","),
        ("RETENTION_DAYS", "29"),
        ("AUDIT_RETENTION_DAYS", "89"),
        ("TRUSTED_PROXIES", "haproxy"),
        ("TRUSTED_PROXIES", "10.0.0.7/8"),
        ("MAX_BODY_BYTES", "1e6"),
        ("DATABASE_URL", "mysql://u:8Jx2vQm4Rk7Tz1Wn@db/orders"),
        ("DATABASE_URL", "postgresql://db/orders"),
        ("DATABASE_URL", "orders"),
        ("DATABASE_URL", "postgresql://u:8Jx2vQm4Rk7Tz1Wn@db:port/orders"),
        ("DATABASE_URL", "postgresql://u:8Jx2vQm4Rk7Tz1Wn@[db/orders"),
        ("DATABASE_URL", "postgresql://u:postgres@db/orders"),
        ("DATABASE_URL", "postgresql://u:8Jx2vQm4Rk7Tz1Wn/more@db/orders"),
        ("DATABASE_URL", "postgresql://u:8Jx2vQm4Rk7Tz1Wn\u2100@db/orders"),
        ("REDIS_URL", "redis://:short@cache/0"),
        ("REDIS_URL", "http://:8Jx2vQm4Rk7Tz1Wn@cache/0"),
        ("SHOPIFY_API_URL", "shop.example"),
        ("SHOPIFY_API_URL", "ftp://shop.example"),
        ("SHOPIFY_API_URL", "https://"),
        ("SHOPIFY_API_URL", "https://shop.example:0"),
        ("SHOPIFY_API_URL", "https://shop.example:port"),
        ("SHOPIFY_API_URL", "https://shop.example/?a=b"),
        ("SHOPIFY_API_URL", "https://shop.example/ x"),
        ("SHOPIFY_API_TOKEN", "two words-of-a-secret"),
        ("SHOPIFY_API_TOKEN", "short"),
        ("OUTBOUND_ALLOW", "localhost"),
        ("OUTBOUND_ALLOW", "localhost:0"),
        ("OUTBOUND_ALLOW", ":80"),
        ("OUTBOUND_TIMEOUT_S", "31"),
        ("POLL_LEASE_S", "0.5"),
        ("PUSH_RETRY_DELAYS_S", "1.5"),
        ("PUSH_RETRY_DELAYS_S", "1 0"),
        ("PUSH_RETRY_DELAYS_S", ","),
        ("PUSH_RETRY_DELAYS_S", "86401"),
        ("PUSH_RETRY_DELAYS_S", " ".join(["1"] * 21)),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**{name: text}).check(name)
    sentence = str(caught.value)
    assert sentence.startswith(f"PALMONAS_{name} ")
    assert "\n" not in sentence
    assert SECRET not in sentence
    assert "invalid literal" not in sentence
    setting = next(one for one in SETTINGS if one.name == name)
    assert ("(not shown)" if setting.secret else repr(text)) in sentence


@pytest.mark.parametrize(
    "secret",
    ["changeme", "Change-Me", "password", "whsec_secret", "palmonas", "x", "fifteen-chars-x", f"{SECRET} admin"],
)
@pytest.mark.parametrize("name", ["SHOPIFY_SECRETS", "WOOCOMMERCE_SECRETS", "STANDARD_SECRETS"])
def test_a_weak_secret_is_refused_and_not_shown(name: str, secret: str) -> None:
    with pytest.raises(ConfigError, match="openssl rand -base64 32") as caught:
        read(**{name: secret}).channel_secrets  # noqa: B018 - reading it is the check
    for part in secret.split():
        assert re.search(rf"(?<!\w){re.escape(part)}(?!\w)", str(caught.value)) is None


def test_a_password_in_an_address_that_wants_none_is_not_shown() -> None:
    with pytest.raises(ConfigError, match=r"PALMONAS_SHOPIFY_API_URL \(not shown\) must look like") as caught:
        read(SHOPIFY_API_URL=f"https://user:{SECRET}@shop.example").check("SHOPIFY_API_URL")
    assert SECRET not in str(caught.value)


def test_a_channel_exists_when_it_has_a_secret_and_keeps_both_in_a_rotation() -> None:
    config = read(SHOPIFY_SECRETS=f"{SECRET}-new {SECRET}-old", STANDARD_SECRETS="")
    assert config.channel_secrets == {"shopify": (f"{SECRET}-new", f"{SECRET}-old")}


def test_check_finds_what_is_wrong_before_the_first_use() -> None:
    settings = {name: text for name, (text, _) in SAMPLES.items()}
    assert read(**settings).check().port == 4321
    with pytest.raises(ConfigError, match="PALMONAS_DRAIN_BATCH"):
        read(**settings | {"DRAIN_BATCH": "none"}).check()
    assert read(DRAIN_BATCH="none").check("PORT").port == 4000


def test_a_setting_that_does_not_exist_is_no_attribute() -> None:
    with pytest.raises(AttributeError):
        read().no_such_setting  # noqa: B018


def test_the_page_of_settings_is_the_list_of_settings() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `PALMONAS_(\w+)` \| (.+?) \| (.+) \|$", page, re.MULTILINE)
    of_service = [one for one in rows if not one[0].startswith("GRAFANA_")]
    of_commands = [one for one in rows if one[0].startswith("GRAFANA_")]
    for rows_there, settings in ((of_service, SETTINGS), (of_commands, GRAFANA_SETTINGS)):
        wanted = [(one.name, _show_default(one), one.meaning + (" Secret." if one.secret else "")) for one in settings]
        assert rows_there == wanted


def _show_default(setting: Setting) -> str:
    default = ",".join(f"{one}" for one in setting.default) if isinstance(setting.default, tuple) else setting.default
    return "must be set" if default is None else "none" if default == "" else f"`{default}`"


def test_every_command_is_named_in_the_documentation() -> None:
    from cli.main import COMMANDS

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    missing = [name for name in COMMANDS if not re.search(rf"palmonas {name}\b", text)]
    assert missing == []
