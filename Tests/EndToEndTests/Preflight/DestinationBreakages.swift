import FoundationEssentials
import LabKit
import Testing

/// The destination, and the paths to it.
extension Breakage {
    static let destination = [
        Breakage(
            "a second ensemble, started by hand (trap 2)",
            ["destination-stopped", "destination-data"],
            saying: [
                "d1: zookeeper is stopped, and yet something listens on port 2181",
                "d3: zookeeper is stopped",
                "d2: ", "is not empty",
            ]
        ) { bench in
            let names = ["d1", "d2", "d3"]
            let processes = try names.map { try bench.launch(try bench.command(of: $0), on: $0) }
            try await bench.lab.waitUntilServing(.destination, seconds: 60)
            return {
                for process in processes { try await bench.end(process) }
                for name in names { try bench.clear(name) }
            }
        },
        Breakage("data of an earlier life (trap 3)", ["destination-data"], saying: ["d2: ", "is not empty"]) {
            bench in
            let folder = try bench.files("d2").data + "/version-2"
            try Folder.make(folder)
            try Folder.write("", to: folder + "/log.100000001")
            return { try bench.clear("d2") }
        },
        Breakage(
            "epochs of an earlier life (trap 3)",
            ["epochs"],
            saying: ["d1: ", "holds epoch 9 of an earlier life"]
        ) { bench in
            let folder = try bench.files("d1").data + "/version-2"
            try Folder.make(folder)
            for name in ["acceptedEpoch", "currentEpoch"] { try Folder.write("9", to: "\(folder)/\(name)") }
            return { try bench.clear("d1") }
        },
        Breakage("another myid (trap 3)", ["server-ids"], saying: ["d3: ", "/myid holds 5, the plan says 6"])
        { bench in
            try bench.rewrite(try bench.files("d3").data + "/myid") { _ in "5\n" }
        },
        Breakage(
            "too little room for the data (trap 9)",
            ["data-directories"],
            saying: ["d1: ", "MiB free for", "needed"]
        ) { bench in
            let data = try bench.files("d1").data
            let myid = try Folder.read(data + "/myid")
            try await Tool(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", data]).output(step: "mounting")
            try Folder.write(myid, to: data + "/myid")
            return { try await Tool(["umount", data]).output(step: "unmounting") }
        },
        Breakage(
            "a silent path within the destination (trap 22)",
            ["destination-network"],
            saying: ["d2: no answer at 198.51.100.21 port 3888"]
        ) { try await Self.drop(from: "198.51.100.22", port: 3888, on: "d1", $0) },
        Breakage(
            "a silent path between the sides (trap 23)",
            ["crossing-paths"],
            saying: ["d1: no answer at 198.51.100.11 port 3888"]
        ) { try await Self.drop(from: "198.51.100.21", port: 3888, on: "s1", $0) },
        Breakage("rules of an earlier run (trap 16)", ["leftover-rules"], saying: ["d2 has 1 rules of ours"])
        { bench in
            try await bench.run("nft", "add", "table", "inet", "mitosis", on: "d2")
            return { try await bench.run("nft", "delete", "table", "inet", "mitosis", on: "d2") }
        },
    ]

    /// Packets vanish, by a rule of the lab's own.
    private static func drop(from address: String, port: Int, on name: String, _ bench: Bench) async throws
        -> Mending
    {
        let table = "lab_preflight"
        let rules = """
            table inet \(table) {
                chain input {
                    type filter hook input priority 0
                    ip saddr \(address) tcp dport \(port) drop
                }
            }
            """
        let file = try bench.files(name).run + "/drop.nft"
        try Folder.write(rules + "\n", to: file)
        try await bench.run("nft", "-f", file, on: name)
        return { try await bench.run("nft", "delete", "table", "inet", table, on: name) }
    }
}
