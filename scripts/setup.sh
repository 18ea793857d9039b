# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What ./quickstart and ./runtests share: packages, and a build in build/. Sourced with `top` set.

jobs=$(nproc)
# Where Debian keeps mke2fs, e2fsck and nginx; an ordinary user's path may lack them.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# wanted_packages PURPOSE...: the packages of scripts/packages for these purposes
wanted_packages() {
	awk -F '\t' -v purposes=" $* " '!/^#/ && index(purposes, " " $1 " ") && !seen[$2]++ {print $2}' "$top/scripts/packages"
}

# package_reason PACKAGE PURPOSE...: why it is wanted for the first of these purposes that wants it
package_reason() {
	local package=$1
	shift
	awk -F '\t' -v purposes=" $* " -v package="$package" \
		'$2 == package && index(purposes, " " $1 " ") {print $3; exit}' "$top/scripts/packages"
}

is_installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages yes|no PURPOSE...: installs what is missing with one apt-get, or says what is missing and fails
install_packages() {
	local allowed=$1 package missing=()
	shift
	command -v dpkg-query >/dev/null || die "this is not Debian: install the packages named in scripts/packages, then build as CONTRIBUTING.md tells"
	for package in $(wanted_packages "$@"); do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "These Debian packages are needed and not installed:"
	for package in "${missing[@]}"; do
		printf '  %-20s %s\n' "$package" "$(package_reason "$package" "$@")"
	done
	[ "$allowed" = yes ] || die "--no-install was given; install them with: apt-get install ${missing[*]}"
	local as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "not root and no sudo here; as root: apt-get install ${missing[*]}"
		as_root=(sudo)
	fi
	say "Installing them with apt-get ..."
	mkdir -p "$top/build"
	if ! "${as_root[@]}" sh -c 'export DEBIAN_FRONTEND=noninteractive
		# Servers among the programs under test are not to be started by their installation.
		policy=/usr/sbin/policy-rc.d
		if [ ! -e $policy ]; then
			printf "#!/bin/sh\nexit 101\n" > $policy && chmod 755 $policy
			trap "rm -f $policy" EXIT
		fi
		apt-get -q update && apt-get -q install -y --no-install-recommends "$@"' sh "${missing[@]}" \
		>"$top/build/apt-get.log" 2>&1; then
		tail -n 20 "$top/build/apt-get.log" >&2
		die "apt-get failed; the whole of its output is in build/apt-get.log"
	fi
}

# logged LOG COMMAND...: runs it with its output in LOG, and shows the end of that when it fails
logged() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		return 1
	fi
}

make_configure() {
	if [ -x "$top/configure" ] && [ -z "$(find "$top" -maxdepth 2 \( -name '*.ac' -o -name '*.am' \) -newer "$top/configure" -print -quit)" ]; then
		return 0
	fi
	(cd "$top" && logged "$top/build/autoreconf.log" autoreconf -fi)
}

# What configure finds depends on, besides its arguments: the packages that are installed.
surroundings() {
	# shellcheck disable=SC2046 # names of packages
	dpkg-query -W -f='${Package} ${Version} ${db:Status-Status}\n' \
		$(awk -F '\t' '!/^#/ {print $2}' "$top/scripts/packages" | sort -u) 2>/dev/null
}

# build_in DIRECTORY [CONFIGURE ARGUMENT...]
build_in() {
	local directory=$1 wanted
	shift
	mkdir -p "$directory"
	make_configure || return 1
	wanted=$(printf '%s\n' "$*" && surroundings)
	(
		cd "$directory" || exit 1
		if [ ! -f config.status ] || [ "$(cat configure.wanted 2>/dev/null)" != "$wanted" ]; then
			rm -f config.status
			logged configure.log "$top/configure" -q "$@" || exit 1
			printf '%s\n' "$wanted" >configure.wanted
		fi
		logged make.log make -s -j"$jobs"
	)
}
