#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs every fuzz target that is built: a sample, or at length when RUMPKIT_TEST_ALL is set.

set -u
cd "$RUMPKIT_BUILDDIR" || exit 1
targets=$(find tests/fuzz -maxdepth 1 -name 'fuzz_*' -type f -perm -u+x 2>/dev/null | sort)
if [ -z "$targets" ]; then
	echo "1..0 # SKIP no fuzz target is built (configure --enable-fuzzers)"
	exit 0
fi
if [ -n "${RUMPKIT_TEST_ALL:-}" ]; then
	bound="-runs=1000000 -max_total_time=3600"
else
	bound="-runs=20000 -max_total_time=20"
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
number=0 bad=0
echo "1..$(echo "$targets" | wc -l)"
for target in $targets; do
	number=$((number + 1))
	name=${target##*/fuzz_}
	corpus=$RUMPKIT_SRCDIR/tests/fuzz/corpus/$name
	mkdir -p "$work/$name"
	# New inputs go to the first directory; the committed ones are only read.
	# shellcheck disable=SC2086
	if "$target" $bound -rss_limit_mb=4096 -timeout=25 -verbosity=1 -print_final_stats=1 \
		-artifact_prefix="$work/$name-" "$work/$name" $([ -d "$corpus" ] && echo "$corpus") >"$work/$name.log" 2>&1; then
		echo "ok $number - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log") inputs"
	else
		bad=$((bad + 1))
		echo "not ok $number - $name"
		tail -n 40 "$work/$name.log" | sed 's/^/# /'
		for artifact in "$work/$name"-*; do
			[ -f "$artifact" ] && echo "# input: $(base64 -w0 "$artifact")"
		done
	fi
done
exit $((bad > 0))
