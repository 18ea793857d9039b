/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/script.h"

#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

bool
hijack_script_parse(char *line, ssize_t length, char **interpreter, char **argument)
{
	char *end;

	if (length < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[length < HIJACK_SCRIPT_LINE ? length : HIJACK_SCRIPT_LINE - 1] = '\0';
	line[strcspn(line, "\n")] = '\0';
	for (end = line + strlen(line); end > line && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	*interpreter = line + 2 + strspn(line + 2, " \t");
	end = *interpreter + strcspn(*interpreter, " \t");
	*argument = *end != '\0' ? end + 1 + strspn(end + 1, " \t") : NULL;
	*end = '\0';
	return **interpreter != '\0';
}

static size_t
count_arguments(char *const *arguments)
{
	size_t count = 0;

	while (arguments != NULL && arguments[count] != NULL)
		count++;
	return count;
}

static char *
append(char **end, const char *string)
{
	char *start = *end;
	size_t size = strlen(string) + 1;

	memcpy(start, string, size);
	*end += size;
	return start;
}

char **
hijack_script_arguments(
    const char *interpreter, const char *argument, const char *script, char *const *arguments)
{
	size_t count = count_arguments(arguments), used = 0;
	char **made = malloc((count + 4) * sizeof(*made) + HIJACK_SCRIPT_LINE + PATH_MAX);
	char *end = (char *)(made + count + 4);

	if (made == NULL)
		return NULL;
	made[used++] = append(&end, interpreter);
	if (argument != NULL)
		made[used++] = append(&end, argument);
	made[used++] = append(&end, script);
	for (size_t i = 1; i < count; i++)
		made[used++] = arguments[i];
	made[used] = NULL;
	return made;
}
