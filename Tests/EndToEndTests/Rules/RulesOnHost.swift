import FoundationEssentials
import LabKit
import Testing

/// What root does on one host of the fleet, without a coordinator, beside the agent that runs there.
extension RulesFleet {
    /// The lab's agents have their configuration elsewhere, which root names.
    func byHand(_ words: String..., on host: LabHost) async throws -> Tool.Outcome {
        let place = ["--config", lab.layout.host(host).agentConfiguration]
        return try await lab.run([lab.binaries.agent] + words + place, on: host)
    }

    /// The host's wall is the run's, which holds the lease.
    func keepsWall(_ host: LabHost, run: String) async throws {
        let peer = lab.configuration.sourceHosts[0].ipv4
        let listed = try await byHand("rules", "list", "--local", on: host)
        #expect(listed.succeeded && listed.output.contains(peer), "\(listed)")
        #expect(listed.output.contains(/nftables: [1-9][0-9]* rules\n/), "\(listed)")
        let told = try await byHand("rules", "list", "--local", "--json", on: host)
        #expect(told.succeeded && told.output.split(separator: "\n").count == 1, "\(told)")
        for part in [#""highestEpoch":7"#, #""isWatched":true"#, #""runID":"\#(run)""#, peer] {
            #expect(told.output.contains(part), "\(part): \(told)")
        }
        let vague = try await byHand("rules", "clean", on: host)
        #expect(vague.status == 64 && vague.errors.contains("say --local"), "\(vague)")
        let kept = try await byHand("rules", "clean", "--local", on: host)
        #expect(kept.status == 1, "\(kept)")
        #expect(kept.errors.contains("run \(run) of ops holds this host's lease"), "\(kept)")
        #expect(kept.errors.contains("nothing was changed"), "\(kept)")
        #expect(try await hostsWithRules() == [host.name])
    }

    /// The run loses its lease, and may not come back with its epoch.
    func resetLease(_ host: LabHost, run: String) async throws {
        let held = "highest epoch 7, of run \(run)\nlease of ops: lapses in "
        let shown = try await byHand("lease", "show", on: host)
        #expect(shown.succeeded && shown.output.hasPrefix(held), "\(shown)")
        let warned = try await byHand("lease", "reset", "--epoch", "9", on: host)
        #expect(warned.status == 1 && warned.errors.contains("nothing was changed"), "\(warned)")
        for risk in ["run \(run) of ops holds this host's lease, and loses it", "epochs up to 9 are refused"]
        {
            #expect(warned.output.contains(risk), "\(warned)")
        }
        #expect(try await byHand("lease", "show", on: host).output.hasPrefix(held))

        let reset = try await byHand("lease", "reset", "--epoch", "9", "--yes", on: host)
        #expect(reset.succeeded, "\(reset)")
        #expect(reset.output.hasSuffix("the highest epoch is 9 now; the next run takes 10 or more\n"))
        let late = try await lease(host, run: run)
        #expect(late.code != "200" && late.body.contains(#""superseded":{"highest":9}"#), "\(late)")
        let after = try await byHand("lease", "show", on: host)
        #expect(after.output == "highest epoch 9, by `lease reset` on this host\nno lease\n", "\(after)")
        #expect(try audit(host).contains(#""command":"lease reset --epoch 9""#))
    }

    /// The wall's own order, damaged: what nobody can read holds back everything, until root drops it; rules stay.
    func dropDamagedOrder(_ host: LabHost) async throws {
        let state = lab.layout.host(host).state
        let check = [lab.binaries.agent, "--hold-check", lab.view(of: host).service, "--state", state]
        #expect(try await lab.run(check, on: host).succeeded)
        let path = state + "/orders/standing.json"
        let whole = try await byHand("orders", "list", on: host)
        #expect(whole.succeeded && whole.output.contains("\nheld back: nothing\nwall: peers "), "\(whole)")
        try Folder.write("{}\n", to: path)
        let listed = try await byHand("orders", "list", on: host)
        #expect(listed.status == 1 && listed.output.contains(path), "\(listed)")
        let held = try await lab.run(check, on: host)
        #expect(held.status == 1 && held.errors.contains(path), "\(held)")
        let warned = try await byHand("orders", "drop", on: host)
        #expect(warned.status == 1 && warned.output.contains("risk: "), "\(warned)")
        #expect(warned.errors.contains("nothing was changed"), "\(warned)")
        #expect(try Folder.read(path) == "{}\n")

        let dropped = try await byHand("orders", "drop", "--yes", on: host)
        #expect(dropped.succeeded, "\(dropped)")
        #expect(dropped.output.hasSuffix("dropped: nothing is held back on this host any more\n"))
        #expect(!FileManager.default.fileExists(atPath: path))
        let none = try await byHand("orders", "list", on: host)
        #expect(none.succeeded && none.output.hasPrefix("no order: "), "\(none)")
        #expect(try await lab.run(check, on: host).succeeded)
        #expect(try await hostsWithRules() == [host.name])
        #expect(try audit(host).contains(#""command":"orders drop""#))
    }

