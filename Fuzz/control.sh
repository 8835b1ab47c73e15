#!/bin/bash
# Fuzzes the hypervisor's end of the management link with libFuzzer and the address sanitizer.
#
#   Fuzz/control.sh [SECONDS]          60 by default; an input that fails is written to .build-fuzz/
#
# Inputs that reach new code stay in .build-fuzz/control-found. The corpus in Fuzz/control-corpus is replayed by the
# unit tests; Fuzz/control.sh --merge adds to it what the found inputs reach beyond it.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
out=$here/../.build-fuzz/control
mkdir -p "$out/../control-found"
cd "$out"
flags=(-O -parse-as-library -strict-memory-safety -enable-experimental-feature Lifetimes -sanitize=fuzzer,address -I .)
for module in CBOR Manifest Control; do
    swiftc "${flags[@]}" -wmo -emit-module -emit-object -module-name "$module" -o "$module.o" "$here/../Sources/$module"/*.swift
done
swiftc "${flags[@]}" -module-name FuzzControl -o ../control-fuzzer "$here/control.swift" CBOR.o Manifest.o Control.o
cd ..
if [[ ${1:-} == --merge ]]; then
    exec ./control-fuzzer -merge=1 "$here/control-corpus" control-found
fi
exec ./control-fuzzer -max_total_time="${1:-60}" -max_len=2400 -timeout=5 -print_final_stats=1 control-found "$here/control-corpus"
