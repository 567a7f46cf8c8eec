"""What the load of `locustfile.py` is made of, and how it is judged."""
