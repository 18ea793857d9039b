/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A component's file does not say where the symbols that it uses come from. When nothing defines them, a
 * table tells where NetBSD's kernel has some: for each component that others use, enough symbols that each
 * user of it is known to use one of them.
 */
#include "config.h"
#include "rump_server/missing.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *component;
	const char *symbols[6]; /* as many as there are, then NULL */
} homes[] = {
    {"rumpvfs",
	{"rumpns_vn_lock", "rumpns_vdevgone", "rumpns_biodone", "rumpns_do_sys_sync", "rumpns_minphys"}},
    {"rumpnet", {"rumpns_m_freem", "rumpns_solockretry", "rumpns_domain_attach", "rumpns_m_adj"}},
    {"rumpdev", {"rumpns_pmf_device_register1", "rumpns_config_detach", "rumpns_config_init_component",
		    "rump_pdev_add"}},
    {"rumpnet_net", {"rumpns_if_clone_attach", "rumpns_if_up", "rumpns_ifpromisc", "rumpns_rtrequest",
			"rumpns_if_percpuq_enqueue"}},
    {"rumpdev_disk", {"rumpns_getdisksize", "rumpns_disk_attach", "rumpns_getdiskinfo"}},
    {"rumpdev_usb", {"rumpns_usbd_transfer", "rumpns_usb_transfer_complete"}},
    {"rumpkern_crypto", {"rumpns_BF_set_key", "rumpns_des_ecb_encrypt"}},
    {"rumpkern_tty", {"rumpns_ttychars", "rumpns_pty_isfree"}},
    {"rumpfs_ffs", {"rumpns_ufs_vget"}},
    {"rumpfs_nfs", {"rumpns_nfs_init"}},
    {"rumpvfs_layerfs", {"rumpns_layerfs_init"}},
    {"rumpdev_putter", {"rumpns_putter_detach"}},
    {"rumpdev_bpf", {"rumpns_bpfjit_module_ops", "rumpns_bpf_set_cop"}},
    {"rumpdev_audio", {"rumpns_audio_attach_mi"}},
    {"rumpdev_scsipi", {"rumpns_scsipi_done"}},
    {"rumpdev_netsmb", {"rumpns_smb_share_lock"}},
    {"rumpnet_netbt", {"rumpns_hci_attach_pcb"}},
    {"rumpnet_local", {"rumpns_unp_connect2"}},
    {"rumpkern_sljit", {"rumpns_sljit_create_compiler"}},
    {"rumpkern_z", {"rumpns_inflate"}},
};

/* How many symbols the first one's user lacks. */
static size_t
lacked(const struct solver_missing *missing, size_t count)
{
	size_t n = 0;

	while (n < count && missing[n].user == missing[0].user)
		n++;
	return n;
}

static bool
uses_one_of(const struct solver_missing *missing, size_t count, const char *const *symbols)
{
	for (; *symbols != NULL; symbols++) {
		for (size_t i = 0; i < count; i++) {
			if (strcmp(missing[i].symbol, *symbols) == 0)
				return true;
		}
	}
	return false;
}

void
missing_components(
    struct catalog *catalog, const struct solver_missing *missing, size_t count, char *names, size_t size)
{
	struct complaint ignored;
	size_t used = 0;

	names[0] = '\0';
	count = lacked(missing, count);
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]) && used < size; i++) {
		if (uses_one_of(missing, count, homes[i].symbols) &&
		    catalog_find(catalog, homes[i].component, &ignored) == NULL)
			used += (size_t)snprintf(
			    names + used, size - used, "%s%s", used == 0 ? "" : ", ", homes[i].component);
	}
}

/* Whether the loader will refuse the first one's user: what is bound when it is loaded is not there. */
static bool
stops_loading(const struct solver_missing *missing, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (missing[i].use == ELF_USE_DATA)
			return true;
	}
	return false;
}

int
missing_check(struct catalog *catalog, const struct solution *solution, struct complaint *complaint)
{
	char names[256], where[512];
	size_t count;

	for (size_t i = 0; i < solution->nmissing; i += count) {
		const struct solver_missing *missing = &solution->missing[i];

		count = lacked(missing, solution->nmissing - i);
		if (!stops_loading(missing, count))
			continue;
		missing_components(catalog, missing, count, names, sizeof(names));
		/* The loader may know better where symbols are that the table does not have. */
		if (names[0] == '\0')
			continue;
		catalog_directories(catalog, where, sizeof(where));
		return complain(complaint, "%s cannot be loaded: it needs %s, which %s not there: not in %s",
		    missing->user->name, names, strchr(names, ',') == NULL ? "is" : "are", where);
	}
	return 0;
}

void
missing_warn(struct catalog *catalog, const struct solution *solution)
{
	char names[256], more[32];
	size_t count;

	for (size_t i = 0; i < solution->nmissing; i += count) {
		const struct solver_missing *missing = &solution->missing[i];

		count = lacked(missing, solution->nmissing - i);
		missing_components(catalog, missing, count, names, sizeof(names));
		snprintf(more, sizeof(more), " and %zu more", count - 1);
		warnx("warning: %s uses %s%s, which nothing defines%s%s", missing->user->name,
		    missing->symbol, count > 1 ? more : "", names[0] != '\0' ? "; not there: " : "", names);
	}
}
