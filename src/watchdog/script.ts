/**
 * What the Job runs: POSIX sh with kubectl and nothing else. Everything that comes from objects arrives in variables and
 * arguments and is only ever used in double quotes: no value is read as a program.
 *
 * Arguments: four for each object that returns traffic: resource, name, jsonpath of its way-back mark, JSON Patch.
 * Variables: NAMESPACE; STORE, the name of Lease and ConfigMap; STATE, the ConfigMap's uid; ROLLOUT, the value of the
 * way-back marks; AFTER and EVERY, seconds; LAST_NAME, LAST_MARK and LAST_PATCH, the last resort, empty when there is none;
 * CLOCK, a file that begins with seconds since some instant; HOME, a folder that can be written, for kubectl's cache and for
 * `sees`, which the readiness probe reads.
 *
 * Kubernetes expands `$(NAME)` and `$$` in commands: there is no `$$` here, and no variable has the name of a command.
 */
export const WATCHDOG_SCRIPT = `set -u
trap 'exit 143' TERM INT

say() { printf '%s\\n' "$*"; }

# Seconds that no clock correction changes. Nobody else's clock is ever looked at.
tick() {
  if { read -r up _ < "$CLOCK"; } 2>/dev/null; then clock=\${up%%.*}; else clock=$(date +%s); fi
}

kube() { kubectl --namespace "$NAMESPACE" --request-timeout=10s "$@"; }

# What only a living holder changes. Empty: there is no Lease.
look() {
  lease=$(kube get leases.v1.coordination.k8s.io "$STORE" --ignore-not-found \\
    -o 'jsonpath={.metadata.uid} {.spec.renewTime} {.spec.holderIdentity}') || return 1
  holder=\${lease#* } holder=\${holder#* }
  if [ -n "$holder" ]; then held=; fi
}

# 0: returned, or closed for good; 1: refused with its mark still on it; 2: no answer.
back() {
  if said=$(kube patch "$1" "$2" --type=json --field-manager=canary-rollout-watchdog -p "$4" 2>&1); then
    say "returned the traffic: $1 $2"
    return 0
  fi
  if ! mark=$(kube get "$1" "$2" --ignore-not-found -o "jsonpath=$3" 2>&1); then
    say "$1 $2: $said; $mark"
    case $mark in *'(Forbidden)'*) return 1 ;; *) return 2 ;; esac
  fi
  if [ "$mark" != "$ROLLOUT" ]; then
    say "left alone, its way back is closed: $1 $2"
    return 0
  fi
  say "refused: $1 $2: $said"
  return 1
}

# 0: nothing is left to do.
act() {
  missing=0 refused=0
  while [ $# -ge 4 ]; do
    back "$1" "$2" "$3" "$4"
    case $? in 1) refused=1 ;; 2) missing=1 ;; esac
    shift 4
  done
  if [ "$refused" -eq 0 ]; then return "$missing"; fi
  tries=$((tries + 1))
  if [ "$tries" -lt 3 ] || [ -z "$LAST_NAME" ]; then return 1; fi
  say "last resort: Service $LAST_NAME gets the selector of the stable one"
  back services "$LAST_NAME" "$LAST_MARK" "$LAST_PATCH"
}

# Nobody holds the Lease: 0 while the rollout may be left alone.
on_purpose() {
  case $hold in
    '') return 1 ;;
    *[!0-9]*) return 0 ;;
  esac
  if [ "$hold" != "$held" ]; then held=$hold since=$clock; fi
  [ $((clock - since)) -lt "$hold" ]
}

judge() {
  # A Lease that was renewed since the last look needs no second question.
  if [ "$silent" -eq 0 ] && [ -n "$holder" ]; then return; fi
  state=$(kube get configmaps "$STORE" --ignore-not-found -o 'jsonpath={.metadata.uid} {.data.hold}') || return
  if [ "\${state%% *}" != "$STATE" ]; then
    say 'the rollout is over'
    exit 0
  fi
  hold=\${state#* }
  if [ -z "$holder" ] && on_purpose; then return; fi
  if [ "$silent" -lt "$AFTER" ] || [ "$acted" = yes ]; then return; fi
  say "nobody has renewed the Lease for $silent s: returning the traffic"
  if act "$@"; then acted=yes; elif [ "$tries" -lt 6 ]; then pause=1; fi
}

known=unknown silent=0 before= acted=no tries=0 held= since=0
while :; do
  tick
  pause=$EVERY
  if look; then
    printf 'yes\\n' > "$HOME/sees"
    if [ "$lease" != "$known" ]; then
      known=$lease silent=0 acted=no tries=0
    elif [ -n "$before" ]; then
      # Only time in which the API server answered counts: without it nobody can renew anything.
      passed=$((clock - before))
      if [ "$passed" -gt 15 ]; then passed=15; fi
      silent=$((silent + passed))
    fi
    before=$clock
    judge "$@"
  else
    printf 'no\\n' > "$HOME/sees"
    before=
  fi
  sleep "$pause"
done
`;

/** Whether the Lease was seen at the last look, for the readiness probe. */
export const SEES_SCRIPT = 'read -r sees < "$HOME/sees" && [ "$sees" = yes ]';
