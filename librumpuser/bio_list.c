/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/bio.h"

void
bio_list_init(struct bio_list *list)
{
	list->first = NULL;
	list->end = &list->first;
	list->count = 0;
}

void
bio_list_add(struct bio_list *list, struct bio_request *request)
{
	request->next = NULL;
	*list->end = request;
	list->end = &request->next;
	list->count++;
}

struct bio_request *
bio_list_take(struct bio_list *list)
{
	struct bio_request *request = list->first;

	list->first = request->next;
	if (--list->count == 0)
		list->end = &list->first;
	return request;
}

void
bio_list_move(struct bio_list *to, struct bio_list *from, unsigned count)
{
	struct bio_request *last = from->first;

	if (count > from->count)
		count = from->count;
	if (count == 0)
		return;
	for (unsigned i = 1; i < count; i++)
		last = last->next;
	*to->end = from->first;
	to->end = &last->next;
	to->count += count;
	from->first = last->next;
	from->count -= count;
	if (from->count == 0)
		from->end = &from->first;
	last->next = NULL;
}

void
bio_list_put_back(struct bio_list *to, struct bio_list *from)
{
	if (from->first == NULL)
		return;
	*from->end = to->first;
	if (to->first == NULL)
		to->end = from->end;
	to->first = from->first;
	to->count += from->count;
	bio_list_init(from);
}
