#!/usr/bin/env bash
# nohup and cron, made safe: asks each process whether it is alive, and starts only what is down.
#
#   * * * * * /srv/streamagents/deploy/boring/keep-running.sh /srv/streamagents/.env
#   keep-running.sh /srv/streamagents/.env stop      ends all of them, and they stay down
#   keep-running.sh /srv/streamagents/.env start     undoes that
#
# For an upgrade: stop, git pull && make, start.
#
# The file holds NAME=value lines, as .env.example; nothing in it is executed. Beside the settings:
#   KEEP          what to keep running; default "broker worker gateway", without the broker where
#                 STREAMAGENTS_BROKER names a Kafka of yours
#   KEEP_BIN      folder of the command `streamagents`; default .venv/bin beside deploy/
#   KEEP_GRACE_S  a process that was started less than so long ago is not ended; default 120
#   KEEP_TRIES    how often one that lives is asked again before it is, 5 s apart; default 3
#
# Exit code 0: all of them are alive, or stopped. 1: one is not, and could not be started. 2: wrong
# usage. 75: another one is at work on the same data folder, so this one did nothing.
#
# A process that lives but does not answer is asked to end, and made to when it does not.
# Logs are in <data folder>/logs, 10 MB a file, 5 kept (STREAMAGENTS_LOG_FILE); what a process
# prints besides, a traceback at its start for one, is in <name>.out, cut off at 10 MB, one kept.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(dirname "$(dirname "$here")")
readonly here checkout
readonly largest_out=10485760 every=5 start_s=45
umask 077 # logs and settings are nobody else's business

main() {
    local verb=${2:-keep} program
    [[ $verb =~ ^(keep|start|stop)$ ]] || fail 2 "What is $verb? Known are start and stop."
    for program in flock setsid nohup timeout stat getconf; do
        command -v "$program" >/dev/null || fail 2 "There is no command $program here: install it."
    done
    [ -r /proc/uptime ] || fail 2 "There is no /proc here, by which processes are known."
    read_settings "${1:-$checkout/.env}"
    STREAMAGENTS_DATA_DIR=$(absolute "${STREAMAGENTS_DATA_DIR:-$checkout/.streamagents}")
    export STREAMAGENTS_DATA_DIR MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
    tries=${KEEP_TRIES:-3}
    bin=${KEEP_BIN:-$checkout/.venv/bin}
    python=$bin/python
    [ -x "$python" ] || python=$(command -v python3) || fail 2 "There is no Python, neither $bin/python nor python3."
    names=${KEEP:-broker worker gateway}
    for name in $names; do
        [[ $name =~ ^(broker|worker|gateway)$ ]] \
            || fail 2 "KEEP names $name: known are broker, worker and gateway."
    done
    for name in KEEP_GRACE_S KEEP_TRIES; do
        [[ ${!name:-0} =~ ^[0-9]+$ ]] || fail 2 "$name is no number."
    done
    [[ ${STREAMAGENTS_WEB_PORT:-6066} =~ ^[1-9][0-9]*$ ]] \
        || fail 2 "STREAMAGENTS_WEB_PORT is no port, so the worker cannot be asked: name one."
    [ -x "$bin/streamagents" ] || fail 2 "There is no command $bin/streamagents: run make, or set KEEP_BIN."
    run=$STREAMAGENTS_DATA_DIR/run
    logs=$STREAMAGENTS_DATA_DIR/logs
    mkdir -p "$run" "$logs" || fail 1 "$STREAMAGENTS_DATA_DIR cannot be written."
    cd "$checkout" || exit 1

    # Held until this script ends, however it ends. What it starts must not inherit it: see `start`.
    exec 9>"$run/lock" || fail 1 "$run/lock cannot be written."
    flock --nonblock 9 || fail 75 "Another keep-running is at work on $STREAMAGENTS_DATA_DIR."

    local name broken=0
    [ "$verb" != stop ] || { stop; return; }
    [ "$verb" != start ] || rm -f "$run/stopped"
    [ ! -e "$run/stopped" ] || return 0
    for name in $names; do
        case $name in
            broker) [ -n "${STREAMAGENTS_BROKER:-}" ] || keep_broker || broken=1 ;;
            *) keep "$name" || broken=1 ;;
        esac
    done
    return $broken
}

# -- the broker: it detaches itself, and its own record says which process it is -----------------

keep_broker() {
    if alive broker 2>/dev/null; then
        [ -e "$STREAMAGENTS_DATA_DIR/kafka/broker.json" ] && return 0
        say "Another Kafka has the broker's port: name it in STREAMAGENTS_BROKER, or set STREAMAGENTS_KAFKA_PORT."
        return 1
    fi
    if "$bin/streamagents" kafka status --json 2>/dev/null 9>&- | grep -q '"running": true'; then
        ((tries)) && alive broker "$tries" $every 2>/dev/null && return 0
        say "The broker lives, but does not answer: it is ended."
        timeout 90 "$bin/streamagents" kafka down >&2 9>&-
    fi
    # The first time it downloads Kafka.
    timeout 300 "$bin/streamagents" kafka up >>"$logs/broker.out" 2>&1 9>&- && alive broker && {
        say "The broker was down: it is started."
        return 0
    }
    say "The broker could not be started: $(tail -n 1 "$logs/broker.out")"
    return 1
}

# -- worker and gateway --------------------------------------------------------------------------

