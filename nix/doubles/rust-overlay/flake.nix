{
  description = "The host's own rustc under the interface of oxalica/rust-overlay";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    _:
    {
      # `cargo xtask nix` binds the host's toolchain to /toolchain in the sandbox, after comparing
      # its commit with the pinned one.
      lib.mkRustBin = _: pkgs: {
        fromRustupToolchainFile =
          file:
          let
            channel = (builtins.fromTOML (builtins.readFile file)).toolchain.channel;
          in
          pkgs.runCommand "rust-${channel}" { } ''
            mkdir -p $out
            ln -s /toolchain/bin $out/bin
            ln -s /toolchain/lib $out/lib
            case "$($out/bin/rustc --version)" in
              "rustc ${channel} "*) ;;
              *) echo "the host's toolchain is not ${channel}" >&2; exit 1 ;;
            esac
          '';
      };
    };
}
