# One image for API, workers, dispatcher, exporter and simulator: docs/containers.md. Built without BuildKit's newer
# syntax, so that an engine of 2020 builds it, too.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

# The console's pages.
FROM ${NODE_IMAGE} AS console
WORKDIR /build/frontend
COPY frontend/.npmrc frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY frontend/ ./
RUN CONSOLE_OUT=/out npm run build

# The pages of /dashboards, with Grafana's published libraries.
FROM ${NODE_IMAGE} AS preview
WORKDIR /build/preview
COPY preview/.npmrc preview/package.json preview/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY preview/ ./
RUN PREVIEW_OUT=/out npm run build
COPY grafana/dashboards/*.json /out/dashboards/
COPY docs/runbooks/*.md /out/runbooks/

# Locked wheels, each held to its hash, and nothing built from source; the environment itself has no pip.
FROM ${PYTHON_IMAGE} AS wheels
COPY requirements/palmonas.lock /build/
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/palmonas/venv \
    && python -m pip --python /opt/palmonas/venv/bin/python install --disable-pip-version-check --no-deps \
        --require-hashes --only-binary :all: -r /build/palmonas.lock
COPY containers/palmonas /opt/palmonas/venv/bin/palmonas
COPY containers/healthcheck /opt/palmonas/healthcheck
COPY app/ /opt/palmonas/service/app/
COPY cli/ /opt/palmonas/service/cli/
COPY dashboards/*.py /opt/palmonas/service/dashboards/
COPY drills/ /opt/palmonas/service/drills/
COPY load/ /opt/palmonas/service/load/
COPY rules/ /opt/palmonas/service/rules/
COPY simulator/ /opt/palmonas/service/simulator/
COPY stack/ /opt/palmonas/service/stack/
COPY worker/ /opt/palmonas/service/worker/
COPY haproxy/ /opt/palmonas/service/haproxy/
COPY prometheus/ /opt/palmonas/service/prometheus/
COPY locustfile.py /opt/palmonas/service/
RUN echo /opt/palmonas/service > "$(/opt/palmonas/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/palmonas.pth" \
    && /opt/palmonas/venv/bin/python -m compileall -q /opt/palmonas/service \
    && /opt/palmonas/venv/bin/palmonas --version

# What all processes of ours run in.
FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Palmonas" \
    org.opencontainers.image.description="Order operations that can be seen through" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# The volumes of secrets take their owner from these directories when they are made.
RUN groupadd --system --gid 10001 palmonas \
    && useradd --system --uid 10001 --gid palmonas --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin palmonas \
    && install -d -o palmonas -g palmonas /backups /run/palmonas /var/lib/palmonas \
        /var/lib/palmonas/app /var/lib/palmonas/postgres /var/lib/palmonas/redis /var/lib/palmonas/monitoring \
        /var/lib/palmonas/grafana /var/lib/palmonas/haproxy /var/lib/palmonas/alertmanager
COPY --from=console /out /opt/palmonas/console
COPY --from=preview /out /opt/palmonas/preview
COPY --from=wheels /opt/palmonas /opt/palmonas
# PALMONAS_SECRETS_DIR names a directory; the image holds no secret.
# hadolint ignore=DL3064
ENV PATH=/opt/palmonas/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PALMONAS_CONSOLE_DIR=/opt/palmonas/console \
    PALMONAS_LISTEN_HOST=0.0.0.0 \
    PALMONAS_METRICS_HOST=0.0.0.0 \
    PALMONAS_METRICS_PORT=9400 \
    PALMONAS_PREVIEW_DIR=/opt/palmonas/preview \
    PALMONAS_SECRETS_DIR=/run/palmonas
USER 10001:10001
WORKDIR /opt/palmonas/service
EXPOSE 4000 9400
# All processes end in order by it: what is in flight is finished, nothing new is taken.
STOPSIGNAL SIGTERM
# Whether this process works, not whether the servers do: who kills by health must not kill all at once.
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --retries=4 CMD ["/opt/palmonas/healthcheck"]
ENTRYPOINT ["palmonas"]
CMD ["--help"]

# The same with Locust, for the profile `load`.
FROM wheels AS load-wheels
COPY requirements/load.lock /build/
RUN --mount=type=cache,target=/root/.cache/pip python -m pip --python /opt/palmonas/venv/bin/python install \
    --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r /build/load.lock

FROM runtime AS load
COPY --from=load-wheels /opt/palmonas/venv /opt/palmonas/venv
EXPOSE 8089
ENTRYPOINT ["/opt/palmonas/venv/bin/python", "-m", "locust"]
CMD ["--help"]

# The same with PostgreSQL's client, for `palmonas backup` and `palmonas restore`.
FROM runtime AS tools
USER 0:0
# The newest of the release's own: a version that is named here is gone from the mirrors with the next fix.
# hadolint ignore=DL3008
RUN apt-get -q update && apt-get -q install -y --no-install-recommends postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001

# What is built when nothing else is asked for.
FROM runtime AS service
