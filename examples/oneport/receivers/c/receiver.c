/*
 * Takes connections that weir hands over, greets each client by its address, and echoes what it sends.
 *
 *     cc -pthread -o receiver receiver.c && ./receiver /run/app.sock      weir: handoff unix:/run/app.sock;
 *
 * docs/handoff.md describes what is spoken.
 */
#include "receive.h"
#include <arpa/inet.h>

enum { FIXED = 16, MAX_MESSAGE = FIXED + 65535 + 65536 };

static unsigned be16(const unsigned char *p) { return p[0] << 8 | p[1]; }

/* describe writes the client's address, or nothing; it returns the size of the addresses, -1 for a bad message. */
static int describe(const unsigned char *m, size_t size, char *text, size_t most)
{
    char ip[INET6_ADDRSTRLEN];

    switch (m[13]) {
    case 0x11:
        if (size < FIXED + 12)
            return -1;
        snprintf(text, most, "%s:%u", inet_ntop(AF_INET, m + FIXED, ip, sizeof(ip)), be16(m + FIXED + 8));
        return 12;
    case 0x21:
        if (size < FIXED + 36)
            return -1;
        snprintf(text, most, "[%s]:%u", inet_ntop(AF_INET6, m + FIXED, ip, sizeof(ip)), be16(m + FIXED + 32));
        return 36;
    case 0x31:
        snprintf(text, most, "unix:");
        return size < FIXED + 216 ? -1 : 216;
    }
    snprintf(text, most, "unknown");
    return 0;
}

/* parse fills a client from a message; 0: it is not one. */
static int parse(const unsigned char *m, size_t size, struct client *c)
{
    char address[64] = "", protocol[64] = "-";
    size_t header, at;
    int addresses;

    if (size < FIXED || memcmp(m, "\r\n\r\n\0\r\nQUIT\n", 12) != 0)
        return 0;
    header = FIXED + be16(m + 14);
    if (header > size || (addresses = describe(m, header, address, sizeof(address))) < 0)
        return 0;
    for (at = FIXED + addresses; at + 3 <= header; at += 3 + be16(m + at + 1))
        if (m[at] == 0xE0 && at + 3 + be16(m + at + 1) <= header) /* the protocol; see docs/handoff.md for others */
            snprintf(protocol, sizeof(protocol), "%.*s", (int) be16(m + at + 1), m + at + 3);
    snprintf(c->greeting, sizeof(c->greeting), "c %s %s\n", address, protocol);
    c->size = size - header;
    c->first = malloc(c->size + 1);
    memcpy(c->first, m + header, c->size);
    return 1;
}

/* receive takes connections from one of weir's workers, which sends the next when the last one was answered. */
static void *receive(void *argument)
{
    int weir = (int) (long) argument, fd;
    unsigned char *message = malloc(MAX_MESSAGE);
    ssize_t n;

    while ((n = receive_fd(weir, message, MAX_MESSAGE, &fd)) > 0) {
        struct client *c = calloc(1, sizeof(*c));
        int good = fd >= 0 && parse(message, n, c);

        c->fd = fd;
        if (send(weir, good ? "A" : "R", 1, MSG_NOSIGNAL) == 1 && good) {
            run(serve, c); /* accepted: from here on the connection is ours */
            continue;
        }
        if (fd >= 0) /* refused, or weir has given up waiting: the connection is not ours */
            close(fd);
        free(c->first);
        free(c);
    }
    free(message);
    close(weir);
    return NULL;
}

int main(int argc, char **argv)
{
    int listener = listen_unix(argc > 1 ? argv[1] : "app.sock", SOCK_SEQPACKET), weir;

    while ((weir = accept(listener, NULL, NULL)) >= 0)
        run(receive, (void *) (long) weir);
    perror("accept");
    return 1;
}
