"""The way out to sales channels: checked addresses, deadlines, circuit breakers, pacing.

It knows nothing of orders; the clients in `app.channels` say what is called.
"""
