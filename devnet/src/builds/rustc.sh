#!/bin/sh
# Runs the compiler for Cargo: for WebAssembly with the name and version of the package where Cargo
# has a number that depends on its folder.
case " $* " in
*" wasm32-unknown-unknown "*)
    for argument; do
        shift
        case "$argument" in
        metadata=*) argument="metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION" ;;
        esac
        set -- "$@" "$argument"
    done
    ;;
esac
exec "$@"
