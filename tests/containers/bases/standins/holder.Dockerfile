# In the place of Grafana, Loki and Alloy, which no package holds: says what it was started with, and answers 200 to all
# that asks on their ports. It has their users and directories, so that what they are given can be looked at.
FROM palmonas-test/servers
RUN install -d -o 472 -g 0 /var/lib/grafana && install -d -o 10001 -g 10001 /loki
COPY standins/holder.cfg /etc/holder.cfg
COPY standins/holder-entrypoint /usr/local/bin/holder-entrypoint
ENTRYPOINT ["holder-entrypoint"]
