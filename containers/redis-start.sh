#!/bin/sh
# The command of Redis and of its Sentinels, in the redis image: redis-start redis | redis-replica | sentinel-N
#
# PALMONAS_SCALE: without 1 there is one Redis, and nobody is asked. With it there are two, and the Sentinels say which of
# them is the master. What a Sentinel is given is an address, never a name: a name is gone with its container, and who
# looks it up stands still for seconds. A container's address may change with each start, so each start asks again.
# Neither keeps anything on disk: whoever starts is empty, and follows the other if that one is the master.
set -eu

me=$1
if [ "$me" = redis ] && [ "${PALMONAS_SCALE:-}" != 1 ]; then
    exec redis-server /run/palmonas/redis.conf
fi

sentinels='sentinel-1 sentinel-2 sentinel-3'
SILENCE_S=10 # the others are there and say nothing: all start at once, or the machine is busy
GIVE_UP_S=40 # the Sentinels need some five seconds to choose another master, 25 when their first try fails
umask 077
REDISCLI_AUTH=$(cat /run/palmonas/redis.password)
export REDISCLI_AUTH
# It may be stopped while it waits.
trap 'exit 143' TERM INT

ask() { # HOST PORT COMMAND...: the first line of what is answered, nothing when nobody does
    host=$1
    port=$2
    shift 2
    timeout 3 redis-cli -h "$host" -p "$port" "$@" 2>/dev/null | head -n 1
}

find_address() { # NAME: of a container that runs
    timeout 3 getent hosts "$1" | head -n 1 | cut -d ' ' -f 1
}

is_anybody_there() {
    for one in $sentinels redis redis-replica; do
        if [ "$one" != "$me" ] && [ -n "$(find_address "$one")" ]; then
            return
        fi
    done
    return 1
}

ask_sentinels() { # the address of the master that they know, dead or alive
    for one in $sentinels; do
        if [ "$one" != "$me" ]; then
            told=$(ask "$one" 26379 sentinel get-master-addr-by-name palmonas)
            case $told in
            '' | *[!0-9a-f.:]*) ;;
            *)
                echo "$told"
                return
                ;;
            esac
        fi
    done
}

find_master() { # KNOWN: the address of who says that it is the master: the one that is known, else one that is not
    if [ -n "$1" ] && [ "$(ask "$1" 6379 role)" = master ]; then
        echo "$1"
        return
    fi
    for one in redis redis-replica; do
        if [ "$one" != "$me" ]; then
            address=$(find_address "$one")
            if [ -n "$address" ] && [ "$(ask "$address" 6379 role)" = master ]; then
                echo "$address"
                return
            fi
        fi
    done
}

master=
started=$(date +%s)
while :; do
    # Nobody to ask: the first start.
    is_anybody_there || [ "$me" != redis ] || break
    known=$(ask_sentinels)
    master=$(find_master "$known")
    [ -z "$master" ] || break
    waited=$(($(date +%s) - started))
    if [ "$me" = redis ] && [ -z "$known" ] && [ "$waited" -ge "$SILENCE_S" ]; then
        break
    fi
    if [ "$me" = redis ] && [ "$waited" -ge "$GIVE_UP_S" ]; then
        # The other one is gone, too. The Sentinels are started anew, and find this one; were it to begin sooner, they
        # could make an empty master of what they still take for the old one.
        echo "redis-start: the Sentinels know $known alone, which is gone: this one begins anew" >&2
        for one in $sentinels; do
            ask "$one" 26379 shutdown nosave
        done
        break
    fi
    echo "redis-start: $me waits for a master (the Sentinels know: ${known:-none})" >&2
    sleep 1
done

case $me in
sentinel-*)
    # It writes what it learns into its configuration. Its id is that of its name: one that is made anew with each
    # start would leave the others waiting for votes of those that are gone.
    sed "s/@master@/$master/" /run/palmonas/sentinel.conf >/tmp/sentinel.conf
    echo "sentinel myid $(printf %s "$me" | sha1sum | cut -c 1-40)" >>/tmp/sentinel.conf
    echo "redis-start: $me watches $master" >&2
    exec redis-server /tmp/sentinel.conf --sentinel
    ;;
*)
    # /data is the image's, and belongs to root when it is a tmpfs.
    sed 's#^dir .*#dir /tmp#' /run/palmonas/redis.conf >/tmp/redis.conf
    if [ -n "$master" ]; then
        echo "replicaof $master 6379" >>/tmp/redis.conf
    fi
    echo "redis-start: $me is ${master:+a replica of }${master:-the master}" >&2
    exec redis-server /tmp/redis.conf
    ;;
esac
