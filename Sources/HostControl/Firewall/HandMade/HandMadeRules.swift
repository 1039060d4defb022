package import ControlProtocol
import Printable
import Subprocess
import SystemCalls
package import Topology

/// Rules that somebody made by hand on this host, in every backend and in the files that bring them back: seen, and removed.
///
/// Needs no record of anything. What is removed is named in full, or by the number that the kernel gave that very rule, never by its
/// place in a chain, and only after everything that the host's kernel holds has been kept in a file. Nothing else is changed, no file is edited.
package struct HandMadeRules: Sendable {
    /// The kernel's nf_tables, where `launcher` leads to.
    package struct Native: Sendable {
        let generation: @Sendable () -> UInt32?
        let delete: @Sendable ([NativeRules.Place], UInt32) -> NativeDeletion.Outcome

        static let here = Native(
            generation: { RulesetGeneration.read() },
            delete: { NativeDeletion.perform($0, at: $1) }
        )
    }

    /// Rules may be changed by others between our reading and our changing them.
    private static let attempts = 4
    /// How often a moment is looked for in which nobody else changes rules.
    private static let tries = 60

    private let state: String
    private let reader: RulesetReader
    private let tools: PacketTools
    private let native: Native
    private let files: RuleFiles

    /// - Parameter stateDirectory: below which all rules are kept before some are removed.
    package init(stateDirectory: String) {
        self.init(stateDirectory: stateDirectory, tools: PacketTools(), native: .here, files: RuleFiles())
    }

    init(stateDirectory: String, tools: PacketTools, native: Native, files: RuleFiles) {
        state = stateDirectory
        self.tools = tools
        self.native = native
        self.files = files
        reader = RulesetReader(tools: tools, generation: native.generation)
    }

    /// Changes nothing.
    package func look(for addresses: [IPAddress]) async -> HandMadeReport {
        let sought = SoughtAddresses(addresses)
        return await report(await reader.read(sought), sought)
    }

    /// Removes them from the kernel; whether it is done, the report tells, which is read afterwards.
    ///
    /// Nothing to remove is success. Throws when nothing was changed.
    ///
    /// - Parameter name: of the folder in which the host's rules are kept, as they were before.
    package func remove(
        _ addresses: [IPAddress],
        keptAs name: String
    ) async throws(FirewallError) -> HandMadeReport {
        let sought = SoughtAddresses(addresses)
        var ruleset = await reader.read(sought)
        // What cannot be read cannot be kept either.
        guard ruleset.problems.isEmpty else {
            throw .notSaved(path: state, reason: ruleset.problems.joined(separator: "; "))
        }
        var copy: RulesetCopy?
        var removed = 0
        var problems: [String] = []
        for _ in 1...Self.attempts where ruleset.holdsHandMade && ruleset.problems.isEmpty {
            if copy == nil { copy = try RulesetCopy(state: state, name: name) }
            do throws(FirewallError) {
                try copy?.keep(ruleset.printed)
            } catch {
                if removed == 0 { throw error }
                problems = ["\(error)"]
                break
            }
            problems = []
            for table in ruleset.saved {
                let (count, problem) = await delete(table)
                removed += count
                if let problem { problems.append(problem) }
            }
            let (count, problem) = await deleteNative(ruleset, sought)
            removed += count
            if let problem { problems.append(problem) }
            ruleset = await reader.read(sought)
        }
        return await report(
            ruleset,
            sought,
            problems: ruleset.holdsHandMade ? problems : [],
            removed: removed,
            saved: copy?.folder
        )
    }

    /// Of one family of iptables, in one transaction: all or none.
    private func delete(_ table: RulesetReader.Saved) async -> (count: Int, problem: String?) {
        let rules = table.handMade
        guard !rules.isEmpty else { return (0, nil) }
        let lines = rules.map { "-D \($0.chain) \($0.specification)" }
        let input = (["*filter"] + lines + ["COMMIT", ""]).joined(separator: "\n")
        do throws(FirewallError) {
            let arguments = ["--noflush", "--wait=\(max(tools.seconds - 2, 1))"]
            let answer = try await tools.run(table.source.restoreProgram, arguments, input: input)
            return answer.status.isSuccess ? (rules.count, nil) : (0, "\(answer.failure)")
        } catch {
            return (0, "\(error)")
        }
    }

    /// Those that were judged, and are there as they were, as soon as nobody else changes rules for a moment.
    private func deleteNative(
        _ ruleset: RulesetReader.Ruleset,
        _ sought: SoughtAddresses
    ) async -> (count: Int, problem: String?) {
        let rules = ruleset.native.filter { $0.verdict == .handMade }
        guard !rules.isEmpty else { return (0, nil) }
        guard native.generation() != nil else {
            return (
                0, "the kernel does not say whether somebody else changes its rules: remove them with nft"
            )
        }
        var removed = 0
        for _ in 1...Self.tries {
            do throws(FirewallError) {
                guard let now = try await reader.present(rules, sought) else { continue }
                guard !now.places.isEmpty else { return (removed, nil) }
                let part = Array(now.places.prefix(NativeDeletion.most))
                let delete = native.delete
                switch await BlockingThread.run({ delete(part, now.generation) }) {
                case .done:
                    removed += part.count
                    if part.count == now.places.count { return (removed, nil) }
                case .outdated: continue
                case .failed(let code):
                    return (removed, "the kernel does not delete rules of nf_tables: \(systemReason(code))")
                }
            } catch {
                return (removed, "\(error)")
            }
        }
        return (removed, "somebody else changes the rules all the time; end that, then try again")
    }

    private func report(
        _ ruleset: RulesetReader.Ruleset,
        _ sought: SoughtAddresses,
        problems: [String] = [],
        removed: Int = 0,
        saved: String? = nil
    ) async -> HandMadeReport {
        let files = files
        var knowing = sought
        knowing.sets = ruleset.sets
        let found = await BlockingThread.run { [knowing] in files.read(knowing) }
        let others = ruleset.others + found.others
        let cuts = ruleset.cuts + found.cuts
        return HandMadeReport(
            count: ruleset.handMade.reduce(0) { $0 + $1.count },
            rules: ruleset.handMade,
            otherCount: others.reduce(0) { $0 + $1.count },
            others: others,
            copyCount: found.copies.count,
            copies: found.copies.map {
                HandMadeReport.FileCopy(path: $0.path, line: $0.line, what: RulesetReader.shown($0.what))
            },
            cutCount: cuts.reduce(0) { $0 + $1.count },
            cuts: cuts,
            problems: ruleset.problems + problems,
            removed: removed,
            saved: saved
        )
    }
}
