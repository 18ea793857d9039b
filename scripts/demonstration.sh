# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What ./quickstart shows, once the build is there. Sourced with `top`, `build` and `keep` set.

server=$build/rump_server/rump_server
run=$build/tools/rump_run
halt=$build/tools/rump_halt

agreed=0 differed=0

# milliseconds: the clock, for the account's times
milliseconds() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

# make_tree: the documentation installed on this machine, as much of it as fits a small image
make_tree() {
	local package packages=() size=0 limit=$((48 * 1024)) kib
	mkdir "$work/tree"
	while read -r kib package; do
		[ -d "$package" ] && [ ! -L "$package" ] && [ $((size + kib)) -le $limit ] || continue
		size=$((size + kib))
		packages+=("$package")
	done < <(du -sk /usr/share/doc/* 2>/dev/null)
	[ "$size" -gt 0 ] || packages=("$top/man" "$top/tests")
	cp -a --no-preserve=ownership "${packages[@]}" "$work/tree/" || return 1
	image_mib=$((size / 1024 * 3 + 64))
}

make_image() {
	truncate -s "${image_mib}M" "$work/image" &&
		mke2fs -q -F -t ext4 -d "$work/tree" "$work/image"
}

start_server() {
	export RUMP_SERVER=unix://$work/control
	"$server" -lrumpvfs -lrumpfs_ext2fs -lrumpnet -lrumpnet_sockin \
		-d key=/dev/image,hostpath="$work/image",size=host --mount ext2fs,/dev/image,/mnt "$RUMP_SERVER"
}

stop_server() {
	[ -S "$work/control" ] && "$halt"
}

clean_up() {
	local background
	for background in $(jobs -p); do
		kill "$background" 2>/dev/null
	done
	stop_server 2>/dev/null
	if [ "$keep" = yes ]; then
		say "Left in $work"
	else
		rm -rf "$work"
	fi
}

prepare() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/rumpkit.XXXXXX") || exit 1
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	say "Making an ext4 image of the documentation installed here ..."
	make_tree || die "copying /usr/share/doc failed"
	make_image || die "mke2fs failed"
	start_server || die "rump_server did not start"
	say "A rump kernel serves it, in an ordinary process: nothing is mounted, no module is loaded, root is not needed."
}

# compare NAME SCRIPT: runs a shell script on the host's tree and on the image in the rump kernel, and compares
# output, messages and exit status. The script runs in the tree; $SCRATCH is a fresh directory of that side.
compare() {
	local name=$1 script=$2 begin host_ms rump_ms host_status rump_status
	mkdir -p "$work/scratch"
	begin=$(milliseconds)
	(cd "$work/tree" && SCRATCH=$work/scratch bash -c "$script") >"$work/host.out" 2>&1
	host_status=$?
	host_ms=$(($(milliseconds) - begin))
	begin=$(milliseconds)
	SCRATCH=/rump/scratch "$run" bash -c "mkdir -p /rump/scratch && cd /rump/mnt && { $script
}" >"$work/rump.out" 2>&1
	rump_status=$?
	rump_ms=$(($(milliseconds) - begin))
	sed -i "s#$work/scratch#SCRATCH#g" "$work/host.out"
	sed -i "s#/rump/scratch#SCRATCH#g" "$work/rump.out"
	if [ $host_status -eq $rump_status ] && cmp -s "$work/host.out" "$work/rump.out"; then
		agreed=$((agreed + 1))
		printf '  %-44s same, %6d lines  %6d ms  (host %d ms)\n' "$name" "$(wc -l <"$work/rump.out")" "$rump_ms" "$host_ms"
	else
		differed=$((differed + 1))
		printf '  %-44s DIFFERS (status %d here, %d on the host)\n' "$name" $rump_status $host_status
		diff "$work/host.out" "$work/rump.out" | head -n 6 | sed 's/^/      /'
	fi
}

# Sizes, link counts and block totals of directories are each file system's own affair.
list_tree='ls -lR --ignore=lost+found | awk "/^total/ {next} /^d/ {\$2 = \$5 = \"-\"} {print}"'

show_files() {
	say ""
	say "The same commands on the host's tree and on the image under /rump/mnt, outputs compared:"
	compare "ls -lR" "$list_tree"
	compare "find -type f | sort" 'find . -path ./lost+found -prune -o -type f -print | LC_ALL=C sort'
	compare "grep -ri copyright" 'grep -ri copyright . 2>&1 | LC_ALL=C sort'
	compare "cp -a, then diff -r" 'cp -a . "$SCRATCH/copy" && diff -r --exclude=lost+found . "$SCRATCH/copy" && echo equal'
	compare "tar | sha256sum" 'tar -c --sort=name --exclude=./lost+found --exclude-caches --mtime=@0 . | sha256sum'
	compare "gzip, gunzip -t, rm" 'cd "$SCRATCH/copy" && find . -type f -name copyright | head -50 | xargs gzip -k && find . -name copyright.gz | xargs gunzip -t && rm -r "$SCRATCH/copy" && ls "$SCRATCH"'
	compare "sqlite3: 10,000 rows, integrity_check" 'sqlite3 "$SCRATCH/db" "create table t(n integer primary key, s text);
		with recursive c(n) as (select 1 union all select n + 1 from c where n < 10000)
		insert into t select n, hex(n * n) from c; select count(*), sum(length(s)) from t; pragma integrity_check;"'
	compare "git: init, add, commit, fsck, gc" 'cd "$SCRATCH" && export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE=@1000000000Z GIT_COMMITTER_DATE=@1000000000Z &&
		git init -q -b main r && cd r && git config user.name n && git config user.email e && seq 1000 > f && mkdir d && cp f d/g &&
		git add . && git commit -qm one && echo x >> f && git commit -qam two && git log --oneline && git fsck && git gc -q && git status --short'
	compare "python3: os.walk, hashes, temporary files" 'python3 -c "
import hashlib, os, tempfile
total = hashlib.sha256()
for base, dirs, files in os.walk(\".\"):
    dirs.sort()
    for name in sorted(files):
        path = os.path.join(base, name)
        if not os.path.islink(path):
            total.update(open(path, \"rb\").read())
print(total.hexdigest())
with tempfile.TemporaryDirectory(dir=os.environ[\"SCRATCH\"]) as d:
    open(os.path.join(d, \"f\"), \"w\").write(\"hello\")
    print(os.listdir(d), os.stat(os.path.join(d, \"f\")).st_size)
"'
}

# show_sockets: a web server and its client, both with their sockets in the rump kernel
show_sockets() {
	local port pid tries=0 fetched
	say ""
	say "python3's http.server and curl, talking through the rump kernel's sockets:"
	: >"$work/http.log"
	"$run" bash -c 'cd /rump/mnt && exec python3 -u -m http.server --bind 127.0.0.1 0' >"$work/http.log" 2>&1 &
	pid=$!
	until port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\).*/\1/p' "$work/http.log") && [ -n "$port" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 100 ] || ! kill -0 $pid 2>/dev/null; then
			break
		fi
		sleep 0.1
	done
	local file
	file=$(cd "$work/tree" && find . -type f -size +8k | LC_ALL=C sort | head -n 1)
	fetched=$("$run" curl -s --max-time 20 "http://127.0.0.1:${port:-1}/${file#./}" | sha256sum)
	if [ -n "$port" ] && [ "$fetched" = "$(sha256sum <"$work/tree/$file")" ]; then
		agreed=$((agreed + 1))
		printf '  %-44s same, %6d bytes\n' "GET ${file#./}" "$(stat -c %s "$work/tree/$file")"
	else
		differed=$((differed + 1))
		printf '  %-44s DIFFERS\n' "GET ${file#./}"
		tail -n 5 "$work/http.log" | sed 's/^/      /'
	fi
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

check_image() {
	say ""
	if stop_server && e2fsck -fn "$work/image" >"$work/e2fsck.log" 2>&1; then
		say "The server was halted; e2fsck finds the image clean."
	else
		differed=$((differed + 1))
		say "After the halt e2fsck is NOT content with the image:"
		tail -n 5 "$work/e2fsck.log" | sed 's/^/      /'
	fi
}

demonstrate() {
	local begin=$SECONDS
	prepare
	show_files
	show_sockets
	check_image
	say ""
	say "$agreed of $((agreed + differed)) agree with the host; $((SECONDS - begin)) s in all."
	say ""
	say "What to try next:"
	say "  ./quickstart shell                       a shell that lives on both sides"
	say "  man -l man/rump_run.1                    run any program so"
	say "  man -l man/rump_server.1                 file systems, drives, networks to serve"
	say "  ./runtests                               all the tests"
	[ $differed -eq 0 ]
}

open_shell() {
	prepare
	say "The image is /rump/mnt; everything else is the host's. Leave with exit."
	"$run" "${SHELL:-/bin/bash}" -c 'cd /rump/mnt && exec "$0"' "${SHELL:-/bin/bash}"
	check_image
}
