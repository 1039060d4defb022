import ControlProtocol
import Fleet
import Settings
import Topology

extension Check {
    /// Trap 7.
    ///
    /// Judged by the answers: ZooKeeper allows `srvr` whatever its whitelist says, as its own scripts need it.
    package static func fourLetterWords(_ subject: SurveyedPlan) -> Check {
        let source = subject.plan.source
        let configurations = subject.configurations
        return Check(
            .fourLetterWords,
            "every source server answers `srvr`",
            remedy:
                "Allow srvr and mntr (4lw.commands.whitelist=srvr,mntr) and restart the servers that refuse it; without mntr "
                + "it is not seen whether the leader counts its followers as synced",
            looking: Look(hosts: source.map(\.host))
        ) { fleet, _ in
            var remarks = Remarks()
            let running = fleet.running(source)
            for (server, zookeeper) in running where zookeeper.serving.isSilenced {
                remarks.refuse("\(server.host) refuses `srvr`")
            }
            for (server, file) in configurations {
                guard let words = file.allowedFourLetterWords, words.isDisjoint(with: ["mntr", "*"]) else {
                    continue
                }
                remarks.warn("\(server.host): \(server.configPath): 4lw.commands.whitelist leaves mntr out")
            }
            return remarks.verdict("\(running.count) servers answer srvr")
        }
    }
}
