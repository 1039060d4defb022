import Procedure
import Testing
import Topology

@testable import Reporting

@Suite("A run's probes in its report")
struct ReportProbesTests {
    private static func sample(
        _ second: Int64,
        writes: Int = 5,
        gap: Int = 210,
        worst: Int = 4,
        since: Int64? = nil,
        side: ProbedSide = .source
    ) -> ProbeSample {
        ProbeSample(
            side: side,
            at: 1_800_000_000_000 + second * 1000,
            writes: writes,
            failures: writes == 0 ? 1 : 0,
            worst: worst,
            gap: gap,
            unavailableSince: since,
            zxid: Zxid(epoch: 3, counter: UInt32(100 + second))
        )
    }

    @Test("a side that was not probed has none, and the report says so")
    func none() throws {
        #expect(RunReport.Probed(.destination, [Self.sample(1)]) == nil)
        let report = try ReportFixture().report()
        #expect(report.probes == nil && report.unavailability.source == nil)
        #expect(report.notRecorded.contains { $0.hasPrefix("unavailability of the source") })
    }

    @Test(
        "an interruption that lasts is one, as long as it came to be; two are two, and one at the end is open"
    )
    func interruptions() throws {
        let since: Int64 = 1_800_000_001_900
        let samples = [
            Self.sample(1), Self.sample(2), Self.sample(3, writes: 0, gap: 1100, since: since),
            Self.sample(4, writes: 0, gap: 2100, since: since), Self.sample(5, writes: 3, gap: 2700),
            Self.sample(6), Self.sample(7, writes: 4, gap: 1500), Self.sample(8),
            Self.sample(9, writes: 0, gap: 1050, since: 1_800_000_007_950),
        ]
        let probed = try #require(RunReport.Probed(.source, samples.reversed()))
        #expect(probed.samples == 9 && probed.longestGap == 2700 && probed.failures == 3)
        #expect(
            probed.interruptions == [
                .init(from: since, milliseconds: 2700, isOpen: false),
                .init(from: 1_800_000_005_500, milliseconds: 1500, isOpen: false),
                .init(from: 1_800_000_007_950, milliseconds: 1050, isOpen: true),
            ]
        )
    }

    @Test("a run that was paused was not interrupted meanwhile")
    func paused() throws {
        let samples = [
            Self.sample(1, writes: 0, gap: 1200, since: 1_799_999_999_800), Self.sample(4000),
        ]
        let probed = try #require(RunReport.Probed(.source, samples))
        #expect(
            probed.interruptions == [.init(from: 1_799_999_999_800, milliseconds: 1200, isOpen: false)]
        )
    }

    @Test("however long a run is, its page has some hundred points, in which nothing of the worst is lost")
    func points() throws {
        let samples = (1...5000).map { Self.sample(Int64($0), worst: $0 == 2501 ? 977 : 3) }
        let probed = try #require(RunReport.Probed(.source, samples))
        #expect(probed.points.count <= 200 && probed.points.count > 150)
        #expect(probed.points.map(\.writes).reduce(0, +) == 25_000)
        #expect(probed.points.map(\.worst).max() == 977)
        #expect(probed.points.last?.at == samples.last?.at)
    }

    @Test("no column hides its neighbour, also of a side that was probed for a part of the run only")
    func apart() throws {
        let start: Int64 = 1_800_000_000_000
        let columns = (60..<100).map {
            ReportPlot.Column(at: start + Int64($0) * 1000, value: 5, kind: .fill)
        }
        let span = start...(start + 100_000)
        let drawn = ReportPlot(columns: columns, span: span, most: 5).markup.description
        #expect(drawn.ranges(of: "width=\"9\"").count == 40)
        // With a pause of a day in the middle the columns are as narrow as can be seen, and one alone is a column.
        let late = columns.map { ReportPlot.Column(at: $0.at + 86_400_000, value: 5, kind: .fill) }
        let whole = start...(start + 86_500_000)
        let paused = ReportPlot(columns: columns + late, span: whole, most: 5).markup.description
        #expect(paused.ranges(of: "width=\"2\"").count == 80)
        let alone = ReportPlot(columns: Array(columns.prefix(1)), span: start...start, most: 5)
        #expect(alone.markup.description.ranges(of: "width=\"40\"").count == 1)
    }

    @Test("the page draws each point with its number, and the source's unavailability in words")
    func page() throws {
        let samples = [
            Self.sample(1), Self.sample(2, writes: 3, gap: 1900, worst: 1200),
            Self.sample(3, side: .destination),
        ]
        var fixture = try ReportFixture()
        fixture.probes = samples
        let report = try fixture.report()
        #expect(report.unavailability.source == 1900)
        let page = ReportPage(report).html
        for point in (report.probes ?? []).flatMap(\.points) {
            #expect(page.contains("data-at=\"\(point.at)\" data-value=\"\(point.gap)\""))
            #expect(page.contains("data-at=\"\(point.at)\" data-value=\"\(point.worst)\""))
        }
        #expect(page.contains("Source: 1.90 s at most between two acknowledged writes of its probe."))
        #expect(page.contains("No write was acknowledged for 1.90 s"))
    }
}
