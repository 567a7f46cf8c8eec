"""The Prometheus rules: their templates, their settings, and what holds them to account."""
