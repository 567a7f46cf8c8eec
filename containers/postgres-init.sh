#!/bin/sh
# Run once, by the entry point of the postgres image, when its data directory is empty: our roles, each with a password
# of its own. The replica's has nothing but the right to replicate.
set -eu

psql -v ON_ERROR_STOP=1 --no-psqlrc -U "${POSTGRES_USER:-postgres}" -d "$POSTGRES_DB" <<'SQL'
\set service `cat /run/palmonas/palmonas.password`
\set monitor `cat /run/palmonas/palmonas_monitor.password`
\set replica `cat /run/palmonas/palmonas_replica.password`
CREATE ROLE palmonas LOGIN CREATEDB PASSWORD :'service';
CREATE ROLE palmonas_monitor LOGIN IN ROLE pg_monitor PASSWORD :'monitor';
-- postgres_exporter asks for the size of each table: one that is locked must not hang the whole scrape.
ALTER ROLE palmonas_monitor SET lock_timeout = '500ms';
CREATE ROLE palmonas_replica LOGIN REPLICATION PASSWORD :'replica';
ALTER DATABASE palmonas OWNER TO palmonas;
SQL
echo 'host replication palmonas_replica all scram-sha-256' >>"$PGDATA/pg_hba.conf"