    /// Its agent has watched over the wall, and puts nothing back.
    func cleanByHand(_ host: LabHost) async throws {
        let cleaned = try await byHand("rules", "clean", "--local", on: host)
        #expect(cleaned.succeeded && cleaned.output.contains("an agent runs"), "\(cleaned)")
        #expect(
            cleaned.output.hasSuffix("clean: every backend was read afterwards, and holds nothing of ours\n")
        )
        #expect(try await hostsWithRules() == [])
        #expect(try audit(host).contains(#""command":"rules clean --local""#))
        let listed = try await byHand("rules", "list", "--local", on: host)
        #expect(listed.succeeded && listed.output.contains("nftables: 0 rules\n"), "\(listed)")
    }

    /// What somebody has cut off with iptables is found and removed on every host of the plan, and a rule that asks for a port stays.
    func removeHandMade(_ host: LabHost) async throws {
        let cut = lab.configuration.sourceHosts[0]
        let port = ["-s", cut.ipv4, "-p", "tcp", "--dport", "2181", "-j", "DROP"]
        for argv in [
            ["iptables", "-I", "INPUT", "-s", cut.ipv4, "-j", "REJECT"],
            ["iptables", "-I", "OUTPUT", "-d", cut.ipv4, "-j", "REJECT"],
            ["ip6tables", "-I", "INPUT", "-s", cut.ipv6, "-j", "DROP"], ["iptables", "-A", "INPUT"] + port,
        ] {
            let added = try await lab.run(argv, on: host)
            try #require(added.succeeded, "\(argv): \(added.diagnostics)")
        }
        let wanted = ["--hand-made", "--addresses", "\(cut.ipv4),\(cut.ipv6)"]
        let listed = try await rules(["list", lab.layout.plan] + wanted)
        #expect(listed.status == 1, "\(listed)")
        #expect(listed.output.contains("\(host.name): not clean\n  3 hand-made rules\n"), "\(listed)")
        #expect(listed.output.contains("1 other rules that concern an address; they stay"), "\(listed)")
        for other in lab.configuration.zooKeeperHosts where other.name != host.name {
            #expect(listed.output.contains("\(other.name): clean\n"), "\(listed)")
        }
        let unnamed = try await rules(["list", lab.layout.plan, "--hand-made"])
        #expect(unnamed.status == 64 && unnamed.errors.contains("go together"), "\(unnamed)")
        let foreign = try await rules(["clean", lab.layout.plan, "--hand-made", "--addresses", "203.0.113.9"])
        #expect(foreign.status == 1 && foreign.output.contains("203.0.113.9"), "\(foreign)")

        let cleaned = try await rules(["clean", lab.layout.plan] + wanted)
        #expect(cleaned.succeeded, "\(cleaned)")
        let match = cleaned.output.firstMatch(
            of: /\n?([^ \n]+): clean\n  3 removed\n  saved before that: (\S+)\n/
        )
        let told = try #require(match, "\(cleaned)")
        #expect(told.1 == host.name[...], "\(cleaned)")
        #expect(try Folder.entries(String(told.2)).contains { $0.contains("iptables") }, "\(told.2)")
        #expect(try await standing(on: host) == ["-A INPUT " + Self.asSaved(port)])

        // Root's own addresses have no bound.
        let local = ["--local", "--hand-made", "--addresses", "203.0.113.9"]
        let drop = ["iptables", "-I", "INPUT", "-s", "203.0.113.9", "-j", "DROP"]
        #expect(try await lab.run(drop, on: host).succeeded)
        let place = ["--config", lab.layout.host(host).agentConfiguration]
        for (verb, status, text) in [
            ("list", Int32(1), "1 hand-made rules\n"),
            ("clean", 0, "clean: every backend and every file was read afterwards, and holds none"),
            ("list", 0, "0 hand-made rules\n"),
        ] {
            let outcome = try await lab.run([lab.binaries.agent, "rules", verb] + local + place, on: host)
            #expect(outcome.status == status && outcome.output.contains(text), "\(verb): \(outcome)")
        }
        #expect(try await standing(on: host) == ["-A INPUT " + Self.asSaved(port)])
    }

    /// Residue of a division by hand in each backend, of which one is on a host whose agent is dead for a while.
    func cleanHandMade(whileDead dead: LabHost) async throws {
        let hosts = lab.configuration.destinationHosts
        let cut = lab.configuration.sourceHosts[0]
        let residue: [[[String]]] = [
            [
                ["iptables", "-I", "INPUT", "-s", cut.ipv4, "-j", "REJECT"],
                ["ip6tables", "-I", "OUTPUT", "-d", cut.ipv6, "-j", "DROP"],
            ],
            [["iptables-legacy", "-I", "OUTPUT", "-d", cut.ipv4, "-j", "DROP"]],
            [
                ["nft", "add table inet corporate"],
                ["nft", "add chain inet corporate in { type filter hook input priority 0 ; }"],
                ["nft", "add rule inet corporate in ip saddr \(cut.ipv4) drop"],
            ],
        ]
        for (host, commands) in zip(hosts, residue) {
            for argv in commands {
                let added = try await lab.run(argv, on: host)
                try #require(added.succeeded, "\(argv): \(added.diagnostics)")
            }
        }
        try await killAgent(of: dead)
        let wanted = [lab.layout.plan, "--hand-made", "--addresses", "\(cut.ipv4),\(cut.ipv6)", "--json"]
        let once = try await rules(["clean"] + wanted)
        #expect(once.status == 1, "\(once)")
        // Of the source's hosts each is walled off from the dead one as well.
        let sum = #"{"clean":2,"failed":0,"hosts":6,"refused":3,"stopped":0,"unreachable":1}"#
        #expect(once.output.hasSuffix(sum + "\n"), "\(once)")
        for (host, removed) in [(hosts[0], 2), (hosts[1], 1)] {
            let line = once.output.split(separator: "\n").first {
                $0.contains(#""host":"\#(host.name)","removed":\#(removed),"result":"clean""#)
            }
            #expect(line != nil, "\(once)")
        }
        let listed = try await rules(["list"] + wanted)
        #expect(listed.status == 1, "\(listed)")
        #expect(
            listed.output.hasSuffix(#"{"clean":5,"hosts":6,"notClean":0,"silent":1}"# + "\n"),
            "\(listed)"
        )

        async let ending = rules(["clean"] + wanted + ["--until-clean"])
        try await lab.startAgent(on: dead)
        let ended = try await ending
        #expect(ended.status == 0, "\(ended)")
        let all = #"{"clean":6,"failed":0,"hosts":6,"refused":0,"stopped":0,"unreachable":0}"#
        #expect(ended.output.hasSuffix(all + "\n"), "\(ended)")
        let clean = try await rules(["list"] + wanted)
        #expect(clean.status == 0, "\(clean)")
    }

    /// IPv4's rules of the kernel, and IPv6's.
    private func standing(on host: LabHost) async throws -> [String] {
        var lines: [Substring] = []
        for program in ["iptables-save", "ip6tables-save"] {
            lines += try await lab.run([program], on: host).output.split(separator: "\n")
        }
        return lines.filter { $0.hasPrefix("-A") }.map(String.init)
    }

    private static func asSaved(_ words: [String]) -> String {
        var words = words
        words[1] += "/32"
        return words.joined(separator: " ").replacing("-p tcp", with: "-p tcp -m tcp")
    }

    private func audit(_ host: LabHost) throws -> String {
        try Folder.read(lab.layout.host(host).state + "/audit.jsonl")
    }
}
