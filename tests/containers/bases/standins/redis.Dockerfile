# As redis:7-alpine: starts as root, hands /data to uid 999 and becomes it.
FROM palmonas-test/servers
RUN usermod --uid 999 redis && groupmod --gid 1000 redis && mkdir /data && chown redis:redis /data
COPY standins/redis-entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]
