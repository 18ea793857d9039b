#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The runner of tests, tested.

runner=$RUMPKIT_BUILDDIR/tests/support/run_test
count=0

# check NAME STATUS PATTERN COMMAND...: the runner's exit status and output, an empty pattern for no output
check() {
	name=$1 status=$2 pattern=$3
	shift 3
	count=$((count + 1))
	output=$("$runner" "$@" 2>&1)
	got=$?
	if [ "$got" -ne "$status" ]; then
		echo "not ok $count - $name"
		echo "# status $got instead of $status: $output"
	elif { [ -z "$pattern" ] && [ -n "$output" ]; } || ! printf '%s\n' "$output" | grep -Eq "$pattern"; then
		echo "not ok $count - $name"
		echo "# output: $output"
	else
		echo "ok $count - $name"
	fi
}

echo 1..10
check "a test that succeeds" 0 '' true
check "a test that fails keeps its status" 3 '' sh -c 'exit 3'
check "a test that dies of a signal" 137 'killed by signal 9' sh -c 'kill -9 $$'
check "a test that cannot be run" 127 'No such file' /nonexistent/test
check "the test's output comes through" 0 '^said$' echo said
RUMPKIT_TEST_SECONDS=1
export RUMPKIT_TEST_SECONDS
check "a test that hangs is ended, with its children" 1 'not done after 1 seconds' \
	sh -c 'sleep 100 & sleep 100'
unset RUMPKIT_TEST_SECONDS
check "a process left behind is ended and named" 1 'outlives the test: sleep 1234' \
	sh -c 'sleep 1234 </dev/null & exit 0'
check "one that detached too, with its open files" 1 'descriptor 7: /dev/zero' \
	sh -c '(setsid sleep 1235 </dev/null 7</dev/zero &); exit 0'
check "one that is about to end is waited for" 0 '' sh -c 'sleep 0.2 >/dev/null 2>&1 & exit 0'

# The directory exists while the test runs, and is gone after.
count=$((count + 1))
directory=$("$runner" sh -c 'mkdir "$TMPDIR/a" && echo x >"$TMPDIR/a/b" && chmod 500 "$TMPDIR/a" && echo "$TMPDIR"')
if [ -n "$directory" ] && [ ! -e "$directory" ]; then
	echo "ok $count - the temporary directory is private and removed"
else
	echo "not ok $count - the temporary directory is private and removed"
	echo "# directory: $directory"
fi
