# Run by bash in the Job's pod, after login.sh: the database to stdout, and at the end "sha256 <hex>" of it to stderr, by
# which the other side knows that all of it arrived: where a node goes away in the middle, the API server itself says
# "Success" (1.36 with kwok's kubelet killed, measured 2026-11).
mkfifo "$work/copy"
sha256sum <"$work/copy" >"$work/sum" &
mongodump "${login[@]}" --host="$MONGODB_HOST" --db="$MONGODB_DATABASE" --archive --gzip | tee "$work/copy"
wait $!
read -r sum _ <"$work/sum"
echo "sha256 $sum" >&2
