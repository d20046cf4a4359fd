# ./dev up: starts the parts, waits till they are ready, stops them together. Sourced by ./dev.

up() {
  local profile=$1 port=8080 data=$HOME/.local/share/cuelight model=base engine=auto
  local backend=${CUELIGHT_BACKEND:-embedded} with_emulator= servers=1 workers=1
  shift
  while (($#)); do
    case $1 in
      --emulator) with_emulator=yes; shift; continue ;;
      --port) port=${2-} ;; --data) data=${2-} ;; --model) model=${2-} ;; --engine) engine=${2-} ;;
      --backend) backend=${2-} ;; --servers) servers=${2-} ;; --workers) workers=${2-} ;;
      *) usage >&2; die "unknown option: $1" ;;
    esac
    [ -n "${2-}" ] || die "$1 wants a value"
    shift 2
  done
  [[ $port =~ ^[0-9]+$ && $servers =~ ^[1-9][0-9]*$ && $workers =~ ^[0-9]+$ ]] \
    || die "--port, --servers and --workers want numbers, and there must be a server"
  [[ $backend = embedded || $backend = aws ]] || die "--backend wants embedded or aws"
  # More than twice as fast, and ready made where it is fast.
  [ "$engine" != auto ] || case $(uname -m) in x86_64) engine=ctranslate2 ;; *) engine=whisper.cpp ;; esac
  case $engine in
    whisper.cpp) unset CUELIGHT_CTRANSLATE2 ;;
    ctranslate2) build_ctranslate2; export CUELIGHT_CTRANSLATE2=$ctranslate2 ;;
    *) die "--engine wants whisper.cpp or ctranslate2" ;;
  esac
  [[ -z $with_emulator || $backend = aws ]] || die "the emulator is one of AWS: add --backend aws"
  [ "$profile" = debug ] || build_release
  local bin=$target/$profile name models
  "$bin/worker" model pull "$model" || die "without its model no worker can start"
  # The chosen model first: it is the page's default.
  models=(--model "$model")
  while read -r name; do
    [ "$name" = "$model" ] || [ "$name" = silero-vad ] || models+=(--model "$name")
  done < <("$bin/worker" model list --installed)

  # In process groups of their own, so that Ctrl-C reaches them once and through this script.
  set -m
  stopping= pids=() worker_pids=() emulator=
  trap 'stopping=yes; ((${#pids[@]} == 0)) || kill -TERM "${pids[@]}" 2>/dev/null || true' INT TERM
  export CUELIGHT_BACKEND=$backend
  [ -z "$with_emulator" ] || start_emulator
  local number pages=() options
  for ((number = 0; number < servers; number++)); do
    pages+=("http://127.0.0.1:$((port + number))/")
    options=(--listen "127.0.0.1:$((port + number))" --site "$site" --data "$(data_of server)" "${models[@]}")
    # SNS posts to the first server; the others hear it through queues.
    if [ -n "$with_emulator" ] && ((number == 0)); then
      options+=(--public-url "http://127.0.0.1:$port" --sns-accept-unsigned)
    fi
    start "$bin/server" "${options[@]}"
  done
  # They share this machine's processors, which a worker alone cannot know.
  local cores threads
  cores=$(nproc)
  threads=${CUELIGHT_THREADS:-$((cores > workers ? cores / (workers ? workers : 1) : 1))}
  for ((number = 0; number < workers; number++)); do
    start "$bin/worker" pull --data "$(data_of worker)" --model "$model" --threads "$threads"
    worker_pids+=("${pids[-1]}")
  done
  set +m
  for ((number = 0; number < servers; number++)); do
    until [ -n "$stopping" ] || ready "$((port + number))"; do
      all_run || { stop_all; die "a part did not start: its message is above"; }
      sleep 0.1
    done
  done
  [ -n "$stopping" ] || say "Cuelight is ready: ${pages[*]}  (Ctrl-C stops it)"
  local status=0 ended=
  while [ -z "$stopping" ]; do
    status=0
    wait -n -p ended "${pids[@]}" ${emulator:+"$emulator"} || status=$?
    [ -z "$stopping" ] && is_spare_worker "$ended" || break
    say "A worker ended by itself (exit $status); another one goes on with its job"
  done
  if [ -z "$stopping" ]; then
    say "A part of Cuelight ended by itself (exit $status); stopping the rest"
    stop_all
  else
    status=0
    wait_for_all
  fi
  say "Cuelight has stopped"
  return "$status"
}

start() { [ -n "$stopping" ] || { "$@" & pids+=($!); }; }

# is_spare_worker PID: it was a worker, and there is another one. If so, it is forgotten.
is_spare_worker() {
  local pid left=() left_workers=()
  [[ " ${worker_pids[*]} " == *" $1 "* ]] || return 1
  for pid in "${pids[@]}"; do [ "$pid" = "$1" ] || left+=("$pid"); done
  for pid in "${worker_pids[@]}"; do [ "$pid" = "$1" ] || left_workers+=("$pid"); done
  ((${#left_workers[@]})) || return 1
  pids=("${left[@]}") worker_pids=("${left_workers[@]}")
}

stop_all() {
  stopping=yes
  ((${#pids[@]} == 0)) || kill -TERM "${pids[@]}" 2>/dev/null || true
  wait_for_all
}

wait_for_all() {
  # A trapped signal ends `wait` early: wait until nobody is left.
  while any_runs; do wait "${pids[@]}" || true; done
  # Last, since the servers take back their subscriptions. It ends with its input.
  [ -n "$emulator" ] || return 0
  [ -z "${EMULATOR[1]:-}" ] || exec {EMULATOR[1]}>&-
  wait "$emulator" 2>/dev/null || true
}

# data_of server|worker: with the embedded backend all share one folder, else each has one, as on machines of its own.
data_of() { [ "$backend" = embedded ] && echo "$data" || echo "$data/aws/$1-$((number + 1))"; }

# Starts an emulator of AWS on a free port and puts the names of what is on it into the environment.
start_emulator() {
  local address settings
  dev.d/emulator --install || die "without the emulator there is no AWS here"
  address=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # A coprocess: its input ends with this script, however that ends, and the emulator ends with its input.
  coproc EMULATOR { exec dev.d/emulator "$address" >&2; }
  emulator=$EMULATOR_PID
  until { exec 3<>"/dev/tcp/127.0.0.1/$address"; } 2>/dev/null; do
    kill -0 "$emulator" 2>/dev/null || die "the emulator did not start: its message is above"
    sleep 0.1
  done
  exec 3>&-
  settings=$("$bin/server" provision --name cuelight --aws-endpoint "http://127.0.0.1:$address") \
    || { stop_all; die "the emulator could not be provisioned: its message is above"; }
  set -a; eval "$settings"; set +a
  # Copies of what no emulator knows any more.
  rm -rf "$data/aws"
  mkdir -p "$data/aws"
  printf '%s\n' "$settings" >"$data/aws/settings.env"
  say "An emulator of AWS runs at $CUELIGHT_AWS_ENDPOINT; what it holds is gone when it stops. Settings: $data/aws/settings.env"
}

all_run() {
  local pid
  for pid in "${pids[@]}" ${emulator:+"$emulator"}; do kill -0 "$pid" 2>/dev/null || return 1; done
}

any_runs() {
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do kill -0 "$pid" 2>/dev/null && return 0; done
  return 1
}

# ready PORT: the server answers and its backend is reachable. Plain bash, since a bare machine has no curl.
ready() {
  local line
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
  printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r -t 5 line <&3 || line=
  exec 3>&-
  [[ $line == *" 200 "* ]]
}
