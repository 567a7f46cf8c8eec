# As prom/node-exporter.
FROM palmonas-test/servers
USER nobody
EXPOSE 9100
ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]
