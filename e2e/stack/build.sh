#!/usr/bin/env bash
# Builds the pinned components of the end-to-end stack from the Go module proxy, into a cache outside the repository:
# ~/.cache/canary-rollout-stack/bin, or $CANARY_STACK_BIN.
#
#   build.sh                  tier 1: what the stack needs, 12 minutes on two cores with empty caches
#   build.sh rivals           Flagger and Argo Rollouts, for npm run bench:rivals: 4 minutes more
#   build.sh tools            actionlint and act
#   build.sh kwok             one component
#
# A component is skipped while its stamp (a hash of its pin and its build function) is current.
set -euo pipefail

# --- pins -------------------------------------------------------------------
declare -A PIN=(
  [kubernetes]=1.36.3 # apiserver, controller-manager, scheduler, kubectl
  [etcd]=3.6.14        # Debian's 3.4 lacks what watch-lists and consistent cached reads need
  [gatewayapi]=1.5.1  # CRDs only; the version Traefik's conformance report is for
  [kwok]=0.8.0
  [traefik]=3.7.10
  [flagger]=1.44.0
  [argo]=1.9.1
  [actionlint]=1.7.12
  [act]=0.2.89
)
TIER1=(etcd kubernetes gatewayapi kwok traefik)
RIVALS=(flagger argo)
TOOLS=(actionlint act)

BIN=${CANARY_STACK_BIN:-$HOME/.cache/canary-rollout-stack/bin}
MANIFESTS=$BIN/manifests # CRDs and stages copied out of the modules
STAMPS=$BIN/.stamps
mkdir -p "$BIN" "$MANIFESTS" "$STAMPS"
BIN=$(cd "$BIN" && pwd)
MANIFESTS=$BIN/manifests STAMPS=$BIN/.stamps

export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=
unset GOBIN

# --- helpers ----------------------------------------------------------------
module_dir() { go mod download -json "$1" | jq -r .Dir; }

