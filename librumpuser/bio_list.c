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

void
bio_list_move(struct bio_list *to, struct bio_list *from, unsigned count)
{
	while (count-- > 0 && from->first != NULL) {
		struct bio_request *request = from->first;

		from->first = request->next;
		if (from->first == NULL)
			from->end = &from->first;
		from->count--;
		bio_list_add(to, request);
	}
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
