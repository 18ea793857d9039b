/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Detaching forks, so it comes first: the kernel makes threads when it boots. The parent waits for a verdict
 * and exits with it; the child keeps stderr until then, so that the caller reads what went wrong.
 *
 * The signals that halt the server are blocked before the kernel boots, in all of its threads, and taken by
 * sigwaitinfo() in this one: it may make system calls then, which a handler may not, and nothing wakes while
 * there is nothing to do. A second such signal finds them unblocked and ends a process that hangs in its
 * halt.
 */
#include "config.h"
#include "rump_server/boot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#define MODULE_KEY "/rump_server.module"

static int
load_module(const struct kernel *kernel, const char *path, struct complaint *complaint)
{
	struct rump_modctl_load load = {.ml_filename = MODULE_KEY};
	int error;

	error = kernel->etfs_register_withsize(MODULE_KEY, path, DRIVE_REG, 0, DRIVE_TO_THE_END);
	if (error != 0)
		return complain(complaint, "-m %s: %s", path, kernel_strerror(error));
	if (kernel->sys_modctl(RUMP_MODCTL_LOAD, &load) == -1)
		return complain(complaint, "-m %s: the kernel does not load it: %s", path, strerror(errno));
	kernel->etfs_remove(MODULE_KEY);
	return 0;
}

static int
register_drive(const struct kernel *kernel, const struct drive *drive, struct complaint *complaint)
{
	int error = kernel->etfs_register_withsize(
	    drive->key, drive->path, (int)drive->type, drive->offset, drive->size);

	if (error != 0)
		return complain(
		    complaint, "%s: key=%s: %s", drive->given, drive->key, kernel_strerror(error));
	return 0;
}

/* The root file system is empty: makes the directory to mount on, with those above it. */
static int
make_directories(const struct kernel *kernel, const char *directory)
{
	char *path = strdup(directory);

	if (path == NULL)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		kernel->sys_mkdir(path, 0755);
		*slash = '/';
	}
	kernel->sys_mkdir(path, 0755);
	free(path);
	/* What could not be made shows when it is mounted on. */
	return 0;
}

static int
mount_one(const struct kernel *kernel, const struct mountspec *mount, struct complaint *complaint)
{
	struct abi_mount copy = mount->mount;

	if (make_directories(kernel, mount->directory) != 0)
		return complain(complaint, "out of memory");
	if (kernel->sys_mount(mount->type, mount->directory, copy.flags, &copy.args, copy.size) == 0)
		return 0;
	if (errno == ENODEV)
		return complain(complaint,
		    "--mount %s: the kernel has no file systems of type %s; -l loads the component that does",
		    mount->spec, mount->type);
	if (errno == ENOENT && abi_mount_special(mount->type))
		return complain(complaint,
		    "--mount %s: %s is not there in the kernel, where -d key=%s,... puts it", mount->spec,
		    mount->special, mount->special);
	return complain(complaint, "--mount %s: %s", mount->spec, strerror(errno));
}

static int
bring_up(struct kernel *kernel, const struct boot_plan *plan, struct complaint *complaint)
{
	int error = kernel->init();

	if (error != 0)
		return complain(complaint, "the kernel does not boot: %s", kernel_strerror(error));
	kernel->booted = true;
	for (size_t i = 0; i < plan->nmodules; i++) {
		if (load_module(kernel, plan->modules[i], complaint) != 0)
			return -1;
	}
	for (size_t i = 0; i < plan->ndrives; i++) {
		if (register_drive(kernel, &plan->drives[i], complaint) != 0)
			return -1;
	}
	for (size_t i = 0; i < plan->nmounts; i++) {
		if (mount_one(kernel, &plan->mounts[i], complaint) != 0)
			return -1;
	}
	error = kernel->init_server(plan->options->url);
	if (error == 0)
		return 0;
	/* Of anything but a kernel without the service librumpuser has said what is wrong with the URL. */
	if (error != RUMP_ENXIO)
		return complain(complaint, "%s", "");
	return complain(complaint, "cannot serve at %s: %s", plan->options->url, kernel_strerror(error));
}

static void
wait_and_halt(const struct kernel *kernel, const sigset_t *signals)
{
	while (sigwaitinfo(signals, NULL) == -1)
		continue;
	pthread_sigmask(SIG_UNBLOCK, signals, NULL);
	kernel->sys_reboot(RUMP_RB_AUTOBOOT, NULL);
	/* Not reached, unless the kernel refuses. */
	_exit(EXIT_FAILURE);
}

int
boot(struct kernel *kernel, const struct boot_plan *plan, struct complaint *complaint)
{
	bool detach = !plan->options->foreground;
	sigset_t signals;
	int error;

	if (detach) {
		error = kernel->daemonize_begin();
		if (error != 0)
			return complain(complaint, "cannot detach: %s", kernel_strerror(error));
	}
	/* A reader of the console that goes away is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (bring_up(kernel, plan, complaint) != 0)
		return -1;
	if (detach)
		kernel->daemonize_done(0);
	wait_and_halt(kernel, &signals);
	return 0;
}

_Noreturn static void
exit_with_failure(void)
{
	fflush(NULL);
	_exit(EXIT_FAILURE);
}

void
boot_abandon(const struct kernel *kernel)
{
	/* A halt exits with 0, as it should elsewhere. Other handlers of exit() are for the end of a whole
	 * server. */
	if (kernel->booted && atexit(exit_with_failure) == 0)
		kernel->sys_reboot(RUMP_RB_AUTOBOOT, NULL);
	exit_with_failure();
}
