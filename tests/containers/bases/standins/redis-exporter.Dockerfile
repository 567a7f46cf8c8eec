# As oliver006/redis_exporter.
FROM palmonas-test/servers
USER 59000
EXPOSE 9121
ENTRYPOINT ["/usr/bin/prometheus-redis-exporter"]
