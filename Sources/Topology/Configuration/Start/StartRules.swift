extension ZooConfiguration {
    /// All that keeps server `id` from starting with this file: what the server's own parser refuses, as the strictest of
    /// 3.4 to 3.9 does, and what fails right after it.
    ///
    /// `ConfigurationOracleTests` compares it with the parsers of 3.4.6 and 3.8.0, and names where it is stricter.
    ///
    /// - Parameter told: system properties that its process was started with, as far as they are known.
    package func startFaults(of id: ServerID, told: [String: String] = [:]) -> [StartFault] {
        [
            byteOrderMark, numbers, booleans, directories, times, ports(of: id, told), ensemble,
            quorumSecurity, unsupported(id),
        ]
        .flatMap { $0 }
    }

    /// Keys that stand there twice, and a `peerType` that the list of servers overrules.
    package func startRemarks(of id: ServerID) -> [StartRemark] {
        var remarks = text.repeats
        if let line = line(of: "peerType"), let own = serverLine(of: id)?.entry,
            isObserver != (own.member.role == .observer)
        {
            remarks.append(
                StartRemark(line: line, text: "peerType disagrees with server.\(id), which counts")
            )
        }
        return remarks
    }

    /// Before 3.5 only `initLimit`'s kind is asked for; all are numbers in every version that knows them.
    private static let integers = [
        "clientPortListenBacklog", "maxClientCnxns", "connectToLearnerMasterLimit", "electionAlg",
        "autopurge.snapRetainCount", "autopurge.purgeInterval", "quorum.cnxn.threads.size",
        "multiAddress.reachabilityCheckTimeoutMs",
    ]
    private static let longs = [
        "jvm.pause.info-threshold.ms", "jvm.pause.warn-threshold.ms", "jvm.pause.sleep.time.ms",
    ]
    private static let flags = [
        "localSessionsEnabled", "localSessionsUpgradingEnabled", "quorumListenOnAllIPs",
        "sslQuorumReloadCertFiles", "quorum.auth.serverRequireSasl", "quorum.auth.learnerRequireSasl",
        "jvm.pause.monitor", "multiAddress.enabled", "multiAddress.reachabilityCheckEnabled",
    ]

    private func fault(_ key: String, _ reason: String) -> StartFault {
        StartFault(line: line(of: key), reason: reason)
    }

    private func number(_ key: String) -> Int? { self[key].flatMap { Int($0) } }
    private func isTrue(_ key: String) -> Bool { self[key]?.lowercased() == "true" }

    private var byteOrderMark: [StartFault] {
        guard text.hidesFirstKey else { return [] }
        return [
            StartFault(
                line: 1,
                reason:
                    "the file begins with a byte order mark, which is part of the first key for ZooKeeper: the "
                    + "setting has no effect. Save the file without it."
            )
        ]
    }

    private var numbers: [StartFault] {
        Self.integers.filter { key in self[key].map { Int32($0) == nil } ?? false }
            .map { fault($0, "the value of '\($0)' is not a whole number of 32 bits. Correct it.") }
            + Self.longs.filter { key in self[key].map { Int64($0) == nil } ?? false }
            .map { fault($0, "the value of '\($0)' is not a whole number. Correct it.") }
    }

    private var booleans: [StartFault] {
        Self.flags.filter { key in self[key].map { !["true", "false"].contains($0.lowercased()) } ?? false }
            .map { fault($0, "the value of '\($0)' is not true or false. Correct it.") }
    }

    private var directories: [StartFault] {
        var faults: [StartFault] = []
        if self["dataDir"] == nil { faults.append(fault("dataDir", "dataDir is not set. Set it.")) }
        for key in ["dataDir", "dataLogDir"] {
            guard let path = self[key], !path.utf8.starts(with: "/".utf8) else { continue }
            let what = path.isEmpty ? "is empty" : "is no absolute path"
            faults.append(fault(key, "\(key) \(what). Name the folder in full, or remove the line."))
        }
        return faults
    }

    private var times: [StartFault] {
        var faults: [StartFault] = []
        if tickTime < 1 { faults.append(fault("tickTime", "tickTime is below 1. Set it to milliseconds.")) }
        let bound = { (key: String, ticks: Int) -> Int in
            let asked = number(key) ?? -1
            return asked == -1 ? tickTime.times(saturating: ticks) : asked
        }
        if tickTime > 0, bound("minSessionTimeout", 2) > bound("maxSessionTimeout", 20) {
            let key = self["minSessionTimeout"] == nil ? "maxSessionTimeout" : "minSessionTimeout"
            faults.append(
                fault(key, "minSessionTimeout is larger than maxSessionTimeout. Correct one of them.")
            )
        }
        return faults
    }

    private var ensemble: [StartFault] {
        var faults: [StartFault] = []
        let voters = members.count { $0.role == .participant }
        let observers = members.count - voters
        if voters == 0, observers > 0 || !standaloneEnabled {
            faults.append(
                StartFault(line: nil, reason: "no server line is a participant's. Name the voters.")
            )
        }
        if voters == 1, standaloneEnabled, observers > 0 {
            faults.append(
                StartFault(
                    line: nil,
                    reason: "one participant with observers is no ensemble. Name the voters."
                )
            )
        }
        if voters > 1 || !standaloneEnabled {
            for key in ["initLimit", "syncLimit"] {
                let ticks = number(key) ?? 0
                if ticks == 0 {
                    faults.append(fault(key, "\(key) is not set. Set it to a number of ticks."))
                } else if ticks < 0 {
                    faults.append(fault(key, "\(key) is below 1. Set it to a number of ticks."))
                } else if tickTime.times(saturating: ticks) > Int(Int32.max) {
                    faults.append(
                        fault(
                            key,
                            "\(key) times tickTime is more than 2147483647 ms, and wraps. Make it less."
                        )
                    )
                }
            }
        }
        if let algorithm = number("electionAlg"), algorithm != 3 {
            faults.append(fault("electionAlg", "electionAlg is not 3, the only one left. Remove the line."))
        }
        return faults
    }

    private var quorumSecurity: [StartFault] {
        let (server, learner) = ("quorum.auth.serverRequireSasl", "quorum.auth.learnerRequireSasl")
        if !quorumSASL, let key = [server, learner].first(where: isTrue) {
            return [fault(key, "\(key) needs quorum.auth.enableSasl=true. Make them agree.")]
        }
        if isTrue(server), !isTrue(learner) {
            return [fault(server, "\(server) needs \(learner)=true. Make them agree.")]
        }
        return []
    }

    /// What a server would start with, and a migration was never tried with.
    private func unsupported(_ id: ServerID) -> [StartFault] {
        var faults: [StartFault] = []
        for key in ["localSessionsEnabled", "multiAddress.enabled"] where isTrue(key) {
            faults.append(fault(key, "\(key)=true is not supported. Remove the line first."))
        }
        if self["oraclePath"] != nil {
            faults.append(
                fault("oraclePath", "oraclePath lets a third party decide elections, which is not supported.")
            )
        }
        if self["leaderServes"] == "no" {
            faults.append(
                fault(
                    "leaderServes",
                    "with leaderServes=no the leader answers nobody, and cannot be told from a sick server. "
                        + "Remove the line first."
                )
            )
        }
        let extended = ["extendedTypesEnabled", "zookeeper.extendedTypesEnabled"].first(where: isTrue)
        if let extended, members.contains(where: { $0.id.value > 254 }) {
            faults.append(
                fault(extended, "\(extended)=true allows ids up to 254 only. Remove the line, or the id.")
            )
        }
        if let own = serverLine(of: id) {
            if Self.isEverywhereOrHere(own.entry.member.address) {
                faults.append(
                    StartFault(
                        line: text.elements[own.element].line,
                        reason:
                            "server.\(id) names its own host by '\(own.entry.member.address)', which means another host "
                            + "to every other server. Write the address that the others use."
                    )
                )
            }
        }
        return faults
    }

    /// An own address that means something else on every host.
    package static func isEverywhereOrHere(_ address: String) -> Bool {
        let name = address.lowercased()
        if name == "localhost" || name.utf8.starts(with: "localhost.".utf8) { return true }
        guard let address = IPAddress(address) else { return false }
        switch address.family {
        case .ipv4: return address.bytes[0] == 127 || address.bytes.allSatisfy { $0 == 0 }
        case .ipv6: return address.bytes.dropLast().allSatisfy { $0 == 0 } && address.bytes[15] <= 1
        }
    }
}
