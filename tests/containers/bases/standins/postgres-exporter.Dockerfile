# As prometheuscommunity/postgres-exporter.
FROM palmonas-test/servers
USER nobody
EXPOSE 9187
ENTRYPOINT ["/usr/bin/prometheus-postgres-exporter"]
