# The image boots in QEMU, without KVM, and an attestation document of its NSM has the measurements
# of the file.
{
  pkgs,
  select,
  tools,
  eif,
  emulator,
  ...
}:
pkgs.runCommand "check-boot"
  {
    src = select { paths = [ "enclave/base/SHA256SUMS" ]; };
    LETSESIGN_QEMU = "${emulator.qemu}/bin/qemu-system-x86_64";
    LETSESIGN_QEMU_FIRMWARE = "${emulator.qemu}/share/qemu";
    LETSESIGN_VHOST_VSOCK = "${emulator.vsock}/bin/vhost-device-vsock";
  }
  ''
    export XDG_CACHE_HOME=$PWD/cache TMPDIR=$PWD
    cd "$src"
    ${tools.xtask}/bin/xtask boot --self-test --timeout 600 ${eif}/letsesign-enclave.eif | tee $out
  ''
