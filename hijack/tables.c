/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/tables.h"

#include <errno.h>
#include <sys/syscall.h>

#include "hijack/code.h"
#include "hijack/gate.h"
#include "hijack/report.h"
#include "hijack/scanner.h"

#define SMALL (1UL << 17) /* a text that is looked through as fast as a table of it is read */

#define NOT_OPENED (-4096) /* no errno */

void
hijack_tables_open(struct hijack_tables *tables, char *const *environment)
{
	*tables = (struct hijack_tables){.environment = environment, .store = NOT_OPENED};
	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++)
		tables->cache[rank] = NOT_OPENED;
}

/* A directory's descriptor, opened when it is first needed. */
static int
cache_to_read(struct hijack_tables *tables, unsigned int rank)
{
	if (tables->cache[rank] == NOT_OPENED)
		tables->cache[rank] = hijack_cache_open(tables->environment, rank, false);
	return tables->cache[rank];
}

static int
cache_to_write(struct hijack_tables *tables)
{
	for (unsigned int rank = 0; tables->store < 0 && rank < HIJACK_CACHES; rank++)
		tables->store = hijack_cache_open(tables->environment, rank, true);
	return tables->store;
}

int
hijack_tables_load(
    struct hijack_tables *tables, const struct hijack_object *object, struct hijack_sites *sites)
{
	int result = -ENOENT;

	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++) {
		int directory = cache_to_read(tables, rank);
		int error = directory >= 0 ? hijack_cache_load(directory, object, sites) : -ENOENT;

		if (error == 0)
			return 0;
		if (error != -ENOENT)
			result = error;
	}
	return result;
}

void
hijack_tables_close(const struct hijack_tables *tables)
{
	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++) {
		if (tables->cache[rank] >= 0)
			(void)hijack_own(SYS_close, tables->cache[rank], 0, 0, 0, 0, 0);
	}
	if (tables->store >= 0)
		(void)hijack_own(SYS_close, tables->store, 0, 0, 0, 0, 0);
}

static int
scan(struct hijack_tables *tables, const struct hijack_object *object, struct hijack_sites *sites)
{
	int error = 0, store = cache_to_write(tables);

	if (!object->rewritten && !hijack_code_suspect(object->text, object->text_size)) {
		*sites = (struct hijack_sites){0};
	} else if (object->rewritten || store >= 0) {
		error = hijack_scanner_run(object, sites);
		tables->scanned = true;
	} else {
		/* There would be a scan at each start. */
		*sites = (struct hijack_sites){.left = 1};
	}
	if (error != 0)
		return error;
	error = store >= 0 ? hijack_cache_store(store, object, sites) : store;
	if (error != 0 && hijack_verbose)
		hijack_report("%s: table not cached, errno %d", object->name, -error);
	return 0;
}

int
hijack_tables_find(
    struct hijack_tables *tables, const struct hijack_object *object, struct hijack_sites *sites)
{
	int error;

	if (!object->rewritten && object->text_size <= SMALL &&
	    !hijack_code_suspect(object->text, object->text_size))
		return 0;
	error = hijack_tables_load(tables, object, sites);
	if (error == 0)
		return 0;
	if (hijack_verbose)
		hijack_report(
		    "%s: %s", object->name, error == -ESTALE ? "cached table not usable" : "no cached table");
	return scan(tables, object, sites);
}
