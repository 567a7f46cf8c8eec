"""Sales channels to practise on: their APIs and webhooks, in memory, with every way of failing that they have.

For demo, tests and drills only; `palmonas simulate` starts it and docs/simulator.md describes it.
"""