manifests() { # manifests NAME FILE...: replaces manifests/NAME with copies of the files
  local dir=$MANIFESTS/$1
  rm -rf "$dir"
  mkdir -p "$dir"
  cp "${@:2}" "$dir/"
  chmod u+w "$dir"/*
}

install_go() { # for modules without replace directives
  GOBIN=$BIN go install -trimpath -ldflags='-s -w' "$1"
}

copy_sources() { # for modules whose replaces have versions: a copy keeps their own go.sum
  cp -r "$1"/. .
  chmod -R u+w .
  rm -f go.work*
}

# --- components -------------------------------------------------------------
# Its go.mod replaces sibling modules by folders, which a module that only requires it does not see.
build_etcd() {
  go mod init tools/etcd
  go get -tool "go.etcd.io/etcd/server/v3@v$1"
  go build -trimpath -ldflags='-s -w' -o "$BIN/etcd" go.etcd.io/etcd/server/v3
}

# Kubernetes requires its staging modules as v0.0.0 and replaces them by folders that are not in
# the module zip, so a small module of our own replaces them by the published tags.
# The version must be stamped: clients refuse to parse the default.
build_kubernetes() {
  local version=$1 staging=0.${1#*.} source module
  source=$(module_dir "k8s.io/kubernetes@v$version")
  go mod init tools/kubernetes
  go mod edit -go=1.26.0
  for module in $(awk '$1 ~ /^k8s\.io\// && $2 == "v0.0.0" { print $1 }' "$source/go.mod") \
    k8s.io/sample-cli-plugin k8s.io/sample-controller; do
    go mod edit -replace "$module=$module@v$staging"
  done
  local commands=(kube-apiserver kube-controller-manager kube-scheduler kubectl) command package
  for command in "${commands[@]}"; do
    go get -tool "k8s.io/kubernetes/cmd/$command@v$version"
  done
  local flags="-s -w" minor=${version#*.}
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*} -X $package.gitMinor=${minor%%.*}"
    flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=$(printf '0%.0s' {1..40})"
    flags+=" -X $package.buildDate=2026-01-01T00:00:00Z"
  done
  for command in "${commands[@]}"; do
    go build -trimpath -ldflags "$flags" -o "$BIN/$command" "k8s.io/kubernetes/cmd/$command"
  done
}

build_gatewayapi() {
  local source
  source=$(module_dir "sigs.k8s.io/gateway-api@v$1")
  manifests gatewayapi "$source"/config/crd/standard/gateway.networking.k8s.io_*.yaml
}

build_kwok() {
  local source
  install_go "sigs.k8s.io/kwok/cmd/kwok@v$1"
  source=$(module_dir "sigs.k8s.io/kwok@v$1")/kustomize/stage
  manifests kwok "$source"/node/fast/node-initialize.yaml \
    "$source"/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml
}

# A copy of the sources keeps Traefik's own go.mod and go.sum. One nested module that it replaces by a
# folder is missing from the zip; two empty types stand in for it.
build_traefik() {
  local module=github.com/traefik/traefik/v3 source ext=pkg/config/dynamic/ext
  source=$(module_dir "$module@v$1")
  copy_sources "$source"
  mkdir -p "$ext"
  printf 'module github.com/traefik/traefik/dynamic/ext\n\ngo 1.26.0\n' >"$ext/go.mod"
  printf 'package ext\n\n// HTTP is empty.\ntype HTTP struct{}\n\n// Router is empty.\ntype Router struct{}\n' >"$ext/ext.go"
  GOFLAGS=-mod=mod go build -trimpath -ldflags "-s -w -X $module/pkg/version.Version=$1" -o "$BIN/traefik" ./cmd/traefik
  manifests traefik "$source"/docs/content/reference/dynamic-configuration/traefik.io_*.yaml
}

build_flagger() {
  install_go "github.com/fluxcd/flagger/cmd/flagger@v$1"
  manifests flagger "$(module_dir "github.com/fluxcd/flagger@v$1")/artifacts/flagger/crd.yaml"
}

build_argo() {
  local source
  source=$(module_dir "github.com/argoproj/argo-rollouts@v$1")
  copy_sources "$source"
  GOFLAGS=-mod=mod go build -trimpath -ldflags='-s -w' -o "$BIN/rollouts-controller" ./cmd/rollouts-controller
  manifests argo "$source"/manifests/crds/*-crd.yaml
}

build_actionlint() { install_go "github.com/rhysd/actionlint/cmd/actionlint@v$1"; }
build_act() { install_go "github.com/nektos/act@v$1"; }

# --- Debian packages --------------------------------------------------------
# Its service is stopped: the stack starts its own Prometheus.
ensure_packages() {
  local missing=()
  command -v prometheus >/dev/null || missing+=(prometheus)
  command -v jq >/dev/null || missing+=(jq)
  command -v ip >/dev/null || missing+=(iproute2)
  command -v unshare >/dev/null || missing+=(util-linux)
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || { echo "install these first: ${missing[*]}" >&2; exit 1; }
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  # A fresh image has no package lists; old lists name versions that mirrors no longer hold.
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; then
    "${sudo[@]}" apt-get update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  fi
  if [ -d /run/systemd/system ]; then
    "${sudo[@]}" systemctl disable --now prometheus || true
  fi
}

# --- main -------------------------------------------------------------------
stamp_of() { { echo "${PIN[$1]}"; declare -f "build_$1" manifests install_go copy_sources; } | sha256sum | cut -d' ' -f1; }

build() {
  local name=$1 stamp started work
  stamp=$(stamp_of "$name")
  if [ "$(cat "$STAMPS/$name" 2>/dev/null)" = "$stamp" ]; then
    echo "$name ${PIN[$name]}: current"
    return
  fi
  command -v go >/dev/null || { echo "Go 1.26 is needed to build $name" >&2; exit 1; }
  echo "$name ${PIN[$name]}: building"
  started=$SECONDS
  work=$(mktemp -d)
  # A subshell of its own process: `set -e` holds in it and its folder goes away with it.
  (
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    cd "$work"
    "build_$name" "${PIN[$name]}"
  )
  echo "$stamp" >"$STAMPS/$name"
  echo "$name ${PIN[$name]}: built in $((SECONDS - started)) s"
}

main() {
  local argument wanted=()
  (($#)) || set -- tier1
  for argument in "$@"; do
    case $argument in
      tier1) wanted+=("${TIER1[@]}") ;;
      rivals) wanted+=("${RIVALS[@]}") ;;
      tools) wanted+=("${TOOLS[@]}") ;;
      *)
        [ -n "${PIN[$argument]:-}" ] || { echo "unknown component: $argument (known: tier1 rivals tools ${!PIN[*]})" >&2; exit 2; }
        wanted+=("$argument")
        ;;
    esac
  done
  ensure_packages
  for argument in "${wanted[@]}"; do build "$argument"; done
}

main "$@"
