"""Load as the channels make it: `locust --host http://127.0.0.1:4000` beside a running `palmonas up`.

Signed orders of every channel that has a secret, one in ten delivered twice and one in a hundred with a wrong
signature. Secrets come from the environment (PALMONAS_<CHANNEL>_SECRETS or _FILE) or from the local stack.
"""

from __future__ import annotations

import itertools
import random
import time

from locust import HttpUser, constant_throughput, task

from app.channels import WEBHOOKS, sample
from cli.settings import load_config

NUMBERS = itertools.count(int(time.time() * 1000))
SECRETS = load_config().channel_secrets


class SalesChannel(HttpUser):
    """One sender; ten deliveries a second at most."""

    host = "http://127.0.0.1:4000"
    wait_time = constant_throughput(10)

    def deliver(self, name: str, body: bytes, delivery_id: str, secret: str, expected: int) -> None:
        channel = WEBHOOKS[name]
        headers = dict(channel.sign(body, secret, channel.choose_topic(body), delivery_id, time.time()))
        with self.client.post(
            f"/webhooks/{name}", data=body, headers=headers, catch_response=True, timeout=15
        ) as answer:
            if answer.status_code == expected:
                answer.success()
            else:
                answer.failure(f"{answer.status_code} instead of {expected}")

    @task(100)
    def send_order(self) -> None:
        name = random.choice(list(SECRETS))
        number = next(NUMBERS)
        body = WEBHOOKS[name].renumber(sample(name), number)
        for _ in range(2 if random.random() < 0.1 else 1):
            self.deliver(name, body, f"locust-{number}", SECRETS[name][0], 200)

    @task(1)
    def forge_order(self) -> None:
        name = random.choice(list(SECRETS))
        wrong = "whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc="
        self.deliver(name, sample(name), f"forged-{next(NUMBERS)}", wrong, 401)
