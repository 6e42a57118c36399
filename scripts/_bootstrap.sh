# Shared by the scripts beside it (sourced, never run): finds or fetches uv and Python, makes environments.
#
#   flex_ready_env DIR LOCK...   an environment in DIR with what the LOCK files hold; sets PYTHON
#
# Nothing outside the checkout is changed but the cache folder, which a second checkout shares.

PYTHON_WANTED=">=3.14.2,<3.15"  # the locks hold what has wheels for 3.14
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${FLEX_READY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flex-ready}

# Company networks and mirrors have their own certificate authority, which uv's built-in list lacks.
# UV_NATIVE_TLS is what uv before 0.11 called it.
export UV_SYSTEM_CERTS=1
case "$(uv --version 2>/dev/null)" in "uv 0."[0-9].* | "uv 0.10."*) export UV_NATIVE_TLS=1 ;; esac

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $1"
  shift
  for line in "$@"; do say "       $line"; done
  exit 1
}

# The first of: uv on PATH, uv fetched earlier, uv by pip into an environment of its own. Sets UV.
_ensure_uv() {
  UV=$(command -v uv || true)
  [ -n "$UV" ] && return
  UV=$CACHE/uv/bin/uv
  [ -x "$UV" ] && return
  local python
  python=$(command -v python3 || true)
  [ -n "$python" ] || fail "neither uv nor python3 is on this machine" "install either of them, then run this again"
  say "fetching uv (once)"
  mkdir -p "$CACHE"
  local work
  work=$(mktemp -d "$CACHE/uv.XXXXXX")
  # A minimal Debian has python3 without venv, and may have pip all the same.
  if "$python" -m venv "$work" >/dev/null 2>&1; then
    "$work/bin/python" -m pip install --quiet --disable-pip-version-check uv >&2 || true
  else
    "$python" -m pip install --quiet --disable-pip-version-check --target "$work" uv >&2 || true
  fi
  [ -x "$work/bin/uv" ] || fail "uv could not be fetched with pip" "install uv (or python3-venv), then run this again"
  # The files in bin name the folder they were made in: only the program itself moves.
  mkdir -p "$CACHE/uv/bin"
  cp "$work/bin/uv" "$UV.part.$$" && mv "$UV.part.$$" "$UV"
  rm -rf "$work"
}

# The first of: a Python on this machine, the one uv downloads, Debian's packages unpacked. Sets BASE_PYTHON.
_ensure_python() {
  local unpacked=$CACHE/debian-python
  BASE_PYTHON=$("$UV" python find --no-project --system "$PYTHON_WANTED" 2>/dev/null || true)
  [ -n "$BASE_PYTHON" ] && return
  BASE_PYTHON=$unpacked/usr/bin/python3.14
  [ -x "$BASE_PYTHON" ] && return
  say "fetching Python 3.14 (once)"
  if UV_HTTP_RETRIES=1 "$UV" python install --quiet --no-bin 3.14 2>/dev/null; then
    BASE_PYTHON=$("$UV" python find --no-project --system "$PYTHON_WANTED" 2>/dev/null || true)
    [ -n "$BASE_PYTHON" ] && return
    BASE_PYTHON=$unpacked/usr/bin/python3.14
  fi
  # shellcheck source=scripts/_debian_python.sh
  . "$ROOT/scripts/_debian_python.sh"
  debian_python "$unpacked" && [ -x "$BASE_PYTHON" ] && return
  fail "no Python $PYTHON_WANTED, and none could be fetched" \
    "tried: this machine, uv's own download, the packages of a newer Debian" \
    "install Python 3.14.2 or newer by any means, then run this again"
}

# flex_ready_env DIR LOCK...: makes DIR hold exactly what the locks say, or leaves it if it already does.
flex_ready_env() {
  local dir=$1
  shift
  local stamp want
  stamp=$dir/.locks
  want=$(cat "$@" | cksum)
  PYTHON=$dir/bin/python
  if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && "$PYTHON" -c '' 2>/dev/null; then return; fi
  _ensure_uv
  _ensure_python
  "$UV" venv --quiet --clear --no-project --python "$BASE_PYTHON" "$dir"
  local args=() lock
  for lock in "$@"; do args+=(--requirements "$lock"); done
  # Locks are whole: --no-deps keeps what they do not name out, and two locks out of each other's way.
  "$UV" pip install --quiet --python "$PYTHON" --require-hashes --no-deps "${args[@]}" ||
    fail "the packages could not be installed" "is a package index reachable from here?"
  printf '%s' "$want" >"$stamp"
}
