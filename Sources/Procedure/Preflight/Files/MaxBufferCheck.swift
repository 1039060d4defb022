import ControlProtocol
import Settings
import Topology

extension Check {
    /// Trap 14.
    ///
    /// Judged on the flags of the processes; those of the destination are compared when they have joined.
    package static func maxBuffer(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let configurations = subject.configurations
        let inFiles = configurations.filter { $0.file["jute.maxbuffer"] != nil }.map(\.server)
        return Check(
            .maxBuffer,
            "the same jute.maxbuffer in every JVM of the source",
            remedy: "Start every server, the destination's too, with the same -Djute.maxbuffer",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            var sizes = BufferSizes()
            for (server, zookeeper) in fleet.seen(source) {
                guard let properties = zookeeper.javaProperties else { continue }
                sizes.note(properties, of: server.host)
            }
            if sizes.differ { remarks.refuse("jute.maxbuffer is \(sizes)") }
            for server in inFiles {
                remarks.warn(
                    "\(server.host): \(server.configPath): jute.maxbuffer has no effect in this file"
                )
            }
            return remarks.verdict("jute.maxbuffer is \(sizes)")
        }
    }
}
