import FoundationEssentials
import LabKit
import Testing

/// Plans and configuration files.
extension Breakage {
    static let files = [
        Breakage(
            "low destination ids (trap 5)",
            ["destination-ids"],
            saying: ["plan.yaml:", "destination id 4 is lower than source id 9"]
        ) { bench in
            try bench.addToPlan { $0.replacing("id: 3\n", with: "id: 9\n") }
        },
        Breakage("seeds that outvote the source (trap 2)", ["seeds"], saying: ["plan.yaml:", "3 seeds"]) {
            bench in
            try bench.addToPlan { $0.replacing("destination:\n", with: "destination:\n  seeds: [4, 5, 6]\n") }
        },
        Breakage("a plan with an unknown key", ["plan-file"], saying: ["plan.yaml:3:", "strategy"]) { bench in
            try bench.addToPlan { $0.replacing("strategy:", with: "stratgy:") }
        },
        Breakage("a waiver of nothing", ["plan-file"], saying: ["plan.yaml:", "Did you mean 'clocks'?"]) {
            bench in
            try bench.addToPlan { $0 + "\nwaivers: [{check: cloks, reason: lab}]\n" }
        },
        Breakage(
            "observers that keep nothing on disk (trap 4)",
            ["observer-sync"],
            saying: ["d2: ", "syncEnabled=false"]
        ) { bench in
            let plan = try bench.addToPlan {
                $0.replacing("strategy: participants", with: "strategy: observers")
            }
            let file = try bench.addSetting("syncEnabled=false", on: "d2")
            return {
                try await plan()
                try await file()
            }
        },
        Breakage(
            "dynamic configuration (trap 6)",
            ["static-configuration"],
            saying: ["s1: ", "reconfigEnabled=true", "d3: "]
        ) { bench in
            let source = try bench.addSetting("reconfigEnabled=true", on: "s1")
            let destination = try bench.addSetting("reconfigEnabled=true", on: "d3")
            return {
                try await source()
                try await destination()
            }
        },
        Breakage(
            "a narrower range of sessions (trap 11)",
            ["session-limits"],
            saying: ["d2 grants sessions of 2000 to 6000 ms"]
        ) {
            try $0.addSetting("maxSessionTimeout=6000", on: "d2")
        },
        Breakage("TLS between servers (trap 18)", ["quorum-security"], saying: ["d1: ", "sslQuorum=true"]) {
            try $0.addSetting("sslQuorum=true", on: "d1")
        },
        Breakage(
            "metrics that the server's class path has not, as its own parser alone can know",
            ["server-parser"],
            saying: ["d2: ", "ZooKeeper 3.8.0 refuses it: metrics provider class was not found"]
        ) {
            try $0.addSetting(
                "metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
                on: "d2"
            )
        },
        Breakage(
            "writes that are not forced (trap 21)",
            ["durable-writes"],
            saying: ["d1: ", "forceSync=no"]
        ) {
            try $0.addSetting("forceSync=no", on: "d1")
        },
        Breakage(
            "files that name other servers",
            ["configuration-files"],
            saying: ["d3: ", "names other servers than the plan"]
        ) { bench in
            try bench.rewrite(try bench.files("d3").zooKeeperConfiguration) {
                $0.replacing("server.4=198.51.100.21", with: "server.4=198.51.100.99")
            }
        },
    ]
}
