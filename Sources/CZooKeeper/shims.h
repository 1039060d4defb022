#ifndef MITOSIS_CZOOKEEPER_SHIMS_H
#define MITOSIS_CZOOKEEPER_SHIMS_H

/* The header declares the calls of the library without threads unless told which one is linked. */
#define THREADED 1

#include <zookeeper/zookeeper.h>

#ifndef ZOO_VERSION
#error "the ZooKeeper C client 3.7 or newer is needed: install Debian's libzookeeper-mt-dev"
#endif

#endif