keep() {
    local name=$1 pid
    cut_off "$logs/$name.out"
    if alive "$name" 2>/dev/null; then
        living "$name" >/dev/null && return 0
        say "A $name answers that was not started from here: end it, or set another port."
        return 1
    fi
    if pid=$(living "$name"); then
        if [ "$(age "$pid")" -lt "${KEEP_GRACE_S:-120}" ]; then
            alive "$name" "$start_s" 1 && return 0
            return 1 # it is starting, and the next minute looks again
        fi
        ((tries)) && alive "$name" "$tries" $every 2>/dev/null && return 0
        say "The $name (pid $pid) lives, but does not answer: it is ended."
        end "$pid"
    fi
    if [ "$name" = worker ]; then # it starts on topics that exist, or not at all
        timeout 60 "$bin/streamagents" topics apply >>"$logs/worker.out" 2>&1 9>&- || {
            say "The topics could not be made: $(tail -n 1 "$logs/worker.out")"
            return 1
        }
    fi
    start "$name"
}

start() {
    local name=$1 pid
    { : >>"$logs/$name.out"; } 2>/dev/null || {
        say "The $name is not started: $logs/$name.out cannot be written."
        return 1
    }
    # Of all descriptors it keeps its log alone: with the lock, nobody would ever get that again.
    STREAMAGENTS_LOG_FILE=$logs/$name.log \
        nohup setsid "$bin/streamagents" "$name" </dev/null >>"$logs/$name.out" 2>&1 9>&- &
    pid=$!
    { echo "$pid $(started "$pid")" >"$run/$name.pid.new" \
        && mv -T "$run/$name.pid.new" "$run/$name.pid"; } 2>/dev/null || {
        kill "$pid" # nobody would know it again
        say "The $name is not started: $run/$name.pid cannot be written. Is the disk full?"
        return 1
    }
    local left
    for ((left = start_s * 5; left > 0; left--)); do
        alive "$name" 2>/dev/null && { say "The $name was down: it is started (pid $pid)."; return 0; }
        kill -0 "$pid" 2>/dev/null || {
            wait "$pid"
            say "The $name ended at once, with exit code $?: $(tail -n 1 "$logs/$name.out")"
            return 1
        }
        sleep 0.2
    done
    say "The $name (pid $pid) was started, but does not answer yet: see $logs/$name.out."
    return 1
}

# Who sends events first, the broker last. Until `start`, cron's runs do nothing.
stop() {
    local name pid
    : >"$run/stopped" || fail 1 "$run/stopped cannot be written."
    for name in gateway worker; do
        pid=$(living "$name") && [[ " $names " == *" $name "* ]] && end "$pid" && say "The $name is stopped."
    done
    [[ " $names " != *" broker "* || -n ${STREAMAGENTS_BROKER:-} ]] \
        || timeout 90 "$bin/streamagents" kafka down >&2 9>&-
}

end() {
    local pid=$1 born left
    born=$(started "$pid")
    left=${STREAMAGENTS_SHUTDOWN_GRACE_S:-25}
    left=$(((${left%.*} + 15) * 5))
    kill -TERM "$pid"
    kill -CONT "$pid" # a frozen one hears of it only when it is thawed
    for (( ; left > 0; left--)); do
        [ "$(started "$pid")" = "$born" ] || return 0
        sleep 0.2
    done
    kill -KILL "$pid"
    for ((left = 50; left > 0; left--)); do
        [ "$(started "$pid")" = "$born" ] || return 0
        sleep 0.2
    done
}

# The pid of our process of that name. A pid comes again after a reboot; with its start it does not.
living() {
    local pid born
    read -r pid born 2>/dev/null <"$run/$1.pid" || return 1
    [ -n "$born" ] && [ "$(started "$pid")" = "$born" ] && echo "$pid"
}

# When a process was started, in clock ticks since which boot; nothing for one that is dead or a
# zombie.
started() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The name in parentheses may hold anything: count from behind it.
    read -ra fields <<<"${stat##*) }"
    [ "${fields[0]}" = Z ] || echo "${fields[19]}@$(cat /proc/sys/kernel/random/boot_id)"
}

age() {
    local up born
    read -r up _ </proc/uptime
    born=$(started "$1")
    echo $((${up%.*} - ${born%@*} / $(getconf CLK_TCK)))
}

# -- asking --------------------------------------------------------------------------------------

alive() {
    "$python" -IS "$checkout/deploy/alive.py" "$1" --tries "${2:-1}" --every "${3:-1}" 9>&-
}

# -- the rest ------------------------------------------------------------------------------------

# NAME=value lines, taken as they are: cron's environment is nearly empty, and a secret may hold
# any character, so nothing is expanded. One pair of quotes around a value is dropped.
read_settings() {
    local line value
    [ -r "$1" ] && [ ! -d "$1" ] || fail 2 "The settings file $1 cannot be read: copy .env.example."
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        [[ $line =~ ^[[:space:]]*(#|$) ]] && continue
        [[ $line =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || fail 2 "$1 has a line that is no NAME=value."
        value=${line#*=}
        [[ $value =~ ^\"(.*)\"$ || $value =~ ^\'(.*)\'$ ]] && value=${BASH_REMATCH[1]}
        export "${line%%=*}=$value"
    done <"$1"
}

# Appended to by a process that does not know: what is copied may lack a line, the file stays small.
cut_off() {
    local bytes
    bytes=$(stat -c %s "$1" 2>/dev/null) || return 0
    [ "$bytes" -le $largest_out ] || {
        cp "$1" "$1.1" 2>/dev/null || rm -f "$1.1" # the disk may be full, all the more
        : >"$1"
    }
}

absolute() { case $1 in /*) echo "$1" ;; "~"*) echo "$HOME${1#"~"}" ;; *) echo "$checkout/$1" ;; esac; }
say() { echo "$(date -u +%FT%TZ) $*" >&2; }
fail() {
    say "$2"
    exit "$1"
}

main "$@"
