# Before dump.sh and restore.sh: `login` is what their program takes to be let in. The password goes from the mounted file
# into one of our own, in memory, and into no argument.
set -eu -o pipefail
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
login=()
if [ -n "${PASSWORD_FILE:-}" ]; then
  quote="'"
  password=$(cat "$PASSWORD_FILE")
  printf "password: '%s'\n" "${password//$quote/$quote$quote}" >"$work/login"
  login=(--config="$work/login" --username="$MONGODB_USER" --authenticationDatabase=admin)
fi
