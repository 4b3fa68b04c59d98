# QEMU's machine of an enclave, with the vsock device that knows CID 3 as the host (docs/emulator.md): null where nixpkgs has no QEMU.
{ pkgs, ... }:
if !(pkgs ? qemu) then
  null
else
  {
    inherit (pkgs) qemu;
    vsock = pkgs.vhost-device-vsock.overrideAttrs (old: {
      postPatch = (old.postPatch or "") + ''
        patch -p1 --batch -d vhost-device-vsock -i ${../xtask/src/emulator/vhost-device-vsock.patch}
      '';
      # Its tests are about the device as it was.
      doCheck = false;
    });
  }
