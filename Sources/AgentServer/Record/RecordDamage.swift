package import ControlProtocol

/// What was found damaged in the command record when it was opened.
///
/// A damaged line may have been the intent or the outcome of any command so far. So the agent acts on no id that is not
/// recorded as finished, as long as it comes under an epoch that had been granted by then; only what undoes harm is carried
/// out. A higher epoch is one whose coordinator looked at the host anew, and is served as ever.
package struct RecordDamage: Hashable, Sendable, Codable {
    /// The highest epoch that could have written the lines.
    package let epoch: FencingEpoch
    /// How many lines.
    package let count: Int
    /// The first of them, as numbered in `copy`.
    package let line: Int
    package let reason: String
    /// The damaged file under another name; nil when it could not be kept.
    package let copy: String?

    package init(epoch: FencingEpoch, count: Int, line: Int, reason: String, copy: String?) {
        self.epoch = epoch
        self.count = count
        self.line = line
        self.reason = reason
        self.copy = copy
    }

    /// For a command that comes under an epoch up to that of the damage.
    package var objection: String {
        "\(text); what became of commands under epoch \(epoch) or a lower one is not known for certain, so this one "
            + "was not carried out: look at the host, then start `mitosis` again, which takes a higher epoch"
    }

    package var text: String { told.whole }

    /// The reason may hold some of the damaged line.
    var told: FaultText {
        let place = copy.map { "\($0):\(line)" } ?? "line \(line) of the command record"
        let damage = "\(count) line\(count == 1 ? "" : "s") of the command record were damaged on the disk"
        return FaultText(whole: "\(damage) (\(place): \(reason))", shown: "\(damage) (\(place))")
    }
}
