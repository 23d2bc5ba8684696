/*
 * The first process of a lab guest. lab/run starts it; nothing else does.
 *
 * It mounts what a test needs, runs one command with the caller's environment and working
 * directory, copies the command's stdout and stderr to two separate lines of the host, writes
 * the exit status to a file and halts. It is one static program because starting a process is
 * about ten times as dear in user-mode Linux as on the host.
 *
 * The host directory named by $LAB_DIR (mounted on /run/lab) holds:
 *   argv, env   NUL-terminated strings     cwd   one path
 *   writable    one host path a line       rc    written here: the exit status
 *   kernel      written here: the kernel's release and "ip_vs" or "no-ip_vs"
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LAB "/run/lab"

static void complain(const char *what, const char *object)
{
	fprintf(stderr, "lab init: %s %s: %s\n", what, object, strerror(errno));
}

static void must_mount(const char *type, const char *target, unsigned long flags, const char *data)
{
	if (mount(type, target, type, flags, data))
		complain("mount", target);
}

/* Programs under the host's /tmp must still run, so its directories come back read-only. */
static void show_host_tmp(void)
{
	DIR *dir = opendir("/run/host/tmp");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char from[PATH_MAX], to[PATH_MAX];

		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
			continue;
		snprintf(from, sizeof from, "/run/host/tmp/%s", entry->d_name);
		snprintf(to, sizeof to, "/tmp/%s", entry->d_name);
		mkdir(to, 0755);
		mount(from, to, NULL, MS_BIND, NULL);
	}
	if (dir)
		closedir(dir);
}

static void mount_writable(void)
{
	char line[PATH_MAX];
	FILE *list = fopen(LAB "/writable", "r");

	while (list && fgets(line, sizeof line, list)) {
		line[strcspn(line, "\n")] = 0;
		must_mount("hostfs", line, 0, line);
	}
	if (list)
		fclose(list);
}

static void mount_all(const char *lab_dir)
{
	must_mount("proc", "/proc", 0, NULL);
	must_mount("sysfs", "/sys", 0, NULL);
	must_mount("devtmpfs", "/dev", 0, NULL);
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	must_mount("devpts", "/dev/pts", 0, "ptmxmode=0666");
	must_mount("tmpfs", "/dev/shm", 0, "mode=1777");
	must_mount("tmpfs", "/run", 0, "mode=0755");
	mkdir(LAB, 0700);
	mkdir("/run/host", 0700);
	must_mount("hostfs", LAB, 0, lab_dir);
	must_mount("hostfs", "/run/host", MS_RDONLY, "/");
	must_mount("tmpfs", "/tmp", 0, "mode=1777");
	must_mount("tmpfs", "/var/tmp", 0, "mode=1777");
	show_host_tmp();
	mount_writable();
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(sock, SIOCSIFFLAGS, &request))
		complain("raise", "lo");
	close(sock);
}

/* What lab/wrap counts as a test on ip_vs is what the guest itself saw. */
static void write_kernel(void)
{
	struct utsname name;
	FILE *file = fopen(LAB "/kernel", "w");

	if (!file || uname(&name)) {
		complain("write", LAB "/kernel");
		return;
	}
	fprintf(file, "%s %s\n", name.release,
		access("/proc/net/ip_vs", F_OK) ? "no-ip_vs" : "ip_vs");
	fclose(file);
}

/* Raw, or the line discipline would turn each newline into two characters. */
static int open_line(const char *path)
{
	struct termios mode;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		complain("open", path);
		return fd;
	}
	tcgetattr(fd, &mode);
	cfmakeraw(&mode);
	tcsetattr(fd, TCSANOW, &mode);
	return fd;
}

static void write_all(int fd, const char *bytes, ssize_t length)
{
	while (length > 0) {
		ssize_t done = write(fd, bytes, length);

		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			bytes += done;
			length -= done;
		}
	}
}

/* The command gets a pipe, so that it does not take its output for a terminal. */
static pid_t start_pump(int pipe_ends[2], const char *line)
{
	char buffer[65536];
	ssize_t length;
	pid_t pid;
	int out;

	if (pipe2(pipe_ends, O_CLOEXEC))
		complain("pipe for", line);
	pid = fork();
	if (pid)
		return pid;
	/* A writing end kept here would keep the other pump waiting. */
	dup2(pipe_ends[0], 0);
	close_range(3, ~0U, 0);
	out = open_line(line);
	while ((length = read(0, buffer, sizeof buffer)) > 0)
		write_all(out, buffer, length);
	tcdrain(out);
	_exit(0);
}

static char *read_file(const char *path, size_t *length)
{
	struct stat about;
	char *bytes;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*length = 0;
	if (fd < 0 || fstat(fd, &about))
		return NULL;
	bytes = calloc(1, about.st_size + 1);
	while (bytes && (got = read(fd, bytes + *length, about.st_size - *length)) > 0)
		*length += got;
	close(fd);
	return bytes;
}

static char **split(char *bytes, size_t length)
{
	size_t count = 0, i;
	char **list, *at = bytes;

	for (i = 0; i < length; i++)
		count += bytes[i] == 0;
	list = calloc(count + 1, sizeof *list);
	for (i = 0; i < count; i++, at += strlen(at) + 1)
		list[i] = at;
	return list;
}

static void run_command(int out, int err)
{
	size_t length;
	char *bytes, **argv;

	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(err, 2);
	bytes = read_file(LAB "/env", &length);
	environ = split(bytes, length);
	bytes = read_file(LAB "/cwd", &length);
	if (!bytes || chdir(bytes))
		complain("enter the working directory", bytes ? bytes : "?");
	bytes = read_file(LAB "/argv", &length);
	argv = split(bytes, length);
	execvp(argv[0], argv);
	complain("run", argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

static int wait_for(pid_t command)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) != command)
		if (pid < 0 && errno == ECHILD)
			return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A process left behind would hold the pipe and so the pumps: end all but the pumps. */
static void end_the_rest(pid_t pump1, pid_t pump2)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);
		char exe[64], target[8];

		snprintf(exe, sizeof exe, "/proc/%d/exe", pid);
		/* A kernel thread has no executable, and a signal to it means nothing. */
		if (pid > 1 && pid != pump1 && pid != pump2 && readlink(exe, target, 8) > 0)
			kill(pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
}

static void out_of_time(int signal)
{
	(void)signal;
}

static void wait_for_pumps(pid_t pump1, pid_t pump2)
{
	struct sigaction act = { .sa_handler = out_of_time };

	sigaction(SIGALRM, &act, NULL);
	alarm(2);
	waitpid(pump1, NULL, 0);
	waitpid(pump2, NULL, 0);
	alarm(0);
}

static void write_status(int status)
{
	int fd = open(LAB "/rc", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dprintf(fd, "%d\n", status);
	fsync(fd);
	close(fd);
}

int main(void)
{
	int out[2], err[2], status;
	pid_t pump1, pump2, command;

	mount_all(getenv("LAB_DIR"));
	raise_loopback();
	write_kernel();
	pump1 = start_pump(out, "/dev/tty1");
	pump2 = start_pump(err, "/dev/tty2");
	command = fork();
	if (command == 0)
		run_command(out[1], err[1]);
	/* Only the command and its children may hold the writing ends. */
	close(out[1]);
	close(err[1]);
	status = wait_for(command);
	end_the_rest(pump1, pump2);
	wait_for_pumps(pump1, pump2);
	write_status(status);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
