# QEMU's machine of an enclave, with the vsock device that knows CID 3 as the host
# (docs/emulator.md): null where nixpkgs has no QEMU. Both carry the patches that
# `cargo xtask emulator` applies.
{ pkgs, ... }:
if !(pkgs ? qemu) then
  null
else
  {
    # Of all emulations the one that enclaves need.
    qemu = (pkgs.qemu.override { hostCpuTargets = [ "x86_64-softmmu" ]; }).overrideAttrs (old: {
      patches = (old.patches or [ ]) ++ [ ../xtask/src/emulator/qemu-nsm.patch ];
    });
    vsock = pkgs.vhost-device-vsock.overrideAttrs (old: {
      postPatch = (old.postPatch or "") + ''
        patch -p1 --batch -d vhost-device-vsock -i ${../xtask/src/emulator/vhost-device-vsock.patch}
      '';
      # Its tests are about the device as it was.
      doCheck = false;
    });
  }
