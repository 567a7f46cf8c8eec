# As haproxy:3.0-alpine: user haproxy (99), SIGUSR1 to stop.
FROM palmonas-test/servers
RUN usermod --uid 99 haproxy && mkdir -p /usr/local/etc/haproxy
USER haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
