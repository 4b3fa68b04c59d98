# The cargo workspace, as its manifests describe it.
{ lib, ... }:
let
  manifest = lib.importTOML ../Cargo.toml;

  # Relative paths of all packages: the patterns `name` and `name/*` are what the workspace uses.
  folders = lib.concatMap (
    pattern:
    if lib.hasSuffix "/*" pattern then
      let
        above = lib.removeSuffix "/*" pattern;
      in
      map (name: "${above}/${name}") (
        builtins.filter (name: builtins.pathExists (../. + "/${above}/${name}/Cargo.toml")) (
          builtins.attrNames (builtins.readDir (../. + "/${above}"))
        )
      )
    else
      [ pattern ]
  ) manifest.workspace.members;

  manifests = lib.genAttrs folders (folder: lib.importTOML (../. + "/${folder}/Cargo.toml"));

  folderOf = builtins.listToAttrs (
    map (folder: {
      inherit (manifests.${folder}.package) name;
      value = folder;
    }) folders
  );

  # The workspace's packages that one package needs to be compiled; not what its tests need.
  needs =
    folder:
    let
      own = manifests.${folder};
      names = builtins.attrNames ((own.dependencies or { }) // (own.build-dependencies or { }));
    in
    builtins.filter (name: folderOf ? ${name}) names;

  # The folders of packages and of everything in the workspace that they need.
  closure =
    packages:
    map (item: item.key) (
      builtins.genericClosure {
        startSet = map (name: { key = folderOf.${name}; }) packages;
        operator = item: map (name: { key = folderOf.${name}; }) (needs item.key);
      }
    );
in
{
  inherit closure folders manifests;
  inherit (manifest.workspace.package) version;
}
