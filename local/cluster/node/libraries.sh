#!/bin/bash
# Copy programs and every library that they load from one root file system to another.
#
#   libraries.sh FROM TO PROGRAM...
#
# The plug-ins of iptables are asked too: libxt_statistic.so alone needs libm, without which iptables-restore refuses
# the rules of any Service with two endpoints.
set -euo pipefail
from=$1 to=$2
shift 2
list='plugins=$(echo /usr/lib/*-linux-gnu/xtables/*.so); printf "%s\n" $plugins "$@"
  ldd $plugins "$@" 2>/dev/null | grep -o "/lib[^ :]*"'
chroot "$from" bash -c "$list" bash "$@" | sort -u | while read -r file; do
  mkdir -p "$to$(dirname "$file")"
  cp -L "$from$file" "$to$file"
done
