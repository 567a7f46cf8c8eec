# What all stand-ins of servers share: Debian's packages in one layer.
FROM palmonas-test/debian
RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
    gosu haproxy postgresql-15 prometheus prometheus-alertmanager prometheus-blackbox-exporter \
    prometheus-node-exporter prometheus-postgres-exporter prometheus-redis-exporter redis-server wget \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15
