#!/bin/sh
# The two steps of Containerfile, for any bare Debian or Ubuntu:
#   container.sh build            from a source tree to its .deb in build-package/packages
#   container.sh install FILE     the .deb and what it depends on; scripts/package_check.sh runs the same in a bare root
set -eu
export DEBIAN_FRONTEND=noninteractive
apt_get() {
  apt-get -qq -o Acquire::Retries=3 "$@"
}
case ${1:-} in
  build)
    cd "$(dirname "$0")/.."
    apt_get update
    apt_get -y --no-install-recommends install make
    MASCING_YES=1 make package
    ;;
  install)
    apt_get update
    apt_get -y --no-install-recommends install "$2" ca-certificates
    rm -rf /var/lib/apt/lists/* "$2"
    ;;
  *)
    echo "usage: container.sh build | install FILE" >&2
    exit 2
    ;;
esac
