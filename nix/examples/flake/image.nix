# A docker-archive with one static program.
pkgs:
let
  hello = import ./hello.nix pkgs;
in
pkgs.runCommand "hello.tar" { } ''
  mkdir -p layer/bin archive
  cp ${hello}/bin/hello layer/bin/
  chmod u+w layer/bin/hello
  tar -C layer --owner=0 --group=0 -cf archive/layer.tar bin
  digest=$(sha256sum archive/layer.tar | cut -d ' ' -f 1)
  cat > archive/config.json <<END
  {
    "architecture": "amd64",
    "os": "linux",
    "config": { "Entrypoint": ["/bin/hello"], "User": "65532:65532", "WorkingDir": "/" },
    "rootfs": { "type": "layers", "diff_ids": ["sha256:$digest"] }
  }
  END
  echo '[{"Config":"config.json","RepoTags":["hello:1.0.0"],"Layers":["layer.tar"]}]' \
    > archive/manifest.json
  tar -C archive -cf $out manifest.json config.json layer.tar
''
