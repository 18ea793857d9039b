#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Signals end calls that sleep in the embedded kernel, or do not, as SA_RESTART says.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

client_of_embedded interrupts -lrumpvfs -lrumpnet -lrumpnet_local
