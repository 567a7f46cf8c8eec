"""The one contract of every channel: its folder, its settings, its parser, its client. Found by looking, never listed.

What is signed and verified is in test_channels_contract_webhooks.py.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app.channels
from app.channel_settings import BY_CHANNEL, FOLDER, SECRETS
from app.channels import CHANNELS
from app.channels.clients import make_clients
from app.config import PREFIX, Config
from app.errors import CallFailed, ConfigError, PushRefused, UsageError
from app.model import ParsedDelivery
from app.orders.transitions import STATUSES
from app.setting_values import Setting, read_credential, read_secrets, read_web_address
from tests.channels import (
    PAYLOADS,
    SECRET,
    SINCE,
    configure,
    make_client,
    make_message,
    read_answers,
    read_deliveries,
)
from tests.fuzz.oracle import check_parse

CANARY, CANARY_NUMBER = "canary-7f3a@example.com", 86753098675309
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=15,
)
UNKNOWN_TOPIC = "no.such.topic"

every_channel = pytest.mark.parametrize("channel", sorted(CHANNELS))
with_api = pytest.mark.parametrize("channel", [name for name, one in CHANNELS.items() if one.api])
quick = settings(max_examples=60, deadline=None, database=None)
thorough = settings(max_examples=150, deadline=None, database=None)


def test_every_folder_is_a_channel_and_every_channel_a_folder() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(CHANNELS) == set(BY_CHANNEL)
    assert Path(app.channels.__file__).parent == FOLDER


@every_channel
def test_a_folder_holds_what_its_channel_provides(channel: str) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", channel)
    found = {path.name for path in (FOLDER / channel).iterdir()}
    assert {"__init__.py", "parse.py", "settings.toml"} <= found
    assert {"webhook.py", "sample.json"} & found == ({"webhook.py", "sample.json"} if has_webhook(channel) else set())
    assert ("client.py" in found) == (CHANNELS[channel].api is not None)
    assert has_webhook(channel) or CHANNELS[channel].api is not None, "nothing would ever come from it"


def has_webhook(channel: str) -> bool:
    return CHANNELS[channel].webhook is not None


@every_channel
def test_settings_fit_the_channel(channel: str) -> None:
    known, api = BY_CHANNEL[channel], CHANNELS[channel].api
    assert (SECRETS in known) == has_webhook(channel)
    for setting in known.values():
        assert setting.secret == (setting.read in (read_secrets, read_credential)), setting.name
        assert setting.meaning.endswith("."), setting.name
    if has_webhook(channel):
        assert known[SECRETS].read is read_secrets
        config = Config({f"{PREFIX}{channel.upper()}_{SECRETS}": SECRET})
        assert config.channel_secrets == {channel: (SECRET,)}
    assert Config({}).channel_secrets == {}
    if api:
        assert set(api.needed) <= set(known)
        assert known[api.needed[0]].read is read_web_address
        assert not known[api.needed[0]].default, "a channel is off until its address is set"


@with_api
def test_a_client_is_made_of_the_settings_that_are_needed(channel: str) -> None:
    api, known = CHANNELS[channel].api, BY_CHANNEL[channel]
    assert api
    (client,) = make_clients(configure(channel)).values()
    assert client.name == channel
    assert SECRET not in repr(client)
    assert make_clients(Config({})) == {}
    for name in api.needed[1:]:
        with pytest.raises(ConfigError, match=f"{known[name].name} must be set, too"):
            make_clients(configure_without(channel, known[name]))


def configure_without(channel: str, setting: Setting) -> Config:
    config = configure(channel)
    config._environ[PREFIX + setting.name] = ""
    return config


@with_api
def test_a_client_pushes_what_it_says_and_refuses_the_rest(channel: str) -> None:
    api = CHANNELS[channel].api
    assert api
    assert api.pushes <= set(STATUSES)
    assert api.operations
    for status in STATUSES:
        client, door = make_client(channel, {})
        with pytest.raises(CallFailed if status in api.pushes else PushRefused):
            client.push(make_message(status))
        assert bool(door.calls) == (status in api.pushes)
        assert set(door.calls) <= set(api.operations)


@with_api
def test_a_client_without_a_list_says_so(channel: str) -> None:
    client, door = make_client(channel, {})
    assert isinstance(client.lists, bool)
    assert isinstance(client.oldest_first, bool)
    if not client.lists:
        with pytest.raises(UsageError, match=channel):
            client.list_orders(SINCE, None, None)
        assert door.calls == []


@with_api
def test_a_listed_order_is_the_one_that_its_payload_says(channel: str) -> None:
    """Same id and same version: or the order would be stored twice, or an older one would win."""
    client, door = make_client(channel, read_answers(channel))
    if not client.lists:
        return
    orders = client.list_orders(SINCE, SINCE + timedelta(days=1), None).orders
    assert set(door.calls) <= set(CHANNELS[channel].api.operations)  # type: ignore[union-attr] # parametrized so
    assert orders, f"tests/payloads/{channel}/answers.toml names no answer to list_orders that has orders"
    for polled in orders:
        order = CHANNELS[channel].parse(polled.topic, polled.payload).order
        assert order
        assert (order.external_id, order.version) == (polled.external_id, polled.version)


@every_channel
def test_every_payload_says_something(channel: str) -> None:
    deliveries = read_deliveries(channel)
    assert deliveries
    for topic, payload in deliveries:
        assert CHANNELS[channel].parse(topic, payload) != ParsedDelivery(), topic
    answers = {answer.body for answer in read_answers(channel).values()}
    paths = list((PAYLOADS / channel).glob("*.json"))
    assert paths, f"tests/payloads/{channel} is empty"
    unused = [path.name for path in paths if path.read_bytes() not in answers]
    assert has_webhook(channel) or not unused, f"tests/payloads/{channel}/answers.toml does not name these"


@every_channel
def test_parsing_twice_comes_to_the_same(channel: str) -> None:
    for topic, payload in read_deliveries(channel):
        assert CHANNELS[channel].parse(topic, payload) == CHANNELS[channel].parse(topic, payload)


@every_channel
def test_spaces_and_the_sequence_of_fields_mean_nothing(channel: str) -> None:
    for topic, payload in read_deliveries(channel):
        expected = CHANNELS[channel].parse(topic, payload)
        document = json.loads(payload, parse_float=lambda text: json.loads(f'"{text}"'))
        assert CHANNELS[channel].parse(topic, json.dumps(turn_round(document), indent=3)) == expected


def turn_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: turn_round(value[key]) for key in reversed(value)}
    return [turn_round(one) for one in value] if isinstance(value, list) else value


@every_channel
def test_an_unknown_topic_is_ignored(channel: str) -> None:
    """Wherever the topic is written: in a header or in the payload."""
    for topic, payload in read_deliveries(channel):
        renamed = payload.replace(json.dumps(topic), json.dumps(UNKNOWN_TOPIC))
        assert CHANNELS[channel].parse(UNKNOWN_TOPIC, renamed) == ParsedDelivery()


def list_topics(channel: str) -> list[str]:
    return sorted({topic for topic, _ in read_deliveries(channel)})


@every_channel
@quick
@given(data=st.data(), text=st.text())
def test_any_text_is_a_payload_error_at_worst(channel: str, data: st.DataObject, text: str) -> None:
    check_parse(channel, data.draw(st.sampled_from(list_topics(channel)) | st.text(max_size=10)), text)


@every_channel
@quick
@given(data=st.data(), value=JSON)
def test_any_json_is_a_payload_error_at_worst(channel: str, data: st.DataObject, value: Any) -> None:
    topic, payload = data.draw(st.sampled_from(read_deliveries(channel)))
    check_parse(channel, topic, json.dumps(value))
    envelope = json.loads(payload)
    check_parse(channel, topic, json.dumps(dict.fromkeys(envelope, value)))
    check_parse(channel, topic, json.dumps(envelope | dict.fromkeys(list(envelope)[-1:], value)))


@every_channel
@thorough
@given(data=st.data(), value=JSON | st.sampled_from([CANARY, CANARY_NUMBER, [CANARY], {CANARY: CANARY}]))
def test_a_spoilt_payload_is_a_payload_error_at_worst(channel: str, data: st.DataObject, value: Any) -> None:
    """Arbitrary JSON rarely gets past the first field: here one place of a good payload is arbitrary, or missing."""
    topic, payload = data.draw(st.sampled_from(read_deliveries(channel)))
    document = json.loads(payload)
    check_parse(channel, topic, json.dumps(spoil(data, document, value)))


def spoil(data: st.DataObject, document: Any, value: Any) -> Any:
    container = document
    while True:
        key = data.draw(st.sampled_from(sorted(container) if isinstance(container, dict) else range(len(container))))
        inner = container[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            if data.draw(st.integers(0, 3)):
                container[key] = value
            else:
                del container[key]
            return document
        container = inner


@every_channel
def test_a_payload_with_a_part_missing_is_a_payload_error_at_worst(channel: str) -> None:
    """Each place once, by itself: what chance may leave out."""
    for topic, payload in read_deliveries(channel):
        for spoilt in (None, CANARY, CANARY_NUMBER, [CANARY], {CANARY: 1}):
            for document in list_spoilt(json.loads(payload), spoilt):
                check_parse(channel, topic, json.dumps(document))


def list_spoilt(document: Any, value: Any) -> Any:
    """`document` over and over, each time with another place that is `value`; with None, without that place."""
    entries = list(document.items() if isinstance(document, dict) else enumerate(document))
    for key, inner in entries:
        kept = [(name, one) for name, one in entries if name != key]
        if isinstance(inner, dict | list):
            for changed in list_spoilt(inner, value):
                yield rebuild(document, [*kept, (key, changed)])
        yield rebuild(document, kept if value is None else [*kept, (key, value)])


def rebuild(like: Any, entries: list[tuple[Any, Any]]) -> Any:
    return dict(entries) if isinstance(like, dict) else [one for _, one in entries]
