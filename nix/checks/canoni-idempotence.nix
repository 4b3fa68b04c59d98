# canoni(x) == x for an image that is canonical already, and canoni(canoni(x)) == canoni(x).
{ pkgs, tools, docker-image, ... }:
pkgs.runCommand "check-canoni-idempotence" { } ''
  ${tools.canoni}/bin/canoni --flatten --epoch 0 -o once.tar ${docker-image}
  ${tools.canoni}/bin/canoni --flatten --epoch 0 -o twice.tar once.tar
  cmp once.tar ${docker-image}
  cmp once.tar twice.tar
  touch $out
''
