# One static program, as a package.
pkgs:
pkgs.runCommand "hello" { nativeBuildInputs = [ pkgs.binutils ]; } ''
  as ${./hello.s} -o hello.o
  mkdir -p $out/bin
  ld --strip-all hello.o -o $out/bin/hello
''
