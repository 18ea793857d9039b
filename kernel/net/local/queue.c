/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/net/local/local.h"

struct local_record *
local_record_alloc(size_t room)
{
	struct local_record *record = rumpk_alloc(sizeof(*record) + room);

	if (record == NULL)
		return NULL;
	memset(record, 0, sizeof(*record));
	record->room = room;
	return record;
}

void
local_record_free(struct local_record *record)
{
	if (record == NULL)
		return;
	for (uint32_t i = 0; i < record->nfiles; i++)
		rumpk_file_rele(record->files[i]);
	rumpk_free(record->files, RUMPK_FILES_MAX * sizeof(*record->files));
	rumpk_free(record, sizeof(*record) + record->room);
}

void
local_queue_append(struct local_queue *queue, struct local_record *record)
{
	record->next = NULL;
	if (queue->last != NULL)
		queue->last->next = record;
	else
		queue->first = record;
	queue->last = record;
	queue->bytes += record->len - record->offset;
	queue->records++;
}

struct local_record *
local_queue_pop(struct local_queue *queue)
{
	struct local_record *record = queue->first;

	queue->first = record->next;
	if (queue->first == NULL)
		queue->last = NULL;
	queue->bytes -= record->len - record->offset;
	queue->records--;
	record->next = NULL;
	return record;
}

bool
local_record_special(const struct local_record *record)
{
	return record->nfiles > 0 || record->cred != NULL;
}
