# As prom/blackbox-exporter.
FROM palmonas-test/servers
USER root
EXPOSE 9115
ENTRYPOINT ["/usr/bin/prometheus-blackbox-exporter"]
