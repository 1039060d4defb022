/// What the check of a producer's history against its topic found.
package struct KafkaHistoryReport: Codable, Sendable, Hashable {
    package var acknowledged = 0
    /// Messages that the producer gave up on without ever handing them over.
    package var failed = 0
    /// Messages that the producer gave up on without learning, and how many of them are there.
    package var unknown = 0
    package var unknownThatHappened = 0
    /// Messages that took more than one try.
    package var retried = 0
    /// Numbers of acknowledged messages that are not in the topic, a sentence each.
    package var lost: [String] = []
    /// Copies beyond the first of messages of which a try was left open: retrying makes them.
    package var duplicated = 0
    /// Messages that come after a later one of their partition.
    package var outOfOrder: [String] = []
    /// From the first try to the acknowledgement, in seconds.
    package var longestLatency: Double?
    /// Everything else that is wrong, a sentence each.
    package var problems: [String] = []

    package init() {}

    /// Whether no message failed or was lost or misplaced, and nothing else is wrong.
    ///
    /// Explained duplicates are what a producer that tries again asks for.
    package var isClean: Bool {
        failed == 0 && unknown == 0 && lost.isEmpty && outOfOrder.isEmpty && problems.isEmpty
    }
}
