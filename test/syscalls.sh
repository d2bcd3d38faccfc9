#!/usr/bin/env bash
#
# syscalls.sh - counts the system calls that tallyman makes in a minute of work, and says which of them deploy/seccomp.json lacks.
#
#   syscalls.sh BINARY
#
# It needs root, strace, curl and jq, and starts an engine of its own. The work: scrapes of all groups, pages, a follower of events,
# logs, the engine's streams, a restart of the engine, a health check, and the end by SIGTERM. The exit code is 1 when the profile lacks one.
set -euo pipefail

[[ $# -eq 1 && -x $1 ]] || {
  echo "syscalls.sh: want a binary of tallyman" >&2
  exit 2
}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE BINARY=$1 ADDRESS=127.0.0.1:10187
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tallyman-sys.XXXXXX")
readonly scratch engine=$scratch/e
export ENGINE_BRIDGE=${ENGINE_BRIDGE:-own}
tracer=

# at_exit ends what was started here.
# shellcheck disable=SC2317 # the trap calls it
at_exit() {
  [[ -z $tracer ]] || kill -TERM "$(traced)" 2>/dev/null || true
  "$HERE/env/engine" stop "$engine" || true
  rm -rf --one-file-system "$scratch"
}
trap at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# traced is the process id of tallyman.
traced() {
  tr -d ' ' <"/proc/$tracer/task/$tracer/children"
}

# ask PATH: one answer, which may be an error: the engine is away at times.
ask() {
  curl -sS -m 10 -o /dev/null --compressed "http://$ADDRESS$1" 2>/dev/null || true
}

# trace NAME FLAG...: starts tallyman under strace, as it starts in a unit or a container.
trace() {
  local name=$1
  shift
  strace -f -c -U name,calls,errors -o "$scratch/$name" "$BINARY" --web.listen-address="$ADDRESS" \
    --engine.host="unix://$engine/docker.sock" "$@" 2>>"$scratch/log" &
  tracer=$!
  until sleep 1 && curl -sf -m 2 "http://$ADDRESS/-/healthy" >/dev/null 2>&1; do
    kill -0 "$tracer" 2>/dev/null || {
      cat "$scratch/log" >&2
      exit 1
    }
  done
  kill -0 "$tracer" # it may be another one that answers
}

# end sends SIGTERM to tallyman, not to strace, and waits for the counts.
end() {
  kill -TERM "$(traced)"
  wait "$tracer" || true
  tracer=
}

# work SECONDS: what scrapers, browsers and curl users ask for.
work() {
  local until=$((SECONDS + $1)) path
  curl -sN -m "$1" -o /dev/null "http://$ADDRESS/api/v1/events?follow=1" &
  while ((SECONDS < until)); do
    for path in /metrics / /events /containers/tm-web /api/v1/summary?refresh=1 /api/v1/containers /api/v1/containers/tm-web/cgroup \
      /api/v1/containers/tm-web/history /api/v1/containers/tm-logger/logs /api/v1/openapi.yaml /-/ready /no/such/path; do
      ask "$path"
    done
    sleep 1
  done
  wait $! || true # it was told when to end
}

"$HERE/env/engine" start "$engine"
"$HERE/env/populate" "$engine/docker.sock" calm

trace files --web.logs --collector.{blkio,percpu,numa,hugetlb,process,tcp,udp}
work 20
"$HERE/env/engine" halt "$engine"
work 5
"$HERE/env/engine" start "$engine"
work 35
end
trace streams --collector.source=engine --web.logs
work 15
end
strace -f -c -U name,calls,errors -o "$scratch/quick" "$BINARY" doctor --quick --web.listen-address=127.0.0.1:1 >/dev/null || true

awk '$2 ~ /^[0-9]+$/ && $1 != "total" { calls[$1] += $2; errors[$1] += $3 }
  END { for (c in calls) printf "%-20s %8d %8d\n", c, calls[c], errors[c] }' "$scratch"/{files,streams,quick} | sort >"$scratch/all"
printf '%-20s %8s %8s\n' syscall calls errors
cat "$scratch/all"
comm -23 <(awk '{ print $1 }' "$scratch/all" | sort -u) <(jq -r '.syscalls[].names[]' "$HERE/../deploy/seccomp.json" | sort -u) >"$scratch/lacking"
if [[ -s $scratch/lacking ]]; then
  echo "deploy/seccomp.json lacks: $(tr '\n' ' ' <"$scratch/lacking")" >&2
  exit 1
fi
