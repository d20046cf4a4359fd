# ./dev bench: what the engine takes on this machine. Sourced by ./dev.

bench() {
  case ${1-} in
    engine) shift; bench_engine "$@" ;;
    cues) shift; bench_cues "$@" ;;
    long) shift; bench_long "$@" ;;
    '') bench_main_job ;;
    *) usage >&2; die "unknown bench: $1" ;;
  esac
}

bench_main_job() {
  need_test_tools
  build_release
  "$target/release/worker" model pull tiny.en base
  node end2end/bench.mjs "$target/release/worker"
}

# The engine beside others. The worker needs no page, so none is built.
bench_engine() {
  need_build_tools
  need ffmpeg 'command -v ffmpeg' espeak-ng 'command -v espeak-ng'
  install_rivals bench/requirements.txt 'faster-whisper and what measuring takes (once; about 600 MB)'
  build_ctranslate2
  cargo build --release -p worker >&2
  # On its own: an example is built with what tests need, and the worker would be too.
  cargo build --release -p worker --example plain_whisper >&2
  "$target/release/worker" model pull tiny.en base >&2
  PYTHONPATH=$rivals exec python3 bench/engine.py \
    --worker "$target/release/worker" --ctranslate2 "$ctranslate2" --plain "$target/release/examples/plain_whisper" "$@"
}

# Our cues beside those of other tools. The worker says when each word of the recordings is heard.
bench_cues() {
  need_build_tools
  need ffmpeg 'command -v ffmpeg' git 'command -v git' npm 'command -v npm'
  install_rivals bench/requirements-cues.txt 'what measuring cues takes (once; about 250 MB)'
  build_ctranslate2
  cargo build --release -p worker >&2
  cargo build --release -p domain --example cues >&2
  "$target/release/worker" model pull base >&2
  PYTHONPATH=$rivals exec python3 bench/cues.py --layout "$target/release/examples/cues" \
    --worker "$target/release/worker" --ctranslate2 "$ctranslate2" "$@"
}

# Hours of speech in one file: memory, progress, and resuming anywhere.
bench_long() {
  local hours=10 model=tiny.en
  while (($#)); do
    case $1 in
      --hours) hours=${2:?hours} ;;
      --model) model=${2:?name of a model} ;;
      *) usage >&2; die "unknown option of bench long: $1" ;;
    esac
    shift 2
  done
  need_build_tools
  need_test_tools
  local engine=() scratch
  [ "$(uname -m)" != x86_64 ] || { build_ctranslate2; engine=(--ctranslate2 "$ctranslate2"); }
  cargo build --release -p worker >&2
  cargo build --release -p worker --example long_media >&2
  "$target/release/worker" model pull "$model" >&2
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064 # The folder as it is called now.
  trap "rm -rf '$scratch'" EXIT
  # Encoded once and then repeated, so that the file is there in seconds.
  ffmpeg -nostdin -v error -stream_loop 26 -i "$speech/jfk.wav" -ar 44100 -c:a aac -b:a 64k "$scratch/part.m4a"
  ffmpeg -nostdin -v error -stream_loop -1 -i "$scratch/part.m4a" -c copy -t "$((hours * 3600))" "$scratch/long.m4a"
  "$target/release/examples/long_media" --worker "$target/release/worker" --model "$model" "${engine[@]}" "$scratch/long.m4a"
}

# install_rivals FILE 'WHAT': the Python packages of a list, in the folder $rivals. No virtual environment: Debian's
# python3 cannot make a whole one without one more package.
install_rivals() {
  local python sum
  python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  sum=$(sha256sum "$1")
  rivals=$cache/tools/python/bench-${sum:0:8}-$python
  [ ! -e "$rivals/whole" ] || return 0
  say "Installing $2"
  rm -rf "$rivals"
  # What else is installed does not matter: nobody else looks into this folder.
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
    --target "$rivals" --requirement "$1" >&2 || die "pip could not install them: is there a network?"
  touch "$rivals/whole"
}
