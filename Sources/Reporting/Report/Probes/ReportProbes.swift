package import Procedure
import Topology

extension RunReport {
    /// What the probe of one side was answered, along the run.
    package struct Probed: Hashable, Sendable, Codable {
        /// Some samples in a row, added up: a page has room for so many.
        package struct Point: Hashable, Sendable, Codable {
            /// The end of the last of them, Unix milliseconds.
            package let at: Int64
            package internal(set) var writes: Int
            package internal(set) var failures: Int
            /// Milliseconds, of the longest acknowledged write.
            package internal(set) var worst: Int
            /// Milliseconds, the longest time between two acknowledged writes, or since the last.
            package internal(set) var gap: Int
            /// Of the last acknowledged write.
            package internal(set) var zxid: String?
        }

        /// From an acknowledged write to the next one.
        package struct Interruption: Hashable, Sendable, Codable {
            package let from: Int64
            package let milliseconds: Int
            /// Whether it had not ended when the samples do.
            package let isOpen: Bool
        }

        package let side: ProbedSide
        package let samples: Int
        package let writes: Int
        package let failures: Int
        /// Milliseconds: the longest time between two acknowledged writes.
        package let longestGap: Int
        /// Those above a second, in their order; at most 100.
        package let interruptions: [Interruption]
        package let points: [Point]

        /// So many points at most.
        private static let room = 200
        private static let mostInterruptions = 100
        /// Milliseconds; what is shorter is an answer that took its time.
        private static let brief = 1000
        /// Milliseconds between samples of one program: a longer time is a pause of the run, in which nobody probed.
        private static let pause: Int64 = 10_000

        /// Nil when this side was not probed.
        init?(_ side: ProbedSide, _ all: [ProbeSample]) {
            let samples = all.filter { $0.side == side }.sorted { $0.at < $1.at }
            guard !samples.isEmpty else { return nil }
            self.side = side
            self.samples = samples.count
            writes = samples.reduce(0) { $0 + $1.writes }
            failures = samples.reduce(0) { $0 + $1.failures }
            longestGap = samples.map(\.gap).max() ?? 0
            interruptions = Array(Self.interruptions(samples).prefix(Self.mostInterruptions))
            points = Self.points(samples)
        }

        /// One that lasts is in every sample of its time, longer each time: the last of these counts.
        private static func interruptions(_ samples: [ProbeSample]) -> [Interruption] {
            var found: [Interruption] = []
            for (index, sample) in samples.enumerated() where sample.gap > brief {
                let next = index + 1 < samples.count ? samples[index + 1] : nil
                let goesOn = next.map {
                    $0.at - sample.at < pause && sample.writes == 0 && $0.gap >= sample.gap
                }
                if goesOn == true { continue }
                let before = index > 0 && sample.at - samples[index - 1].at < pause ? samples[index - 1] : nil
                let since = sample.unavailableSince ?? before?.unavailableSince
                let from = since ?? sample.at - Int64(sample.gap)
                found.append(
                    Interruption(
                        from: from,
                        milliseconds: sample.gap,
                        isOpen: sample.unavailableSince != nil && next == nil
                    )
                )
            }
            return found
        }

        private static func points(_ samples: [ProbeSample]) -> [Point] {
            let width = max(1, (samples.count + room - 1) / room)
            return stride(from: 0, to: samples.count, by: width).compactMap { start in
                let some = samples[start..<min(start + width, samples.count)]
                guard let last = some.last else { return nil }
                return Point(
                    at: last.at,
                    writes: some.reduce(0) { $0 + $1.writes },
                    failures: some.reduce(0) { $0 + $1.failures },
                    worst: some.map(\.worst).max() ?? 0,
                    gap: some.map(\.gap).max() ?? 0,
                    zxid: some.last { $0.zxid != nil }?.zxid?.description
                )
            }
        }
    }
}
