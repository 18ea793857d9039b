/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/hidden.h"

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

const char *const hidden_always[] = {
    "rump",             /* the kernel itself */
    "rumpkern_sysproxy" /* serves clients; nothing refers to it */
};
const size_t hidden_always_count = COUNT(hidden_always);

const struct hidden_need hidden_needs[] = {
    /* Sets up loopback addresses when the kernel boots, and panics without a protocol to do it with. */
    {"rumpnet_config", {"rumpnet_netinet", "rumpnet_netinet6", NULL}},
    /* Modules name the modules that they require; a missing one disables them, which nobody would notice. */
    {"rumpnet_bpfjit", {"rumpkern_sljit", NULL}},
};
const size_t hidden_needs_count = COUNT(hidden_needs);

const struct hidden_conflict hidden_conflicts[] = {
    /* Both are the Internet domain: TCP/IP of the kernel's own, or the host's sockets. */
    {"rumpnet_netinet", "rumpnet_sockin"},
    {"rumpnet_netinet6", "rumpnet_sockin"},
};
const size_t hidden_conflicts_count = COUNT(hidden_conflicts);
