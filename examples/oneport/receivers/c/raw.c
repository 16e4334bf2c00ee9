/*
 * Takes connections in raw mode: one byte and a descriptor, no answer. Greets each client and echoes what it sends.
 *
 *     cc -pthread -o raw raw.c && ./raw /run/app.sock      weir: handoff unix:/run/app.sock raw;
 */
#include "receive.h"
#include <arpa/inet.h>
#include <netinet/in.h>

int main(int argc, char **argv)
{
    int listener = listen_unix(argc > 1 ? argv[1] : "app.sock", SOCK_STREAM), weir;

    while ((weir = accept(listener, NULL, NULL)) >= 0) {
        struct client *c = calloc(1, sizeof(*c));
        struct sockaddr_in peer = {0};
        socklen_t size = sizeof(peer);
        char byte;

        if (receive_fd(weir, &byte, 1, &c->fd) == 1 && c->fd >= 0) {
            getpeername(c->fd, (struct sockaddr *) &peer, &size);
            snprintf(c->greeting, sizeof(c->greeting), "raw c %s:%u\n", inet_ntoa(peer.sin_addr), ntohs(peer.sin_port));
            run(serve, c);
        } else {
            free(c);
        }
        close(weir);
    }
    perror("accept");
    return 1;
}
