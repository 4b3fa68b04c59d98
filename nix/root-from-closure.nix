# rootFromClosure PACKAGES: a root directory with the files of these packages as links into
# /nix/store, and in /nix/store they and everything that they need. Where two packages have a file
# of one name, the first one's counts.
{ pkgs, lib, ... }:
packages:
let
  list = lib.toList packages;
in
pkgs.runCommand "root"
  {
    # Nix writes what each package refers to into a file (Nix manual, "exportReferencesGraph").
    exportReferencesGraph = lib.concatLists (
      lib.imap0 (index: package: [
        "closure-${toString index}"
        package
      ]) list
    );
    packages = list;
  }
  ''
    mkdir -p $out/nix/store
    # Records of a path, its deriver, the number of its references and these; only paths have the
    # store in front, and a reference is a path of the closure.
    cat closure-* | grep '^/nix/store/[^/]*$' | grep -v '\.drv$' | sort -u > paths
    while read -r path; do
      cp -a "$path" $out/nix/store/
    done < paths
    for package in $packages; do
      if [ ! -d "$package" ]; then
        echo "copyToRoot: $package is not a directory" >&2
        exit 1
      fi
      cp -rsn --no-preserve=mode "$package/." $out/
    done
    chmod -R u+w $out
  ''
