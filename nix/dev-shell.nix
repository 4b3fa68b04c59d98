# devShell { full ? false; }: what the README needs: the toolchain with what checks the code, and,
# when full, the emulator that `cargo xtask boot` and the boot tests call.
{
  craneLib,
  emulator,
  lib,
  pkgs,
  ...
}:
{
  full ? false,
}:
craneLib.devShell {
  packages = [
    pkgs.cargo-deny
    pkgs.cargo-nextest
  ];
  # A prompt in `nix develop`; direnv keeps one's own.
  shellHook = ''
    if [ -n "''${PS1:-}" ] && [ -z "''${DIRENV_IN_ENVRC:-}" ]; then
      PS1='(letsesign) \w \$ '
      echo "cargo xtask eif builds the enclave image, cargo xtask test runs everything;"
      echo "cargo xtask --help lists the rest"
    fi
  ''
  # The emulator of the test doubles is a link into the sandbox; outside `cargo xtask emulator`
  # knows where it is.
  + lib.optionalString (full && emulator != null) ''
    if [ -x ${emulator.qemu}/bin/qemu-system-x86_64 ]; then
      export LETSESIGN_QEMU=${emulator.qemu}/bin/qemu-system-x86_64
      export LETSESIGN_QEMU_FIRMWARE=${emulator.qemu}/share/qemu
      export LETSESIGN_VHOST_VSOCK=${emulator.vsock}/bin/vhost-device-vsock
    fi
  '';
}
