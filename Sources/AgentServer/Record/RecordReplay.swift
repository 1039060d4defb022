import ControlProtocol
import FoundationEssentials
import SystemCalls

/// What the lines of `commands.jsonl` amount to, one after another.
struct RecordReplay {
    struct Known: Hashable {
        let run: RunID
        let digest: String
        var intent: LineFile.Extent
        var outcome: LineFile.Extent?
    }

    private(set) var known: [CommandID: Known] = [:]
    /// Oldest first, by each command's latest intent.
    private(set) var order: [CommandID] = []
    /// Of an earlier start.
    private(set) var marker: RecordDamage?
    /// Lines that cannot be what was written.
    private(set) var damaged: [(line: Int, reason: String)] = []
    private(set) var highest = FencingEpoch(0)
    private(set) var hasUnsealed = false
    private var hasSealed = false
    /// Bytes of a torn last line.
    var discarded = 0

    /// A file that is not read at all.
    mutating func refuse(_ reason: String) { damaged.append((1, reason)) }

    mutating func take(_ extent: LineFile.Extent, _ line: Data?) {
        guard let line else {
            return damaged.append((extent.line, "it is \(extent.length) bytes long, which no line is"))
        }
        let object: [UInt8]
        switch SealedJSON.open(line) {
        case .sound(let content):
            object = content
            hasSealed = true
        // An earlier version's record has none, and gets them at once: one among others lost its own.
        case .unsealed where hasSealed:
            return damaged.append((extent.line, "it has no checksum, unlike the lines before it"))
        case .unsealed(let content):
            object = content
            hasUnsealed = true
        case .damaged: return damaged.append((extent.line, "its checksum does not match"))
        }
        do {
            try take(extent, WireJSON.decode(RecordEntry.self, from: Data(object)))
        } catch {
            damaged.append((extent.line, WireJSON.describe(error)))
        }
    }

    private mutating func take(_ extent: LineFile.Extent, _ entry: RecordEntry) {
        switch entry {
        case .intent(let intent):
            if known[intent.id] != nil { order.removeAll { $0 == intent.id } }
            known[intent.id] = Known(run: intent.lease.runID, digest: intent.digest, intent: extent)
            order.append(intent.id)
            highest = max(highest, intent.lease.epoch)
        case .outcome(let id, _, _):
            guard known[id] != nil else {
                return damaged.append((extent.line, "an outcome of \(id) without its intent"))
            }
            known[id]?.outcome = extent
        case .damaged(let found):
            if found.epoch >= marker?.epoch ?? FencingEpoch(0) { marker = found }
            highest = max(highest, found.epoch)
        }
    }
}
