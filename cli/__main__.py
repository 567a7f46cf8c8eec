"""`python -m cli` is `palmonas`, for places where the script is not on the path."""

from cli.main import main

main()
