# buildEif { image; ramdisks; }: the given ramdisks follow the image's own two, in order and byte
# for byte, and change PCR0 and PCR2 alone. The same ramdisks without the image give the same image.
{
  buildEif,
  pkgs,
  tools,
  ...
}:
let
  image = import ../examples/flake/image.nix pkgs;
  ramdisk =
    text:
    pkgs.runCommand "${text}.cpio" { nativeBuildInputs = [ pkgs.cpio ]; } ''
      echo ${text} > ${text}
      touch -d @0 ${text}
      echo ${text} | cpio --quiet --reproducible -o -H newc > $out
    '';
  first = ramdisk "first";
  second = ramdisk "second";

  alone = buildEif {
    inherit image;
    name = "enclave";
  };
  both = buildEif {
    inherit image;
    name = "enclave";
    ramdisks = [
      first
      second
    ];
  };
  swapped = buildEif {
    inherit image;
    name = "enclave";
    ramdisks = [
      second
      first
    ];
  };

  sections = pkgs.runCommand "sections" { } ''
    ${tools.eif-cli}/bin/eif extract ${both}/enclave.eif --output $out
  '';
  from-ramdisks = buildEif {
    name = "enclave";
    ramdisks = map (number: "${sections}/ramdisk-${toString number}") [
      1
      2
      3
      4
    ];
  };
in
pkgs.runCommand "check-build-eif" { } ''
  cmp ${sections}/ramdisk-3 ${first}
  cmp ${sections}/ramdisk-4 ${second}
  [ ! -e ${sections}/ramdisk-5 ]

  # What was computed without the image is what the image has.
  ${tools.eif-cli}/bin/eif verify ${both}/enclave.eif --expect ${both.pcrs} | tee $out

  pcr() {
    sed -n "s/.*\"PCR$2\": *\"\([0-9a-f]\{96\}\)\".*/\1/p" "$1" | grep .
  }
  differ() {
    if [ "$(pcr $1 $3)" = "$(pcr $2 $3)" ]; then
      echo "PCR$3 of $1 and $2 are the same" >&2
      exit 1
    fi
  }
  [ "$(pcr ${alone.pcrs} 1)" = "$(pcr ${both.pcrs} 1)" ]
  differ ${alone.pcrs} ${both.pcrs} 0
  differ ${alone.pcrs} ${both.pcrs} 2
  differ ${both.pcrs} ${swapped.pcrs} 2

  for number in 0 1 2; do
    [ "$(pcr ${both.pcrs} $number)" = "$(pcr ${from-ramdisks.pcrs} $number)" ]
  done
''
