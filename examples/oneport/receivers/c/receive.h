/* What both receivers need: a listening socket, a descriptor out of a message, and a client to serve. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* listen_unix listens at path with a socket of a type, SOCK_SEQPACKET or SOCK_STREAM. */
static int listen_unix(const char *path, int type)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *) &sa, sizeof(sa)) != 0 || listen(fd, 128) != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

/* receive_fd reads one message and the descriptor that comes with it; *client is -1 when there is none. */
static ssize_t receive_fd(int from, void *buf, size_t size, int *client)
{
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vec = {buf, size};
    struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

    *client = -1;
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(client, CMSG_DATA(c), sizeof(int));
    return n;
}

struct client {
    int fd;
    char greeting[256];
    size_t size;          /* of first: bytes that weir has read already */
    unsigned char *first;
};

/* send_all sends to a client; 0: it has gone. */
static int send_all(int fd, const void *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0)
            return 0;
        data = (const char *) data + n;
        size -= n;
    }
    return 1;
}

/* serve greets a client and echoes what it sends; it is a thread's function and owns its argument. */
static void *serve(void *argument)
{
    struct client *c = argument;
    char buf[16384];
    ssize_t n;

    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) & ~O_NONBLOCK); /* weir's sockets do not block; ours may */
    if (send_all(c->fd, c->greeting, strlen(c->greeting)) && send_all(c->fd, c->first, c->size))
        while ((n = recv(c->fd, buf, sizeof(buf), 0)) > 0 && send_all(c->fd, buf, n))
            ;
    close(c->fd);
    free(c->first);
    free(c);
    return NULL;
}

static void run(void *(*function)(void *), void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, function, argument) != 0) {
        perror("pthread_create");
        exit(1);
    }
    pthread_detach(thread);
}
