#!/bin/sh
# Installs a list of packages into a virtual environment: install.sh PYTHON LIST
#
# By uv, which unpacks and compiles with every core and takes a third of pip's time; by pip where uv does not come, does
# not reach the packages, or pip was told to take them from somewhere else alone.
set -u
python=$1 list=$2
UV=uv==0.13.9

by_uv() {
  [ -z "${PIP_NO_INDEX:-}" ] || return 1
  index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null)}
  "$python" -m pip install --quiet --disable-pip-version-check "$UV" 2>/dev/null || return 1
  ${index:+env UV_DEFAULT_INDEX="$index"} \
    "$python" -m uv pip install --python "$python" --no-deps --compile-bytecode --requirement "$list" && return
  echo "uv could not install them (see above): pip tries, which takes longer."
  return 1
}

by_pip() {
  "$python" -m pip install --no-deps --no-compile --disable-pip-version-check --requirement "$list" || return
  "$python" -m compileall -qq -j 0 "$(dirname "$python")/../lib" || true # some packages hold files of other Pythons
}

by_uv || by_pip
