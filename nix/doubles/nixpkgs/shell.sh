# The environment of `nix develop`: the shell's packages before the host's programs.
PATH=
for input in ${nativeBuildInputs:-}; do
  if [ -d "$input/bin" ]; then PATH=$PATH$input/bin:; fi
done
export PATH=$PATH$hostPath
