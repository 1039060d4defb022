import ControlProtocol
import Procedure
import Settings

/// What real files have, found on a whole fleet; `ConfigurationOracleTests` has all that one file can have.
extension Fault {
    private static let place = "/etc/zookeeper/conf/zoo.cfg: "

    static let dialects = [
        Fault(
            "limits that are missing on a dormant node",
            .configurationFiles,
            "d4: \(place)initLimit is not set"
        ) {
            $0.edit("d4", "initLimit=5\n", "")
        },
        Fault(
            "an own line that means every host",
            .configurationFiles,
            "s1: \(place)line 7: server.1 names its own host by '0.0.0.0'",
            "server.1 is 0.0.0.0:2888:3888:participant, in the plan 198.51.100.11:2888:3888:participant"
        ) { $0.edit("s1", "server.1=198.51.100.11:", "server.1=0.0.0.0:") },
        Fault(
            "a role that differs",
            .configurationFiles,
            "s3: \(place)it names other servers than the plan: server.2 is 198.51.100.12:2888:3888:observer, in the "
                + "plan 198.51.100.12:2888:3888:participant"
        ) { $0.edit("s3", "198.51.100.12:2888:3888", "198.51.100.12:2888:3888:observer") },
        Fault(
            "files that list fewer servers",
            .configurationFiles,
            "s1: \(place)it names other servers than the plan: server.2 is missing, in the plan",
            "server.3 is missing, in the plan 198.51.100.13:2888:3888:participant; s2: \(place)it names other servers than "
                + "the plan: server.3 is missing"
        ) { model in
            model.edit("s1", "server.2=", "# server.2=")
            for host in ["s1", "s2"] { model.edit(host, "server.3=", "# server.3=") }
        },
        Fault(
            "two client ports",
            .configurationFiles,
            "d5: \(place)line 6: clientPort and the end of server.5's"
        ) {
            $0.edit("d5", "198.51.100.15:2888:3888", "198.51.100.15:2888:3888;2182")
        },
        Fault(
            "another port behind the server line",
            .configurationFiles,
            "d5: \(place)line 8: clients are served on port 2182, the plan says 2181"
        ) { model in
            model.edit("d5", "clientPort=2181\n", "# none\n")
            model.edit("d5", "198.51.100.15:2888:3888", "198.51.100.15:2888:3888;2182")
        },
        Fault(
            "no plain client port",
            .configurationFiles,
            "d6: \(place)it opens no plain client port, the plan says 2181",
            "a secure one alone is not supported"
        ) { $0.edit("d6", "clientPort=2181", "secureClientPort=2281") },
        Fault(
            "another host's clientPortAddress",
            .configurationFiles,
            "d4: \(place)line 6: clients are served on 198.51.100.15 only, and are told 198.51.100.14"
        ) { $0.edit("d4", "# kept", "clientPortAddress=198.51.100.15") },
        Fault(
            "another host's clientPortAddress in brackets",
            .configurationFiles,
            "d4: \(place)line 6: clients are served on 2001:db8::5 only, and are told 198.51.100.14"
        ) { $0.edit("d4", "# kept", "clientPortAddress=[2001:db8::5]") },
        Fault("every address in brackets", .configurationFiles, verdict: .pass) {
            $0.edit("d4", "# kept", "clientPortAddress=[::]")
        },
        Fault("a secure port whose Netty is on the command line", .configurationFiles, verdict: .pass) {
            model in
            model.edit("s2", "# kept", "secureClientPort=2281")
            guard let name = HostName("s2") else { return }
            model.hosts[name]?.javaProperties["zookeeper.serverCnxnFactory"] =
                "org.apache.zookeeper.server.NettyServerCnxnFactory"
        },
        Fault(
            "a secure port whose file overrules the command line",
            .configurationFiles,
            "s2: \(place)line 1: secureClientPort needs"
        ) { model in
            let nio = "org.apache.zookeeper.server.NIOServerCnxnFactory"
            model.edit("s2", "# kept\n", "secureClientPort=2281\nserverCnxnFactory=\(nio)\n")
            guard let name = HostName("s2") else { return }
            model.hosts[name]?.javaProperties["zookeeper.serverCnxnFactory"] =
                "org.apache.zookeeper.server.NettyServerCnxnFactory"
        },
        Fault(
            "limits that end at once",
            .configurationFiles,
            "d4: \(place)line 5: syncLimit is below 1",
            "d5: \(place)line 5: syncLimit times tickTime is more than 2147483647 ms"
        ) { model in
            model.edit("d4", "syncLimit=2", "syncLimit=-2")
            model.edit("d5", "syncLimit=2", "syncLimit=2000000")
        },
        Fault(
            "clients on this host only",
            .configurationFiles,
            "d4: ",
            "clients are served on localhost only"
        ) {
            $0.edit("d4", "# kept", "clientPortAddress=localhost")
        },
        Fault(
            "a key twice",
            .configurationFiles,
            "s2: \(place)line 3: 'tickTime' stands here again, first on line 1: the last one counts",
            verdict: .warn
        ) { $0.edit("s2", "# kept\ntickTime=2000\n", "tickTime=1000\n# kept\ntickTime=2000\n") },
        Fault(
            "a peerType that disagrees",
            .configurationFiles,
            "d6: \(place)line 1: peerType disagrees with server.6, which counts",
            verdict: .warn
        ) { $0.edit("d6", "# kept", "peerType=observer") },
        Fault(
            "a server in a network of its own",
            .serverProcesses,
            "s2: process ",
            "of zookeeper.service has a network of its own",
            "run it in the host's network",
            make: odd("s2") { $0.hasOwnNetwork = true }
        ),
    ]
}
