"""`palmonas containers prepare`: secrets are made once and differ, and what does not fit is one sentence before all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from app.config import Config
from app.errors import ConfigError
from stack.containers import CONSUMERS, DEMO, ROLES, SCALE, SECRET_NAMES, TLS, prepare_volumes
from stack.simulated import API_SECRETS


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    for name in CONSUMERS:
        (tmp_path / "volumes" / name).mkdir(parents=True)
    for name in ("tls", "secrets", "alertmanager"):
        (tmp_path / "own" / name).mkdir(parents=True)
    return tmp_path / "volumes"


def prepare(volumes: Path, **environ: str) -> dict[str, str]:
    """Every file that was made, by its path below the volumes."""
    prepare_volumes(volumes, volumes.parent / "own", environ)
    files = (path for path in volumes.rglob("*") if path.is_file())
    return {str(path.relative_to(volumes)): path.read_text(encoding="utf-8") for path in files}


def make_certificate(path: Path) -> str:
    key = path.with_suffix(".key")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-subj", "/CN=shop.example", "-keyout", key, "-out", path]
    subprocess.run(["openssl", "req", *kind, *files], check=True, capture_output=True, timeout=30)
    return path.read_text(encoding="ascii") + key.read_text(encoding="ascii")


def test_all_that_the_servers_and_their_users_need_fits_together(volumes: Path) -> None:
    made = prepare(volumes)
    passwords = [made[f"postgres/{role}.password"] for role in ROLES] + [made["redis/redis.password"]]
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 32
    assert f"requirepass {made['redis/redis.password']}\n" in made["redis/redis.conf"]
    assert made["monitoring/postgres.password"] == made["postgres/palmonas_monitor.password"]
    assert set(json.loads(made["monitoring/redis.json"]).values()) == {made["redis/redis.password"]}
    config = Config({"PALMONAS_SECRETS_DIR": str(volumes / "app")}).check("DATABASE_URL", "REDIS_URL")
    assert f":{made['postgres/palmonas.password']}@postgres:5432/" in config.database_url
    assert f":{made['redis/redis.password']}@redis:6379/" in config.redis_url
    assert set(config.channel_secrets) == {"shopify", "woocommerce", "standard"}
    routes = yaml.safe_load(made["alertmanager/alertmanager.yml"])
    assert {"name": "page"} in routes["receivers"]
    assert " ssl " not in made["haproxy/haproxy.cfg"]
    assert "server-template api-accept- 20 api-accept:4000" in made["haproxy/haproxy.cfg"]


def test_a_second_start_changes_no_secret(volumes: Path) -> None:
    assert prepare(volumes) == prepare(volumes)


def test_nobody_else_finds_anything_in_a_volume_of_theirs(volumes: Path) -> None:
    made = prepare(volumes)
    superuser = made["postgres/postgres.password"]
    assert [name for name, text in made.items() if superuser in text] == ["postgres/postgres.password"]


def test_credentials_of_simulated_channels_are_there_in_a_demo_alone(volumes: Path) -> None:
    assert "app/shopify_api_token" not in prepare(volumes)
    assert {"app/shopify_api_token", "app/simulator_control_token"} <= set(prepare(volumes, **{DEMO: "1"}))
    assert "app/shopify_api_token" not in prepare(volumes)


def test_a_scaled_stack_has_a_replica_to_read_from(volumes: Path) -> None:
    made = prepare(volumes, **{SCALE: "1"})
    assert made["app/database_replica_url"] == made["app/database_url"].replace("@postgres:", "@postgres-replica:")
    assert "app/database_replica_url" not in prepare(volumes)


def test_a_scaled_stack_has_a_redis_that_may_follow_and_sentinels_of_its_password(volumes: Path) -> None:
    made = prepare(volumes, **{SCALE: "1"})
    password = made["redis/redis.password"]
    assert f"masterauth {password}\n" in made["redis/redis.conf"]
    assert "sentinel monitor palmonas @master@ 6379 2\n" in made["redis/sentinel.conf"]
    assert f"sentinel auth-pass palmonas {password}\n" in made["redis/sentinel.conf"]
    assert f"\nrequirepass {password}\n" in made["redis/sentinel.conf"]
    assert "masterauth" not in prepare(volumes)["redis/redis.conf"]


def test_a_secret_of_the_operator_takes_the_place_of_a_made_one(volumes: Path) -> None:
    (volumes.parent / "own/secrets/shopify_secrets").write_text("8Jx2vQm4Rk7Tz1Wn\n", encoding="ascii")
    assert prepare(volumes)["app/shopify_secrets"] == "8Jx2vQm4Rk7Tz1Wn"


@pytest.mark.parametrize("name", ["shopify_secret", "database_url", "README"])
def test_a_file_that_is_no_secret_of_a_setting_is_named(volumes: Path, name: str) -> None:
    (volumes.parent / "own/secrets" / name).write_text("8Jx2vQm4Rk7Tz1Wn", encoding="ascii")
    with pytest.raises(ConfigError, match=f"secrets/{name} is no secret of a setting; name it"):
        prepare(volumes)
    assert not list((volumes / "app").iterdir())


def test_a_missing_certificate_is_told_before_anything_is_made(volumes: Path) -> None:
    with pytest.raises(ConfigError, match=r"'shop.pem', and there is no such file in containers/settings/tls: put"):
        prepare(volumes, **{TLS: "shop.pem"})
    assert not list((volumes / "app").iterdir())


def test_a_certificate_without_its_key_is_refused(volumes: Path) -> None:
    path = volumes.parent / "own/tls/shop.pem"
    make_certificate(path)
    with pytest.raises(ConfigError, match="does not hold a certificate and the key that fits it"):
        prepare(volumes, **{TLS: "shop.pem"})


def test_with_a_certificate_the_front_door_speaks_tls(volumes: Path) -> None:
    path = volumes.parent / "own/tls/shop.pem"
    path.write_text(make_certificate(path), encoding="ascii")
    made = prepare(volumes, **{TLS: "shop.pem"})
    assert "bind *:4000 ssl crt /run/palmonas/front-door.pem alpn h2,http/1.1" in made["haproxy/haproxy.cfg"]
    assert "%[ssl_fc,iif(https,http)]" in made["haproxy/haproxy.cfg"]
    assert made["haproxy/front-door.pem"] == path.read_text(encoding="ascii")


def test_receivers_that_do_not_fit_are_told(volumes: Path) -> None:
    (volumes.parent / "own/alertmanager/receivers.yml").write_text("receivers: [{name: pager}]", encoding="ascii")
    with pytest.raises(ConfigError, match="receiver 'pager' is not known"):
        prepare(volumes)


def test_what_a_demo_keeps_in_files_is_read_from_them() -> None:
    assert {name.lower() for name in API_SECRETS} <= SECRET_NAMES
