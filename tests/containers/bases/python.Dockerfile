# As python:3.11-slim-bookworm: `python` and `pip` on the path.
FROM palmonas-test/debian
RUN apt-get -q update && apt-get -q install -y --no-install-recommends python3 python3-venv python3-pip \
    && rm -rf /var/lib/apt/lists/* && ln -s python3 /usr/bin/python
CMD ["python3"]
