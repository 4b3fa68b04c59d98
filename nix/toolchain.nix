# The toolchain that rust-toolchain.toml names, whose rust-lld also links the measured programs.
{ pkgs, rust-overlay }:
(rust-overlay.lib.mkRustBin { } pkgs).fromRustupToolchainFile ../rust-toolchain.toml
