# Run by bash in the Job's pod, after login.sh: $1 bytes of stdin into the database. `head` ends the input, since the API
# server's older protocol can't close it. The last line tells that all is in: where a node goes away in the middle, the
# API server itself says "Success" (1.36 with kwok's kubelet killed, measured 2026-11).
head -c "$1" |
  mongorestore "${login[@]}" --host="$MONGODB_HOST" --nsInclude="$MONGODB_DATABASE.*" --archive --gzip --drop --stopOnError
echo "all is in" >&2
