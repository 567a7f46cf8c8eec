#!/bin/sh
# The entry point of a replica, in the postgres image: copies the primary once, and follows it from then on.
#
# PALMONAS_PRIMARY: host of the primary; PALMONAS_PRIMARY_PORT: its port, 5432 unless set;
# PALMONAS_REPLICA_PASSWORD_FILE: the password of role palmonas_replica. What is added to the command goes to postgres.
# On the primary: that role, its line in pg_hba.conf (postgres-init.sh makes both), and max_slot_wal_keep_size.
set -eu

primary=${PALMONAS_PRIMARY:-postgres}
port=${PALMONAS_PRIMARY_PORT:-5432}
role=palmonas_replica
secret=${PALMONAS_REPLICA_PASSWORD_FILE:-/run/palmonas/palmonas_replica.password}
export PGPASSFILE="${PALMONAS_REPLICA_PASSFILE:-/tmp/primary.pgpass}"

if [ ! -r "$secret" ]; then
    echo "postgres-replica: $secret cannot be read; it must hold the password of role $role" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$PGDATA"
    chown postgres "$PGDATA"
fi
# The image has it open to everybody, which the server refuses.
chmod 700 "$PGDATA"
umask 077
printf '*:*:*:%s:%s\n' "$role" "$(cat "$secret")" >"$PGPASSFILE"
as_postgres=
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$PGPASSFILE"
    as_postgres=$(command -v gosu || command -v su-exec)
    as_postgres="$as_postgres postgres"
fi

if [ ! -e "$PGDATA/standby.signal" ]; then
    if [ -e "$PGDATA/PG_VERSION" ]; then
        echo "postgres-replica: the data in $PGDATA are no replica's (promoted?); to copy the primary anew, empty it" >&2
        exit 1
    fi
    # One that was begun and broken off: pg_basebackup cleans up after itself, the slot stays.
    slot=--create-slot
    until $as_postgres pg_basebackup --pgdata="$PGDATA" --dbname="host=$primary port=$port user=$role connect_timeout=5" \
        --checkpoint=fast --wal-method=stream $slot --slot="$role" --write-recovery-conf --no-password; do
        case $slot in
        --create-slot) slot= ;;
        *) slot=--create-slot ;;
        esac
        echo "postgres-replica: trying again in 2 s" >&2
        sleep 2
    done
fi

# shellcheck disable=SC2086 # two words, or none
exec $as_postgres postgres -c "primary_slot_name=$role" \
    -c "primary_conninfo=host=$primary port=$port user=$role application_name=$role passfile=$PGPASSFILE" "$@"
