#!/usr/bin/env bash
# The main job on a small legacy project: scan, rewrite a copy, verify. Usage: docs/demo.sh [BIN]
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(cd "${1:-.venv/bin}" && pwd)
out=demo-out
rm -rf "$out"
mkdir "$out"
cp -r fixtures/projects/warehouse "$out/old"
cp -r fixtures/projects/warehouse "$out/new"
cd "$out"

step() {
  printf '\n$ rlmigrate %s\n' "$*"
  "$bin/rlmigrate" "$@"
}

step scan old --exit-zero
step rewrite new --write --allow-dirty --report rewrite.md || [ $? -eq 1 ]
step verify old new --html parity.html

if "$bin/python" -c 'import ray.rllib' 2>/dev/null; then
  printf '\n$ python -m warehouse.train --env picking   # the rewritten project, on Ray\n'
  (cd new && "$bin/python" -W ignore -m warehouse.train --env picking --iterations 1 2>/dev/null)
else
  printf '\nRay is not installed: the rewritten project was verified, not trained.\n'
fi
printf '\nThe rewritten project is in %s/new, the reports are %s/rewrite.md and %s/parity.html.\n' \
  "$out" "$out" "$out"
