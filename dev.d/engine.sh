# ./dev engine ctranslate2: the engine that ./dev up uses on x86-64, where it is faster than whisper.cpp. Sourced by ./dev.
#
# CTranslate2 takes a long time to build; its Python package holds it ready made, for every x86-64 processor at once.
# Only the few functions that the worker calls are compiled here, against the same version's headers.

ctranslate2_version=4.8.4
# Brings the headers of that version along.
ctranslate2_crate='ct2rs = { version = "=0.10.3", default-features = false }'
# Named after its source, so that checkouts of several versions do not take each other's.
ctranslate2=$(sha256sum worker/native/ctranslate2.cpp)
ctranslate2=$cache/tools/ctranslate2-$ctranslate2_version/libcuelight-${ctranslate2:0:8}.so

build_ctranslate2() {
  local source=$PWD/worker/native/ctranslate2.cpp folder scratch headers library
  folder=$(dirname "$ctranslate2")
  [ ! -e "$ctranslate2" ] || return 0
  [ "$(uname -m)" = x86_64 ] || die "CTranslate2 is packaged with its fast kernels for x86-64 only"
  need g++ 'command -v g++' python3-pip has_pip
  say "Fetching CTranslate2 $ctranslate2_version and its headers"
  scratch=$(mktemp -d)
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$scratch" \
    "ctranslate2==$ctranslate2_version" || die "pip could not fetch ctranslate2: is there a network?"
  mkdir -p "$scratch/headers/src" "$folder"
  python3 - "$scratch" "$folder" <<'PYTHON'
import glob, pathlib, sys, zipfile
scratch, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with zipfile.ZipFile(glob.glob(scratch + "/*.whl")[0]) as wheel:
    for name in wheel.namelist():
        part = folder / pathlib.Path(name).name
        # One that is there may be in use.
        if name.startswith("ctranslate2.libs/") and not name.endswith("/") and not part.exists():
            part.with_suffix(".part").write_bytes(wheel.read(name))
            part.with_suffix(".part").rename(part)
PYTHON
  printf '[package]\nname = "headers"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n%s\n' \
    "$ctranslate2_crate" >"$scratch/headers/Cargo.toml"
  touch "$scratch/headers/src/lib.rs"
  headers=$(cargo metadata --quiet --format-version 1 --manifest-path "$scratch/headers/Cargo.toml" | python3 -c '
import json, pathlib, sys
crates = json.load(sys.stdin)["packages"]
print(next(pathlib.Path(one["manifest_path"]).parent for one in crates if one["name"] == "ct2rs"))') \
    || die "cargo could not fetch the headers of CTranslate2: is there a network?"
  grep -q "\"$ctranslate2_version\"" "$headers/CTranslate2/python/ctranslate2/version.py" \
    || die "the headers are not those of CTranslate2 $ctranslate2_version"
  library=$(basename "$(compgen -G "$folder/libctranslate2-*.so*")")
  g++ -O2 -std=c++17 -shared -fPIC -Wall -I"$headers/CTranslate2/include" -o "$scratch/made.so" "$source" \
    -L"$folder" -l:"$library" -Wl,-rpath,'$ORIGIN'
  mv "$scratch/made.so" "$ctranslate2"
  rm -rf "$scratch"
}
