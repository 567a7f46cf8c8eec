"""Sales channels: one module each. `CHANNELS` is the whole list; adding one is a module and an entry here."""
