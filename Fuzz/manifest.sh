#!/bin/bash
# Fuzzes the manifest decoder with libFuzzer and the address sanitizer.
#
#   Fuzz/manifest.sh [SECONDS]          60 by default; an input that fails is written to .build-fuzz/
#
# Inputs that reach new code stay in .build-fuzz/manifest-found. The corpus in Fuzz/manifest-corpus is replayed by the
# unit tests; Fuzz/manifest.sh --merge adds to it what the found inputs reach beyond it.
set -euo pipefail
# After a trap the sanitizer reports; Swift's own backtracer would wait for a process that is being torn down.
export SWIFT_BACKTRACE=enable=no
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
out=$here/../.build-fuzz
mkdir -p "$out/manifest-found"
cd "$out"
flags=(-O -parse-as-library -strict-memory-safety -enable-experimental-feature Lifetimes -sanitize=fuzzer,address -I .)
for module in CBOR Manifest; do
    swiftc "${flags[@]}" -wmo -emit-module -emit-object -module-name "$module" -o "$module.o" "$here/../Sources/$module"/*.swift
done
swiftc "${flags[@]}" -module-name FuzzManifest -o manifest-fuzzer "$here/manifest.swift" CBOR.o Manifest.o
if [[ ${1:-} == --merge ]]; then
    exec ./manifest-fuzzer -merge=1 "$here/manifest-corpus" manifest-found
fi
exec ./manifest-fuzzer -max_total_time="${1:-60}" -max_len=8200 -timeout=5 -print_final_stats=1 manifest-found "$here/manifest-corpus"
